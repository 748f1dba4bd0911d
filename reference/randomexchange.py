# SPDX-License-Identifier: Apache-2.0
"""Random whole exchanges: any mode, any allowed flags, any kinds of keys.

Everything is drawn from one random.Random, so a seed names an exchange. The
draws keep the rules of RFC 6043: what comes out must hold, always.
"""

import hashlib
from dataclasses import replace

import mikeypk as pk
import mikeywrite as write
from exchange import Scene
from mikeyread import COUNTER, NTP, NTP_UTC, NTP_UTC_32, KeyData
from oldexchange import OldScene
from scene import MASTER_SALT, Clock, Cs, default_policy, stamp
from story import SUITE_128, SUITE_256

SCHEMES = ((pk.S_PKCS1, "SHA-1"), (pk.S_PKCS1, "SHA-256"),
           (pk.S_PSS, "SHA-256"), (pk.S_ECDSA, "SHA-256"))
NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
MAY_LEAVE = (
    "IDRi of REQUEST", "IDRkms of REQUEST", "IDRpsk of REQUEST_INIT",
    "IDRkms of REQUEST_RESP", "IDRkms in TP", "IDRi in TP", "IDRi of "
    "TRANSFER_INIT", "IDRr of TRANSFER_INIT", "IDRr of TRANSFER_RESP",
    "IDRr of RESOLVE", "IDRkms of RESOLVE", "IDRpsk of RESOLVE_INIT",
    "IDRkms of RESOLVE_RESP", "CERT of REQUEST_INIT", "CERT of RESOLVE_INIT")
# By mode: flags that must be set, flags that must not.
MODES = {1: ("DE", ""), 2: ("D", "EI"), 3: ("EL", "DK"), 4: ("L", "DEIK")}
FLAG_RULES = (("G", "F"), ("I", "E"), ("M", "F"))


# Keys whose length nobody prescribes; above 32 octets the PRF has two blocks.
ANY_LENGTH = ("TGK ", "GTGK ", "PSK(", "TPK", "MPK", "env_key ")


def source_of(rng, keys=0):
    """Octets as asked for; a RAND may also be longer than needed (R272).

    `keys` is another length for keys, which no RAND may then fall below."""
    def source(name, length):
        if keys and name.startswith(ANY_LENGTH):
            length = keys
        if name.startswith("RAND"):
            length = max(length, keys)
            if rng.random() < 0.2:
                length = rng.choice((length + 1, 64, 255))
        return rng.randbytes(length)
    return source


def key_length(rng, suite):
    """128-bit algorithms take no longer keys (R279)."""
    if suite.bits == 128 or rng.random() < 0.7:
        return 0
    return rng.choice((33, 40, 48, 64))


def flags(rng, mode):
    must, never = MODES[mode]
    given = {f for f in "DEFGHIJKLMNO" if rng.random() < 0.5}
    given = given - set(never) | set(must)
    for cause, effect in FLAG_RULES:
        if cause in given:
            given.add(effect)
    if "G" not in given:
        given.add("H")
    if "I" in given:  # a TGK may come into the ticket (R217)
        given.add("F")
    return "".join(sorted(given))


def name(rng):
    return "".join(rng.choices(NAME_LETTERS, k=rng.randint(1, 20)))


def party(rng, known):
    """The same party under another name."""
    kind = rng.choice((write.URI, write.URI, write.NAI))
    called = f"{'sip:' * (kind == write.URI)}{name(rng)}@example.com"
    return replace(known, name=called, kind=kind, psk_id=name(rng))


