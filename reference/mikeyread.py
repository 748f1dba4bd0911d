# SPDX-License-Identifier: Apache-2.0
"""Reads MIKEY (RFC 3830 and its offspring) and MIKEY-TICKET (RFC 6043).

Written from the specification alone and never from libmikey: two readers
that agree on every octet are evidence, one that agrees with itself is not.
It is strict for the same reason: what it does not understand to the last
octet it refuses, so it cannot agree by accident.

Reading leaves a trace: every field with its place, its name and its value.
So the description of a message is what was read, not a second opinion.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field

MESSAGES = {
    0: "PSK_INIT", 1: "PSK_RESP", 2: "PK_INIT", 3: "PK_RESP", 4: "DH_INIT",
    5: "DH_RESP", 6: "Error", 7: "DHHMAC_INIT", 8: "DHHMAC_RESP",
    9: "RSA_R_INIT", 10: "RSA_R_RESP",
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
KEY_TYPES = ("TGK", "TGK+SALT", "TEK", "TEK+SALT", "GTGK", "GTGK+SALT",
             "MPK", "K_PR")
SALTED = ("TGK+SALT", "TEK+SALT", "GTGK+SALT")

MAP_SRTP_ID, MAP_EMPTY, MAP_GENERIC_ID = 0, 1, 2
# Roles of IDR; RANDR has the first three.
INITIATOR, RESPONDER, KMS, PSK, APPLICATION = 1, 2, 3, 4, 5
ISSUED, START, END, REKEY = 1, 2, 3, 4  # roles of TR

MAC_LENGTH = {0: 0, 1: 20, 2: 32}
HASH_LENGTH = {0: 20, 1: 16, 2: 32}
DH_LENGTH = {0: 192, 1: 96, 2: 128}
NTP_UTC, NTP, COUNTER, NTP_UTC_32 = 0, 1, 2, 3
TIME_LENGTH = {NTP_UTC: 8, NTP: 8, COUNTER: 4, NTP_UTC_32: 4}

LAST, V, SIGN, KEY_DATA = 0, 9, 4, 20

# What may stand several times in one chain, by name and role (2.18).
IN_MESSAGE = {("SP", None), ("CERT", None), ("ERR", None), ("EXT", None)}
# RFC 3830 tells IDi from IDr, and DHr from DHi, by their order only.
IN_OLD_MESSAGE = IN_MESSAGE | {("ID", None), ("DH", None)}
IN_POLICY = {("IDR", RESPONDER), ("IDR", APPLICATION)}
IN_INITIATOR_DATA = {("V", None)}
FLAG_OCTETS = (("E", "F", "G", "H", "I", "J", "K", "L"), ("M", "N", "O"))
BASE_TICKET = (1, 1, 1)
FIRST_TICKET_TYPE = 11  # data types from here on are MIKEY-TICKET


class MikeyError(ValueError):
    """The octets are not a message this reader accepts; the text says why."""


class Trace:
    """Every field that was read: (depth, offset, length, name, value)."""

    def __init__(self):
        self.rows = []
        self.depth = 0

    def add(self, at, length, name, value):
        self.rows.append((self.depth, at, length, name, value))

    @contextmanager
    def group(self, cursor, name):
        """What the cursor reads inside belongs to one thing of that name."""
        place, start = len(self.rows), cursor.at
        self.rows.append(None)
        self.depth += 1
        yield
        self.depth -= 1
        self.rows[place] = (self.depth, start, cursor.at - start, name, None)

    def forget(self, count):
        del self.rows[count:]


class Cursor:
    """Walks over octets and stops loudly at the end.

    Positions are those of the whole message, also inside a nested region,
    because every MAC is defined by positions in the message.
    """

    def __init__(self, data, at=0, end=None, trace=None):
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end
        self.trace = trace or Trace()

    def take(self, count, name=None):
        if count > self.end - self.at:
            raise MikeyError(f"truncated at octet {self.at}")
        self.at += count
        octets = self.data[self.at - count:self.at]
        if name and count:
            self.trace.add(self.at - count, count, name, octets)
        return octets

    def number(self, octets, name=None):
        start, value = self.at, int.from_bytes(self.take(octets), "big")
        if name:
            self.trace.add(start, octets, name, value)
        return value

    def bits(self, octets, *fields):
        """Fields of (name, width) that share those octets, high bits first."""
        start, value = self.at, self.number(octets)
        left, values = 8 * octets, []
        for name, width in fields:
            left -= width
            values.append(value >> left & (1 << width) - 1)
            self.trace.add(start, octets, name, values[-1])
        return values

    def sized(self, octets, length_name, name):
        """Octets behind their own length."""
        return self.take(self.number(octets, length_name), name)

    def region(self, octets):
        """A cursor over the next octets, which the caller must use up."""
        start = self.at
        self.take(octets)
        return Cursor(self.data, start, self.at, self.trace)

    def group(self, name):
        return self.trace.group(self, name)

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
    sequence: int | None = None  # only with the S flag
    data: bytes = b""


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
    trace: Trace = field(repr=False, compare=False, default=None)

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
    policy = cursor.number(1, "Policy_no")
    ssrc = int.from_bytes(cursor.take(4, "SSRC"), "big")
    roc = cursor.number(4, "ROC")
    return CryptoSession(number, 0, (policy,), ssrc, roc, b"")


def _generic_id(cursor, _number):
    cs_id, protocol = cursor.number(1, "CS ID"), cursor.number(1, "Prot type")
    started, count = cursor.bits(1, ("S", 1), ("#P", 7))
    policies = tuple(cursor.take(count, "Ps"))
    length = cursor.number(2, "Session Data Length")
    if protocol != 0 or not length:
        data = cursor.take(length, "Session Data")
        spi = cursor.sized(1, "SPI Length", "SPI")
        return CryptoSession(cs_id, protocol, policies, None, 0, spi,
                             data=data)
    if length != (10 if started else 4):
        raise MikeyError("SRTP Session Data of a wrong length")
    start = cursor.at
    with cursor.group("Session Data"):
        ssrc = int.from_bytes(cursor.take(4, "SSRC"), "big")
        roc = cursor.number(4, "ROC") if started else 0
        sequence = cursor.number(2, "SEQ") if started else None
    data = cursor.data[start:cursor.at]
    spi = cursor.sized(1, "SPI Length", "SPI")
    return CryptoSession(cs_id, protocol, policies, ssrc, roc, spi, sequence,
                         data)


def _sessions(cursor, count, map_type):
    if map_type == MAP_EMPTY or count == 0:
        if count:
            raise MikeyError("an Empty map with crypto sessions")
        if map_type > MAP_GENERIC_ID:
            raise MikeyError(f"unknown CS ID map type {map_type}")
        return ()
    entry = {MAP_SRTP_ID: _srtp_id, MAP_GENERIC_ID: _generic_id}.get(map_type)
    if entry is None:
        raise MikeyError(f"unknown CS ID map type {map_type}")
    sessions = []
    for number in range(1, count + 1):
        with cursor.group("CS ID map info"):
            sessions.append(entry(cursor, number))
    if len({s.cs_id for s in sessions}) != count:
        raise MikeyError("a CS ID stands twice in the map")
    return tuple(sessions)


# --- payloads (sections 2.2 to 2.14): each gets the octets after `next` --


def _kemac(cursor):
    encr_alg = cursor.number(1, "Encr alg")
    inner = cursor.region(cursor.number(2, "Encr data len"))
    data = inner.data[inner.at:inner.end]
    keys = _plain_keys(inner) if encr_alg == 0 else None
    if keys is None:
        inner.take(inner.end - inner.at, "Encr data")
    mac_alg = cursor.number(1, "Mac alg")
    return {"encr alg": encr_alg, "data": data, "keys": keys,
            "mac alg": mac_alg, "mac at": cursor.at,
            "mac": cursor.take(_mac_length(mac_alg), "MAC")}


def _plain_keys(inner):
    """Key Data of a KEMAC that hides nothing, None if it is not that."""
    start, rows, depth = inner.at, len(inner.trace.rows), inner.trace.depth
    try:
        return read_keys(inner) if inner.end > start else None
    except MikeyError:
        inner.at, inner.trace.depth = start, depth
        inner.trace.forget(rows)
        return None


def _mac_length(algorithm):
    if algorithm not in MAC_LENGTH:
        raise MikeyError(f"unknown MAC algorithm {algorithm}")
    return MAC_LENGTH[algorithm]


def _pke(cursor):
    cache, length = cursor.bits(2, ("C", 2), ("Data len", 14))
    return {"cache": cache, "value": cursor.take(length, "Data")}


def _dh(cursor):
    group = cursor.number(1, "DH-Group")
    if group not in DH_LENGTH:
        raise MikeyError(f"unknown DH group {group}")
    value = cursor.take(DH_LENGTH[group], "DH-value")
    _reserved, kind = cursor.bits(1, ("reserv", 4), ("KV", 4))
    return {"group": group, "value": value, "kv": kind,
            **_key_validity(cursor, kind)}


def _sign(cursor):
    kind, length = cursor.bits(2, ("S type", 4), ("Signature len", 12))
    return {"alg": kind, "mac at": cursor.at,
            "value": cursor.take(length, "Signature")}


def _time(cursor):
    kind = cursor.number(1, "TS Type")
    if kind not in TIME_LENGTH:
        raise MikeyError(f"unknown TS type {kind}")
    return {"type": kind, "value": cursor.take(TIME_LENGTH[kind], "TS Value")}


def _with_role(name, fields):
    """The RFC 6043 form of an older payload: a role octet before it."""
    def read(cursor):
        role = cursor.number(1, name)
        if role in (0, 255):
            raise MikeyError(f"reserved role {role}")
        return {"role": role, **fields(cursor)}
    return read


def _typed(kind_name, length_name, name):
    """ID, CERT and extensions: a type, a length, octets."""
    def read(cursor):
        kind = cursor.number(1, kind_name)
        return {"type": kind, "value": cursor.sized(2, length_name, name)}
    return read


_id = _typed("ID Type", "ID len", "ID data")


def _chash(cursor):
    function = cursor.number(1, "Hash func")
    if function not in HASH_LENGTH:
        raise MikeyError(f"unknown hash function {function}")
    return {"function": function,
            "value": cursor.take(HASH_LENGTH[function], "Hash")}


def _rand(cursor):
    return {"value": cursor.sized(1, "RAND len", "RAND")}


def _sp(cursor):
    number = cursor.number(1, "Policy no")
    protocol = cursor.number(1, "Prot type")
    inner = cursor.region(cursor.number(2, "Policy param length"))
    parameters = {}
    while inner.at < inner.end:
        with inner.group("Policy param"):
            kind = inner.number(1, "Type")
            if kind in parameters:
                raise MikeyError(f"SP parameter {kind} stands twice")
            parameters[kind] = inner.sized(1, "Length", "Value")
    return {"policy": number, "protocol": protocol, "parameters": parameters}


def _v(cursor):
    algorithm = cursor.number(1, "Auth alg")
    return {"alg": algorithm, "mac at": cursor.at,
            "mac": cursor.take(_mac_length(algorithm), "Ver data")}


def _err(cursor):
    number = cursor.number(1, "Error no")
    cursor.number(2, "Reserved")
    return {"number": number}


# --- Ticket Policy and TICKET (section 2.15) -----------------------------


def _policy(cursor):
    """The part that TP and TICKET share, up to and with the TP Data."""
    start = cursor.at - 1
    kind = (cursor.number(2, "Ticket Type"), cursor.number(1, "Subtype"),
            cursor.number(1, "Version"))
    prf, made_by_kms = cursor.bits(1, ("PRF Func", 7), ("D", 1))
    flags = "D" if made_by_kms else ""
    for letters in FLAG_OCTETS:
        fields = [(letter, 1) for letter in letters]
        if len(letters) < 8:
            fields.append(("Res", 8 - len(letters)))
        bits = cursor.bits(1, *fields)
        flags += "".join(f for f, bit in zip(letters, bits) if bit)
    _check_flags(flags)
    inner = cursor.region(cursor.number(2, "TP Data Length"))
    with inner.group("TP Data"):
        chain = _chain(inner, inner.number(1, "First Payload"), IN_POLICY)
    return {"type": kind, "prf": prf, "flags": flags, "start": start,
            "policy": chain}


def _check_flags(flags):
    """The dependencies of section 2.17 that need no look at the keys."""
    for given, needed in (("G", "F"), ("I", "E"), ("K", "D"), ("M", "F")):
        if given in flags and needed not in flags:
            raise MikeyError(f"flag {given} without {needed}")
    if "D" not in flags and "L" not in flags:
        raise MikeyError("neither flag D nor L")
    if "G" not in flags and "H" not in flags:
        raise MikeyError("neither flag G nor H")


def _ticket(cursor):
    fields = _policy(cursor)
    inner = cursor.region(cursor.number(2, "Ticket Data Length"))
    fields["data"] = inner.data[inner.at:inner.end]
    if fields["type"] == BASE_TICKET:
        with inner.group("Ticket Data"):
            fields["ticket"] = _ticket_data(inner)
    else:
        inner.take(inner.end - inner.at, "Ticket Data")
    fields["initiator at"] = cursor.at
    inner = cursor.region(cursor.number(2, "Initiator Data Length"))
    fields["initiator data at"] = inner.at
    fields["initiator"] = _initiator_data(inner)
    return fields


def _ticket_data(cursor):
    """Base ticket: THDR, which has no number, then a chain ending in V."""
    with cursor.group("THDR"):
        following = cursor.number(1, "next payload")
        cursor.sized(2, "THDR Data len", "THDR Data")
    chain = _chain(cursor, following)
    if not chain or chain[-1].kind != "V":
        raise MikeyError("Ticket Data does not end in V")
    return chain


def _initiator_data(cursor):
    if cursor.at == cursor.end:
        return Chain()
    with cursor.group("Initiator Data"):
        chain = _chain(cursor, cursor.number(1, "First Payload"),
                       IN_INITIATOR_DATA)
    if [p.kind for p in chain] != ["V", "V"]:
        raise MikeyError("Initiator Data is not Vi and Vr")
    return chain


PAYLOADS = {
    1: ("KEMAC", _kemac), 2: ("PKE", _pke), 3: ("DH", _dh),
    4: ("SIGN", _sign), 5: ("T", _time), 6: ("ID", _id),
    7: ("CERT", _typed("Cert Type", "Cert len", "Certificate data")),
    8: ("CHASH", _chash), 9: ("V", _v), 10: ("SP", _sp), 11: ("RAND", _rand),
    12: ("ERR", _err), 13: ("TR", _with_role("TS Role", _time)),
    14: ("IDR", _with_role("ID Role", _id)),
    15: ("RANDR", _with_role("RAND Role", _rand)), 16: ("TP", _policy),
    17: ("TICKET", _ticket), 21: ("EXT", _typed("Type", "Length", "Data")),
}
CODES = {name: code for code, (name, _) in PAYLOADS.items()}


def _chain(cursor, kind, repeatable=frozenset()):
    """The payloads from `kind` on; they must fill the cursor exactly."""
    chain = Chain()
    while kind != LAST:
        if kind not in PAYLOADS:
            raise MikeyError(f"unknown payload type {kind}")
        name, read = PAYLOADS[kind]
        start = cursor.at
        with cursor.group(name):
            following = (LAST if kind == SIGN
                         else cursor.number(1, "next payload"))
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
    if chain.all("V") and ("V", None) not in repeatable:
        raise MikeyError("V is not the last payload")
    if payload.kind == "SP" and any(
            p["policy"] == payload["policy"] for p in chain.all("SP")):
        raise MikeyError(f"policy {payload['policy']} stands twice")
    if (payload.kind, role) in repeatable:
        return
    if chain.all(payload.kind, role):
        raise MikeyError(f"{payload.kind} stands twice")


def parse(raw):
    """One MIKEY message from its octets; MikeyError if it is not one."""
    cursor = Cursor(bytes(raw))
    with cursor.group("HDR"):
        if cursor.number(1, "version") != 1:
            raise MikeyError("not MIKEY version 1")
        data_type = cursor.number(1, "data type")
        if data_type not in MESSAGES:
            raise MikeyError(f"unknown data type {data_type}")
        following = cursor.number(1, "next payload")
        answer, prf = cursor.bits(1, ("V", 1), ("PRF func", 7))
        csb_id = int.from_bytes(cursor.take(4, "CSB ID"), "big")
        count = cursor.number(1, "#CS")
        map_type = cursor.number(1, "CS ID map type")
        sessions = _sessions(cursor, count, map_type)
    old = data_type < FIRST_TICKET_TYPE
    payloads = _chain(cursor, following, IN_OLD_MESSAGE if old else IN_MESSAGE)
    return Message(cursor.data, data_type, bool(answer), prf, csb_id,
                   map_type, sessions, payloads, cursor.trace)


# --- Key Data, which only shows after decryption (section 2.3) -----------


@dataclass(frozen=True)
class KeyData:
    """One key out of a KEMAC; `kind` is without the "+SALT"."""

    kind: str
    key: bytes
    salt: bytes | None
    spi: bytes
    validity: int = 1  # KV: 0 Null, 1 SPI, 2 Interval
    interval: tuple = (b"", b"")


def _key_validity(cursor, kind):
    if kind == 0:
        return {"spi": b"", "interval": (b"", b"")}
    if kind == 1:
        return {"spi": cursor.sized(1, "SPI Length", "SPI"),
                "interval": (b"", b"")}
    if kind == 2:
        start = cursor.sized(1, "VF Length", "Valid From")
        return {"spi": b"",
                "interval": (start, cursor.sized(1, "VT Length", "Valid To"))}
    raise MikeyError(f"unknown key validity {kind}")


def _one_key(cursor):
    following = cursor.number(1, "next payload")
    number, validity = cursor.bits(1, ("Type", 4), ("KV", 4))
    if number >= len(KEY_TYPES):
        raise MikeyError(f"unknown key type {number}")
    kind = KEY_TYPES[number]
    key = cursor.sized(2, "Key data len", "Key data")
    salt = (cursor.sized(2, "Salt len", "Salt data") if kind in SALTED
            else None)
    given = _key_validity(cursor, validity)
    return following, KeyData(kind.split("+")[0], key, salt, given["spi"],
                              validity, given["interval"])


def read_keys(cursor, following=KEY_DATA):
    """The Key Data chain up to the end of the cursor."""
    keys = []
    while following == KEY_DATA:
        with cursor.group("Key data sub-payload"):
            following, key = _one_key(cursor)
        keys.append(key)
    if following != LAST:
        raise MikeyError(f"payload {following} among Key Data")
    cursor.finish()
    return keys


def parse_keys(plain):
    """The Key Data chain of a decrypted KEMAC.

    A wrong key almost surely fails here, but only the MAC around the
    KEMAC proves anything: callers check that first.
    """
    return read_keys(Cursor(bytes(plain)))


def parse_identity_and_keys(plain):
    """A KEMAC of the public key methods: an ID before the keys (RFC 3830).

    Nothing says so in the message; the data type implies it.
    """
    cursor = Cursor(bytes(plain))
    with cursor.group("ID"):
        following = cursor.number(1, "next payload")
        identity = _id(cursor)["value"]
    if following == LAST:  # an update without new keys
        cursor.finish()
        return identity, []
    return identity, read_keys(cursor, following)
