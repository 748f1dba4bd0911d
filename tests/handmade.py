# SPDX-License-Identifier: Apache-2.0
"""Messages of every data type with every payload, made octet by octet.

They are well-formed and mean nothing: keys, MACs and signatures are counted
up. Names tell what each is there for.
"""

import base64

from mikeyread import KEY_DATA
from mikeytool_rig import link, sized

T, ID, CERT, CHASH, V, SP, RAND, ERR = 5, 6, 7, 8, 9, 10, 11, 12
KEMAC, PKE, DH, SIGN = 1, 2, 3, 4
TR, IDR, RANDR, TP, TICKET, EXT = 13, 14, 15, 16, 17, 21

CERTIFICATE = base64.b64decode("""
MIIBHTCBxAIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9rbXMuZXhhbXBsZS5v
cmcwIBcNMjYxMTI1MTUxNDIwWhgPMjA4MTA4MjgxNTE0MjBaMBoxGDAWBgNVBAMM
D2ttcy5leGFtcGxlLm9yZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOFrQNGf
8VRgSQwRwV+sotYWvKWKnOl8ymi9dtOctpo+aUBjXhNZsDYEcisQzCc8cbq9wUIn
dYfTw8QxeRxB560wCgYIKoZIzj0EAwIDSAAwRQIgcAM92yvavi6FfP+aUViX2C/4
QgQjBVk4u7kV71HM7OkCIQCgcLAdbSJlGVwDsWxChVNfmjJ7BsUXUckpjPxNe4KU
jw==""")

SRTP_ID_MAP = b"\2\0" + bytes.fromhex("00deadbeef00000001" "01000000020000ffff")
EMPTY_MAP = b"\0\1"
GENERIC_MAP = b"\4\2" + bytes.fromhex(
    "01" "00" "82" "0001" "000a" "11223344" "00000005" "fffe" "04" "000000aa"
    "02" "00" "01" "00" "0004" "55667788" "00"  # no SPI
    "03" "00" "00" "0000" "00"                  # nothing chosen yet
    "04" "01" "01" "07" "0003" "aabbcc" "00")   # TESLA


def count(octets, first=0):
    return bytes((first + n) % 256 for n in range(octets))


def message(data_type, parts, cs_map=EMPTY_MAP, flags=0x80):
    """flags: V and PRF func."""
    return (bytes([1, data_type, parts[0][0] if parts else 0, flags])
            + bytes.fromhex("c5b00001") + cs_map + link(parts, False))


def now(kind=0, value="e100000380000000"):
    return T, bytes([kind]) + bytes.fromhex(value)


def identity(text, kind=1):
    return ID, bytes([kind]) + sized(text)


def idr(role, text, kind=1):
    return IDR, bytes([role, kind]) + sized(text)


def rand(octets=16):
    return RAND, sized(count(octets), 1)


def randr(role, octets=16):
    return RANDR, bytes([role]) + sized(count(octets), 1)


def mac(alg=1):
    return bytes([alg]) + count((0, 20, 32)[alg], 0x60)


def v(alg=1):
    return V, mac(alg)


def kemac(data=count(40), encr=1, alg=0):
    return KEMAC, bytes([encr]) + sized(data) + mac(alg)


def key(kind, kv=b"", salt=None):
    """A Key Data sub-payload without its next payload; kv[0] is the KV."""
    return KEY_DATA, (bytes([kind << 4 | (kv[0] if kv else 0)])
                      + sized(count(16))
                      + (b"" if salt is None else sized(salt)) + kv[1:])


KEYS = [key(0, b"\1" + sized(b"\0\0\0\1", 1)), key(1, salt=count(14)),
        key(2, b"\2" + sized(count(6), 1) + sized(count(6), 1)),
        key(3, b"\1\0", count(12)), key(4), key(5, salt=b""),
        key(6, b"\1" + sized(b"\1", 1)), key(0, b"\2\0\0")]


def plain_kemac(keys, alg=0):
    return kemac(link(keys, False), 0, alg)


