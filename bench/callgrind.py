"""What callgrind counted, function by function: counts(program arguments) -> parts.

Each part is {(layer, function): instructions}.  Layers: engine, bio_pair, ssl, bench (files of this tree), libssl, libc,
CBS (libcrypto's CBS_ and CBB_ functions) and libcrypto.
"""
import pathlib
import re
import subprocess
import tempfile

# The processor that libcrypto is told it runs on: AES, CLMUL, AVX2, BMI2 and ADX, all of which valgrind knows, and no
# RDRAND, so that every x86-64 machine takes the same way.
IA32CAP = "0x56da220b078bfbff:0x00080128"
OWN = ("engine", "bio_pair", "ssl")


def layer(obj, path, function):
    """Whose a function is."""
    name = pathlib.Path(obj).name
    ours = re.search(r"(?:^|/)(engine|bio_pair|ssl|bench)/[\w.]+$", path)
    if ours and name.startswith("bench_"):
        return ours[1]
    if name.startswith("libssl") or re.match(r"bssl::|SSL_|ssl_", function):
        return "libssl"
    if name.startswith(("libc.", "libc-", "ld-", "ld.", "libpthread")):
        return "libc"
    return "CBS" if re.match(r"_?(CBS|CBB|cbs|cbb)_", function) else "libcrypto"


def parse(text):
    """The own instructions of each function of one part."""
    names = {"fl": {}, "fn": {}, "ob": {}}
    table = {"cob": "ob", "cfi": "fl", "cfl": "fl", "fi": "fl", "fe": "fl", "cfn": "fn"}

    def name(kind, value):
        number, _, rest = value.partition(" ")
        if rest:
            names[kind][number] = rest
        return names[kind][number]

    counts, where, called = {}, {"ob": "", "fl": "", "fn": ""}, False
    key = None
    for line in text.splitlines():
        field, equals, value = line.partition("=")
        if equals and field in ("fl", "fn", "ob"):
            where[field] = name(field, value)
            if field == "fn":
                key = (layer(where["ob"], where["fl"], where["fn"]), where["fn"])
        elif equals and field in table:
            name(table[field], value)
        elif equals and field == "calls":
            called = True
        elif line[:1] in "+-*0123456789" and line and key:
            if not called:
                counts[key] = counts.get(key, 0) + int(line.split()[1])
            called = False
    return counts


def counts(program, arguments):
    """Runs `program count ARGUMENTS...`: {what a part is called: {(layer, function): instructions a time}}."""
    with tempfile.TemporaryDirectory() as work:
        out = pathlib.Path(work) / "part"
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no",
             "--toggle-collect=bench_collect", "--dump-before=bench_part", "-q", str(program), "count", *arguments],
            env={"OPENSSL_ia32cap": IA32CAP, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise SystemExit(f"bench: {program} count {' '.join(arguments)}: {run.stdout}{run.stderr}")
        titles = run.stdout.split("\n")[1:-1]
        parts = {}
        for i, title in enumerate(titles):
            *words, times = title.split()
            part = parse(pathlib.Path(f"{out}.{i + 2}").read_text(encoding="utf-8"))
            parts[" ".join(words)] = {key: count / int(times) for key, count in part.items()}
        return parts


def by_layer(part):
    """{layer: instructions}, and the sum."""
    sums = {}
    for (where, _), count in part.items():
        sums[where] = sums.get(where, 0) + count
    return sums


def own(part):
    """Instructions of functions in engine/, bio_pair/ and ssl/."""
    return sum(count for (where, _), count in part.items() if where in OWN)