class Draw:
    """What is random in one exchange, and never the same twice."""

    def __init__(self, rng, scene):
        self.rng = rng
        self.scene = scene
        self.spis = set()
        self.count = 0

    def spi(self):
        while True:
            spi = self.rng.randbytes(self.rng.choice((1, 2, 4, 4, 4, 8)))
            if spi not in self.spis:
                self.spis.add(spi)
                return spi

    def key(self, kinds=("TGK", "TGK", "GTGK", "TEK")):
        self.count += 1
        kind, salt = self.rng.choice(kinds), None
        if kind == "TEK" or self.rng.random() < 0.6:
            salt = self.scene.octets(f"salt {self.count}", 14)
        return KeyData(kind, self.scene.octets(f"{kind} {self.count}"), salt,
                       self.spi())

    def keys(self, least=0):
        return tuple(self.key() for _ in range(self.rng.randint(least, 3)))

    def policy(self):
        given = default_policy(self.scene.suite)
        for kind, value in ((11, 4), (6, b"\0\1\0\0"), (8, 0), (9, 1),
                            (12, 0), (7, 1)):
            if self.rng.random() < 0.3:
                given[kind] = value
        for kind in (5, 6, 12):
            if self.rng.random() < 0.2:
                del given[kind]
        return given

    def sessions(self, known, complete):
        """Crypto sessions whose SPIs name known keys."""
        rng, result = self.rng, []
        ids = rng.sample(range(255), rng.randint(1, 4) if known else 0)
        for cs_id in sorted(ids):
            started = rng.random() < 0.3
            more = (rng.getrandbits(32), rng.getrandbits(16)) if started else (
                None, None)
            cs = Cs(cs_id, tuple(rng.sample(range(3), rng.randint(1, 3))),
                    rng.getrandbits(32), rng.choice(known).spi, *more)
            if complete:
                cs = replace(cs, policies=cs.policies[:1])
            elif rng.random() < 0.4:
                cs = replace(cs, ssrc=None, roc=None, sequence=None, spi=b"")
            result.append(cs)
        return tuple(result)


# --- MIKEY-TICKET -----------------------------------------------------------


def _stage(rng, scene):
    """Names, timestamps, omissions, the shape of the ticket."""
    scene.i, scene.r = party(rng, scene.i), party(rng, scene.r)
    scene.kms = party(rng, scene.kms)
    scene.group = scene.r if rng.random() < 0.3 else party(rng, scene.group)
    scene.responders = [scene.group] + [
        party(rng, scene.group) for _ in range(rng.randint(0, 2))]
    scene.applications = [f"urn:{name(rng)}"
                          for _ in range(rng.choice((0, 0, 1, 2)))]
    kind = rng.choice((NTP_UTC, NTP_UTC, NTP, COUNTER, NTP_UTC_32))
    scene.clock = Clock(kind, rng.getrandbits(31) + 1)
    scene.without = {w for w in MAY_LEAVE if rng.random() < 0.15}
    scene.tpk_id = rng.choice((None, name(rng)))
    scene.thdr = rng.choice((b"", b"", rng.randbytes(rng.randint(1, 50))))
    start, end = sorted(rng.getrandbits(32) for _ in range(2))
    scene.validity = tuple(
        rng.choice((None, stamp(NTP_UTC_32, at), stamp(NTP_UTC, at << 32)))
        for at in (start, end))
    scene.rekey = rng.choice((None, rng.getrandbits(32)))
    scene.mpk_spis = tuple(rng.randbytes(rng.randint(1, 4))
                           for _ in range(2))
    scene.protocols = rng.choice((None, ["mikey"], ["mikey", "other"]))
    _public_keys(rng, scene)


def _public_keys(rng, scene):
    scene.scheme = rng.choice(SCHEMES)
    scene.chash = rng.choice((None, 0, 1, 2))
    scene.envelope = rng.choice(("pkcs1", "oaep"))
    if scene.scheme[0] == pk.S_ECDSA:
        scene.i = replace(scene.i, pem="alice-ec")
        scene.r = replace(scene.r, pem="bob-ec")


def ticket_exchange(rng, label):
    mode = rng.choice((1, 1, 1, 2, 3, 4))
    suite = rng.choice((SUITE_128, SUITE_256))
    scene = Scene(label, f"Random exchange of mode {mode}", [], mode, suite,
                  source=source_of(rng, key_length(rng, suite)),
                  flags=flags(rng, mode))
    _stage(rng, scene)
    draw = Draw(rng, scene)
    given = draw.keys()
    how = [rng.choice(("PSK", "PSK", "PK")) for _ in range(2)]
    if mode < 3:
        wish = given if rng.random() < 0.5 else (draw.key(("TGK", "GTGK")),)
        ticket = scene.request(how[0], given, wanted=wish)
    else:
        ticket = scene.make_ticket(given)
    call, resolved = _transfer(rng, draw, scene, ticket, how[1])
    if "J" in scene.flags and rng.random() < 0.3:
        again = (rng.getrandbits(32), "RANDRi of second TRANSFER_INIT")
        call, _ = _transfer(rng, draw, scene, ticket, None, resolved, again)
    _updates(rng, draw, scene, call)
    if rng.random() < 0.4:
        _error(rng, scene)
    scene.finish(call)
    return scene


