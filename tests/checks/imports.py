#!/usr/bin/env python3
"""The engine calls nothing but libcrypto: imports.py libhandfast.a libcrypto (.so or .a)

The undefined symbols of the archive must be those of imports.txt: names that libcrypto defines, and memcpy, memmove,
memset, memcmp.  A name on the list that the engine no longer uses is an error too, so the list stays true.
"""
import pathlib
import subprocess
import sys

MEMORY = {"memcpy", "memmove", "memset", "memcmp"}
# What a compiler may put in by itself, depending on how it was set up.
COMPILER = {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def symbols(flags, library):
    output = subprocess.run(["nm", *flags, library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in output.splitlines() if len(line.split()) >= 2}


def plain(name):
    """memcpy for __memcpy_chk: the same function, as a hardened compiler calls it."""
    return name[2:-4] if name.startswith("__mem") and name.endswith("_chk") else name


def main():
    archive, crypto = sys.argv[1], sys.argv[2]
    used = symbols(["--undefined-only"], archive) - symbols(["--defined-only"], archive) - COMPILER
    used = {plain(name) for name in used}
    listed = set((pathlib.Path(__file__).parent / "imports.txt").read_text().split())
    dynamic = ["--dynamic"] if ".so" in pathlib.Path(crypto).name else []
    provided = symbols([*dynamic, "--defined-only"], crypto)

    problems = [f"{name}: imported by the engine, not on the list" for name in sorted(used - listed)]
    problems += [f"{name}: imported by the engine, not libcrypto's" for name in sorted(used - provided - MEMORY)]
    # A name that this libcrypto does not provide is an inline function in it.
    problems += [f"{name}: on the list, not imported" for name in sorted((listed & provided) - used - MEMORY)]
    for problem in problems:
        print(f"imports: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
