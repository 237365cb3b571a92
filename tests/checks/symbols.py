#!/usr/bin/env python3
"""Exported symbols are the declared ones: symbols.py SOURCE libhandfast.so libhandfast_ssl.so

Every function or object that the public headers mark with a macro that ends in _EXPORT is exported by its library, and
nothing else is: handfast.h (with the parts it includes) is libhandfast's, the other headers are libhandfast_ssl's.
"""
import pathlib
import re
import subprocess
import sys


def strip(text):
    """Takes comments, preprocessor lines and strings out of C text."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)


def declared(header):
    """The names that a header marks as exported."""
    names = set()
    for match in re.finditer(r"\b[A-Z]\w*_EXPORT\b([^;{]*)[;{]", strip(header.read_text())):
        text = re.sub(r"\bSTACK_OF\s*\(\w+\)", "stack", match[1])
        text = re.sub(r"__attribute__\s*\(\(.*?\)\)|\b(HF_MUST_USE|OPENSSL_DEPRECATED)\b", " ", text)
        # The declared name stands before the first parenthesis that does not open a (*...).
        call = re.search(r"\b([A-Za-z_]\w*)\s*\((?!\s*\*)", text)
        if call:
            names.add(call[1])
        else:
            names.add(re.search(r"([A-Za-z_]\w*)\s*(?:\[[^]]*\]\s*)*$", text.strip())[1])
    return names


def exported(library):
    output = subprocess.run(["nm", "--dynamic", "--defined-only", library], check=True, capture_output=True,
                            text=True).stdout
    return {line.split()[-1].split("@")[0] for line in output.splitlines() if line}


def main():
    include = pathlib.Path(sys.argv[1]) / "include"
    main_header = include / "handfast" / "handfast.h"
    parts = re.findall(r"^#include <(handfast/\w+\.h)>", main_header.read_text(), flags=re.M)
    engine = [main_header] + [include / name for name in parts]
    others = [path for path in sorted(include.rglob("*.h")) if path not in engine]
    problems = []
    for library, headers in ((sys.argv[2], engine), (sys.argv[3], others)):
        want = set().union(*(declared(header) for header in headers))
        have = exported(library)
        name = pathlib.Path(library).name
        problems += [f"{symbol}: declared, but {name} does not export it" for symbol in sorted(want - have)]
        problems += [f"{symbol}: {name} exports it, but no header declares it" for symbol in sorted(have - want)]
    for problem in problems:
        print(f"symbols: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
