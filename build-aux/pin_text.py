# SPDX-License-Identifier: Apache-2.0
"""Where requirements of RFC 6043 are named: pins at code, tests that cite
them, the table, and the reasons for those that do not bind us.

Knows text only; docs/conformance.md says what counts.
"""

import ast
import csv
import io
import re
import tokenize
from collections import defaultdict, namedtuple

CODE = ("base", "mikey", "pki", "service", "kms", "ue", "tool")

# at: the offset of the end of the code before the comment ("end"), or of the
# code that follows it ("above"); place None: the comment pins nothing.
Pin = namedtuple("Pin", "path line numbers place at")
# direct: the number stands at the test itself, not at a helper.
Test = namedtuple("Test", "path name direct")

NUMBER = re.compile(r"\bR(\d{1,3})(?:-R(\d{1,3}))?\b")
PIECE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
                   r"|'(?:\\.|[^'\\\n])*'", re.S)
WORD = re.compile(r"\b[A-Za-z_]\w*\b")
NO_STATEMENT = re.compile(r"\}|#(?!\s*define\b)")


def numbers(text):
    """The numbers that a comment names, in order; R1-R3 names three."""
    found = {}
    for first, last in NUMBER.findall(text):
        found.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
    return list(found)


def blank(text):
    """C code with comments and the insides of strings blanked; offsets and
    lines are kept."""
    def spaces(match):
        piece = match.group(0)
        if piece[0] in "\"'":
            return piece[0] + " " * (len(piece) - 2) + piece[-1]
        return re.sub(r"[^\n]", " ", piece)
    return PIECE.sub(spaces, text)


def comments(text):
    """(start, end) of each comment of C code."""
    return [m.span() for m in PIECE.finditer(text) if m.group(0)[0] == "/"]


def read_c(path):
    """One character an octet, as libclang counts."""
    return path.read_bytes().decode("latin-1")


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


# ---- pins at code ----

def place_of(text, code, start, end):
    """(place, at) of a comment; see Pin."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    if code[begin:start].strip():
        if code[end:stop].strip():
            return None, start  # within a line: nobody could say of what
        return "end", begin + len(code[begin:start].rstrip())
    after = re.compile(r"\S").search(code, end)
    if not after or re.search(r"\n[ \t]*\n", text[end:after.start()]) or \
            NO_STATEMENT.match(code, after.start()):
        return None, start
    return "above", after.start()


def pins_of(path, text):
    """All comments of a .c file that name requirements, as Pins."""
    code = blank(text)
    found = []
    for start, end in comments(text):
        named = numbers(text[start:end])
        if named:
            place, at = place_of(text, code, start, end)
            found.append(Pin(path, line_at(text, start), named, place, at))
    return found


def all_pins(root):
    found = []
    for folder in CODE:
        for path in sorted((root / folder).rglob("*.c")):
            found += pins_of(str(path.relative_to(root)), read_c(path))
    return found


# ---- citations at C tests ----

class Chunk:
    """A function or variable of a test's file, with what it names and uses."""

    def __init__(self, text, code, start, end):
        head = re.split(r"[{=;]", code[start:end], maxsplit=1)[0]
        self.code = code[start:end]
        name = re.search(r"(\w+)\s*\(", head) or \
            re.search(r"(\w+)\s*(?:\[[^]]*\]\s*)*$", head)
        self.name = name.group(1) if name else ""
        self.is_test = bool(re.search(r"\(void \*\*\w+\)", head))
        self.is_static = head.startswith("static")
        self.words = set(WORD.findall(self.code)) - {self.name}
        above = re.search(r"(?:^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n)+\Z",
                          text[:start], re.M | re.S)
        self.numbers = set()
        for at, stop in comments(text):
            if start <= at < end or above and above.start() <= at < start:
                self.numbers.update(numbers(text[at:stop]))


