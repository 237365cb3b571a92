#!/usr/bin/env python3
"""Nothing of a connection is forgotten when it is saved: save.py SOURCE

Every field of the structs below has a line in engine/save.def, which says how it is saved or why it is not; and every
line there is about a field that there is.
"""
import pathlib
import re
import sys

# The macro of save.def, the struct, and the file that defines it.
STRUCTS = (("CONN", "hf_conn", "engine/engine.h"), ("HS", "hf_hs", "engine/engine.h"),
           ("POST", "hf_post", "engine/engine.h"), ("QUIC_PART", "hf_quic", "engine/engine.h"),
           ("CUSTOM", "hf_custom", "engine/engine.h"), ("KEYS", "hf_keys", "engine/schedule.h"),
           ("IDENTITY", "hf_identity", "engine/engine.h"),
           ("SETTINGS", "hf_settings", "include/handfast/handfast.h"))
# Kinds that save a second field with the first.
TOGETHER = {"NAME8": "{}_len", "NAME16": "{}_len", "AUTHORITIES": "num_{}"}


def uncommented(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def fields(text, struct):
    """The names of a struct's fields."""
    body = re.search(rf"struct {struct} \{{(.*?)\n\}}", text, flags=re.S)
    if not body:
        sys.exit(f"save: struct {struct} is not where it is looked for")
    names = []
    for declaration in body[1].split(";"):
        for declarator in declaration.split(","):
            plain = re.sub(r"\[[^]]*\]|:\s*\d+", " ", declarator)
            names += re.findall(r"(\w+)\s*$", plain.strip())
    return names


def main():
    source = pathlib.Path(sys.argv[1])
    list_text = uncommented((source / "engine/save.def").read_text())
    problems = []
    for macro, struct, path in STRUCTS:
        have = fields(uncommented((source / path).read_text()), struct)
        said = [name for kind, field in re.findall(rf"^{macro}\((\w+), (\w+)\)", list_text, flags=re.M)
                for name in (field, TOGETHER.get(kind, "{}").format(field))]
        said = list(dict.fromkeys(said)) + re.findall(rf'^{macro}_NOT\((\w+), "[^"]+"\)', list_text, flags=re.M)
        problems += [f"{struct}.{name}: a field without a line in engine/save.def" for name in have if name not in said]
        problems += [f"engine/save.def: {struct} has no field {name}" for name in said if name not in have]
        problems += [f"engine/save.def: {struct}.{name} stands there twice"
                     for name in sorted(set(said)) if said.count(name) > 1]
    for problem in problems:
        print(f"save: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
