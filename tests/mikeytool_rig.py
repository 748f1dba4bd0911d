# SPDX-License-Identifier: Apache-2.0
"""What the tests of mikeytool share: the program, and random messages.

A test is started as python3 tests/test_mikeytool_NAME.py BUILD.
"""
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
PROGRAM = BUILD / "mikeytool"
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))


def vectors(name):
    return json.loads((HERE / "vectors" / f"{name}.json").read_text())


def run(*args, stdin=b""):
    done = subprocess.run([PROGRAM, *args], input=stdin, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def decode(raw):
    code, out, err = run("decode", stdin=raw)
    assert code == 0, err
    return json.loads(out)


def message(name, suite="128"):
    return bytes.fromhex(vectors(f"exchange-{suite}")["messages"][name])


# --- random messages that are well-formed ----------------------------------

def octets(rng, low, high):
    return rng.randbytes(rng.randint(low, high))


def sized(data, octets_of_length=2):
    return len(data).to_bytes(octets_of_length, "big") + data


def timestamp(rng, kinds=(0, 1, 2, 3)):
    kind = rng.choice(kinds)
    return bytes([kind]) + rng.randbytes(8 if kind < 2 else 4)


def identity(rng):
    return bytes([rng.randrange(3)]) + sized(octets(rng, 0, 40))


def link(parts, has_region=True):
    """A chain of (type, body without its next octet)."""
    kinds = [kind for kind, _ in parts[1:]] + [0]
    chain = b"".join(
        (b"" if kind == 4 else bytes([following])) + body
        for (kind, body), following in zip(parts, kinds))
    return (bytes([parts[0][0] if parts else 0]) if has_region else b"") + chain


def mac(rng):
    alg = rng.randrange(3)
    return bytes([alg]) + rng.randbytes((0, 20, 32)[alg])


def kemac(rng):
    return (bytes([rng.randint(1, 3)]) + sized(octets(rng, 0, 60)) + mac(rng))


def policy(rng):
    flags = rng.choice((0x01FC60, 0x03FDE0, 0x017060, 0x00D160))
    parts = [(14, b"\2" + identity(rng)) for _ in range(rng.randint(1, 4))]
    parts += [(13, bytes([role]) + timestamp(rng)) for role in (2, 3, 4)
              if rng.random() < .5]
    parts += [(14, bytes([role]) + identity(rng)) for role in (1, 3)
              if rng.random() < .5]
    rng.shuffle(parts)
    return (b"\0\1\1\1" + flags.to_bytes(3, "big") + sized(link(parts)))


def ticket(rng):
    inside = [(5, timestamp(rng)), (11, sized(octets(rng, 0, 40), 1)),
              (1, kemac(rng)), (14, b"\4" + identity(rng))]
    rng.shuffle(inside)
    inside.append((9, mac(rng)))
    data = (bytes([inside[0][0]]) + sized(octets(rng, 0, 9))
            + link(inside, False))
    init = link([(9, mac(rng)), (9, mac(rng))]) if rng.random() < .5 else b""
    return policy(rng) + sized(data) + sized(init)


def parameters(rng):
    kinds = rng.sample(range(21), rng.randint(0, 8))
    return b"".join(bytes([k]) + sized(octets(rng, 1, 4), 1) for k in kinds)


def any_payload(rng):
    """Type and body of each kind of payload that may stand in a message."""
    group = rng.randrange(3)
    function = rng.randrange(3)
    return [
        (1, kemac(rng)),
        (2, sized(octets(rng, 0, 90))),
        (3, bytes([group]) + rng.randbytes((192, 96, 128)[group])
         + b"\1" + sized(octets(rng, 0, 4), 1)),
        (5, timestamp(rng)), (6, identity(rng)), (7, identity(rng)),
        (8, bytes([function]) + rng.randbytes((20, 16, 32)[function])),
        (10, bytes([rng.randrange(9), 0]) + sized(parameters(rng))),
        (11, sized(octets(rng, 0, 40), 1)),
        (12, bytes([rng.randrange(16), 0, 0])),
        (13, bytes([rng.randint(1, 4)]) + timestamp(rng)),
        (14, bytes([rng.randint(1, 5)]) + identity(rng)),
        (15, bytes([rng.randint(1, 3)]) + sized(octets(rng, 0, 40), 1)),
        (16, policy(rng)), (17, ticket(rng)),
        (21, b"\1" + sized(octets(rng, 0, 20))),
    ]


def generic_map(rng):
    count = rng.randint(0, 4)
    entries = b""
    for cs_id in rng.sample(range(256), count):
        started = rng.random() < .5
        session = rng.choice((0, 10 if started else 4))
        policies = octets(rng, 0, 3)
        entries += (bytes([cs_id, 0, started << 7 | len(policies)]) + policies
                    + sized(rng.randbytes(session))
                    + sized(octets(rng, 0, 5), 1))
    return bytes([count, 2]) + entries


def random_message(rng):
    parts = rng.sample(any_payload(rng), rng.randint(0, 8))
    end = rng.random()
    if end < .6:
        parts.append((9, mac(rng)))
    elif end < .8:
        signature = octets(rng, 0, 64)
        parts.append((4, (len(signature) | 0x1000).to_bytes(2, "big")
                      + signature))
    return (bytes([1, rng.randrange(19), parts[0][0] if parts else 0,
                   rng.randrange(2) | rng.randrange(2) << 7])
            + rng.randbytes(4)
            + rng.choice((b"\0\1", b"\1\0" + rng.randbytes(9),
                          generic_map(rng)))
            + link(parts, False))


# --- many at once -------------------------------------------------------------

def answers(verb, inputs, *options):
    """What the verb says to each of the inputs, one of them a line."""
    code, out, err = run(verb, "--lines", *options,
                         stdin=b"".join(i + b"\n" for i in inputs))
    assert code == 0, err
    lines = out.splitlines()
    assert len(lines) == len(inputs), err
    return lines


def decode_all(messages):
    """A line of JSON for each message that is well-formed, else None."""
    lines = answers("decode", [m.hex().encode() for m in messages])
    return [None if line.startswith(b'{"error"') else line for line in lines]


def encode_all(texts, *options):
    """(message, "") or (None, error) for each JSON text."""
    lines = answers("encode", texts, *options)
    return [(None, json.loads(line)["error"]) if line.startswith(b"{")
            else (bytes.fromhex(line.decode()), "") for line in lines]


def all_messages():
    """Every message of the vectors, and those that the fuzz targets begin
    with."""
    found = [bytes.fromhex(text) for suite in ("128", "256")
             for text in vectors(f"exchange-{suite}")["messages"].values()]
    # what fuzzing found has a hash for its name, and may be broken
    found += [path.read_bytes() for path in
              sorted((HERE.parent / "fuzz/corpus/mikey_msg").iterdir())
              if not re.fullmatch("[0-9a-f]{40}", path.name)]
    return list(dict.fromkeys(found))


def mutate(rng, raw):
    """A message with a few bits, octets or lengths changed."""
    raw = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(raw))
        kind = rng.randrange(4)
        if kind == 0:
            raw[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            raw[at] = rng.choice((0, 1, 2, 3, 9, 16, 17, 127, 128, 255))
        elif kind == 2:
            raw[at] = (raw[at] + rng.choice((-1, 1))) % 256
        else:
            raw[at:at + 1] = rng.randbytes(1)
    return bytes(raw)