def sp(number, *params, protocol=0):
    data = b"".join(bytes([kind]) + sized(value, 1) for kind, value in params)
    return SP, bytes([number, protocol]) + sized(data)


EVERY_PARAMETER = [(n, b"\1") for n in range(6)] + [
    (6, b"\1\0\0\0"), *((n, b"\1") for n in range(7, 13)), (13, b"\1\0"),
    *((n, b"\2") for n in range(14, 21))]


def policy(flags, parts, ticket_type=b"\0\1\1\1"):
    """flags: octets 5 to 7, with PRF and reserved bits."""
    return ticket_type + bytes.fromhex(flags) + sized(link(parts))


BASE_POLICY = [idr(3, b"sip:kms@example.org"), idr(1, b"sip:a@example.org"),
               (TR, b"\1\3" + bytes.fromhex("e1000003")),
               (TR, b"\2\1" + bytes.fromhex("7fffffff00000000")),
               (TR, b"\3\0" + bytes.fromhex("80000000ffffffff")),
               (TR, b"\4\3" + bytes.fromhex("00000e10")),
               idr(5, b"app", 2), idr(2, b"+4912345@example.org", 0),
               idr(2, b"")]
TICKET_DATA = bytes([T]) + sized(b"header") + link(
    [now(2, "00000007"), rand(32), kemac(count(66), 3), idr(4, b"tpk-1", 2),
     v(2)], False)
INITIATOR_DATA = link([v(2), v(2)])


def ticket(flags="03fde0", data=TICKET_DATA, initiator=INITIATOR_DATA,
           ticket_type=b"\0\1\1\1"):
    return TICKET, (policy(flags, BASE_POLICY, ticket_type) + sized(data)
                    + sized(initiator))


def requested(flags="016060", keys=(KEYS[1],)):
    return TP, policy(flags, [plain_kemac(keys), idr(2, b"sip:b@example.org")])


def sign(kind=0, octets=64):
    return SIGN, (kind << 12 | octets).to_bytes(2, "big") + count(octets)


def pke(cache=0, octets=64):
    return PKE, (cache << 14 | octets).to_bytes(2, "big") + count(octets)


def chash(func):
    return CHASH, bytes([func]) + count((20, 16, 32)[func])


def dh(group, kv=b"\0"):
    return DH, bytes([group]) + count((192, 96, 128)[group]) + kv


def cert(kind, data):
    return CERT, bytes([kind]) + sized(data)


def err(number):
    return ERR, bytes([number, 0, 0])


def ext(kind, data):
    return EXT, bytes([kind]) + sized(data)


def rfc_3830():
    """Data types 0 to 10, as RFC 3830, 4650 and 4738 have them."""
    ids = [identity(b"a@example.org", 0), identity(b"sip:b@example.org")]
    policies = [sp(0), sp(1, *EVERY_PARAMETER), sp(2, (0, b"\1"), protocol=1)]
    with_id = link([identity(b"a@example.org", 0), KEYS[0]], False)
    return {
        "PSK init": message(0, [now(), rand(), *ids, *policies,
                                kemac(alg=1)], SRTP_ID_MAP),
        "PSK init, keys in clear": message(
            0, [now(1), rand(0), plain_kemac(KEYS, 2)], SRTP_ID_MAP, 0x81),
        "PSK answer": message(1, [now(2, "00000001"), ids[1], v()], flags=0),
        "PK init": message(
            2, [now(), rand(), cert(0, CERTIFICATE), ids[0], kemac(alg=1),
                chash(0), pke(1), sign()], SRTP_ID_MAP),
        "PK init, keys in clear": message(
            2, [now(), cert(1, b"http://example.org/c.der"),
                kemac(with_id, 0, 1), chash(1), pke(2, 256), sign(1, 128)]),
        "PK answer": message(3, [now(), ids[1], v(0)]),
        "DH init": message(4, [now(), rand(), ids[0], cert(2, CERTIFICATE),
                               dh(0), sign(2)]),
        "DH answer": message(5, [now(), ids[1], cert(3, CERTIFICATE),
                                 dh(1, b"\xf1" + sized(b"\1\2\3\4", 1)),
                                 dh(2, b"\2" + sized(b"12", 1)
                                    + sized(b"", 1)), sign(0, 0)]),
        "DHHMAC init": message(7, [now(), rand(), *ids, dh(2), kemac(alg=1)]),
        "DHHMAC answer": message(8, [now(), ids[1], dh(2), dh(2),
                                     kemac(alg=2)]),
        "RSA-R I": message(9, [now(), rand(), ids[0], cert(0, CERTIFICATE),
                               sign()]),
        "RSA-R R": message(10, [now(), *ids, *policies, kemac(alg=1), pke(),
                                v()]),
    }


