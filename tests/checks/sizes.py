#!/usr/bin/env python3
"""Files of at most 700 lines, functions of at most 60, nothing written twice: sizes.py SOURCE

A function is counted from the line of its opening brace to that of its closing one.  Twice means: ten lines in a row,
not counting blank ones, comments, braces and #includes, that stand elsewhere in the product too.
"""
import pathlib
import re
import sys

MAX_FILE, MAX_FUNCTION, MAX_REPEAT = 700, 60, 10
PRODUCT = ("engine", "bio_pair", "ssl", "include", "tools")
ALSO = ("examples", "bench", "fuzz", "tests")


def uncommented(text):
    """The text with comments blanked out, line for line."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0]) if match[0].startswith(("/*", "//")) else match[0]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', blank, text, flags=re.S)


def functions(lines):
    """Yields (line number of the head, length) of every function body that begins in the first column."""
    start = None
    for i, line in enumerate(lines):
        if re.match(r"^[A-Za-z_{].*\{\s*$", line) or line.rstrip() == "{" or (
                start is None and re.match(r"^\s+.*\)\s*\{\s*$", line)):
            if not re.match(r"^(typedef|struct|union|enum|extern|static const|const)\b(?!.*\)\s*\{)", line) and (
                    start is None or not line.startswith(" ")):
                start = i
        elif line.startswith("}") and start is not None:
            yield start + 1, i - start + 1
            start = None


def bricks(lines):
    """The lines that count as written: (line number, text without spaces)."""
    for i, line in enumerate(lines):
        text = re.sub(r"\s+", "", line)
        if len(text) > 3 and not text.startswith("#include"):
            yield i + 1, text


def repeats(files):
    seen, found = {}, []
    for where, lines in files:
        rows, last = list(bricks(lines)), -MAX_REPEAT
        for i in range(len(rows) - MAX_REPEAT + 1):
            key = tuple(text for _, text in rows[i:i + MAX_REPEAT])
            first = seen.setdefault(key, (where, rows[i][0], i))
            if (first[0], first[2]) != (where, i) and not (first[0] == where and i - first[2] < MAX_REPEAT):
                if i - last >= MAX_REPEAT:
                    found.append(f"{where}:{rows[i][0]}: stands at {first[0]}:{first[1]} too")
                last = i
    return found


def main():
    source = pathlib.Path(sys.argv[1])
    problems, product = [], []
    for layer in PRODUCT + ALSO:
        for path in sorted((source / layer).rglob("*")):
            if path.suffix not in (".c", ".h", ".cc"):
                continue
            where = path.relative_to(source)
            lines = uncommented(path.read_text()).split("\n")
            if len(lines) - 1 > MAX_FILE:
                problems.append(f"{where}: {len(lines) - 1} lines, {MAX_FILE} are allowed")
            for head, length in functions(lines):
                if length > MAX_FUNCTION:
                    problems.append(f"{where}:{head}: a function of {length} lines, {MAX_FUNCTION} are allowed")
            if layer in PRODUCT:
                product.append((where, lines))
    for problem in problems + repeats(product):
        print(f"sizes: {problem}")
    return 1 if problems or repeats(product) else 0


if __name__ == "__main__":
    sys.exit(main())
