#!/usr/bin/env python3
"""README.md says what is true: readme.py SOURCE [--write]

Its program is the part of examples/embed.c between the two lines that say README, or all of it (--write puts it there);
its tables name every want and every question of handfast.h, and nothing that is not there; its links lead somewhere.
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"(<!-- embed: (\S+) -->\n```c\n)(.*?)(```\n<!-- embed end -->)", re.S)


def program(path):
    text = path.read_text()
    marked = re.search(r"^[^\n]*README[^\n]*begin[^\n]*\n(.*?)^[^\n]*README[^\n]*end", text, re.S | re.M)
    return marked[1] if marked else text


def main():
    source = pathlib.Path(sys.argv[1])
    readme = source / "README.md"
    text = readme.read_text()
    block = BLOCK.search(text)
    want = program(source / block[2])
    if "--write" in sys.argv:
        readme.write_text(text[:block.start(3)] + want + text[block.end(3):])
        return 0
    problems = []
    if block[3] != want:
        problems.append(f"its program is not that of {block[2]}: run tests/checks/readme.py . --write")

    header = "".join((source / "include/handfast" / name).read_text() for name in ("handfast.h", "question.h"))
    real = set(re.findall(r"^\s+(HF_ASK_\w+)\b", header, re.M)) - {"HF_ASK_NONE"}
    wants = re.search(r"What hf_wants answers.*?enum \{(.*?)\};", header, re.S)
    real |= set(re.findall(r"^\s+(HF_\w+) = ", wants[1], re.M))
    told = set(re.findall(r"^\| `(HF_\w+)` \|", text, re.M))
    problems += [f"the tables lack {name}" for name in sorted(real - told)]
    problems += [f"the tables have {name}, handfast.h has not" for name in sorted(told - real)]
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "SPEC.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (source / page).read_text()):
            if not (source / link).exists():
                problems.append(f"{page} leads to {link}, which is not there")
    for problem in problems:
        print(f"readme: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
