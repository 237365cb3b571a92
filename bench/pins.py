"""What can be counted exactly, and the file that says what it has to be: counts.json.

Instructions of functions in engine/, bio_pair/ and ssl/ alone, for whatever libcrypto does with the same calls is its own
affair; allocations of a handshake, the fewest that one of many took; bytes of heap; .text.  All depend on the compiler,
the libcrypto and the C library, so other ones than the file's are a reason to skip.
"""
import json
import pathlib
import platform
import re
import shutil
import subprocess

PATH = pathlib.Path(__file__).resolve().parent / "counts.json"
OWN = ("engine", "bio_pair", "ssl")
SUBJECTS = ["engine", "ours"]
SKIP = 77  # as ctest has it


def setting(cache, name):
    found = re.search(rf"^{name}:[A-Z]*=(.*)$", cache, flags=re.M)
    return found[1] if found else ""


def circumstances(build):
    """What the numbers depend on."""
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    compiler = subprocess.run([setting(cache, "CMAKE_C_COMPILER"), "--version"], capture_output=True, text=True,
                              check=True).stdout.splitlines()[0]
    return {"machine": platform.machine(), "libc": " ".join(platform.libc_ver()),
            "compiler": re.sub(r"^\S+", "cc", compiler),
            "build type": setting(cache, "CMAKE_BUILD_TYPE"), "flags": setting(cache, "CMAKE_C_FLAGS"),
            "libcrypto": setting(cache, "BoringSSL_CRYPTO_LIBRARY")}


def measure(bench):
    """{name: [number, by how much it may differ]}"""
    found = {}
    for title, by_subject in bench.counts(SUBJECTS).items():
        for subject, layers in by_subject.items():
            own = sum(layers.get(layer, 0) for layer in OWN)
            found[f"instructions, {subject}, {title}"] = [own, "2%"]
    for figure, by_subject in bench.memory(SUBJECTS).items():
        for subject, row in by_subject.items():
            for kind, allowed in (("allocations", "0"), ("idle", "2%"), ("peak", "2%"), ("sent", "2%")):
                found[f"{kind}, {subject}, {figure}"] = [round(row[kind]), allowed]
    for subject, value in bench.size()[".text"].items():
        if subject in SUBJECTS:
            found[f".text, {subject}"] = [value, "2%"]
    return found


def differs(was, now):
    number, allowed = was
    most = number * float(allowed[:-1]) / 100 if allowed.endswith("%") else float(allowed)
    return abs(now - number) > most


def main(bench, option):
    here = circumstances(bench.build)
    if option == "--pin":
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(measure(bench).items())]
        PATH.write_text('{\n"for": ' + json.dumps(here, indent=1) + ',\n"counts": {\n' + ",\n".join(lines) + "\n}\n}\n",
                        encoding="utf-8")
        return 0
    if shutil.which("valgrind") is None:
        print("Skipped: valgrind, which counts, is not installed")
        return SKIP
    pinned = json.loads(PATH.read_text(encoding="utf-8"))
    other = [f"{name} is {here[name]!r}, not {value!r}" for name, value in pinned["for"].items() if here[name] != value]
    if other:
        print("Skipped: the counts are for another build: " + "; ".join(other))
        return SKIP
    now, was = measure(bench), pinned["counts"]
    bad = [f"{name}: {now[name][0]}, and bench/counts.json says {value[0]} (within {value[1]})"
           for name, value in was.items() if name in now and differs(value, now[name][0])]
    bad += [f"{name}: is not in bench/counts.json" for name in now if name not in was]
    bad += [f"{name}: is in bench/counts.json alone" for name in was if name not in now]
    print("\n".join(bad) or f"{len(was)} counts are as bench/counts.json says")
    if bad:
        print("If that is meant: bench/run.py build/release --pin, and say in the commit why.")
    return 1 if bad else 0
