# SPDX-License-Identifier: Apache-2.0
"""The reference in the place of a receiver: does it take this message?

Changed messages get a right MAC again (`proven`), so that what is compared
is what both implementations think of the contents.
"""

from dataclasses import replace

import mikeycheck
import mikeykeys as keys
import mikeyread
import mikeyrules
from mikeyread import Chain, MikeyError

T, V, SP, EXT, ERR = (("T", None), ("V", None), ("SP", None), ("EXT", None),
                      ("ERR", None))
TP, TICKET, KEMAC = ("TP", None), ("TICKET", None), ("KEMAC", None)


def _idr(*roles):
    return {("IDR", r) for r in roles}


def _randr(*roles):
    return {("RANDR", r) for r in roles}


# What a receiver looks at (1.4); everything else is unexpected, and ignored.
EXPECTED = {
    "REQUEST_INIT_PSK": {T, TP, V} | _idr(1, 3, 4) | _randr(1),
    "REQUEST_RESP": {T, TICKET, KEMAC, V} | _idr(3),
    "TRANSFER_INIT": {T, SP, EXT, TICKET, KEMAC, V} | _idr(1, 2) | _randr(1),
    "TRANSFER_RESP": {T, SP, EXT, KEMAC, V} | _idr(2) | _randr(2, 3),
    "RESOLVE_INIT_PSK": {T, TICKET, V} | _idr(2, 3, 4) | _randr(2),
    "RESOLVE_RESP": {T, KEMAC, V} | _idr(2, 3) | _randr(3),
    "Error": {T, ERR, SP, V},
}
# An update must not bring what belongs to the first exchange (R163).
IN_UPDATE = {T, SP, EXT, TICKET, KEMAC, V} | _idr(1, 2) | _randr(1, 2, 3)
IN_REGION = {
    "policy": {KEMAC, ("TR", 2), ("TR", 3), ("TR", 4)} | _idr(1, 2, 3, 5),
    "ticket": {T, ("RAND", None), KEMAC, V} | _idr(4),
    "initiator": {V},
}


def _only(chain, expected):
    return Chain(_inside(p) for p in chain
                 if (p.kind, p.get("role")) in expected)


def _inside(payload):
    fields = dict(payload.fields)
    for name, expected in IN_REGION.items():
        if isinstance(fields.get(name), list):
            fields[name] = _only(fields[name], expected)
    return replace(payload, fields=fields)


def expected_only(message, update=False):
    """The message without payloads that its receiver does not look at."""
    wanted = IN_UPDATE if update else EXPECTED[message.name]
    return replace(message, payloads=_only(message.payloads, wanted))


class Changed:
    """Message `number` of a vector with other octets."""

    def __init__(self, vector, number, before, raw):
        given = {**vector["messages"][number], "octets": raw.hex()}
        self.given = given
        self.bundle = int(vector["messages"][number]["octets"][8:16], 16)
        self.kind = int(vector["messages"][number]["octets"][2:4], 16)
        self.one = mikeycheck.Checked(
            {"messages": [*vector["messages"][:number], given]}, number,
            before)
        self.message = self.one.message
        if not self.one.is_update():
            self._take_names()

    def _take_names(self):
        """An IDR that is there counts in the tail, else what is known."""
        for role, name in ((1, "i"), (2, "r"), (3, "kms")):
            found = self.message.payloads.one("IDR", role)
            if found:
                self.one.ids[name] = found["value"]

    def proven(self):
        """The octets with a MAC as they should have; MikeyError if none."""
        if self.message.data_type != self.kind:
            raise MikeyError("another type of message")
        v = self.message.payloads.must("V")
        mac = self.one.guard().mac(v["alg"], self.one.mac_input())
        return self.one.raw[:v["mac at"]] + mac

    def judge(self):
        """MikeyError says why the receiver refuses."""
        if self.message.data_type != self.kind:
            raise MikeyError("another type of message")
        update = self.one.is_update() and self.one.name != "Error"
        message = expected_only(self.message, update)
        mikeyrules.check(message)
        if self.one.init:
            mikeyrules.check_pair(self.one.init.message, message)
        if update:
            flag = "L" if self.given["from"] == "I" else "M"
            mikeyrules.check_update(self._first(), message, flag)
        elif message.name == "TRANSFER_INIT":
            message.payloads.must("TICKET")
        self._check_mac()
        self._check_keys(message)

    def _first(self):
        return next(b.message for b in self.one.before
                    if b.name == "TRANSFER_INIT" and not b.is_update()
                    and b.message.csb_id == self.bundle)

    def _init_ticket(self):
        """The ticket that a RESOLVE_RESP is about."""
        init = self.one.init
        return init.message.payloads.one("TICKET") if init else None

    def _check_mac(self):
        v = self.message.payloads.must("V")
        keys.same(v["mac"], self.one.guard().mac(
            v["alg"], self.one.mac_input()), "V")

    def _check_keys(self, message):
        chain, secrets = message.payloads, self.one.secrets
        ticket = chain.one("TICKET")
        if chain.one("KEMAC"):
            about = ticket or self._init_ticket()
            mikeyrules.check_keys(
                message, self.one.guard().decrypt(
                    chain.must("KEMAC"), chain.must("T")),
                about is not None and "I" in about["flags"])
        if not ticket or "TPK" not in secrets:
            return
        keys.open_ticket(self.message, secrets["TPK"])
        if "I" in ticket["flags"] and message.name != "REQUEST_RESP":
            keys.check_initiator_data(self.message, secrets["MPKr"])


def verdict(make, *args):
    """None, or why the reference refuses."""
    try:
        made = make(*args)
        if isinstance(made, Changed):
            made.judge()
        return None
    except MikeyError as error:
        return str(error)


def read(raw):
    """None, or why the reader refuses."""
    return verdict(mikeyread.parse, raw)