def chunks_of(text):
    """The top-level pieces of a clang-formatted file."""
    code = blank(text)
    found, start, depth, at = [], None, 0, 0
    lines = code.splitlines(keepends=True)
    directive = False
    for i, line in enumerate(lines):
        bare = line.strip()
        if directive or (start is None and bare.startswith("#")):
            directive = bare.endswith("\\")
            at += len(line)
            continue
        if start is None and bare:
            start = at
        depth += sum(map(line.count, "({")) - sum(map(line.count, ")}"))
        at += len(line)
        if start is None or depth or not bare:
            continue
        opens = i + 1 < len(lines) and lines[i + 1].startswith("{")
        if bare[-1] in ";}" or bare[-1] == ")" and not opens:
            found.append(Chunk(text, code, start, at))
            start = None
    return found


def reach(start, own, shared):
    """The chunks that a test uses: of its file, and what test files share."""
    seen, todo = {}, [start]
    while todo:
        chunk = todo.pop()
        for word in chunk.words:
            used = own.get(word) or shared.get(word)
            if used and used is not start and word not in seen:
                seen[word] = used
                todo.append(used)
    return seen.values()


def c_tests(root):
    """{number: [Test]} of the cmocka tests."""
    folder = root / "tests"
    shared, found = {}, defaultdict(list)
    for path in sorted(folder.glob("*.c")):
        if not path.name.startswith("test_"):
            shared.update((c.name, c) for c in chunks_of(read_c(path))
                          if c.name and not c.is_static)
    for path in sorted(folder.glob("test_*.c")):
        chunks = chunks_of(read_c(path))
        own = {c.name: c for c in chunks if c.name}
        run = set().union(*(c.words for c in chunks if c.name == "UNIT_MAIN"))
        for chunk in chunks:
            if not chunk.is_test or chunk.name not in run:
                continue
            here = chunk.numbers
            there = set().union(*(c.numbers for c in reach(chunk, own, shared)))
            for n in here | there:
                found[n].append(Test(str(path.relative_to(root)), chunk.name,
                                     n in here))
    return found


# ---- citations at Python tests ----

def comment_lines(text):
    """{line: what its comment says}; a docstring counts at its last line."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and \
                ast.get_docstring(node):
            found[node.body[0].end_lineno] = ast.get_docstring(node)
    return found


def python_tests(root):
    """{number: [Test]} of the test methods; the name is Class.method."""
    found = defaultdict(list)
    for path in sorted((root / "tests").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        said = comment_lines(text)
        for cls in ast.parse(text).body:
            for node in getattr(cls, "body", []):
                if not isinstance(cls, ast.ClassDef) or \
                        not isinstance(node, ast.FunctionDef) or \
                        not node.name.startswith("test"):
                    continue
                first = min([node.lineno] +
                            [d.lineno for d in node.decorator_list])
                while first - 1 in said and \
                        text.splitlines()[first - 2].strip().startswith("#"):
                    first -= 1
                words = " ".join(said.get(line, "") for line in
                                 range(first, node.end_lineno + 1))
                for n in numbers(words):
                    found[n].append(Test(str(path.relative_to(root)),
                                         f"{cls.name}.{node.name}", True))
    return found


def all_tests(root):
    """{number: [Test]}: C before Python, the test itself before helpers."""
    found = defaultdict(list)
    for tests in (c_tests(root), python_tests(root)):
        for n, cited in tests.items():
            found[n] += sorted(cited, key=lambda t: not t.direct)
    return found


# ---- the tables ----

def read_tsv(path):
    with open(path, encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t",
                                   quoting=csv.QUOTE_NONE))


def read_table(root):
    """{number: row} of docs/requirements.tsv."""
    rows = read_tsv(root / "docs/requirements.tsv")
    return {int(row["number"][1:]): row for row in rows}


def read_reasons(root, name="not-binding"):
    """[(number, reason)] of docs/NAME.tsv, which may be missing."""
    path = root / f"docs/{name}.tsv"
    return [(int(row["number"][1:]), (row["reason"] or "").strip())
            for row in (read_tsv(path) if path.exists() else [])]
