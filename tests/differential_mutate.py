# SPDX-License-Identifier: Apache-2.0
"""Changes of messages: of octets, of payloads in any of the chains, of single
fields to other values that can be read, and of the keys in a KEMAC."""

from dataclasses import replace

import mikeywrite as write
import randommsg
from mikeyread import CODES, MAC_LENGTH, TIME_LENGTH, MikeyError

TELLING = (0, 1, 2, 3, 4, 6, 9, 14, 20, 21, 127, 128, 254, 255)


# --- octets ----------------------------------------------------------------


def _flip(rng, raw, at):
    raw[at] ^= 1 << rng.randrange(8)


def _set(rng, raw, at):
    raw[at] = rng.choice((*TELLING, rng.randrange(256)))


def _step(rng, raw, at):
    raw[at] = (raw[at] + rng.choice((1, -1))) & 0xFF


def _remove(rng, raw, at):
    del raw[at:at + rng.randint(1, 8)]


def _insert(rng, raw, at):
    raw[at:at] = rng.randbytes(rng.randint(1, 8))


def _end(rng, raw, at):
    if rng.random() < 0.5:
        del raw[at:]
    else:
        raw += rng.randbytes(rng.randint(1, 4))


def _repeat(rng, raw, at):
    end = at + rng.randint(1, 40)
    raw[end:end] = raw[at:end]


OCTETS = (_flip, _set, _step, _remove, _insert, _end, _repeat)


def octets(rng, raw):
    """The octets with one to three places changed."""
    raw = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        near = min(len(raw), 60) if rng.random() < 0.4 else len(raw)
        if near:
            rng.choice(OCTETS)(rng, raw, rng.randrange(near))
    return bytes(raw)


# --- payloads --------------------------------------------------------------


def _part(raw, payload):
    start = payload.start + (payload.kind != "SIGN")
    return write.Part(CODES[payload.kind], raw[start:payload.end])


def _shuffled(rng, parts, others):
    """Payloads doubled, dropped, swapped, replaced, or of another message."""
    parts = list(parts)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(parts) + 1)
        change = rng.randrange(5)
        if change == 0 and parts:
            parts.insert(at, rng.choice(parts))
        elif change == 1 and parts:
            parts.pop(min(at, len(parts) - 1))
        elif change == 2 and len(parts) > 1:
            one, other = rng.sample(range(len(parts)), 2)
            parts[one], parts[other] = parts[other], parts[one]
        elif change == 3 and parts:
            at = min(at, len(parts) - 1)
            parts[at] = _other_body(rng, parts[at])
        elif others:
            parts.insert(at, rng.choice(others))
    return parts


def _other_body(rng, part):
    """Fields in front change most, where the short ones stand."""
    body = bytearray(part.body)
    for _ in range(rng.randint(1, 2)):
        if body:
            rng.choice(OCTETS[:4])(rng, body, rng.randrange(
                min(len(body), 40)))
    return write.Part(part.kind, bytes(body))


def payloads(rng, message, other):
    """The message with other payloads, linked as they should be."""
    theirs = [_part(other.raw, p) for p in other.payloads]
    return _rebuilt(rng, message, lambda parts: _shuffled(rng, parts, theirs))


def _rebuilt(rng, message, edit):
    """With one chain edited: that of the message, or one inside it."""
    raw = message.raw
    mine = [_part(raw, p) for p in message.payloads]
    head = bytearray(raw[:message.payloads[0].start]
                     if message.payloads else raw)
    if rng.random() < 0.5:
        mine = [_inner(rng, raw, p, part, edit)
                for p, part in zip(message.payloads, mine)]
    else:
        mine = edit(mine)
    head[2] = write.first(mine)
    return bytes(head) + write.chain(mine)


def _inner(rng, raw, payload, part, edit):
    """TP and TICKET with another chain in one of their regions."""
    if payload.kind not in ("TP", "TICKET") or rng.random() < 0.3:
        return part
    if payload.kind == "TICKET" and rng.random() < 0.6:
        return _ticket(rng, raw, payload, edit)
    policy = edit([_part(raw, p) for p in payload["policy"]])
    data = bytes([write.first(policy)]) + write.chain(policy)
    end = 10 + int.from_bytes(raw[payload.start + 8:payload.start + 10], "big")
    return write.Part(part.kind, raw[payload.start + 1:payload.start + 8]
                      + _sized(data) + raw[payload.start + end:payload.end])


def _ticket(rng, raw, payload, edit):
    """Other Ticket Data or Initiator Data."""
    policy_end = payload["initiator at"] - len(payload["data"]) - 2
    head = raw[payload.start + 1:policy_end]
    data = payload["data"]
    initiator = raw[payload["initiator data at"]:payload.end]
    if payload.get("ticket") is not None and rng.random() < 0.6:
        parts = edit([_part(raw, p) for p in payload["ticket"]])
        data = bytes([write.first(parts)]) + data[1:3 + int.from_bytes(
            data[1:3], "big")] + write.chain(parts)
    else:
        parts = edit([_part(raw, p) for p in payload["initiator"]])
        initiator = bytes([write.first(parts)]) + write.chain(parts)
    return write.Part(CODES["TICKET"],
                      head + _sized(data) + _sized(initiator))


