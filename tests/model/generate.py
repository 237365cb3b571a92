"""Makes Promela of the engine's tables: generate.py DIRECTORY writes the whole model there.

The rows of engine/script.def become the calls of handshake.pml's macros, in their order and with their guards, once
for each side; suites.def says which suites share a hash.  What the tables have and the model does not know, or the
model has and the tables do not, is an error: a message, question, secret, flag, level or kind of row.
"""
import dataclasses
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SKELETON = ("handshake.pml", "messages.pml", "network.pml", "claims.pml", "config.pml", "words.pml")
LEVELS = ("INITIAL", "EARLY", "HANDSHAKE", "APPLICATION")  # of hf_level, in its order
SCRIPTS = ("HELLO", "TLS13", "TLS12")
PAIRINGS = ("HONEST", "BAD_CLIENT", "BAD_SERVER", "MIDDLE", "WEAK12")
# Who is asked what.
QUESTIONS = {"COOKIE": "S", "HELLO": "S", "SESSION": "S", "ENCAP": "S", "TICKET": "S", "IDENTITY": "CS", "COMPRESS": "CS",
             "DECOMPRESS": "CS", "SIGNATURE": "CS", "VERDICT": "CS", "KEEP": "CS"}
ROLES = {"C": "client", "S": "server"}

# What the arguments of each kind of row are.
KINDS = {
    "SCRIPT": ("what",),
    "MSG": ("who", "what", "level", "need", "not", "learn", "section"),
    "ASK": ("who", "what", "need", "not", "section"),
    "KEY": ("who", "level", "need", "not", "section"),
    "DERIVE": ("what", "need", "not", "section"),
    "CCS": ("who", "need", "not", "section"),
    "VERSION": ("section",),
    "OPEN": (),
}


class Error(Exception):
    """The tables, the model and the list of mutants do not fit each other."""


@dataclasses.dataclass(frozen=True)
class Row:
    script: str
    kind: str
    who: str = ""
    what: str = ""
    level: str = ""
    need: tuple = ()
    without: tuple = ()
    learn: tuple = ()

    def name(self):
        """As a mutant names it."""
        return " ".join(part for part in (self.script, self.kind, self.who, self.what or self.level) if part)


# ---- The tables ----

def flag_set(text):
    return tuple(f.strip() for f in text.split("|") if f.strip() != "0")


def read_script(text):
    """(flags, rows) of script.def."""
    comment = re.match(r"\s*/\*(.*?)\*/", text, re.S)
    if not comment:
        raise Error("script.def does not begin with its comment")
    flags = re.findall(r"^ \*   ([A-Z][A-Z_]+) +\S", comment[1], re.M)
    said = re.search(r"(\d+) flags of 16", comment[1])
    if not said or int(said[1]) != len(flags):
        raise Error(f"script.def's head lists {len(flags)} flags, and says another number of them")
    rows, script = [], ""
    for line in re.sub(r"/\*.*?\*/", "", text, flags=re.S).splitlines():
        if not line.strip():
            continue
        call = re.fullmatch(r"([A-Z]+)\((.*)\)", line.strip())
        values = [a.strip() for a in call[2].split(",")] if call and call[2].strip() else []
        if not call or call[1] not in KINDS or len(values) != len(KINDS[call[1]]):
            raise Error(f"script.def has a row that the model does not know: {line.strip()}")
        at = dict(zip(KINDS[call[1]], values))
        if call[1] == "SCRIPT":
            script = at["what"]
        rows.append(Row(script, call[1], at.get("who", ""), at.get("what", ""), at.get("level", ""),
                        flag_set(at.get("need", "0")), flag_set(at.get("not", "0")), flag_set(at.get("learn", "0"))))
    return flags, rows


