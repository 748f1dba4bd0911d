# SPDX-License-Identifier: Apache-2.0
"""Writes MIKEY and MIKEY-TICKET messages (sections 2 and 8 of RFC 6043).

A payload is a Part: its type and its octets behind `next payload`; `chain`
puts Parts together. Everything is an argument, nothing is drawn at random,
and no rule of an exchange is enforced here: tests must be able to build what
nobody may send. Only what has no encoding at all is refused.
"""

from typing import NamedTuple

import mikeyread
from mikeyread import CODES, KEY_DATA, KEY_TYPES, LAST, MikeyError

NUMBERS = {name: code for code, name in mikeyread.MESSAGES.items()}
URI, NAI, BYTE_STRING = 1, 0, 2


class Part(NamedTuple):
    """One payload without its first octet, which depends on the next one."""

    kind: int
    body: bytes


class Map(NamedTuple):
    """The CS ID map: how many sessions, which type, the entries."""

    count: int
    kind: int
    octets: bytes


def number(value, octets):
    if not 0 <= value < 1 << 8 * octets:
        raise MikeyError(f"{value} does not fit into {octets} octets")
    return value.to_bytes(octets, "big")


def sized(value, octets):
    """A value behind its own length."""
    return number(len(value), octets) + value


def bits(octets, *fields):
    """Fields of (value, width) that share those octets, high bits first."""
    result = 0
    for value, width in fields:
        if not 0 <= value < 1 << width:
            raise MikeyError(f"{value} does not fit into {width} bits")
        result = result << width | value
    return number(result, octets)


def part(name, *body):
    return Part(CODES[name], b"".join(body))


def chain(parts, last=LAST):
    """The octets of a chain; SIGN, the last one, has no `next payload`."""
    following = [p.kind for p in parts[1:]] + [last]
    return b"".join(p.body if p.kind == mikeyread.SIGN
                    else bytes([after]) + p.body
                    for p, after in zip(parts, following))


def first(parts):
    return parts[0].kind if parts else LAST


# --- HDR and the CS ID map (section 2.1) -----------------------------------


EMPTY_MAP = Map(0, mikeyread.MAP_EMPTY, b"")


def srtp_id_map(*entries):
    """Entries of (policy number, SSRC, ROC); their CS IDs are 1, 2, ..."""
    octets = b"".join(number(policy, 1) + number(ssrc, 4) + number(roc, 4)
                      for policy, ssrc, roc in entries)
    return Map(len(entries), mikeyread.MAP_SRTP_ID, octets)


def session_data(ssrc, roc=None, sequence=None):
    """SRTP Session Data; ROC and SEQ only where the S flag is set."""
    data = number(ssrc, 4)
    if roc is not None:
        data += number(roc, 4) + number(sequence, 2)
    return data


def generic_id(cs_id, policies=(), data=b"", spi=b"", started=False,
               protocol=0):
    """One entry of a GENERIC-ID map."""
    return (number(cs_id, 1) + number(protocol, 1)
            + bits(1, (int(started), 1), (len(policies), 7))
            + bytes(policies) + sized(data, 2) + sized(spi, 1))


def generic_id_map(*entries):
    return Map(len(entries), mikeyread.MAP_GENERIC_ID, b"".join(entries))


def message(name, parts, *, csb_id, prf, answer=False, cs_map=EMPTY_MAP):
    """A whole message; `name` as in mikeyread.MESSAGES, or a number."""
    data_type = NUMBERS.get(name, name)
    return (bytes([1, data_type, first(parts)])
            + bits(1, (int(answer), 1), (prf, 7)) + number(csb_id, 4)
            + number(cs_map.count, 1) + number(cs_map.kind, 1)
            + cs_map.octets + chain(parts))


# --- payloads of RFC 3830 and its extensions (sections 2.2 to 2.14) --------


def kemac(encr_alg, data, mac_alg=0, mac=b""):
    return part("KEMAC", number(encr_alg, 1), sized(data, 2),
                number(mac_alg, 1), mac)


def pke(data, cache=0):
    return part("PKE", bits(2, (cache, 2), (len(data), 14)), data)


def dh(group, value, validity=b"\0"):
    """`validity` is KV with its data, as from spi() or interval()."""
    if len(value) != mikeyread.DH_LENGTH[group]:
        raise MikeyError(f"{len(value)} octets for DH group {group}")
    return part("DH", number(group, 1), value, validity)


def sign(kind, signature):
    return part("SIGN", bits(2, (kind, 4), (len(signature), 12)), signature)


def timestamp(kind, value):
    """T; the value as octets or as a number."""
    return part("T", _time(kind, value))


