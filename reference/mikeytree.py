# SPDX-License-Identifier: Apache-2.0
"""Says in words what the reader found in the octets of a message.

The fields and their places are the reader's trace; here they only get a
meaning: the name of a code point, a date, a text, or the octets themselves.
"""

import datetime

import mikeyread
from mikeyread import COUNTER, MikeyError

SHOWN = 32  # octets: what is longer is seen in the dump, not in the tree

PAYLOAD_NAMES = {0: "last", 20: "Key data sub-payload",
                 **{code: name for name, code in mikeyread.CODES.items()}}
MAC_NAMES = {0: "NULL", 1: "HMAC-SHA-1-160", 2: "HMAC-SHA-256-256"}
PROTOCOLS = {0: "SRTP", 1: "TESLA"}
TABLES = {
    "data type": mikeyread.MESSAGES,
    "next payload": PAYLOAD_NAMES, "First Payload": PAYLOAD_NAMES,
    "PRF func": {0: "MIKEY-1", 1: "PRF-HMAC-SHA-256"},
    "CS ID map type": {0: "SRTP-ID", 1: "Empty map", 2: "GENERIC-ID"},
    "Encr alg": {0: "NULL", 1: "AES-CM-128", 2: "AES-KW-128",
                 3: "AES-CM-256"},
    "Mac alg": MAC_NAMES, "Auth alg": MAC_NAMES,
    "TS Type": {0: "NTP-UTC", 1: "NTP", 2: "COUNTER", 3: "NTP-UTC-32"},
    "TS Role": {1: "TRi time of issue", 2: "TRs start", 3: "TRe end",
                4: "TRr rekeying interval"},
    "ID Type": {0: "NAI", 1: "URI", 2: "Byte string"},
    "ID Role": {1: "Initiator", 2: "Responder", 3: "KMS",
                4: "Pre-Shared Key", 5: "Application", 6: "IDRkmsi",
                7: "IDRkmsr"},
    "Cert Type": {0: "X.509v3", 1: "X.509v3 URL", 2: "X.509v3 Sign",
                  3: "X.509v3 Encr"},
    "S type": {0: "RSA PKCS#1 v1.5", 1: "RSA PSS", 2: "ECCSI",
               15: "ECDSA"},
    "C": {0: "no cache", 1: "cache", 2: "cache for this CSB"},
    "KV": {0: "Null", 1: "SPI/MKI", 2: "Interval"},
    "Hash func": {0: "SHA-1", 1: "MD5", 2: "SHA-256"},
    "DH-Group": {0: "OAKLEY 5", 1: "OAKLEY 1", 2: "OAKLEY 2"},
    "Error no": mikeyread.ERRORS,
    "RAND Role": {1: "Initiator", 2: "Responder", 3: "KMS"},
    "Ticket Type": {1: "MIKEY base ticket", 2: "3GPP base ticket"},
    "Prot type": PROTOCOLS,
}
TABLES["PRF Func"] = TABLES["PRF func"]
KEY_TYPES = dict(enumerate(mikeyread.KEY_TYPES))
EXTENSIONS = {0: "Vendor ID", 1: "SDP IDs", 2: "TESLA I-Key", 3: "Key ID",
              4: "CSB_ID", 5: "OMA BCAST"}
SRTP_PARAMETERS = {
    0: "Encryption algorithm", 1: "Session encr. key length",
    2: "Authentication algorithm", 3: "Session auth. key length",
    4: "Session salt key length", 5: "SRTP PRF", 6: "Key derivation rate",
    7: "SRTP encryption", 8: "SRTCP encryption", 9: "Sender's FEC order",
    10: "SRTP authentication", 11: "Authentication tag length",
    12: "SRTP prefix length", 13: "ROC transmission rate",
    14: "SRTP authentication algorithm",
    15: "SRTCP authentication algorithm",
    16: "SRTP session auth. key length",
    17: "SRTCP session auth. key length",
    18: "SRTP authentication tag length",
    19: "SRTCP authentication tag length",
    20: "AEAD authentication tag length",
}
SRTP_AUTH = {0: "NULL", 1: "HMAC-SHA-1", 2: "RCCm1", 3: "RCCm2", 4: "RCCm3"}
SRTP_VALUES = {
    0: {0: "NULL", 1: "AES-CM", 2: "AES-F8", 3: "SEED-CTR", 4: "SEED-CCM",
        5: "SEED-GCM", 6: "AES-GCM", 7: "ARIA-CTR", 8: "ARIA-GCM"},
    2: SRTP_AUTH, 14: SRTP_AUTH, 15: SRTP_AUTH,
    5: {0: "AES-CM", 1: "SEED-CTR", 2: "ARIA-CTR"},
}
TEXTS = ("ID data", "Data")
NAMES_OF_32_BITS = ("CSB ID", "SSRC")
ERA = datetime.datetime(1900, 1, 1, tzinfo=datetime.timezone.utc)
NEXT_ERA = ERA + datetime.timedelta(seconds=2**32)


