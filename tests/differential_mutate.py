# SPDX-License-Identifier: Apache-2.0
"""Changes of messages: of octets, and of payloads in any of the chains."""

import mikeywrite as write
from mikeyread import CODES

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
    raw = message.raw
    mine = [_part(raw, p) for p in message.payloads]
    theirs = [_part(other.raw, p) for p in other.payloads]
    head = bytearray(raw[:message.payloads[0].start]
                     if message.payloads else raw)
    if rng.random() < 0.5:
        mine = [_inner(rng, raw, p, part, theirs)
                for p, part in zip(message.payloads, mine)]
    else:
        mine = _shuffled(rng, mine, theirs)
    head[2] = write.first(mine)
    return bytes(head) + write.chain(mine)


def _inner(rng, raw, payload, part, theirs):
    """TP and TICKET with another chain in one of their regions."""
    if payload.kind not in ("TP", "TICKET") or rng.random() < 0.3:
        return part
    policy = _shuffled(rng, [_part(raw, p) for p in payload["policy"]], theirs)
    if payload.kind == "TICKET" and rng.random() < 0.6:
        return _ticket(rng, raw, payload, theirs)
    data = bytes([write.first(policy)]) + write.chain(policy)
    end = 10 + int.from_bytes(raw[payload.start + 8:payload.start + 10], "big")
    return write.Part(part.kind, raw[payload.start + 1:payload.start + 8]
                      + _sized(data) + raw[payload.start + end:payload.end])


def _ticket(rng, raw, payload, theirs):
    """Other Ticket Data or Initiator Data."""
    policy_end = payload["initiator at"] - len(payload["data"]) - 2
    head = raw[payload.start + 1:policy_end]
    data = payload["data"]
    initiator = raw[payload["initiator data at"]:payload.end]
    if payload.get("ticket") is not None and rng.random() < 0.6:
        parts = _shuffled(rng, [_part(raw, p) for p in payload["ticket"]],
                          theirs)
        data = bytes([write.first(parts)]) + data[1:3 + int.from_bytes(
            data[1:3], "big")] + write.chain(parts)
    else:
        parts = _shuffled(rng, [_part(raw, p) for p in payload["initiator"]],
                          theirs)
        initiator = bytes([write.first(parts)]) + write.chain(parts)
    return write.Part(CODES["TICKET"],
                      head + _sized(data) + _sized(initiator))


def _sized(data):
    return write.sized(data[:0xFFFF], 2)
