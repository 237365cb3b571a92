"""The table and the chart of what run.py found.  A row: what it is, its unit, the four values, the marks.

A mark is (words, what is compared, how much it may be).  Every one is a ratio to libssl or to the floor of the same run,
or a number of bytes or calls that no libcrypto changes.
"""
SUBJECTS = ("engine", "ours", "libssl", "floor")
HEADS = ("engine", "SSL_*", "libssl", "floor")


class Row:
    def __init__(self, name, unit, values, marks=()):
        self.name, self.unit, self.values = name, unit, values
        self.marks = [mark for mark in marks if mark[1] is not None]

    def met(self):
        return [value <= most for _, value, most in self.marks]


def ratio(values, top, bottom):
    return values[top] / values[bottom] if values.get(top) is not None and values.get(bottom) else None


def instructions(results):
    counts = results.get("counts", {})
    marks = {
        "full13-ecdsa": [("SSL_*/libssl", "ours", "libssl", 0.97), ("engine/floor", "engine", "floor", 1 / 0.97)],
        "resumed13": [("SSL_*/libssl", "ours", "libssl", 0.96)],
        "resumed12": [("SSL_*/libssl", "ours", "libssl", 0.93)],
        # 3.5 and 4.5 thousand where the bare calls are 2.3 thousand.
        "aes128gcm 64": [("engine/floor", "engine", "floor", 3.5 / 2.3), ("SSL_*/floor", "ours", "floor", 4.5 / 2.3)],
    }
    both = {}
    for title, by_subject in counts.items():
        case, part = title.rsplit(" ", 1)
        name = case if part in ("client", "server") else title
        for subject, layers in by_subject.items():
            row = both.setdefault(name, {})
            row[subject] = row.get(subject, 0) + layers["all"] / 1000
    for name, values in both.items():
        wanted = [(words, ratio(values, top, bottom), most) for words, top, bottom, most in marks.get(name, ())]
        yield Row(name, "k instr.", values, wanted)


def memory(results):
    idle = {"client": {"engine": 2048, "ours": 4096}, "server": {"engine": 2048, "ours": 3072}}
    peak = {"client": {"engine": 8000}, "server": {"engine": 5000}}
    for figure, by_subject in results.get("memory", {}).items():
        case, side = figure.split()
        for kind, unit in (("idle", "bytes"), ("peak", "bytes"), ("allocations", "calls"), ("sent", "bytes")):
            values = {subject: row[kind] for subject, row in by_subject.items() if kind != "sent" or row[kind] > 0}
            most = {"idle": idle, "peak": peak}.get(kind, {}).get(side, {})
            if kind == "allocations" and "floor" in values:
                most = {"engine": values["floor"] + 12, "ours": values["floor"] + 20}
            if case != "full13-ecdsa":
                most = {}
            yield Row(f"{figure} {kind}", unit, values,
                      [(HEADS[SUBJECTS.index(subject)], values.get(subject), limit) for subject, limit in most.items()])


def size(results):
    for figure, values in results.get("size", {}).items():
        yield Row(figure, "bytes", values,
                  [("engine", values.get("engine"), 110000)] if figure == ".text" else ())


def times(results):
    for group in ("time", "records"):
        for figure, by_subject in results.get(group, {}).items():
            marks = []
            if figure == "aes128gcm 16384":
                marks = [("engine/floor", by_subject["engine"].get("to floor"), 1.10)]
            yield Row(figure + " time", "us", {s: row["us"] for s, row in by_subject.items()}, marks)


def scale(results):
    found = results.get("scale", {})
    for kind, unit in (("bytes", "bytes"), ("handshakes/s", "1/s")):
        for num, by_subject in found.items():
            yield Row(f"{num} open, {kind}", unit, {subject: row[kind] for subject, row in by_subject.items()})


def rows(results):
    return [row for group in (instructions, memory, size, times, scale) for row in group(results)]


def number(value):
    if value is None:
        return "-"
    return f"{value:,.1f}" if value < 1000 and value != int(value) else f"{value:,.0f}"


def table(all_rows):
    lines = [("", "", *HEADS, "SSL_*/libssl", "engine/floor", "marks")]
    for row in all_rows:
        marks = "; ".join(f"{words} {value:,.3g} of {most:,.3g}: {'met' if met else 'NOT MET'}" if most < 100 else
                          f"{words} {value:,.0f} of {most:,.0f}: {'met' if met else 'NOT MET'}"
                          for (words, value, most), met in zip(row.marks, row.met()))
        ratios = [ratio(row.values, "ours", "libssl"), ratio(row.values, "engine", "floor")]
        lines.append((row.name, row.unit, *(number(row.values.get(subject)) for subject in SUBJECTS),
                      *(f"{value:.3f}" if value is not None else "-" for value in ratios), marks))
    widths = [max(len(line[i]) for line in lines) for i in range(9)]
    return "\n".join("  ".join(cell.ljust(width) if i in (0, 1, 8) else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def chart(all_rows):
    """Bars, each row by itself: as long as the value is to the largest of its row."""
    colours = {"engine": "#1b6ca8", "ours": "#4aa3df", "libssl": "#c0c0c0", "floor": "#606060"}
    out, y = [], 40
    for head, subject, x in zip(HEADS, SUBJECTS, (260, 340, 420, 500)):
        out.append(f'<rect x="{x}" y="12" width="10" height="10" fill="{colours[subject]}"/>'
                   f'<text x="{x + 14}" y="21">{head}</text>')
    for row in all_rows:
        present = [(subject, row.values[subject]) for subject in SUBJECTS if row.values.get(subject) is not None]
        most = max([value for _, value in present] + [1e-9])
        bad = "" if all(row.met()) else ' fill="#b00020"'
        out.append(f'<text x="250" y="{y + 9}" text-anchor="end"{bad}>{row.name}, {row.unit}</text>')
        for subject, value in present:
            out.append(f'<rect x="260" y="{y}" width="{400 * value / most:.1f}" height="9" fill="{colours[subject]}"/>'
                       f'<text x="{264 + 400 * value / most:.1f}" y="{y + 8}" font-size="8">{number(value)}</text>')
            y += 10
        y += 8
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{y + 10}" font-family="sans-serif" '
            f'font-size="10">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(out) + "\n</svg>\n")