def iso(kind, value):
    """A time as text; seconds below 2^31 are of the era of 2036 (R214)."""
    if kind == COUNTER:
        return str(int.from_bytes(value, "big"))
    seconds = int.from_bytes(value[:4], "big")
    fraction = int.from_bytes(value[4:].ljust(4, b"\0"), "big")
    start = ERA if seconds >> 31 else NEXT_ERA
    at = start + datetime.timedelta(
        seconds=seconds, microseconds=(fraction * 10**6) >> 32)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _octets(value):
    return value.hex() if len(value) <= SHOWN else ""


def _text(value):
    if value and all(0x20 <= octet < 0x7F for octet in value):
        return value.decode("ascii")
    return _octets(value)


def _named(table, value):
    name = table.get(value)
    return f"{value} {name}" if name else str(value)


class _Place:
    """A group of fields: its name and the values read in it so far."""

    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.seen = {}


def _type(value, place):
    """`Type` is the name of three fields."""
    if place.name == "EXT":
        return _named(EXTENSIONS, value)
    if place.name == "Key data sub-payload":
        return _named(KEY_TYPES, value)
    srtp = place.parent.seen.get("Prot type") == 0
    return _named(SRTP_PARAMETERS if srtp else {}, value)


def _parameter(value, place):
    if len(value) > 4 or not value:
        return _octets(value)
    table = {}
    if place.parent.seen.get("Prot type") == 0:
        table = SRTP_VALUES.get(place.seen["Type"], {})
    return _named(table, int.from_bytes(value, "big"))


def _meaning(name, value, place):
    if value is None:
        return ""
    if name == "Type":
        return _type(value, place)
    if name == "Value":
        return _parameter(value, place)
    if name == "TS Value":
        if place.seen.get("TS Role") == mikeyread.REKEY:
            return f"{int.from_bytes(value[:4], 'big')} s"
        return iso(place.seen["TS Type"], value)
    if name in TABLES:
        return _named(TABLES[name], value)
    if name in TEXTS:
        return _text(value)
    return _octets(value) if isinstance(value, bytes) else str(value)


def fields(trace):
    """[depth, offset, length, name, meaning] of everything in a trace."""
    places, rows = [_Place("")], []
    for depth, at, length, name, value in trace.rows:
        del places[depth + 1:]
        place = places[depth]
        place.seen[name] = value
        rows.append([depth, at, length, name, _meaning(name, value, place)])
        if value is None:
            places.append(_Place(name, place))
    check_covered(rows)
    return rows


def check_covered(rows):
    """Every octet of a group belongs to a field in it, none to two groups.

    Fields may share an octet, as bits do; then they stand side by side.
    """
    ends = []
    for depth, at, length, name, _ in rows:
        while len(ends) > depth:
            _closed(ends.pop())
        if ends:
            group = ends[-1]
            if at not in (group["at"], group["last"]) or (
                    at + length > group["end"]):
                raise MikeyError(f"{name} at {at} leaves a gap")
            group["at"], group["last"] = at + length, at
        ends.append({"at": at, "last": at, "end": at + length, "leaf": True})
        for group in ends[:-1]:
            group["leaf"] = False
    while ends:
        _closed(ends.pop())


def _closed(group):
    if not group["leaf"] and group["at"] != group["end"]:
        raise MikeyError(f"octets from {group['at']} are in no field")


def key_fields(plain, read=mikeyread.read_keys):
    """The same for a decrypted Key Data chain; offsets are its own."""
    cursor = mikeyread.Cursor(plain)
    read(cursor)
    return fields(cursor.trace)
