# SPDX-License-Identifier: Apache-2.0
"""Which statement a pin belongs to, by libclang.

docs/conformance.md gives the rules in words.
"""

import json
import re
import shlex
import sys
from pathlib import Path

try:
    from clang import cindex
except ImportError:  # another Python than Debian's does not look there
    sys.path.append("/usr/lib/python3/dist-packages")
    from clang import cindex

ROLES = {
    "IF_STMT": "if", "FOR_STMT": "loop", "WHILE_STMT": "loop",
    "DO_STMT": "loop", "SWITCH_STMT": "switch", "RETURN_STMT": "return",
    "BREAK_STMT": "jump", "CONTINUE_STMT": "jump", "GOTO_STMT": "jump",
    "CASE_STMT": "case", "DEFAULT_STMT": "case", "DECL_STMT": "declaration",
}
# Parent: index of the first child that is a statement of its own.
BODIES = {"COMPOUND_STMT": 0, "IF_STMT": 1, "CASE_STMT": 1, "DEFAULT_STMT": 0}
LAST_BODY = ("FOR_STMT", "WHILE_STMT")
LOGICAL = ("&&", "||")
# What may stand between the end of a statement and the comment.
SEPARATORS = re.compile(r"(?:\s|;|,|&&|\|\||\{|:|=|\?)+$")
USUAL_ARGS = ["-std=gnu17", "-D_GNU_SOURCE"]


class BadSource(Exception):
    """The parser cannot make sense of a file; perhaps nothing is built yet."""


class Source:
    """The text of a file and its syntax tree."""

    def __init__(self, path, text, code):
        self.path = path
        self.text = text
        self.code = code  # as text, with comments and strings blanked
        self.nodes = []  # all, parents first

    def of(self, node):
        return self.text[node.start:node.end]


class Node:
    """What libclang calls a cursor, with its parent and its role."""

    def __init__(self, source, cursor, parent):
        self.source = source
        self.cursor = cursor
        self.kind = cursor.kind.name
        self.start = cursor.extent.start.offset
        self.end = cursor.extent.end.offset
        self.parent = parent
        self.children = []
        self.role = None
        source.nodes.append(self)
        for child in cursor.get_children():
            where = child.extent.start.file
            if where and where.name == source.path:
                self.children.append(Node(source, child, self))

    def find_role(self):
        if self.kind in ROLES:
            return ROLES[self.kind]
        above = self.parent.kind if self.parent else ""
        index = self.parent.children.index(self) if self.parent else 0
        if self.kind == "FUNCTION_DECL":
            return "function" if self.body() else None
        if self.kind == "VAR_DECL":
            return "declaration" if above == "TRANSLATION_UNIT" else None
        if self.kind == "COMPOUND_STMT":
            return "else" if above == "IF_STMT" and index == 2 else None
        if index >= BODIES.get(above, 99) or above == "DO_STMT" and index == 0:
            return "expression"
        if above in LAST_BODY and self.end == self.parent.end:
            return "expression"
        if above == "INIT_LIST_EXPR":
            return "element"
        if above == "BINARY_OPERATOR":
            return "operand" if self.parent.operator() in LOGICAL else None
        return "argument" if above == "CALL_EXPR" and index else None

    def operator(self):
        """Of a binary operator; read, since this libclang does not tell."""
        if self.kind != "BINARY_OPERATOR" or len(self.children) != 2:
            return ""
        left, right = self.children
        return self.source.code[left.end:right.start].strip()

    def body(self):
        if self.children and self.children[-1].kind == "COMPOUND_STMT":
            return self.children[-1]
        return None

    def init(self):
        """The initialiser of a variable; array sizes come before it."""
        last = self.children[-1] if self.children else None
        if last and last.end == self.end and re.search(
                r"=\s*$", self.source.code[self.start:last.start]):
            return last
        return None

    def variables(self):
        if self.kind == "VAR_DECL":
            return [self]
        return [c for c in self.children if c.kind == "VAR_DECL"]

    def ends(self):
        """Where the code may end that a comment at its line's end is about:
        the end of all, and that of the head."""
        code, found = self.source.code, set()
        if self.role == "declaration":
            for var in self.variables():
                found.add(var.end)
                if var.init():
                    head = code[:var.init().start].rstrip()
                    found.add(len(head.rstrip("=").rstrip()))
            return found
        head = None
        if self.kind == "DEFAULT_STMT":
            found.add(self.start + len("default"))
        elif self.kind == "CASE_STMT":
            found.add(self.children[0].end)
        elif self.role in ("if", "switch"):
            head = self.children[1:2]
        elif self.role in ("loop", "function") and self.children:
            head = self.children[-1:]
        elif self.role == "else":
            head = [self]
        if head:
            found.add(len(code[:head[0].start].rstrip()))
        return found | {self.end}


