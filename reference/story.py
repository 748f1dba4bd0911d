# SPDX-License-Identifier: Apache-2.0
"""Writes down what happens in an exchange, for those who check it.

A Story holds inputs, derived keys and messages, and turns into the JSON of
docs/vectors/. A Record is one message with all that its receiver needs.
"""

import hashlib
from dataclasses import dataclass, field

import mikeyread
import mikeytree

# Where the octets of the published example start counting (section 11).
STARTS = {
    "PSK(I,KMS)": (0x10, 0x10), "PSK(R,KMS)": (0x20, 0x30),
    "TPK": (0x30, 0x50), "MPK": (0x40, 0x70), "TGK": (0x50, 0x90),
    "master salt (in Key Data type 1)": (0x60, 0xB0),
    "RAND of ticket": (0xD0, 0xD0), "RANDRi of REQUEST_INIT": (0xE0, 0xE0),
    "RANDRi of TRANSFER_INIT": (0xA0, 0xA0),
    "RANDRr of RESOLVE_INIT": (0x90, 0x90),
    "RANDRr of TRANSFER_RESP": (0xB0, 0xB0), "RANDRkms": (0xC0, 0xC0),
    "TEK of CSB update": (0xC1, 0xC1), "salt of CSB update": (0xE1, 0xE1),
}


@dataclass(frozen=True)
class Suite:
    """Algorithms that are used together (R277)."""

    bits: int
    prf: int
    encr: int
    auth: int

    @property
    def length(self):
        return self.bits // 8

    def json(self):
        return {"bits": self.bits, "PRF": self.prf, "Encr alg": self.encr,
                "Auth alg": self.auth}


SUITE_128, SUITE_256 = Suite(128, 0, 1, 1), Suite(256, 1, 3, 2)
SUITE_WRAP = Suite(128, 0, 2, 1)


def fixed_octets(suite):
    """A source of octets that are the same on every run.

    Known names count up, as in the published example; all others come from
    a hash of their name, so no two of them are equal.
    """
    def source(name, length):
        if name in STARTS:
            start = STARTS[name][suite.bits == 256]
            return bytes((start + i) & 0xFF for i in range(length))
        return hashlib.shake_128(name.encode()).digest(length)
    return source


@dataclass
class Record:
    """One message, who sent it, and what proves it."""

    name: str
    sender: str
    receiver: str
    raw: bytes
    answers: int | None = None
    secrets: dict = field(default_factory=dict)
    identities: dict = field(default_factory=dict)
    mac: dict | None = None
    signature: dict | None = None
    kemac: dict | None = None
    ticket: dict | None = None
    keys: tuple = ()
    guard: object = None  # what an Error about this message is under

    def json(self):
        message = mikeyread.parse(self.raw)
        return {
            "name": self.name, "from": self.sender, "to": self.receiver,
            "octets": self.raw.hex(), "answers": self.answers,
            "secrets": {**plain(self.secrets),
                        "identities": plain(self.identities)},
            "mac": plain(self.mac), "signature": plain(self.signature),
            "kemac": plain(self.kemac), "ticket": plain(self.ticket),
            "keys": [key_json(k) for k in self.keys],
            "fields": mikeytree.fields(message.trace),
        }


def plain(value):
    """Octets as hexadecimal digits, through dictionaries."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    return value.hex() if isinstance(value, bytes) else value


def key_json(key):
    kind = key.kind + ("" if key.salt is None else "+SALT")
    return {"type": kind, "key": key.key.hex(), "salt": plain(key.salt),
            "SPI": key.spi.hex()}


class Story:
    """Inputs, derived values and messages, in the order they come up."""

    def __init__(self, name, title, spec, mode, suite, source=None):
        self.name = name
        self.title = title
        self.spec = spec
        self.mode = mode
        self.suite = suite
        self.source = source or fixed_octets(suite)
        self.inputs = {}
        self.derived = {}
        self.records = []
        self.sessions = []

    def octets(self, name, length=None, nonzero=False):
        """An input of that name: drawn once, then always the same."""
        if name not in self.inputs:
            value = self.source(name, length or self.suite.length)
            self.inputs[name] = value.replace(b"\0", b"\1") if nonzero else (
                value)
        return self.inputs[name]

    def text(self, name, value):
        """An input that is no key: an identity, the name of a file."""
        self.inputs.setdefault(name, value)
        return value

    def derive(self, name, value):
        """Note a derived value; another value gets another name."""
        chosen, count = name, 1
        while self.derived.get(chosen, value) != value:
            count += 1
            chosen = f"{name} ({count})"
        self.derived[chosen] = value
        return value

    def add(self, record):
        self.records.append(record)
        return len(self.records) - 1

    def json(self):
        return {
            "format": 1, "name": self.name, "title": self.title,
            "spec": self.spec, "mode": self.mode, "suite": self.suite.json(),
            "inputs": plain(self.inputs), "derived": plain(self.derived),
            "messages": [r.json() for r in self.records],
            "sessions": self.sessions,
        }
