#!/usr/bin/env python3
"""Runs BoringSSL's conformance suite: run.py SHIM DIRECTORY [PATTERN]

SHIM is the program that speaks for us, DIRECTORY what tests/bogo/fetch made, PATTERN what the names of the tests to run
match, several with semicolons between them.  What config.json disables is not run.  A run of all of them also holds
DISABLED.md to config.json and to the suite: each pattern stands there with its reason and how many tests it removes that
no pattern before it does, and those that ran and those removed are all there are.

The last line is `N passed, N failed, N skipped`; a test that asks for what the shim has no flag for has failed.
"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SHOWN = 20  # failures, with all that the runner says of them


def run(shim, directory, options):
    """Yields (outcome, name, what the runner says of a failure) for each test."""
    command = [str(directory / "runner"), "-test.timeout=2h", "-shim-path", str(shim), "-shim-config",
               str(HERE / "config.json"), "-resource-dir", str(directory / "resources"), "-pipe",
               "-num-workers", str(2 * (os.cpu_count() or 1)), *options]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    test, said, any_failed = None, [], False
    for line in runner.stdout:
        start = re.match(r"(PASSED|FAILED|UNIMPLEMENTED) \((.*)\)$", line)
        if start or line == "PASS\n":
            if test:
                yield (*test, "".join(said).strip())
            test, said = start and (start[1], start[2]), []
            any_failed = any_failed or test and test[0] != "PASSED"
        else:
            said.append(line)
    if test:
        yield (*test, "".join(said).strip())
    # At its end it exits with 1 if a test has failed, and else with 0.
    if runner.wait() != (1 if any_failed else 0):
        print("run.py: the runner gave up:\n" + "".join(said))
        print("0 passed, 1 failed, 0 skipped")
        sys.exit(1)


def all_names(directory):
    """The names of all tests, which are always the same, from a shim that leaves at once."""
    file = directory / "names"
    if not file.exists():
        nobody = directory / "nobody"
        nobody.write_text("#!/bin/sh\necho No\n")  # the answer to -is-handshaker-supported
        nobody.chmod(0o755)
        names = sorted(name for _, name, _ in run(nobody, directory, ["-include-disabled"]))
        new = file.with_suffix(".new")
        new.write_text("\n".join(names) + "\n")
        new.replace(file)
    return file.read_text().split()


def page_errors(names, num_run):
    """What is wrong with DISABLED.md."""
    patterns = json.loads((HERE / "config.json").read_text())["DisabledTests"]
    rows = dict(re.findall(r"^\| `(\S+)` \| ([\d,]+) \|", (HERE / "DISABLED.md").read_text(), re.M))
    yield from (f"config.json disables {p}, DISABLED.md does not say so" for p in patterns if p not in rows)
    yield from (f"DISABLED.md has {p}, config.json has not" for p in rows if p not in patterns)
    removed = set()
    for pattern in patterns:
        matching = set(fnmatch.filter(names, pattern)) - removed
        if str(len(matching)) != rows.get(pattern, "").replace(",", ""):
            yield f"{pattern} removes {len(matching)} tests, not {rows.get(pattern)}"
        removed |= matching
    if num_run + len(removed) != len(names):
        yield f"{num_run} ran and {len(removed)} are disabled, of {len(names)}"


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    shim, directory = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    counts, shown = {"PASSED": 0, "FAILED": 0, "UNIMPLEMENTED": 0}, 0
    pattern = sys.argv[3] if len(sys.argv) == 4 else ""
    for outcome, name, said in run(shim, directory, ["-test", pattern] if pattern else []):
        counts[outcome] += 1
        if outcome == "PASSED":
            continue
        shown += 1
        if shown <= SHOWN:
            print(f"{name}: " + (said if outcome == "FAILED" else "the shim has no such flag"))
        elif shown == SHOWN + 1:
            print("and more, of which the names alone follow")
        if shown > SHOWN:
            print(name)
    failed = counts["FAILED"] + counts["UNIMPLEMENTED"]
    if not pattern:
        names = all_names(directory)
        errors = list(page_errors(names, counts["PASSED"] + failed))
        failed += len(errors)
        print("\n".join(errors[:50]), end="\n" if errors else "")
        print(f"{counts['PASSED']} of {len(names)} tests passed; DISABLED.md says why the others do not run")
    print(f"{counts['PASSED']} passed, {failed} failed, 0 skipped")
    return failed > 0 or counts["PASSED"] == 0


if __name__ == "__main__":
    sys.exit(main())
