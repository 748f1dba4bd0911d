# SPDX-License-Identifier: Apache-2.0
"""Reads MIKEY (RFC 3830) and MIKEY-TICKET (RFC 6043) messages.

Written from the specification alone and never from libmikey: two readers
that agree on every octet are evidence, one that agrees with itself is not.
It is strict for the same reason: what it does not understand to the last
octet it refuses, so it cannot agree by accident.
"""

from dataclasses import dataclass

MESSAGES = {
    0: "PSK_INIT", 1: "PSK_RESP", 2: "PK_INIT", 3: "PK_RESP", 6: "Error",
    11: "REQUEST_INIT_PSK", 12: "REQUEST_INIT_PK", 13: "REQUEST_RESP",
    14: "TRANSFER_INIT", 15: "TRANSFER_RESP", 16: "RESOLVE_INIT_PSK",
    17: "RESOLVE_INIT_PK", 18: "RESOLVE_RESP",
}
ERRORS = {
    0: "Auth failure", 1: "Invalid TS", 2: "Invalid PRF", 3: "Invalid MAC",
    4: "Invalid EA", 5: "Invalid HA", 6: "Invalid DH", 7: "Invalid ID",
    8: "Invalid Cert", 9: "Invalid SP", 10: "Invalid SPpar",
    11: "Invalid DT", 12: "Unspecified error",
    13: "Unsupported message type", 14: "Invalid TICKET", 15: "Invalid TPpar",
}
KEY_TYPES = ("TGK", "TGK+SALT", "TEK", "TEK+SALT", "GTGK", "GTGK+SALT", "MPK")
SALTED = ("TGK+SALT", "TEK+SALT", "GTGK+SALT")

MAP_SRTP_ID, MAP_EMPTY, MAP_GENERIC_ID = 0, 1, 2
INITIATOR, RESPONDER, KMS, PSK = 1, 2, 3, 4  # roles of IDR; RANDR has 1..3

MAC_LENGTH = {0: 0, 1: 20, 2: 32}
HASH_LENGTH = {0: 20, 1: 16, 2: 32}
DH_LENGTH = {0: 192, 1: 96, 2: 128}
TIME_LENGTH = {0: 8, 1: 8, 2: 4, 3: 4}

LAST, V, SIGN, KEY_DATA = 0, 9, 4, 20

# What may stand several times in one chain, by name and role (2.18).
IN_MESSAGE = {("SP", None), ("CERT", None), ("ERR", None), ("EXT", None)}
IN_POLICY = {("IDR", 2), ("IDR", 5)}
IN_INITIATOR_DATA = {("V", None)}
FLAGS = ((5, 0x01, "D"), (6, 0x80, "E"), (6, 0x40, "F"), (6, 0x20, "G"),
         (6, 0x10, "H"), (6, 0x08, "I"), (6, 0x04, "J"), (6, 0x02, "K"),
         (6, 0x01, "L"), (7, 0x80, "M"), (7, 0x40, "N"), (7, 0x20, "O"))
BASE_TICKET = (1, 1, 1)


class MikeyError(ValueError):
    """The octets are not a message this reader accepts; the text says why."""