def _time(kind, value):
    length = mikeyread.TIME_LENGTH[kind]
    if isinstance(value, int):
        value = number(value, length)
    if len(value) != length:
        raise MikeyError(f"{len(value)} octets for TS type {kind}")
    return number(kind, 1) + value


def _typed(kind, value):
    return number(kind, 1) + sized(octets(value), 2)


def octets(value):
    return value.encode() if isinstance(value, str) else value


def identity(kind, value):
    """ID of RFC 3830, which has no role."""
    return part("ID", _typed(kind, value))


def cert(kind, value):
    return part("CERT", _typed(kind, value))


def chash(function, value):
    if len(value) != mikeyread.HASH_LENGTH[function]:
        raise MikeyError(f"{len(value)} octets for hash {function}")
    return part("CHASH", number(function, 1), value)


def v(algorithm, mac):
    return part("V", number(algorithm, 1), mac)


def sp(policy, parameters, protocol=0):
    """`parameters` as a dictionary; numbers take one octet."""
    inner = b"".join(
        number(kind, 1)
        + sized(number(value, 1) if isinstance(value, int) else value, 1)
        for kind, value in parameters.items())
    return part("SP", number(policy, 1), number(protocol, 1),
                sized(inner, 2))


def rand(value):
    return part("RAND", sized(value, 1))


def err(error, reserved=0):
    return part("ERR", number(error, 1), number(reserved, 2))


def ext(kind, data):
    return part("EXT", _typed(kind, data))


def sdp_ids(protocols):
    """The ids that stand in the SDP, against bidding down (8.5)."""
    return ext(1, ";".join(protocols))


# --- payloads of RFC 6043 (sections 2.7 to 2.16) ---------------------------


def tr(role, kind, value):
    return part("TR", number(role, 1), _time(kind, value))


def idr(role, value, kind=URI):
    return part("IDR", number(role, 1), _typed(kind, value))


def randr(role, value):
    return part("RANDR", number(role, 1), sized(value, 1))


def policy_octets(flags, prf, parts, kind=mikeyread.BASE_TICKET, reserved=0):
    """What TP and TICKET share: type, flags by their letters, TP Data."""
    ticket_type, subtype, version = kind
    head = (number(ticket_type, 2) + number(subtype, 1) + number(version, 1)
            + bits(1, (prf, 7), (int("D" in flags), 1)))
    for letters in mikeyread.FLAG_OCTETS:
        fields = [(int(letter in flags), 1) for letter in letters]
        if len(letters) < 8:
            fields.append((reserved, 8 - len(letters)))
        head += bits(1, *fields)
    return head + sized(bytes([first(parts)]) + chain(parts), 2)


def tp(policy):
    return part("TP", policy)


def ticket(policy, data, initiator=b""):
    return part("TICKET", policy, sized(data, 2), sized(initiator, 2))


def ticket_data(parts, thdr=b""):
    """Ticket Data of a base ticket: THDR first, which has no type."""
    return bytes([first(parts)]) + sized(thdr, 2) + chain(parts)


def initiator_data(algorithm, vi, vr):
    """Vi, a copy of the V of TRANSFER_INIT but for `next payload`, and Vr."""
    parts = [v(algorithm, vi), v(algorithm, vr)]
    return bytes([first(parts)]) + chain(parts)


# --- Key Data (section 2.3) ------------------------------------------------


def spi(value):
    return b"\x01" + sized(value, 1)


def interval(start, end):
    return b"\x02" + sized(start, 1) + sized(end, 1)


def _validity(key):
    return {0: b"\0", 1: spi(key.spi), 2: interval(*key.interval)}[
        key.validity]


def key_data(key):
    """A mikeyread.KeyData as a Part of a chain inside a KEMAC."""
    kind = key.kind + ("" if key.salt is None else "+SALT")
    salt = b"" if key.salt is None else sized(key.salt, 2)
    validity = _validity(key)
    return Part(KEY_DATA,
                bits(1, (KEY_TYPES.index(kind), 4), (validity[0], 4))
                + sized(key.key, 2) + salt + validity[1:])


def keys(*given):
    """The plaintext of a KEMAC of MIKEY-TICKET and of the PSK method."""
    return chain([key_data(k) for k in given])


def identity_and_keys(kind, value, given):
    """The plaintext of a KEMAC of the public key methods (RFC 3830)."""
    return chain([identity(kind, value)] + [key_data(k) for k in given])


def blank(key):
    """A key as it stands in a request: its lengths count, not its octets
    (R238)."""
    return mikeyread.KeyData(
        key.kind, bytes(len(key.key)),
        None if key.salt is None else bytes(len(key.salt)), key.spi,
        key.validity, key.interval)
