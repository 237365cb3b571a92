#!/usr/bin/env python3
"""How much of each file the tests reach: coverage.py SOURCE BUILD, after the tests ran in a coverage build."""
import collections
import json
import pathlib
import subprocess
import sys

LAYERS = ("engine", "bio_pair", "ssl")


def main():
    source, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    lines = collections.defaultdict(dict)
    for notes in sorted(build.rglob("*.gcda")):
        output = subprocess.run(["gcov", "--json-format", "--stdout", str(notes)], cwd=build, capture_output=True,
                                check=True, text=True).stdout
        for report in output.splitlines():
            for entry in json.loads(report)["files"]:
                path = pathlib.Path(entry["file"])
                path = path if path.is_absolute() else build / path
                if path.resolve().is_relative_to(source):
                    name = path.resolve().relative_to(source)
                    for line in entry["lines"]:
                        seen = lines[name]
                        seen[line["line_number"]] = seen.get(line["line_number"], 0) + line["count"]
    total, reached = 0, 0
    for name in sorted(lines):
        if name.parts[0] in LAYERS:
            hit = sum(1 for count in lines[name].values() if count)
            total, reached = total + len(lines[name]), reached + hit
            print(f"{100 * hit / len(lines[name]):6.1f}%  {hit:5} of {len(lines[name]):5}  {name}")
    print(f"{100 * reached / max(total, 1):6.1f}%  {reached:5} of {total:5}  together")


if __name__ == "__main__":
    main()
