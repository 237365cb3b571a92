#!/usr/bin/env python3
"""Counts what a ctest run tested: count.py JUNIT.xml RESULTS_DIR

A program that left TAP counts as its cases, any other as one.  Prints what failed and, last, three numbers.  A program
that failed without a failed case (it crashed, hung, or left no TAP) is one failure more.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def cases(tap):
    """Yields (verdict, name) for every line of a TAP file."""
    for line in tap.read_text(errors="replace").splitlines():
        match = re.match(r"(not )?ok - (\S+)(.*)", line)
        if match:
            skipped = "# SKIP" in match[3]
            yield ("skipped" if skipped else "failed" if match[1] else "passed"), match[2]


def count(junit, results):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for program in ElementTree.parse(junit).getroot().iter("testcase"):
        name, passed = program.get("name"), program.get("status") == "run"
        tap = results / f"{name}.tap"
        found = list(cases(tap)) if tap.exists() else []
        for verdict, case in found:
            total[verdict] += 1
            if verdict == "failed":
                failures.append(f"{name}: {case}")
        if name.startswith("test_") and not found:
            passed = False
        if not passed and not any(verdict == "failed" for verdict, _ in found):
            total["failed"] += 1
            failures.append(f"{name}: the program itself ({program.get('status')})")
        elif not found:
            total["passed"] += 1
    return total, failures


def main():
    total, failures = count(sys.argv[1], pathlib.Path(sys.argv[2]))
    for line in failures:
        print(f"  failed: {line}")
    print(total["passed"], total["failed"], total["skipped"])


if __name__ == "__main__":
    main()