def hashes():
    """The hash of each suite of TLS 1.3, as suites.def has them."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "engine/suites.def").read_text(), flags=re.S)
    found = [[a.strip() for a in line[6:-1].split(",")] for line in text.splitlines() if line.startswith("SUITE(")]
    named = [a[3] for a in found if a[7] == "HF_TLS13"]
    if len(named) != 3 or named[0] == named[1] or named[0] != named[2]:
        raise Error(f"the model has three suites of TLS 1.3, the second of another hash; suites.def has {named}")
    return named


# ---- Do they fit the model? ----

def skeleton():
    return {name: (HERE / name).read_text() for name in SKELETON}


def compare(what, table, model):
    for name in sorted(set(table) - set(model)):
        raise Error(f"script.def has {what} {name}, which the model does not know")
    for name in sorted(set(model) - set(table)):
        raise Error(f"the model has {what} {name}, which script.def does not")


def check_rows(flags, rows, text):
    whole = "\n".join(text.values())

    def handlers(prefix):
        return re.findall(rf"^(?:inline|#define) {prefix}_([A-Z_]+)\(me\)", whole, re.M)

    def named(kind):
        return [r.what for r in rows if r.kind == kind]
    for prefix, kind in (("send", "MSG"), ("receive", "MSG"), ("forge", "MSG"), ("ask", "ASK"), ("derive", "DERIVE")):
        compare(f"{prefix}_", named(kind), handlers(prefix))
    compare("the script", named("SCRIPT"), SCRIPTS)
    for row in rows:
        used = row.need + row.without + row.learn
        if set(used) - set(flags):
            raise Error(f"script.def's head does not list a flag of {row.name()}")
        if row.who and row.who not in ROLES:
            raise Error(f"script.def has a row of {row.who}")
        writer = re.search(rf"\bput\((\w+), M_{row.what}\)", whole)
        if (row.kind == "MSG" and (not writer or writer[1] not in ("me", row.who))) or (
                row.kind == "ASK" and row.who not in QUESTIONS.get(row.what, "")):
            raise Error(f"the model does not know it of this side: {row.name()}")
        if row.level and row.level not in LEVELS:
            raise Error(f"script.def has the level {row.level}, which the model does not know")
    compare("the flag", flags, re.findall(r"\bF_([A-Z_]+)\b", whole))
    for flag in {f for r in rows for f in r.need + r.without}:
        learnt = any(flag in r.learn for r in rows)
        if not learnt and not re.search(rf"set_flag\([^;]*\bF_{flag}\b", whole):
            raise Error(f"no handler of the model sets the flag {flag}")


# ---- Mutants ----

@dataclasses.dataclass
class Slot:
    """A row, and the switches without which it is not there: by role."""
    row: Row
    switch: dict
    original: bool = True


class Model:
    """The rows with all that mutants change in them.  What a mutant changes is behind a switch, so that one verifier
    serves all: a switch of the unchanged model is on for what is there and off for what a mutant would put there."""

    def __init__(self, rows, text):
        self.slots = [Slot(row, {}) for row in rows]
        self.switches = {"KEEP_" + name: True for name in checks(text)}
        self.switches |= {"SEEK_" + name: False for name in sights(text)} | {name: False for name in PAIRINGS}

    def new_switch(self, on):
        name = f"ROW_{len(self.switches)}"
        self.switches[name] = on
        return name

    def find(self, name):
        """The row that a mutant names; "... #2" is the second of that name."""
        name, _, number = name.partition(" #")
        found = [s for s in self.slots if s.original and s.row.name() == name]
        nth = int(number or 1) - 1
        if nth >= len(found) or (len(found) > 1 and not number):
            raise Error(f"which row is {name!r}? There are {len(found)}")
        return found[nth]

    def without(self, slot, roles="CS"):
        """The switches to flip so that the row is gone for the roles."""
        for role in roles:
            if role not in slot.switch:
                slot.switch[role] = self.new_switch(True)
        return [slot.switch[role] for role in roles]

    def put(self, row, index):
        """The switch to flip so that there is another row."""
        name = self.new_switch(False)
        self.slots.insert(index, Slot(row, dict.fromkeys("CS", name), False))
        return [name]

    def flips(self, edit):
        """What one edit of a mutant flips."""
        verb, _, rest = edit.partition(" ")
        if verb == "without" and "KEEP_" + rest in self.switches:
            return ["KEEP_" + rest]
        if verb == "seek" and "SEEK_" + rest in self.switches:
            return ["SEEK_" + rest]
        if verb == "drop":
            first, _, other = rest.partition(" ")
            roles = {"client": "C", "server": "S"}.get(first)
            return self.without(self.find(other), roles) if roles else self.without(self.find(rest))
        if verb == "repeat":
            slot = self.find(rest)
            return self.put(slot.row, self.slots.index(slot) + 1)
        if verb == "move":
            what, _, where = rest.partition(" before ")
            slot = self.find(what)
            return self.without(slot) + self.put(slot.row, self.slots.index(self.find(where)))
        if verb in ("need", "not"):
            what, _, flags = rest.partition(" = ")
            slot = self.find(what)
            field = {"need": "need", "not": "without"}[verb]
            row = dataclasses.replace(slot.row, **{field: flag_set(flags)})
            return self.without(slot) + self.put(row, self.slots.index(slot) + 1)
        raise Error(f"no such edit: {edit}")


# ---- Promela ----

def guard(names):
    return " | ".join("F_" + n for n in names) or "0"


def call(row, role):
    """What |role| does at the row; None: nothing."""
    mine = row.who == role
    guards = f"{guard(row.need)}, {guard(row.without)}"
    if row.kind == "MSG":
        return f"{'WRITE' if mine else 'READ'}({role}, {row.what}, L_{row.level}, {guards}, {guard(row.learn)})"
    if row.kind == "ASK":
        return f"ASK({role}, {row.what}, {guards})" if mine else None
    if row.kind == "KEY":
        return f"KEY({role}, {row.who}, L_{row.level}, {guards})"
    if row.kind == "DERIVE":
        return f"DERIVE({role}, {row.what}, {guards})"
    if row.kind == "CCS":
        return f"SPEC({role}, {guards})" if mine else None
    if row.kind == "VERSION":
        return f"VERSION({role})" if role == "C" else None  # the server's is settled
    return f"OPEN({role})" if row.kind == "OPEN" else None


def body(slots, script, role):
    """The rows of one script for one role.  Where a message is waited for, others may run before."""
    groups = [[]]
    for slot in slots:
        text = call(slot.row, role) if slot.row.script == script else None
        if text is None:
            continue
        if text.startswith(("READ", "VERSION")) and groups[-1]:
            groups.append([])
        switch = slot.switch.get(role)
        groups[-1].append(f"    if :: {switch} -> {text} :: else fi" if switch else f"    {text}")
    inner = ";\n".join("  atomic {\n" + ";\n".join(group) + "\n  }" for group in groups if group)
    return f"inline {ROLES[role]}_{script}() {{\n{inner}\n}}\n"


MADE = "/* Made by tests/model/generate.py from engine/script.def and engine/suites.def. */"


def constants(flags, rows):
    out = [MADE] + [f"#define F_{name} {1 << i}" for i, name in enumerate(flags)]
    out += [f"#define L_{name} {i}" for i, name in enumerate(LEVELS)]
    messages = sorted({r.what for r in rows if r.kind == "MSG"})
    out += [f"#define M_{name} {i + 1}" for i, name in enumerate(messages)]
    kinds = hashes()
    out.append(f"#define HASH(suite) ((suite) == 2 -> {kinds.index(kinds[1])} : {kinds.index(kinds[0])})")
    return "\n".join(out) + "\n"


def scripts(slots):
    return "\n".join([MADE] + [body(slots, script, role) for script in SCRIPTS for role in ROLES])


def checks(text):
    """The names of the checks of the skeleton."""
    return sorted(set(re.findall(r"\b(?:check|fits|covered)\(([A-Z_0-9]+),", "\n".join(text.values()))))


def claims(text):
    """What a mutant may be killed by."""
    return set(re.findall(r"\bclaim\(([A-Z_0-9]+),", "\n".join(text.values()))) | {"SEEN_" + s for s in sights(text)}


def sights(text):
    return sorted(set(re.findall(r"\bsight\(([A-Z_0-9]+),", "\n".join(text.values()))))


def write(directory, mutants=()):
    """Writes the model into the directory, with what |mutants|, lists of edits, change in it.  Returns the numbers
    of its switches by name, and for each mutant the names of those that it flips."""
    text = skeleton()
    flags, rows = read_script((ROOT / "engine/script.def").read_text())
    check_rows(flags, rows, text)
    model = Model(rows, text)
    flips = [[name for edit in edits for name in model.flips(edit)] for edits in mutants]
    numbers = {name: i for i, name in enumerate(model.switches)}
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in text.items():
        (directory / name).write_text(content)
    (directory / "term.h").write_text((HERE / "term.h").read_text())
    (directory / "script.pml").write_text(scripts(model.slots))
    (directory / "names.pml").write_text(constants(flags, rows))
    (directory / "switches.pml").write_text(
        "".join(f"#define {name} c_expr {{ on[{i}] }}\n" for name, i in numbers.items()))
    (directory / "switches.h").write_text(
        "static char on[] = {" + ", ".join("1" if on else "0" for on in model.switches.values()) + "};\n")
    return numbers, flips


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        write(pathlib.Path(sys.argv[1]))
    except Error as error:
        sys.exit(f"generate.py: {error}")