class Cursor:
    """Walks over octets and stops loudly at the end.

    Positions are those of the whole message, also inside a nested region,
    because every MAC is defined by positions in the message.
    """

    def __init__(self, data, at=0, end=None):
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def take(self, count):
        if count > self.end - self.at:
            raise MikeyError(f"truncated at octet {self.at}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, octets):
        return int.from_bytes(self.take(octets), "big")

    def region(self, octets):
        """A cursor over the next octets, which the caller must use up."""
        start = self.at
        self.take(octets)
        return Cursor(self.data, start, self.at)

    def finish(self):
        if self.at != self.end:
            raise MikeyError(f"trailing octets at {self.at}")


@dataclass(frozen=True)
class Payload:
    """One payload: its name, where it stands, its fields by name."""

    kind: str
    start: int
    end: int
    fields: dict

    def __getitem__(self, name):
        return self.fields[name]

    def get(self, name, default=None):
        return self.fields.get(name, default)


@dataclass(frozen=True)
class CryptoSession:
    """One entry of the CS ID map."""

    cs_id: int
    protocol: int
    policies: tuple
    ssrc: int | None
    roc: int
    spi: bytes


class Chain(list):
    """Payloads in their order, looked up by name and role."""

    def all(self, kind, role=None):
        return [p for p in self if p.kind == kind
                and (role is None or p["role"] == role)]

    def one(self, kind, role=None):
        """The payload of that name, or None where there is none."""
        found = self.all(kind, role)
        return found[0] if found else None

    def must(self, kind, role=None):
        found = self.one(kind, role)
        if found is None:
            raise MikeyError(f"{kind} is missing")
        return found


@dataclass(frozen=True)
class Message:
    """One parsed message beside its own octets, which the MACs cover."""

    raw: bytes
    data_type: int
    expects_answer: bool
    prf: int
    csb_id: int
    map_type: int
    sessions: tuple
    payloads: Chain

    @property
    def name(self):
        return MESSAGES.get(self.data_type, f"type {self.data_type}")

    def rand(self, role):
        """The RANDR of that role, empty if the message has none."""
        found = self.payloads.one("RANDR", role)
        return found["value"] if found else b""

    def identity(self, role):
        """The octets of the IDR of that role, as the MAC tail wants them."""
        return self.payloads.must("IDR", role)["value"]


# --- HDR and the CS ID map (section 2.1) ---------------------------------


def _srtp_id(cursor, number):
    policy, ssrc, roc = (cursor.number(n) for n in (1, 4, 4))
    return CryptoSession(number, 0, (policy,), ssrc, roc, b"")


def _generic_id(cursor, _number):
    cs_id, protocol, flags = (cursor.number(1) for _ in range(3))
    policies = tuple(cursor.take(flags & 0x7F))
    data = cursor.take(cursor.number(2))
    spi = cursor.take(cursor.number(1))
    started = bool(flags & 0x80)
    if protocol != 0 or not data:
        return CryptoSession(cs_id, protocol, policies, None, 0, spi)
    if len(data) != (10 if started else 4):
        raise MikeyError("SRTP Session Data of a wrong length")
    roc = int.from_bytes(data[4:8], "big")
    ssrc = int.from_bytes(data[:4], "big")
    return CryptoSession(cs_id, protocol, policies, ssrc, roc, spi)


def _sessions(cursor, count, map_type):
    if map_type == MAP_EMPTY or count == 0:
        if count:
            raise MikeyError("an Empty map with crypto sessions")
        return ()
    entry = {MAP_SRTP_ID: _srtp_id, MAP_GENERIC_ID: _generic_id}.get(map_type)
    if entry is None:
        raise MikeyError(f"unknown CS ID map type {map_type}")
    sessions = tuple(entry(cursor, i + 1) for i in range(count))
    if len({s.cs_id for s in sessions}) != count:
        raise MikeyError("a CS ID stands twice in the map")
    return sessions


# --- payloads (sections 2.2 to 2.16): each gets the octets after `next` --


def _kemac(cursor):
    encr_alg = cursor.number(1)
    data = cursor.take(cursor.number(2))
    mac_alg = cursor.number(1)
    return {"encr alg": encr_alg, "data": data, "mac alg": mac_alg,
            "mac at": cursor.at, "mac": cursor.take(_mac_length(mac_alg))}


def _mac_length(algorithm):
    if algorithm not in MAC_LENGTH:
        raise MikeyError(f"unknown MAC algorithm {algorithm}")
    return MAC_LENGTH[algorithm]


def _pke(cursor):
    head = cursor.number(2)
    return {"cache": head >> 14, "value": cursor.take(head & 0x3FFF)}


def _dh(cursor):
    group = cursor.number(1)
    if group not in DH_LENGTH:
        raise MikeyError(f"unknown DH group {group}")
    value = cursor.take(DH_LENGTH[group])
    return {"group": group, "value": value,
            **_key_validity(cursor, cursor.number(1) & 0x0F)}


def _sign(cursor):
    head = cursor.number(2)
    return {"alg": head >> 12, "mac at": cursor.at,
            "value": cursor.take(head & 0x0FFF)}


def _time(cursor):
    kind = cursor.number(1)
    if kind not in TIME_LENGTH:
        raise MikeyError(f"unknown TS type {kind}")
    return {"type": kind, "value": cursor.take(TIME_LENGTH[kind])}


def _with_role(fields):
    """The RFC 6043 form of an older payload: a role octet before it."""
    def read(cursor):
        role = cursor.number(1)
        if role in (0, 255):
            raise MikeyError(f"reserved role {role}")
        return {"role": role, **fields(cursor)}
    return read


def _typed(cursor):
    """ID and CERT: a type, a length, octets."""
    kind = cursor.number(1)
    return {"type": kind, "value": cursor.take(cursor.number(2))}


def _chash(cursor):
    function = cursor.number(1)
    if function not in HASH_LENGTH:
        raise MikeyError(f"unknown hash function {function}")
    return {"function": function, "value": cursor.take(HASH_LENGTH[function])}


def _rand(cursor):
    return {"value": cursor.take(cursor.number(1))}


def _sp(cursor):
    number, protocol = cursor.number(1), cursor.number(1)
    inner = cursor.region(cursor.number(2))
    parameters = {}
    while inner.at < inner.end:
        kind = inner.number(1)
        if kind in parameters:
            raise MikeyError(f"SP parameter {kind} stands twice")
        parameters[kind] = inner.take(inner.number(1))
    return {"policy": number, "protocol": protocol, "parameters": parameters}


def _v(cursor):
    algorithm = cursor.number(1)
    return {"alg": algorithm, "mac at": cursor.at,
            "mac": cursor.take(_mac_length(algorithm))}


def _err(cursor):
    number = cursor.number(1)
    cursor.take(2)
    return {"number": number}


def _extension(cursor):
    return _typed(cursor)


# --- Ticket Policy and TICKET (section 2.15) -----------------------------


def _policy(cursor):
    """The part that TP and TICKET share, up to and with the TP Data."""
    start = cursor.at - 1
    kind = (cursor.number(2), cursor.number(1), cursor.number(1))
    octets = {5 + i: octet for i, octet in enumerate(cursor.take(3))}
    flags = "".join(f for at, bit, f in FLAGS if octets[at] & bit)
    _check_flags(flags)
    inner = cursor.region(cursor.number(2))
    return {"type": kind, "prf": octets[5] >> 1, "flags": flags,
            "start": start, "policy": _chain(inner, inner.number(1), IN_POLICY)}


def _check_flags(flags):
    """The dependencies of section 2.17 that need no look at the keys."""
    for given, needed in (("G", "F"), ("I", "E"), ("K", "D"), ("M", "F")):
        if given in flags and needed not in flags:
            raise MikeyError(f"flag {given} without {needed}")
    if "D" not in flags and "L" not in flags:
        raise MikeyError("neither flag D nor L")
    if "G" not in flags and "H" not in flags:
        raise MikeyError("neither flag G nor H")


def _tp(cursor):
    return _policy(cursor)


def _ticket(cursor):
    fields = _policy(cursor)
    inner = cursor.region(cursor.number(2))
    fields["data"] = inner.data[inner.at:inner.end]
    if fields["type"] == BASE_TICKET:
        fields["ticket"] = _ticket_data(inner)
    fields["initiator at"] = cursor.at
    inner = cursor.region(cursor.number(2))
    fields["initiator data at"] = inner.at
    fields["initiator"] = _initiator_data(inner)
    return fields


def _ticket_data(cursor):
    """Base ticket: THDR, which has no number, then a chain ending in V."""
    following = cursor.number(1)
    cursor.take(cursor.number(2))
    chain = _chain(cursor, following)
    if not chain or chain[-1].kind != "V":
        raise MikeyError("Ticket Data does not end in V")
    return chain


def _initiator_data(cursor):
    if cursor.at == cursor.end:
        return Chain()
    chain = _chain(cursor, cursor.number(1), IN_INITIATOR_DATA)
    if [p.kind for p in chain] != ["V", "V"]:
        raise MikeyError("Initiator Data is not Vi and Vr")
    return chain


PAYLOADS = {
    1: ("KEMAC", _kemac), 2: ("PKE", _pke), 3: ("DH", _dh),
    4: ("SIGN", _sign), 5: ("T", _time), 6: ("ID", _typed),
    7: ("CERT", _typed), 8: ("CHASH", _chash), 9: ("V", _v),
    10: ("SP", _sp), 11: ("RAND", _rand), 12: ("ERR", _err),
    13: ("TR", _with_role(_time)), 14: ("IDR", _with_role(_typed)),
    15: ("RANDR", _with_role(_rand)), 16: ("TP", _tp),
    17: ("TICKET", _ticket), 21: ("EXT", _extension),
}


def _chain(cursor, kind, repeatable=frozenset()):
    """The payloads from `kind` on; they must fill the cursor exactly."""
    chain = Chain()
    while kind != LAST:
        if kind not in PAYLOADS:
            raise MikeyError(f"unknown payload type {kind}")
        name, read = PAYLOADS[kind]
        start = cursor.at
        following = LAST if kind == SIGN else cursor.number(1)
        fields = read(cursor)
        payload = Payload(name, start, cursor.at, fields)
        _check_single(chain, payload, repeatable)
        chain.append(payload)
        kind = following
    cursor.finish()
    return chain


def _check_single(chain, payload, repeatable):
    """A second payload of one kind and role is an attack or a bug."""
    role = payload.get("role")
    if (payload.kind, role) in repeatable:
        return
    if chain.all("V"):
        raise MikeyError("V is not the last payload")
    if chain.all(payload.kind, role):
        raise MikeyError(f"{payload.kind} stands twice")


def parse(raw):
    """One MIKEY message from its octets; MikeyError if it is not one."""
    cursor = Cursor(bytes(raw))
    if cursor.number(1) != 1:
        raise MikeyError("not MIKEY version 1")
    data_type, following, flags = (cursor.number(1) for _ in range(3))
    csb_id, count, map_type = (cursor.number(n) for n in (4, 1, 1))
    sessions = _sessions(cursor, count, map_type)
    payloads = _chain(cursor, following, IN_MESSAGE)
    return Message(cursor.data, data_type, bool(flags & 0x80), flags & 0x7F,
                   csb_id, map_type, sessions, payloads)


# --- Key Data, which only shows after decryption (section 2.3) -----------


@dataclass(frozen=True)
class KeyData:
    """One key out of a KEMAC; `kind` is without the "+SALT"."""

    kind: str
    key: bytes
    salt: bytes | None
    spi: bytes


def _key_validity(cursor, kind):
    if kind == 0:
        return {"spi": b""}
    if kind == 1:
        return {"spi": cursor.take(cursor.number(1))}
    if kind == 2:
        cursor.take(cursor.number(1))
        cursor.take(cursor.number(1))
        return {"spi": b""}
    raise MikeyError(f"unknown key validity {kind}")


def parse_keys(plain):
    """The Key Data chain of a decrypted KEMAC.

    A wrong key almost surely fails here, but only the MAC around the
    KEMAC proves anything: callers check that first.
    """
    cursor = Cursor(bytes(plain))
    keys, following = [], KEY_DATA
    while following == KEY_DATA:
        following, head = cursor.number(1), cursor.number(1)
        if head >> 4 >= len(KEY_TYPES):
            raise MikeyError(f"unknown key type {head >> 4}")
        kind = KEY_TYPES[head >> 4]
        key = cursor.take(cursor.number(2))
        salt = cursor.take(cursor.number(2)) if kind in SALTED else None
        spi = _key_validity(cursor, head & 0x0F)["spi"]
        keys.append(KeyData(kind.split("+")[0], key, salt, spi))
    if following != LAST:
        raise MikeyError(f"payload {following} among Key Data")
    cursor.finish()
    return keys
