#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random well-formed messages and exchanges, from a seed.

    reference/randommsg.py SEED [--count N] [--exchange]

For differential tests: what two implementations say about the same octets
must be the same. `message` gives one message that can be read, `exchange`
a whole exchange that holds, in the format of docs/vectors/.
"""

import argparse
import json
import random

import mikeywrite as write
import randomexchange
from mikeyread import KEY_TYPES, MESSAGES, KeyData, MikeyError

NAMES = list(MESSAGES.values())
FLAG_RULES = (("G", "F"), ("I", "E"), ("K", "D"), ("M", "F"))
TICKET_TYPES = ((1, 1, 1), (1, 1, 1), (1, 1, 1), (2, 1, 1), (61440, 1, 1),
                (65534, 7, 255))
OLD_KEYS = KEY_TYPES[:4]
EXTENSIONS = (0, 1, 2, 3, 4, 5)

# Payloads by message: those that must be there, those that may. `IDR1` is
# an IDR of role 1. The order is the recommended one.
REQUEST = ("T", "RANDR1", "IDR1?", "CERT*", "IDR3?", "TP")
RESOLVE = ("T", "RANDR2", "IDR2?", "CERT*", "IDR3?", "TICKET")
FIRST_OLD = ("T", "RAND", "ID?", "CERT*", "ID?", "SP*")
GRAMMAR = {
    "REQUEST_INIT_PSK": tuple(p for p in REQUEST if p != "CERT*")
    + ("IDR4?", "V"),
    "REQUEST_INIT_PK": REQUEST + ("CHASH?", "PKE", "SIGN"),
    "REQUEST_RESP": ("T", "IDR3?", "TICKET", "KEMAC", "V"),
    "TRANSFER_INIT": ("T", "RANDR1?", "IDR1?", "IDR2?", "SP*", "TICKET?",
                      "KEMAC?", "V"),
    "TRANSFER_RESP": ("T", "RANDR2?", "IDR2?", "RANDR3?", "SP*", "KEMAC?",
                      "V"),
    "RESOLVE_INIT_PSK": tuple(p for p in RESOLVE if p != "CERT*")
    + ("IDR4?", "V"),
    "RESOLVE_INIT_PK": RESOLVE + ("CHASH?", "PKE", "SIGN"),
    "RESOLVE_RESP": ("T", "IDR3?", "KEMAC", "IDR2?", "RANDR3?", "V"),
    "Error": ("T", "ERR+", "SP*", "V?"),
    "PSK_INIT": ("T", "RAND", "ID?", "ID?", "SP*", "MAC"),
    "PSK_RESP": ("T", "ID?", "V"),
    "PK_INIT": FIRST_OLD + ("KEMAC", "CHASH?", "PKE", "SIGN"),
    "PK_RESP": ("T", "ID?", "V"),
    "DH_INIT": FIRST_OLD + ("DH", "SIGN"),
    "DH_RESP": ("T", "ID?", "CERT*", "ID", "DH", "DH", "SIGN"),
    "DHHMAC_INIT": ("T", "RAND", "ID?", "ID", "SP*", "DH", "MAC"),
    "DHHMAC_RESP": ("T", "ID?", "ID", "DH", "DH", "MAC"),
    "RSA_R_INIT": FIRST_OLD + ("SIGN",),
    "RSA_R_RESP": ("T", "RAND?", "ID?", "CERT*", "SP*", "MAC", "PKE",
                   "SIGN"),
}
UNEXPECTED = ("EXT", "EXT", "EXT", "RAND", "CHASH", "PKE", "ID", "CERT",
              "RANDR240", "IDR5", "TR1", "DH")


# --- numbers and octets ----------------------------------------------------


def octets(rng, maximum, usual=40):
    """Mostly short, sometimes empty, seldom as long as can be."""
    draw = rng.random()
    if draw < 0.004:
        return rng.randbytes(max(0, maximum - rng.randrange(4)))
    if draw < 0.05:
        return b""
    if draw < 0.10:
        return rng.randbytes(rng.randint(0, min(maximum, 600)))
    return rng.randbytes(rng.randint(1, min(maximum, usual)))


def text(rng):
    name = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789.-",
                               k=rng.randint(1, 24)))
    return f"sip:{name}@example.com"


def identity(rng):
    """Type and value: NAI, URI or octets."""
    kind = rng.randrange(3)
    if kind < 2 and rng.random() < 0.8:
        return kind, text(rng)[4 * (kind == 0):].encode()
    return kind, octets(rng, 65000)


def timestamp(rng, kinds=(0, 1, 2, 3)):
    kind = rng.choice(kinds)
    return kind, rng.randbytes((8, 8, 4, 4)[kind])


def key(rng, types=KEY_TYPES, validity=(0, 1, 2), blank=False):
    kind = rng.choice(types)
    salt = octets(rng, 65000, 16) if kind.endswith("SALT") else None
    value = octets(rng, 65000, 48)
    made = KeyData(kind.split("+")[0], value, salt, octets(rng, 255, 6),
                   rng.choice(validity),
                   (octets(rng, 255, 8), octets(rng, 255, 8)))
    return write.blank(made) if blank else made


def key_chain(rng, most=5, **which):
    """Plain Key Data as it stands in a KEMAC."""
    return write.keys(*[key(rng, **which)
                        for _ in range(rng.randint(1, most))])


# --- maps ------------------------------------------------------------------


def srtp_map(rng):
    count = rng.choice((0, 1, 2, 3, 3, 255 if rng.random() < 0.05 else 1))
    return write.srtp_id_map(*[
        (rng.randrange(256), rng.getrandbits(32), rng.getrandbits(32))
        for _ in range(count)])


def generic_entry(rng, cs_id, answer):
    started = rng.random() < 0.3
    data = write.session_data(
        rng.getrandbits(32), *([rng.getrandbits(32), rng.getrandbits(16)]
                               if started else [None]))
    most = 127 if rng.random() < 0.02 else 4
    policies = bytes(rng.choices(range(256), k=rng.randint(0, most)))
    spi = octets(rng, 255, 6)
    if answer:
        return write.generic_id(cs_id, policies[:1] or b"\0", data,
                                spi or b"\1", started)
    protocol = int(rng.random() < 0.1)
    if protocol:  # TESLA: any Session Data
        data = octets(rng, 65000)
    elif rng.random() < 0.3:
        data = b""
    return write.generic_id(cs_id, policies, data, spi, started, protocol)


def generic_map(rng, answer=False):
    count = rng.choice((0, 1, 2, 2, 4, 255 if rng.random() < 0.02 else 3))
    ids = rng.sample(range(256), count)
    return write.generic_id_map(*[generic_entry(rng, i, answer)
                                  for i in ids])


def cs_map(rng, name):
    if name.startswith("TRANSFER"):
        return generic_map(rng, name == "TRANSFER_RESP")
    if name == "Error" or "REQUEST" in name or "RESOLVE" in name:
        return write.EMPTY_MAP
    return rng.choice((srtp_map, srtp_map, generic_map,
                       lambda _: write.EMPTY_MAP))(rng)


# --- Ticket Policy, TICKET -------------------------------------------------


def flags(rng, must="", never=""):
    """Flags that agree with each other (2.17)."""
    given = {f for f in "DEFGHIJKLMNO" if rng.random() < 0.5}
    given = given - set(never) | set(must)
    for cause, effect in FLAG_RULES:
        if cause in given:
            given.add(effect)
    if "D" not in given:
        given.add("L")
    if "G" not in given:
        given.add("H")
    if "I" in given:  # whatever keys the ticket has (R217)
        given.add("F")
    return "".join(sorted(given))


def policy(rng, wish, given_flags):
    parts = []
    for role in (3, 1):
        if rng.random() < 0.8:
            kind, value = identity(rng)
            parts.append(write.idr(role, value, kind))
    for role in (2, 3):
        if rng.random() < 0.8:
            parts.append(write.tr(role, *timestamp(rng, (0, 1, 3))))
    if rng.random() < 0.4:
        parts.append(write.tr(4, *timestamp(rng, (3,))))
    if wish and rng.random() < 0.7:
        parts.append(write.kemac(0, key_chain(
            rng, types=KEY_TYPES[:6], validity=(1,), blank=True)))
    for role, least in ((5, 0), (2, 1)):
        for _ in range(rng.randint(least, 3)):
            kind, value = identity(rng)
            parts.append(write.idr(role, value, kind))
    return write.policy_octets(
        given_flags, rng.randrange(2), parts,
        rng.choice(TICKET_TYPES), rng.choice((0, 0, 0, rng.randrange(32))))


def mac_part(rng, alg):
    return write.v(alg, rng.randbytes((0, 20, 32)[alg]))


def ticket_data(rng, alg):
    parts = [write.timestamp(*timestamp(rng)),
             write.rand(rng.randbytes(rng.randint(16, 255))),
             write.kemac(rng.randrange(4), octets(rng, 65000, 120))]
    if rng.random() < 0.7:
        kind, value = identity(rng)
        parts.append(write.idr(4, value, kind))
    return write.ticket_data(parts + [mac_part(rng, alg)],
                             octets(rng, 60000) if rng.random() < .3 else b"")


def ticket(rng, name):
    alg = rng.randint(1, 2)
    given = flags(rng)
    head = policy(rng, False, given)
    base = head[:4] == b"\0\1\1\1"
    data = ticket_data(rng, alg) if base else octets(rng, 65535, 200)
    initiator = b""
    if "I" in given and name != "REQUEST_RESP":
        length = (0, 20, 32)[alg]
        initiator = write.initiator_data(alg, rng.randbytes(length),
                                         rng.randbytes(length))
    return write.ticket(head, data, initiator)


# --- payloads --------------------------------------------------------------


def sp(rng, number):
    """SRTP or TESLA parameters, each type once."""
    protocol = int(rng.random() < 0.1)
    kinds = rng.sample(range(1, 10) if protocol else range(21),
                       rng.randint(0, 9))
    values = {k: rng.randbytes(2 if k == 13 else rng.choice((1, 1, 1, 2, 4)))
              for k in kinds}
    if rng.random() < 0.05:
        values.update((k, octets(rng, 255, 255))
                      for k in rng.sample(range(256), rng.randint(1, 200)))
    return write.sp(number, values, protocol)


def kemac(rng, name, old):
    """NULL shows its keys; everything else is as random octets are."""
    alg = rng.choice((0, 1, 1, 1, 2, 3, 3))
    if alg == 0:
        types = OLD_KEYS if old and rng.random() < 0.7 else KEY_TYPES
        data = key_chain(rng, types=types)
        if name in ("PK_INIT", "RSA_R_RESP"):
            data = write.chain([write.identity(*identity(rng))]
                               + [write.key_data(key(rng, OLD_KEYS))])
    else:
        data = octets(rng, 65000, 160)
    mac = rng.randrange(3) if old else 0
    return write.kemac(alg, data, mac, rng.randbytes((0, 20, 32)[mac]))


def payload(rng, what, name, count):
    """One payload of that name, with the role that stands behind it."""
    kind, role = what.rstrip("0123456789"), what.lstrip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if kind == "IDR":
        number, value = identity(rng)
        return write.idr(int(role), value, number)
    if kind == "RANDR":
        return write.randr(int(role), rng.randbytes(
            rng.choice((16, 16, 32, 32, rng.randint(16, 255)))))
    if kind == "TR":
        return write.tr(int(role), *timestamp(rng))
    if kind in ("KEMAC", "MAC"):
        old = not ("RE" in name[:2] or name.startswith("TRANS"))
        return kemac(rng, name, old)
    if kind == "SP":
        return sp(rng, count)
    if kind == "TICKET":
        return ticket(rng, name)
    return SIMPLE[kind](rng)


def _dh(rng):
    group = rng.randrange(3)
    validity = rng.choice((b"\0", write.spi(octets(rng, 255, 6)),
                           write.interval(octets(rng, 255, 8),
                                          octets(rng, 255, 8))))
    return write.dh(group, rng.randbytes((192, 96, 128)[group]), validity)


def _chash(rng):
    function = rng.randrange(3)
    return write.chash(function, rng.randbytes((20, 16, 32)[function]))


SIMPLE = {
    "T": lambda rng: write.timestamp(*timestamp(rng)),
    "RAND": lambda rng: write.rand(rng.randbytes(rng.randint(16, 255))),
    "ID": lambda rng: write.identity(*identity(rng)),
    "CERT": lambda rng: write.cert(rng.randrange(4), octets(rng, 65535, 300)),
    "CHASH": _chash,
    "PKE": lambda rng: write.pke(octets(rng, 16383, 256), rng.randrange(3)),
    "DH": _dh,
    "ERR": lambda rng: write.err(rng.randrange(16)),
    "EXT": lambda rng: write.ext(rng.choice(EXTENSIONS), octets(rng, 65535)),
    "TP": lambda rng: write.tp(policy(rng, True, flags(rng))),
    "V": lambda rng: mac_part(rng, rng.randint(1, 2)),
    "SIGN": lambda rng: write.sign(rng.choice((0, 1, 2, 15)),
                                   octets(rng, 4095, 256)),
}


def chosen(rng, grammar):
    """The payloads of one message of a grammar, by name."""
    names = []
    for item in grammar:
        what, mark = item.rstrip("?*+"), item[-1]
        if mark == "?":
            count = int(rng.random() < 0.75)
        elif mark in "*+":
            count = rng.choice((0, 1, 1, 2, 3))
        else:
            count = 1
        names += [what] * max(count, int(mark == "+"))
    return names


def strange(rng, names):
    """Payloads nobody expects here and everybody can skip (R30, R46)."""
    if rng.random() < 0.75:
        return names
    end = len(names) - 1
    for what in rng.sample(UNEXPECTED, rng.randint(1, 3)):
        if what in ("EXT", "CERT") or what not in names:
            names.insert(rng.randint(1, end), what)
            end += 1
    return names


def _attempt(rng):
    name = rng.choice(NAMES)
    names = strange(rng, chosen(rng, GRAMMAR[name]))
    if rng.random() < 0.15:  # another order: HDR and the end keep theirs
        last = names.pop()
        rng.shuffle(names)
        names.append(last)
    parts = [payload(rng, what, name, n) for n, what in enumerate(names)]
    return write.message(name, parts, csb_id=rng.getrandbits(32),
                         prf=rng.randrange(2), answer=rng.random() < 0.5,
                         cs_map=cs_map(rng, name))


def message(rng):
    """The octets of one random well-formed message."""
    while True:
        try:
            return _attempt(rng)
        except MikeyError:
            continue  # too long for a length field: draw again


def exchange(rng):
    """One random exchange that holds, as the JSON of docs/vectors/."""
    return randomexchange.exchange(rng).json()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--exchange", action="store_true",
                        help="whole exchanges as JSON, one a line")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    for _ in range(args.count):
        print(json.dumps(exchange(rng)) if args.exchange
              else message(rng).hex())


if __name__ == "__main__":
    main()