def compile_args(build):
    """{file: what the parser must know} from compile_commands.json."""
    found = {}
    commands = Path(build) / "compile_commands.json"
    if not commands.exists():
        return found
    for entry in json.loads(commands.read_text()):
        folder = Path(entry["directory"])
        args, words = [], iter(shlex.split(entry["command"]))
        for word in words:
            if word in ("-I", "-isystem", "-include", "-D"):
                args += [word, next(words)]
            elif word.startswith("-I"):
                args.append("-I" + str(folder / word[2:]))
            elif word.startswith(("-D", "-std=", "-isystem")):
                args.append(word)
        found.setdefault(str((folder / entry["file"]).resolve()), args)
    return found


def parse(root, path, text, code, args):
    """The tree of one file of root; raises BadSource if it has errors."""
    full = str((Path(root) / path).resolve())
    source = Source(full, text, code)
    known = args.get(full, USUAL_ARGS) + [f"-I{root}", "-w"]
    unit = cindex.Index.create().parse(full, args=known)
    bad = [str(d) for d in unit.diagnostics if d.severity >= 3]
    if bad:
        raise BadSource(bad[0])
    Node(source, unit.cursor, None)
    for node in source.nodes:
        node.role = node.find_role()
    return source


# ---- from the pin to its node ----

def outermost(nodes):
    return min(nodes, key=lambda n: (n.start, -n.end), default=None)


def innermost(nodes):
    return max(nodes, key=lambda n: (n.start, -n.end), default=None)


def strip_end(code, at):
    return len(SEPARATORS.sub("", code[:at]))


def last_within(able, code, line, stop):
    """The last operand within parentheses, the last initialiser within
    braces, that stands on this line."""
    close = code[stop - 1]
    role = {")": "operand", "}": "element"}.get(close)
    while role and stop > line and code[stop - 1] in close + " ":
        stop -= 1
        here = outermost([n for n in able if n.role == role and
                          n.end == stop and n.start >= line])
        if here:
            return here
    return None


def node_before(source, at):
    """What a comment at the end of its line is about: the largest piece that
    stands on this line and ends here; else what ends here, else what goes
    on."""
    code = source.code
    line = code.rfind("\n", 0, at) + 1
    able = [n for n in source.nodes if n.role]
    stop = strip_end(code, at)
    ending = [n for n in able if stop in n.ends()]
    here = outermost([n for n in ending if n.start >= line])
    here = here or last_within(able, code, line, stop)
    if here or ending:
        return here or innermost(ending)
    return innermost([n for n in able if n.start < at <= n.end and
                      n.role not in ("operand", "argument", "function")])


def node_after(source, at):
    """What a comment above a line is about: the largest piece that begins
    there."""
    stop = source.code.find("\n", at)
    able = [n for n in source.nodes if n.role and at <= n.start < stop]
    return outermost(able)


def macro_at(source, at):
    """(start, end) of the value, if the line defines a macro without
    parameters."""
    line = source.code.rfind("\n", 0, at) + 1
    head = re.compile(r"[ \t]*#\s*define\s+\w+[ \t]+").match(source.code, line)
    if not head:
        return None
    stop = source.code.find("\n", line)
    end = len(source.code[:stop].rstrip())
    return (head.end(), end) if end > head.end() else None


def target_of(source, pin):
    """("macro", (start, end)) or (role, node), or (None, None)."""
    line = source.code.rfind("\n", 0, pin.at) + 1
    if source.code[line:].lstrip(" \t").startswith("#"):
        value = macro_at(source, pin.at)
        return ("macro", value) if value else (None, None)
    find = node_before if pin.place == "end" else node_after
    node = find(source, pin.at)
    return (node.role, node) if node else (None, None)