def rfc_6043():
    """Data types 11 to 18, and Error."""
    peers = [idr(1, b"sip:a@example.org"), idr(2, b"sip:b@example.org")]
    kms = idr(3, b"sip:kms@example.org")
    proof = [cert(0, CERTIFICATE), kms]
    suite = 0x81
    return {
        "REQUEST_INIT_PSK": message(
            11, [now(), randr(1), peers[0], kms, requested(keys=KEYS),
                 idr(4, b"psk", 2), v(2)], flags=suite),
        "REQUEST_INIT_PK": message(
            12, [now(), randr(1, 32), peers[0], *proof, requested(),
                 chash(2), pke(0, 256), sign(0, 256)]),
        "REQUEST_RESP": message(
            13, [now(), kms, ticket(initiator=b""), kemac(count(99), 3), v(2)],
            flags=suite),
        "TRANSFER_INIT": message(
            14, [now(), randr(1), *peers, sp(0), sp(1, *EVERY_PARAMETER),
                 ticket(), kemac(), ext(1, b"mikey"), v(2)], GENERIC_MAP),
        "TRANSFER_RESP": message(
            15, [now(3, "80000000"), randr(2), peers[1], randr(3), sp(7),
                 kemac(encr=2), v()], GENERIC_MAP, 0),
        "RESOLVE_INIT_PSK": message(
            16, [now(), randr(2), peers[1], kms, ticket(), v(1)]),
        "RESOLVE_INIT_PK": message(
            17, [now(), randr(2), peers[1], *proof, ticket(), chash(2),
                 pke(), sign(1, 4095)]),
        "RESOLVE_RESP": message(
            18, [now(0, "00000000" "00000001"), kms, kemac(b""), peers[1],
                 randr(3, 255), v(2)], flags=1),
        "Error, 0 to 7": message(6, [now(), *map(err, range(8))], flags=0),
        "Error, 8 to 15": message(
            6, [now(), *map(err, range(8, 16)), sp(0), v(0)], flags=0),
        "Error, signed": message(6, [now(), err(14), sign()], flags=0),
    }


def odd_ones():
    """Well-formed, but rare: other tickets, numbers without a name."""
    nameless = [
        idr(0, b"x"), idr(200, b"\xff\0", 9), randr(77),
        (TR, b"\x0a\3" + bytes(4)), err(16), ext(6, b""),
        cert(9, b"\x30"), sp(3, (21, b"\0"), (99, bytes(3)), (0, b"\x63"),
                             (200, bytes(5)), (4, b"")),
        kemac(encr=9), pke(3), sp(4, (7, b"x"), protocol=2), sign(9, 3)]
    unread = [kemac(b"\0\1\2", 0)]
    extensions = [ext(n, b"data") for n in range(6)]
    other = b"\0\2\1\1", b"\xf0\0\0\0", b"\0\1\1\2"
    return {
        "nothing at all": message(99, []),
        "numbers without a name": message(14, nameless, flags=0x7f),
        "NULL encryption, no keys": message(0, unread),
        "extensions": message(15, extensions),
        **{f"ticket type {kind.hex()}": message(
            14, [now(), ticket("ff007f", count(50), b"", kind)])
           for kind in other},
        "ticket without data": message(
            14, [ticket(data=b"", initiator=b"", ticket_type=other[0])]),
        **{f"data type {n}": message(n, [now(), rand()])
           for n in range(19, 26)},
    }


def all_messages():
    return {**rfc_3830(), **rfc_6043(), **odd_ones()}