def _sized(data):
    return write.sized(data[:0xFFFF], 2)


# --- fields ----------------------------------------------------------------


def _other_time(rng, _body):
    kind = rng.choice(list(TIME_LENGTH))
    return bytes([kind]) + rng.randbytes(TIME_LENGTH[kind])


def _other_tr(rng, body):
    return body[:1] + _other_time(rng, body)


def _other_v(rng, _body):
    alg = rng.choice(list(MAC_LENGTH))
    return bytes([alg]) + rng.randbytes(MAC_LENGTH[alg])


def _other_role(rng, body):
    return bytes([rng.choice((1, 2, 3, 4, 5, 6, 240, body[0]))]) + body[1:]


def _other_rand(rng, body):
    return body[:1] + write.sized(rng.randbytes(
        rng.choice((0, 8, 15, 16, 40, 255))), 1)


def _other_identity(rng, body):
    return body[:1] + bytes([rng.randrange(3)]) + write.sized(
        rng.randbytes(rng.choice((0, 1, 20, 255, 256))), 2)


def _other_algorithms(rng, body):
    """KEMAC: Encr alg, MAC alg."""
    end = 3 + int.from_bytes(body[1:3], "big")
    alg = rng.choice((0, 0, 1, 2))
    return (bytes([rng.randrange(5)]) + body[1:end] + bytes([alg])
            + rng.randbytes(MAC_LENGTH[alg]))


def _other_policy(rng, body):
    """TP, TICKET: PRF, flags, type."""
    body = bytearray(body)
    at = rng.choice((1, 2, 3, 4, 5, 6, 4, 5, 6))
    body[at] ^= 1 << rng.randrange(8)
    return bytes(body)


FIELDS = {CODES[name]: ways for name, ways in {
    "T": (_other_time,), "TR": (_other_tr, _other_role), "V": (_other_v,),
    "IDR": (_other_role, _other_identity),
    "RANDR": (_other_role, _other_rand), "KEMAC": (_other_algorithms,),
    "TP": (_other_policy,), "TICKET": (_other_policy,)}.items()}


def _other_field(rng, parts):
    able = [n for n, p in enumerate(parts) if p.kind in FIELDS]
    if able:
        at = rng.choice(able)
        parts[at] = write.Part(parts[at].kind, rng.choice(
            FIELDS[parts[at].kind])(rng, parts[at].body))
    return parts


def _other_map(rng):
    return rng.choice((randommsg.generic_map, randommsg.generic_map,
                       lambda r: randommsg.generic_map(r, True),
                       randommsg.srtp_map, lambda _: write.EMPTY_MAP))(rng)


def _other_header(rng, message):
    raw = message.raw
    start = message.payloads[0].start if message.payloads else len(raw)
    if rng.random() < 0.4:
        changed = bytearray(raw)
        at = rng.choice((1, 3, 3, 4, 7))
        changed[at] ^= 1 << rng.randrange(2 if at == 3 else 8)
        return bytes(changed)
    new = _other_map(rng)
    return raw[:8] + bytes([new.count, new.kind]) + new.octets + raw[start:]


def fields(rng, message):
    """One field with another value, and all lengths as they should be."""
    if rng.random() < 0.25:
        return _other_header(rng, message)
    return _rebuilt(rng, message, lambda parts: _other_field(rng, parts))


# --- keys --------------------------------------------------------------------


def _other_key(rng, key):
    return rng.choice((
        lambda: replace(key, kind=rng.choice(("TGK", "MPK", "GTGK", "TEK")),
                        salt=None),
        lambda: replace(key, validity=rng.randrange(3), interval=(b"", b"")),
        lambda: replace(key, spi=b""),
        lambda: replace(key, key=key.key[:rng.choice((0, 8, 15, 16))]),
        lambda: replace(key, salt=rng.randbytes(14))
        if key.kind != "MPK" else key))()


def keys(rng, one):
    """A mikeycheck.Checked with other keys in its KEMAC."""
    chain = one.message.payloads
    kemac, at = chain.must("KEMAC"), chain.must("T")
    guard = one.guard()
    found = list(guard.decrypt(kemac, at))
    change, n = rng.randrange(4), rng.randrange(len(found))
    if change == 0:
        found.insert(rng.randrange(len(found) + 1), found[n])
    elif change == 1:
        found.pop(n)
    else:
        found[n] = _other_key(rng, found[n])
    try:
        sealed = guard.seal(kemac["encr alg"], write.keys(*found), at)
    except MikeyError:
        return one.raw  # AES-KW cannot carry it
    raw = one.raw
    return (raw[:kemac.start + 2] + write.sized(sealed.data, 2)
            + raw[kemac.start + 4 + len(kemac["data"]):])
