#!/usr/bin/env python3
"""Arrows point down: includes.py SOURCE BORINGSSL_INCLUDE

  engine/    includes the standard's freestanding headers and <string.h>, libcrypto's (not SSL, X509, BIO, ERR's users'
             headers, RAND), handfast/handfast.h and itself; record and quic know levels and secrets, never messages
  bio_pair/  includes the standard's headers, libcrypto's, handfast/bio_pair.h and itself
  ssl/       includes anything of the system, the public headers, and itself; of engine/ only tables, which are data
  include/   includes public headers only
  tests/bogo includes the standard's headers, libcrypto's, <openssl/ssl.h>, handfast/bio_pair.h and itself

No two files include each other, however far round.  Every <openssl/...> is ours or BoringSSL's: one that both lack would
silently come from an OpenSSL of the machine.
"""
import pathlib
import re
import sys

ENGINE_STANDARD = {"stdalign.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h", "string.h", "assert.h"}
ENGINE_FORBIDDEN_CRYPTO = {"ssl.h", "tls1.h", "ssl3.h", "dtls1.h", "srtp.h", "bio.h", "x509.h", "x509v3.h",
                           "x509_vfy.h", "rand.h", "pem.h"}
# What carries bytes may include of the engine's own: never a file of a message family.
CARRIERS = {"record", "quic"}
RULED = ("include", "engine", "bio_pair", "ssl")
CARRIER_INCLUDES = {"engine.h"}


def included(path):
    """The (form, name) of each #include of a file; form is < or a quote."""
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', path.read_text(), flags=re.M)


def guarded(path, name):
    """Whether a file includes a header only where the libcrypto is young enough to have it."""
    return re.search(rf"#if[^\n]*BORINGSSL_API_VERSION[^\n]*\n#include <{re.escape(name)}>", path.read_text())


def allowed(layer, path, form, name):
    if layer == "engine":
        if name in ENGINE_STANDARD or name in ("handfast/handfast.h", "handfast/errors.def"):
            return True
        if name.startswith("openssl/"):
            return name[len("openssl/"):] not in ENGINE_FORBIDDEN_CRYPTO
        own = form == '"' and (name.startswith("engine/") or "/" not in name)
        if own and path.stem in CARRIERS:
            return pathlib.Path(name).name in CARRIER_INCLUDES | {f"{stem}.h" for stem in CARRIERS}
        return own
    if layer == "bio_pair":
        return (form == "<" and "/" not in name) or name == "handfast/bio_pair.h" or name.startswith(
            ("openssl/", "bio_pair/")) and name != "openssl/ssl.h" or (form == '"' and "/" not in name)
    if layer == "ssl":
        return not name.startswith(("engine/", "tests/", "tools/")) or name.endswith(".def")
    if layer == "bogo":
        return name.startswith(("openssl/", "tests/bogo/")) or name == "handfast/bio_pair.h" or (
            form == "<" and not name.startswith(("handfast/", "engine/", "bio_pair/", "ssl/", "tests/", "tools/")))
    return not name.startswith(("engine/", "bio_pair/", "ssl/", "tests/", "tools/"))


def cycle(graph):
    """A list of files that include each other in a ring, or None."""
    state, stack = {}, []

    def visit(node):
        state[node] = 1
        stack.append(node)
        for target in graph.get(node, ()):
            if state.get(target) == 1:
                return stack[stack.index(target):] + [target]
            if target not in state:
                found = visit(target)
                if found:
                    return found
        stack.pop()
        state[node] = 2
        return None

    for start in graph:
        if start not in state:
            found = visit(start)
            if found:
                return found
    return None


def main():
    source, boringssl = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    problems, graph = [], {}
    for layer in ("include", "engine", "bio_pair", "ssl", "tools", "examples", "bench", "fuzz", "tests"):
        for path in sorted((source / layer).rglob("*")):
            if path.suffix not in (".c", ".h", ".def", ".cc"):
                continue
            where = path.relative_to(source)
            ruled = "bogo" if path.parent.name == "bogo" else layer if layer in RULED else None
            for form, name in included(path):
                if ruled and not allowed(ruled, path, form, name):
                    problems.append(f"{where}: may not include {name}")
                if name.startswith("openssl/") and not (source / "include" / name).exists() and not (
                        boringssl / name).exists() and not guarded(path, name):
                    problems.append(f"{where}: BoringSSL has no {name}")
                for base in (path.parent, source, source / "include", source / "tests"):
                    if (base / name).is_file():
                        graph.setdefault(where, []).append((base / name).resolve().relative_to(source.resolve()))
                        break
    ring = cycle(graph)
    if ring:
        problems.append("these include each other: " + " -> ".join(str(path) for path in ring))
    for problem in problems:
        print(f"includes: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
