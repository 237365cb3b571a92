#!/usr/bin/env python3
"""Runs the benchmarks of a build and makes one table of them: run.py BUILD [--pin | --check] [GROUP...]

Groups: counts (instructions), memory (bytes and allocations), size (.text), time, records, scale; without any, all of them.
Writes BUILD/../bench/bench.json and bench.svg, which hold what the last run of each group found.

--pin writes what can be counted exactly to bench/counts.json; --check compares it with that file and fails if it differs.
"""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import callgrind  # noqa: E402
import pins  # noqa: E402
import report  # noqa: E402

HANDSHAKES = ["full13-ecdsa", "full13-rsa", "full13-mlkem", "resumed13", "full12-ecdsa", "full12-rsa", "resumed12"]
SUITES, LENGTHS = ["aes128gcm", "chacha20"], [64, 1024, 16384]
SUBJECTS = ["engine", "ours", "libssl", "floor"]
GROUPS = ["counts", "memory", "size", "time", "records", "scale"]
ROUNDS = 7


class Bench:
    def __init__(self, build):
        self.build = build
        self.subjects = [name for name in SUBJECTS if self.program(name).exists()]

    def program(self, subject):
        return self.build / "bench" / f"bench_{subject}"

    def run(self, subject, *words, heap=False):
        """The program's output, a list of words for each line; None: its library has no such case."""
        env = dict(os.environ)
        if heap:
            env["LD_PRELOAD"] = str(self.build / "bench" / "heap.so")
        run = subprocess.run([self.program(subject), *map(str, words)], env=env, capture_output=True, text=True,
                             check=False)
        if run.returncode != 0:
            raise SystemExit(f"bench: {subject} {' '.join(map(str, words))}: {run.stderr}")
        lines = [line.split() for line in run.stdout.splitlines()]
        return None if lines == [["none"]] else lines

    # Each group gives {figure: {subject: value}}.

    def counts(self, subjects=None):
        found = {}
        for subject in subjects or self.subjects:
            for arguments in (HANDSHAKES, SUITES + ["--"] + [str(n) for n in LENGTHS]):
                for title, part in callgrind.counts(self.program(subject), arguments).items():
                    layers = {where: round(count) for where, count in callgrind.by_layer(part).items()}
                    layers["all"] = round(sum(part.values()))
                    found.setdefault(title, {})[subject] = layers
        return found

    def memory(self, subjects=None):
        found = {}
        for case in HANDSHAKES:
            for subject in subjects or self.subjects:
                lines = self.run(subject, "heap", case, 1000, heap=True)
                if lines is None:
                    continue
                numbers = [float(word) for word in lines[0][1:]]
                for i, side in enumerate(("client", "server")):
                    names = ("idle", "peak", "allocations", "sent")
                    found.setdefault(f"{case} {side}", {})[subject] = dict(zip(names, numbers[4 * i:4 * i + 4]))
        return found

    def size(self, subjects=None):
        del subjects
        libraries = {"engine": self.build / "libhandfast.so", "ours": self.build / "libhandfast_ssl.so"}
        cache = (self.build / "CMakeCache.txt").read_text(encoding="utf-8")
        for line in cache.splitlines():
            if line.startswith("BENCH_SSL_LIBRARY:") and line.endswith(".so"):
                libraries["libssl"] = pathlib.Path(line.partition("=")[2])
        found = {}
        for subject, library in libraries.items():
            if not library.exists():
                continue
            out = subprocess.run(["size", "-A", library], capture_output=True, text=True, check=True).stdout
            sections = {words[0]: int(words[1]) for words in map(str.split, out.splitlines())
                        if len(words) == 3 and words[0].startswith(".")}
            loaded = [n for n in sections if not n.startswith((".debug", ".comment", ".gnu_debug", ".gnu.build"))]
            found.setdefault(".text", {})[subject] = sections[".text"]
            found.setdefault("loaded", {})[subject] = sum(sections[name] for name in loaded)
        return found

    def rounds(self, runs):
        """runs: {figure: {subject: function that gives a time}}, taken by turns.  Medians, and of the ratios to libssl
        and to the floor that each round gave."""
        taken = {}
        for turn in range(ROUNDS):
            for figure, by_subject in runs.items():
                order = list(by_subject)
                for subject in order[turn % len(order):] + order[:turn % len(order)]:
                    value = by_subject[subject]()
                    if value is not None:
                        taken.setdefault(figure, {}).setdefault(subject, []).append(value)
        found = {}
        for figure, by_subject in taken.items():
            for subject, values in by_subject.items():
                row = found.setdefault(figure, {}).setdefault(subject, {"us": statistics.median(values)})
                for base in ("libssl", "floor"):
                    if base in by_subject and base != subject:
                        row["to " + base] = statistics.median(a / b for a, b in zip(values, by_subject[base]))
        return found

    def time(self):
        def handshake(subject, case, num):
            lines = self.run(subject, "time", case, num)
            return None if lines is None else (float(lines[0][1]) + float(lines[0][2])) / num / 1000
        return self.rounds({case: {subject: lambda s=subject, c=case: handshake(s, c, 40)
                                   for subject in self.subjects} for case in HANDSHAKES})

    def records(self):
        def message(subject, case, length):
            num = 20000 if length < 16384 else 4000
            return float(self.run(subject, "records", case, length, num)[0][2]) / num / 1000
        return self.rounds({f"{case} {length}": {subject: lambda s=subject, c=case, n=length: message(s, c, n)
                                                 for subject in self.subjects}
                            for case in SUITES for length in LENGTHS})

    def scale(self):
        found = {}
        for subject in ("engine", "ours", "libssl"):
            if subject not in self.subjects:
                continue
            lines = self.run(subject, "scale", "resumed12", *(10 ** n for n in range(6)), heap=True)
            for _, num, held, speed in lines or []:
                found.setdefault(num, {})[subject] = {"bytes": float(held), "handshakes/s": float(speed)}
        return found


def main():
    words = sys.argv[1:]
    options = [word for word in words if word.startswith("--")]
    build, *groups = [word for word in words if not word.startswith("--")]
    build = pathlib.Path(build).resolve()
    bench = Bench(build)
    if options in (["--pin"], ["--check"]):
        return pins.main(bench, options[0])
    if options or set(groups) - set(GROUPS):
        raise SystemExit(__doc__)
    out = build.parent / "bench"
    out.mkdir(exist_ok=True)
    path = out / "bench.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() and groups else {}
    for group in groups or GROUPS:
        print(f"{group} ...", file=sys.stderr, flush=True)
        results[group] = getattr(bench, group)()
    results["machine"] = platform.machine()
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    rows = report.rows(results)
    print(report.table(rows))
    (out / "bench.svg").write_text(report.chart(rows), encoding="utf-8")
    print(f"\n{path}\n{out / 'bench.svg'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