def _transfer(rng, draw, scene, ticket, how, resolved=None, again=None):
    """TRANSFER_INIT, the ticket opened if needed, TRANSFER_RESP if due."""
    answered, changes = scene.has("F"), {}
    own = draw.keys() if scene.has("L") and rng.random() < 0.6 else ()
    known = ticket.keys + own
    policies = {n: draw.policy() for n in range(3)}
    if again:
        changes = {"csb": again[0], "rand": again[1],
                   "known": resolved.keys + own}
    call = scene.transfer_init(ticket, draw.sessions(
        _usable(known), not answered), policies, own, **changes)
    if resolved is None:
        resolved = (scene.resolve(call, how) if scene.has("E")
                    else scene.open_locally(call))
    if not answered:
        call.keys = resolved.keys + own
        return call, resolved
    theirs = draw.keys() if scene.has("M") and rng.random() < 0.6 else ()
    usable = _usable(known + theirs)
    sessions = tuple(_completed(rng, cs, usable) for cs in call.sessions)
    if not call.sessions:
        sessions = draw.sessions(usable, True)
    rand = f"RANDRr of {'second ' if again else ''}TRANSFER_RESP"
    scene.transfer_resp(call, resolved, sessions, given=theirs, rand=rand)
    return call, resolved


def _usable(known):
    """A TEK without salt serves no SRTP session."""
    return [k for k in known if k.kind != "TEK" or k.salt is not None]


def _completed(rng, cs, usable):
    return replace(
        cs, policies=(rng.choice(cs.policies),),
        ssrc=rng.getrandbits(32) if cs.ssrc is None else cs.ssrc,
        spi=cs.spi or rng.choice(usable).spi)


def _updates(rng, draw, scene, call):
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        by = rng.choice("IR")
        flag, other = ("L", "M") if by == "I" else ("M", "L")
        given = draw.keys() if scene.has(flag) else ()
        answer = None
        if rng.random() < 0.6:
            answer = draw.keys() if scene.has(other) else ()
        usable = _usable(call.keys + given)
        sessions = tuple(replace(cs, spi=rng.choice(usable).spi)
                         if rng.random() < 0.5 else cs
                         for cs in call.sessions)
        scene.update(call, by, given, answer, sessions)


def _error(rng, scene):
    """About any message but an Error, in any form that is possible."""
    about = rng.randrange(len(scene.records))
    cause = scene.records[about]
    kms = "KMS" in (cause.sender, cause.receiver)
    how = rng.choice((None, "V", "SIGN" if kms else "V"))
    policies = None
    if not kms and rng.random() < 0.5:
        policies = {0: default_policy(scene.suite)}
    if how == "SIGN" and scene.scheme[0] == pk.S_ECDSA:
        how = "V" if cause.receiver == "KMS" else how
    scene.error(about, rng.choices(range(16), k=rng.randint(1, 3)), how,
                policies)


# --- plain MIKEY -------------------------------------------------------------


def old_exchange(rng, label):
    method = rng.choice(("psk", "psk", "pk", "dh", "dhhmac", "rsa_r"))
    suite = SUITE_128 if method.startswith("dh") else rng.choice(
        (SUITE_128, SUITE_256))
    scene = OldScene(label, f"Random exchange of RFC 3830: {method}", [],
                     None, suite, source=source_of(rng))
    scene.i, scene.r = party(rng, scene.i), party(rng, scene.r)
    scene.scheme = rng.choice(SCHEMES[:3])
    scene.chash = rng.choice((0, 1, 2))
    kind = rng.choice((NTP_UTC, NTP, COUNTER))
    scene.clock = Clock(kind, rng.getrandbits(31) + 1)
    key = _old_key(rng, scene)
    if method == "psk":
        csb = scene.session(scene.octets("PSK(I,R)"),
                            csb=rng.getrandbits(32))
        scene.psk(csb, [key], answer=rng.random() < 0.7)
        if rng.random() < 0.4:
            scene.psk(csb, first=False)
    elif method.startswith("dh"):
        csb = getattr(scene, method)(rng.randrange(3))
    else:
        csb = getattr(scene, method)([key])
    scene.old_finish(csb)
    return scene


def _old_key(rng, scene):
    kind = rng.choice(("TGK", "TEK"))
    salt = None
    if kind == "TEK" or rng.random() < 0.5:
        salt = scene.octets(MASTER_SALT, 14)
    validity = rng.randrange(2)
    spi = rng.randbytes(4) if validity else b""
    return KeyData(kind, scene.octets(kind), salt, spi, validity)


def exchange(rng):
    label = hashlib.sha256(repr(rng.getstate()).encode()).hexdigest()[:8]
    play = old_exchange if rng.random() < 0.15 else ticket_exchange
    return play(rng, f"random-{label}")
