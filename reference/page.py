# SPDX-License-Identifier: Apache-2.0
"""Shows a test vector as a page to read: Markdown from its JSON."""

import mikeyread

DUMPED = 32  # octets a line
WIDTH = 96


def _code(lines):
    return ["```", *lines, "```", ""]


def _table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(str(c) for c in row)} |" for row in rows]
    return lines + [""]


def _value(value):
    """Long octets would make a table unreadable; they wrap instead."""
    text = str(value)
    if len(text) <= 128:
        return f"`{text}`" if text else "none"
    return " ".join(f"`{text[i:i + 128]}`" for i in range(0, len(text), 128))


def dump(octets):
    return [f"{at:04x}  {octets[at:at + DUMPED].hex()}"
            for at in range(0, len(octets), DUMPED)]


# --- the field tree -----------------------------------------------------------


class _Node:
    def __init__(self, row):
        self.depth, self.at, self.length, self.name, self.meaning = row
        self.children = []

    def text(self):
        return f"{self.name} {self.meaning}".rstrip()


def _grow(rows):
    roots, path = [], []
    for row in rows:
        node = _Node(row)
        del path[node.depth:]
        (path[-1].children if path else roots).append(node)
        path.append(node)
    return roots


def _wrapped(start, texts, indent):
    """Texts behind a start, in as many lines as they need."""
    lines, line = [], start
    for n, text in enumerate(texts):
        more = text + (", " if n + 1 < len(texts) else "")
        if len(line) + len(more) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = "  " * indent + " " * 14
        line += more
    return lines + [line.rstrip()]


def tree(rows):
    """Offset, length, name; the fields of a payload share its line."""
    lines = []

    def show(node, indent):
        start = f"{'  ' * indent}{node.at:>4} +{node.length:<4} {node.name}: "
        leaves, pending = [], start
        for child in node.children:
            if not child.children:
                leaves.append(child.text())
                continue
            if leaves or pending == start:
                lines.extend(_wrapped(pending, leaves, indent))
            leaves, pending = [], "  " * indent + " " * 12
            show(child, indent + 1)
        if leaves or pending == start:
            lines.extend(_wrapped(pending, leaves, indent))
    for root in _grow(rows):
        show(root, 0)
    return lines


# --- what a MAC covers --------------------------------------------------------


def covered(message, given, messages):
    """MAC or signature input in words: octets of messages, and a tail."""
    octets = bytes.fromhex(message["octets"])
    pieces, at = [], 0
    for start, end in _spans(octets):
        part = octets[start:end]
        length = _common(part, given[at:])
        if length:
            pieces.append(f"octets {start} to {start + length - 1}")
            at += length
    rest = given[at:]
    for n, other in enumerate(messages, 1):
        if rest and rest.hex() == other["octets"]:
            return " \\|\\| ".join(pieces + [f"all of message {n}"])
    if rest:
        pieces.append(f"`{rest.hex()}`" + _as_text(rest))
    return " \\|\\| ".join(pieces)


def _spans(octets):
    """A TRANSFER_INIT is covered in two parts, around Initiator Data."""
    message = mikeyread.parse(octets)
    ticket = message.payloads.one("TICKET")
    if message.name != "TRANSFER_INIT" or not ticket:
        return [(0, len(octets))]
    return [(0, ticket["initiator at"]), (ticket.end, len(octets))]


def _common(one, other):
    length = 0
    for a, b in zip(one, other):
        if a != b:
            break
        length += 1
    return length


def _as_text(octets):
    if all(0x20 <= octet < 0x7F for octet in octets):
        return f" ({octets.decode()})"
    return ""


# --- one message --------------------------------------------------------------


def _proofs(message, messages):
    mac, signature = message["mac"], message["signature"]
    rows = []
    if mac:
        given = bytes.fromhex(mac["input"])
        where = covered(message, given, messages)
        if not where.startswith("octets 0"):
            where = f"`{mac['input']}`"
        rows += [("auth_key", f"`{mac['auth_key']}`"), ("MAC input", where),
                 ("MAC", f"`{mac['value']}`")]
    if signature:
        given = bytes.fromhex(signature["input"])
        rows += [("signature input", covered(message, given, messages)),
                 ("S type, hash",
                  f"{signature['S type']}, {signature['hash']}")]
    return rows


def _kemac(message):
    return [(f"KEMAC {name}", _value(value))
            for name, value in (message["kemac"] or {}).items()
            if value is not None]


def _secrets(message):
    rows = []
    for name, value in message["secrets"].items():
        if name == "protect":
            rows += [(f"protect {n}", _value(v)) for n, v in value.items()]
        elif name != "identities":
            rows.append((name, _value(value)))
    return rows


def _ticket(message, seen):
    """A ticket is shown where it comes up first."""
    ticket = message["ticket"]
    if not ticket:
        return []
    if ticket in seen:
        return [("ticket", "as above")]
    seen.append(ticket)
    return [(f"ticket {name}", _value(value))
            for name, value in ticket.items() if value is not None]


def _keys(message):
    rows = []
    for key in message["keys"]:
        salt = f", salt `{key['salt']}`" if key["salt"] else ""
        spi = f", SPI `{key['SPI']}`" if key["SPI"] else ""
        rows.append((f"then known: {key['type']}",
                     f"`{key['key']}`{salt}{spi}"))
    return rows


def _message(number, message, messages, seen):
    octets = bytes.fromhex(message["octets"])
    answers = message["answers"]
    about = "" if answers is None else f", answers {answers + 1}"
    lines = [f"## {number}. {message['name']}, {message['from']} to "
             f"{message['to']}{about}", ""]
    rows = (_secrets(message) + _proofs(message, messages) + _kemac(message)
            + _ticket(message, seen) + _keys(message))
    if rows:
        lines += _table(("What", "Value"), rows)
    lines += [f"{len(octets)} octets:", ""] + _code(dump(octets))
    return lines + _code(tree(message["fields"]))


def page(vector):
    """The whole page; every line of it comes from the JSON."""
    suite = vector["suite"]
    mode = f"mode {vector['mode']}, " if vector["mode"] else ""
    lines = [f"# {vector['name']}", "", f"{vector['title']}.", "",
             f"{', '.join(vector['spec'])}; {mode}PRF {suite['PRF']}, "
             f"Encr alg {suite['Encr alg']}, Auth alg {suite['Auth alg']}.",
             "", "## Inputs", ""]
    lines += _table(("Name", "Value"), [
        (n, _value(v)) for n, v in vector["inputs"].items()])
    if vector["derived"]:
        lines += ["## Derived", ""]
        lines += _table(("Name", "Value"), [
            (n, _value(v)) for n, v in vector["derived"].items()])
    seen = []
    for number, message in enumerate(vector["messages"], 1):
        lines += _message(number, message, vector["messages"], seen)
    if vector["sessions"]:
        lines += ["## Sessions", ""]
        lines += _table(("CS ID", "Master key", "Master salt", "SPI"), [
            (s["CS ID"], f"`{s['key']}`", f"`{s['salt']}`", f"`{s['SPI']}`")
            for s in vector["sessions"]])
    return "\n".join(lines)
