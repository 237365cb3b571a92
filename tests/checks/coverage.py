#!/usr/bin/env python3
"""What the tests reach: coverage.py SOURCE BUILD, after the tests ran in a coverage build.

Prints how many lines of each file are reached, and fails if there are fewer of the engine's than there have to be, or if a
row of script.def or a code of errors.def is not come to: tests/coverage/reached.c makes lines of them.  With --missing it
prints the engine's lines that are not reached, and that alone.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

LAYERS = ("engine", "bio_pair", "ssl")
LEAST = 97  # percent of the engine's lines
TABLES = (("rows of the script", pathlib.Path("engine/script.def")), ("codes", pathlib.Path("include/handfast/errors.def")))


def count(source, build):
    """How often each line was run, by file and number."""
    lines = collections.defaultdict(dict)
    notes = sorted(str(path) for path in build.rglob("*.gcda") if path.parent.name in (*LAYERS, "coverage"))
    with tempfile.TemporaryDirectory() as work:
        output = subprocess.run(["gcov", "--json-format", "--stdout", *notes], cwd=work, capture_output=True, check=True,
                                text=True).stdout
    for report in map(json.loads, output.splitlines()):
        for entry in report["files"]:
            path = pathlib.Path(os.path.realpath(os.path.join(report["current_working_directory"], entry["file"])))
            if path.is_relative_to(source):
                seen = lines[path.relative_to(source)]
                for line in entry["lines"]:
                    seen[line["line_number"]] = seen.get(line["line_number"], 0) + line["count"]
    return lines


def share(counts):
    hit = sum(1 for times in counts if times)
    return hit, len(counts), 100 * hit / max(len(counts), 1)


def tell(counts, what):
    hit, total, percent = share(counts)
    print(f"{percent:6.1f}%  {hit:5} of {total:5}  {what}")
    return percent


def missing(source, name, counts):
    text = (source / name).read_text().splitlines()
    return [f"{name}:{number}: {text[number - 1].strip()}" for number in sorted(counts) if not counts[number]]


def main():
    only_missing = "--missing" in sys.argv
    source, build = (pathlib.Path(word).resolve() for word in sys.argv[-2:])
    lines = count(source, build)
    tables = [(what, name, lines.pop(name, {})) for what, name in TABLES]
    if only_missing:
        print(*(line for name in sorted(lines) if name.parts[0] == "engine" for line in missing(source, name, lines[name])),
              sep="\n")
        return 0
    together = collections.defaultdict(list)
    for name in sorted(lines):
        if name.parts[0] in LAYERS:
            tell(lines[name].values(), name)
            together[name.parts[0]].extend(lines[name].values())
    print()
    bad = []
    for layer in LAYERS:
        percent = tell(together[layer], f"lines of {layer}/ together")
        if layer == "engine" and percent < LEAST:
            bad.append(f"fewer than {LEAST}% of the engine's lines are reached: coverage.py --missing names the others")
    tell(sum(together.values(), []), "lines together")
    for what, name, counts in tables:
        tell(counts.values(), what)
        bad.extend(f"nothing comes to {line}" for line in missing(source, name, counts))
        if not counts:
            bad.append(f"{name} was not counted")
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
