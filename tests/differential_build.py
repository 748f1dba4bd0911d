# SPDX-License-Identifier: Apache-2.0
"""Random exchanges that libmikey builds and the reference opens.

Everything that libmikey is asked for is drawn here; what comes out is read,
verified and decrypted by the reference, which derives all keys by itself.
"""

from dataclasses import replace

import mikeycheck
import mikeykeys as keys
import mikeypk as pk
import mikeyread
import mikeyrules
import mikeywrite as write
import randomexchange
from mikeyread import INITIATOR, KMS, RESPONDER, KeyData, MikeyError

LETTERS = "DEFGHIJKLMNO"
PRF = {128: 0, 256: 1}
KEY_TYPES = {name: n for n, name in enumerate(mikeyread.KEY_TYPES)}


class Wrong(Exception):
    """What libmikey built is not what it was asked for."""


def equal(what, wanted, found):
    if wanted != found:
        raise Wrong(f"{what} is {found!r}, asked for was {wanted!r}")


def number(flags):
    return sum(1 << (11 - LETTERS.index(f)) for f in flags)


def key_json(key):
    name = key.kind + ("" if key.salt is None else "+SALT")
    return {"type": KEY_TYPES[name], "key": key.key.hex(),
            "salt": None if key.salt is None else key.salt.hex(),
            "SPI": key.spi.hex()}


def identity_json(identity):
    return identity and {"type": identity[0], "data": identity[1].hex()}


class Draw:
    """What is random, within what RFC 6043 allows."""

    def __init__(self, rng):
        self.rng = rng
        self.bits = rng.choice((128, 256))
        self.wrap = self.bits == 128 and rng.random() < 0.25
        self.length = self.bits // 8
        if self.bits == 256 and rng.random() < 0.3:
            self.length = rng.choice((33, 48, 64))
        self.spis = set()
        self.last = rng.getrandbits(20)

    def octets(self):
        return self.rng.randbytes(self.length)

    def rand(self):
        """As long as the longest key, or longer (R272)."""
        most = self.rng.choice((self.length, self.length, 64, 255))
        return self.rng.randbytes(max(self.length, most))

    def identity(self):
        kind = self.rng.choice((0, 1, 1, 1))
        name = randomexchange.name(self.rng).encode() + b"@example.com"
        return kind, (b"sip:" if kind else b"") + name

    def time(self):
        kind = self.rng.randrange(4)
        self.last += self.rng.randint(1, 5)
        if kind == 2:
            return {"type": 2, "value": self.last.to_bytes(4, "big").hex()}
        high = (0xE1000000 + self.last).to_bytes(4, "big")
        low = self.rng.randbytes(4) if kind < 2 else b""
        return {"type": kind, "value": (high + low).hex()}

    def spi(self):
        """With AES-KW all chains without MPK must fill eight octets."""
        while True:
            spi = self.rng.randbytes(3 if self.wrap else self.rng.choice(
                (1, 4, 4, 8, 255 if self.rng.random() < 0.02 else 2)))
            if spi not in self.spis:
                self.spis.add(spi)
                return spi

    def key(self, kinds=("TGK", "TGK", "GTGK", "TEK")):
        kind, salt = self.rng.choice(kinds), None
        if kind == "TEK" or self.rng.random() < 0.6:
            salt = self.rng.randbytes(14 if self.wrap else self.rng.choice(
                (14, 14, 12)))
        if self.wrap and salt:
            salt = salt[:14]
        return KeyData(kind, self.octets(), salt, self.spi())

    def keys(self, least=0):
        return [self.key() for _ in range(self.rng.randint(least, 3))]

    def sp(self):
        """SRTP and other policies as they stand, by their numbers."""
        made = []
        for no in self.rng.sample(range(256), self.rng.randint(0, 4)):
            kinds = self.rng.sample(range(21), self.rng.randint(0, 6))
            made.append(write.sp(no, {k: self.rng.randbytes(
                2 if k == 13 else 1) for k in kinds}))
        return made

    def sessions(self, least=0):
        result = []
        for cs_id in self.rng.sample(range(255), self.rng.randint(least, 4)):
            started = self.rng.random() < 0.3
            data = self.rng.randbytes(10 if started else 4)
            if self.rng.random() < 0.2:
                data = b""
            result.append({
                "cs": cs_id, "started": started, "data": data.hex(),
                "policies": self.rng.randbytes(self.rng.randint(0, 3)).hex(),
                "SPI": self.rng.randbytes(self.rng.randint(0, 5)).hex()})
        return result

    def answered(self):
        """Sessions of a response: one policy, Session Data and SPI each."""
        return [{**s, "policies": s["policies"][:2] or "00",
                 "data": s["data"] or "00" * (10 if s["started"] else 4),
                 "SPI": s["SPI"] or "01"} for s in self.sessions(1)]

    def policy(self, kms, initiator):
        def perhaps(value):
            return value if self.rng.random() < 0.8 else None
        return {"kms": perhaps(kms), "initiator": perhaps(initiator),
                "start": perhaps(self.rng.getrandbits(31)),
                "end": perhaps(self.rng.getrandbits(32) - 10**8),
                "rekey": perhaps(self.rng.getrandbits(32)),
                "responders": [self.identity() for _ in range(
                    self.rng.randint(1, 4))],
                "apps": [self.identity() for _ in range(
                    self.rng.choice((0, 0, 1, 8)))]}


def policy_json(policy):
    return {**policy, "kms": identity_json(policy["kms"]),
            "initiator": identity_json(policy["initiator"]),
            "end": policy["end"] and max(policy["end"], 0),
            "responders": [identity_json(i) for i in policy["responders"]],
            "apps": [identity_json(i) for i in policy["apps"]]}


def unix(timestamp):
    """Seconds of an NTP-UTC-32 (R214)."""
    seconds = int.from_bytes(timestamp["value"], "big")
    return seconds - 2208988800 if seconds >> 31 else seconds + 2085978496


class Exchange:
    """One exchange, message after message."""

    def __init__(self, rng, ask, public_keys):
        self.ask, self.rng, self.pk = ask, rng, public_keys
        self.draw = draw = Draw(rng)
        self.mode = rng.choice((1, 1, 1, 2, 3, 4))
        self.flags = randomexchange.flags(rng, self.mode)
        self.i, self.r, self.called, self.kms = (
            draw.identity() for _ in range(4))
        self.psk = {"i": draw.octets(), "r": draw.octets()}
        self.tpk, self.rand, self.mpk = draw.octets(), draw.rand(), None
        self.ticket_keys, self.policy = draw.keys(), None
        self.messages, self.checked = [], []

    def has(self, flag):
        return flag in self.flags

    # --- building and reading ----------------------------------------------

    def build(self, what, secrets, answers=None, names=None, **arguments):
        """Ask libmikey; the message as the reference reads it, verified."""
        draw, at = self.draw, self.draw.time()
        reply = self.ask({"op": "build", "what": what, "bits": draw.bits,
                          "wrap": draw.wrap, "t": at, **arguments})
        if not reply["ok"]:
            raise Wrong(f"{what}: {reply['error']} {reply['why']}")
        names = names or (self.i, self.called, self.kms)
        self.messages.append({
            "octets": reply["octets"], "answers": answers, "secrets": {
                **secrets, "identities": dict(zip(("i", "r", "kms"), (
                    n[1].decode() for n in names)))}})
        one = mikeycheck.Checked({"messages": self.messages},
                                 len(self.messages) - 1, list(self.checked))
        self.checked.append(one)
        self._look(one, at, what)
        return one

    def _look(self, one, at, what):
        message, chain = one.message, one.message.payloads
        mikeyrules.check(message)
        if one.init:
            mikeyrules.check_pair(one.init.message, message)
        found = chain.must("T")
        equal(f"T of {what}", (at["type"], at["value"]),
              (found["type"], found["value"].hex()))
        v, sign = chain.one("V"), chain.one("SIGN")
        if v:
            guard = one.guard()
            keys.same(v["mac"], guard.mac(v["alg"], one.mac_input()), "V")
        if sign:
            chain = pk.load_certificates(one.pem("signer"))
            pk.verify(sign["alg"], chain[0].public_key(), sign["value"],
                      one.raw[:sign["mac at"]] + one.tail())
            one.check_envelope()

    def opened(self, one, wanted):
        """The keys in its KEMAC are those."""
        chain = one.message.payloads
        kemac = chain.one("KEMAC")
        found = one.guard().decrypt(kemac, chain.must("T")) if kemac else []
        equal("keys", [(k.kind, k.key, k.salt) for k in wanted],
              [(k.kind, k.key, k.salt) for k in found])
        equal("SPIs", [k.spi for k in wanted if k.kind != "MPK"],
              [k.spi for k in found if k.kind != "MPK"])

    def ticket_holds(self, one):
        """MAC, keys, policy, and with forking Initiator Data."""
        message, ticket = one.message, one.message.payloads.must("TICKET")
        found = keys.open_ticket(message, self.tpk)
        equal("ticket", [k.key for k in (self.mpk, *self.ticket_keys)],
              [k.key for k in found])
        equal("flags", "".join(sorted(self.flags)),
              "".join(sorted(ticket["flags"])))
        self.policy_is(ticket["policy"])
        if self.has("I") and one.name != "REQUEST_RESP":
            keys.check_initiator_data(message, self.mpkr)

    def policy_is(self, chain):
        wanted = policy_json(self.policy)
        for name, role, value in (("TR", 2, "start"), ("TR", 3, "end")):
            found = chain.one(name, role)
            equal(value, wanted[value], found and unix(found))
        found = chain.one("TR", 4)
        equal("rekey", wanted["rekey"],
              found and int.from_bytes(found["value"], "big"))
        for role, value in ((KMS, "kms"), (INITIATOR, "initiator")):
            found = chain.one("IDR", role)
            equal(value, self.policy[value],
                  found and (found["type"], found["value"]))
        for role, value in ((RESPONDER, "responders"), (5, "apps")):
            equal(value, self.policy[value],
                  [(p["type"], p["value"]) for p in chain.all("IDR", role)])

    def omitted(self, *roles):
        """Some identities left out, as bits."""
        return sum(1 << r for r in roles if self.rng.random() < 0.2)

    def key_id(self):
        return self.rng.choice((None, self.rng.randbytes(8).hex()))

    def ids(self, **more):
        return {"IDRi": identity_json(self.i), "IDRkms": identity_json(
            self.kms), **{n: identity_json(v) for n, v in more.items()}}

    def csb(self):
        return self.rng.getrandbits(32)

    # --- PSK or keys and certificates ---------------------------------------

    def credential(self, side):
        """Arguments and secrets of whoever asks the KMS."""
        if not self.pk or self.rng.random() < 0.8:
            key = self.psk[side].hex()
            return {"key": key, "key id": self.key_id()}, {"PSK": key}
        kind = self.rng.choice((pk.S_PKCS1, pk.S_PSS, pk.S_ECDSA))
        signer = ("alice" if side == "i" else "bob") + (
            "-ec.pem" if kind == pk.S_ECDSA else "-rsa.pem")
        key = self.draw.octets().hex()
        return ({"key": key, "signer": signer, "s type": kind,
                 "sha1": kind == pk.S_PKCS1 and self.rng.random() < 0.3,
                 "sealer": "kms-rsa.pem", "chash": self.rng.randrange(2)},
                {"env_key": key, "signer": signer, "kms key": "kms-rsa.pem"})

    # --- Request -----------------------------------------------------------

    def ticket_arguments(self):
        self.mpk = KeyData("MPK", self.draw.octets(), None, b"\1")
        self.mpki, self.mpkr = keys.split_mpk(
            self.mpk.key, PRF[self.draw.bits], self.rand)
        self.policy = self.draw.policy(self.kms, self.i)
        return {"flags": number(self.flags),
                "policy": policy_json(self.policy), "TPK": self.tpk.hex(),
                "TPK id": self.key_id(), "RAND": self.rand.hex(),
                "keys": [key_json(k) for k in (self.mpk, *self.ticket_keys)]}

    def mpks(self, mpkr=None):
        found = [KeyData("MPK", self.mpki, None, b"\1")]
        if self.has("I"):
            found.append(KeyData("MPK", mpkr or self.mpkr, None, b"\2"))
        return found

    def request(self):
        credential, secrets = self.credential("i")
        wish = self.draw.policy(self.kms, self.i)
        want = self.rng.choice((None, self.draw.keys(1)))
        flags = "".join(set(self.flags) - {"K"})
        init = self.build(
            "REQUEST_INIT", secrets, csb=self.csb(), flags=number(flags),
            RANDRi=self.draw.rand().hex(), omit=self.omitted(1, 3),
            policy=policy_json(wish), want=want and [
                key_json(k) for k in want], **credential, **self.ids())
        self.wished(init, want, flags)
        resp = self.build(
            "REQUEST_RESP", secrets, answers=0, init=self.octets(0),
            key=credential["key"], asker=identity_json(self.i),
            kms=identity_json(self.kms),
            IDRkms=self.rng.choice((None, identity_json(self.kms))),
            **self.ticket_arguments())
        self.opened(resp, self.mpks() + self.ticket_keys)
        self.ticket_holds(resp)

    def wished(self, init, want, flags):
        tp = init.message.payloads.must("TP")
        equal("flags asked for", set(flags), set(tp["flags"]))
        kemac = tp["policy"].one("KEMAC")
        equal("keys asked for", want and [write.blank(k) for k in want],
              kemac and kemac["keys"])

    def octets(self, index):
        return self.messages[index]["octets"]

    # --- Transfer and Resolve ----------------------------------------------

    def transfer(self):
        given = self.draw.keys() if self.has("L") else []
        if self.mode < 3:
            source = {"REQUEST_RESP": self.octets(1)}
        else:
            source = {"ticket": {**self.ticket_arguments(),
                                 "bits": self.draw.bits,
                                 "wrap": self.draw.wrap,
                                 "t": self.draw.time()}}
        secrets = {"MPKi": self.mpki.hex(), "MPKr": self.mpkr.hex(),
                   "TPK": self.tpk.hex()}
        sessions, sp = self.draw.sessions(), self.draw.sp()
        init = self.build(
            "TRANSFER_INIT", secrets, csb=self.csb(), sessions=sessions,
            RANDRi=self.draw.rand().hex(), omit=self.omitted(1, 2),
            sp=self.sp_json(sp), given=[key_json(k) for k in given],
            MPKi=secrets["MPKi"], MPKr=secrets["MPKr"],
            **{"SDP IDs": self.rng.choice((None, b"mikey".hex()))},
            **source, **self.ids(IDRr=self.called))
        self.init = len(self.messages) - 1
        self.opened(init, given)
        self.ticket_holds(init)
        self.map_is(init, sessions)
        self.sp_is(init, sp)

    def sp_json(self, sp):
        return [{"no": p.body[0], "prot": p.body[1],
                 "params": p.body[4:].hex()} for p in sp]

    def sp_is(self, one, sp):
        raw = one.raw
        equal("SP", [p.body for p in sp],
              [raw[p.start + 1:p.end] for p in one.message.payloads.all("SP")])

    def map_is(self, one, sessions):
        equal("map", [(s["cs"], s["policies"], s["data"], s["SPI"])
                      for s in sessions],
              [(s.cs_id, bytes(s.policies).hex(), s.data.hex(), s.spi.hex())
               for s in one.message.sessions])

    def resolve(self):
        """The keys as the Responder has them, and its MPK."""
        self.modifier = None
        if self.mode in (1, 3):
            return self._ask_kms()
        return self.ticket_keys, self.mpki

    def _ask_kms(self):
        credential, secrets = self.credential("r")
        secrets["TPK"] = self.tpk.hex()
        names = self.i, self.r, self.kms
        init = self.build(
            "RESOLVE_INIT", secrets, names=names, csb=self.csb(),
            RANDRr=self.draw.rand().hex(), omit=self.omitted(2, 3),
            TRANSFER_INIT=self.octets(self.init), **credential,
            **self.ids(IDRr=self.r))
        self.ticket_holds(init)
        rand = self.draw.rand()
        resp = self.build(
            "RESOLVE_RESP", secrets, answers=len(self.messages) - 1,
            names=names, init=self.octets(-1), key=credential["key"],
            TPK=secrets["TPK"], asker=identity_json(self.r),
            kms=identity_json(self.kms), IDRr=identity_json(self.r),
            IDRkms=self.rng.choice((None, identity_json(self.kms))),
            RANDRkms=rand.hex())
        return self._forked(resp, rand)

    def _forked(self, resp, rand):
        prf, mpk, found = PRF[self.draw.bits], self.mpki, self.ticket_keys
        if self.has("I"):
            self.modifier = rand
            mpk = keys.fork(keys.MPKR_FORK, self.mpkr, prf, self.r[1], rand)
            found = [replace(k, key=keys.fork(
                keys.TGK_FORK, k.key, prf, self.r[1], rand))
                if k.kind == "TGK" else k for k in found]
            equal("RANDRkms", rand, resp.message.rand(KMS))
        self.opened(resp, self.mpks(mpk) + list(found))
        return found, mpk

    def answer(self, mpk):
        given = self.draw.keys() if self.has("M") else []
        rand_r = self.draw.rand() if self.has("G") else b""
        sessions, sp = self.draw.answered(), self.draw.sp()
        own = self.has("I") or self.rng.random() < 0.7
        resp = self.build(
            "TRANSFER_RESP", {"MPK": mpk.hex()}, answers=self.init,
            init=self.octets(self.init), sessions=sessions, MPK=mpk.hex(),
            RANDRr=rand_r.hex() or None, sp=self.sp_json(sp),
            RANDRkms=self.modifier and self.modifier.hex(),
            IDRr=identity_json(self.r) if own else None,
            given=[key_json(k) for k in given])
        equal("RANDRr", rand_r, resp.message.rand(RESPONDER))
        self.opened(resp, given)
        self.map_is(resp, sessions)
        self.sp_is(resp, sp)
        self.protect = {"key": mpk.hex(), "selector": 2, "RANDRr": rand_r.hex(),
                        "RANDRi": self._rand_i()}

    def _rand_i(self):
        return self.checked[self.init].message.rand(INITIATOR).hex()

    # --- updates, Errors ---------------------------------------------------

    def update(self):
        by = self.rng.choice("IR")
        first = self.checked[self.init].message
        want = self.rng.random() < 0.5
        names = self.i, self.r, self.kms
        for side in (by, "R" if by == "I" else "I")[:1 + want]:
            answers = len(self.messages) - 1 if side != by else None
            given = self.draw.keys() if self.has(
                "L" if side == "I" else "M") else []
            sessions, sp = self.draw.answered(), self.draw.sp()
            one = self.build(
                "update", {"protect": self.protect}, answers=answers,
                names=names, csb=first.csb_id, flags=number(self.flags),
                init=None if answers is None else self.octets(answers),
                sessions=sessions, sp=self.sp_json(sp),
                given=[key_json(k) for k in given],
                omit=self.omitted(1, 2),
                **{"by R": side == "R", "want response": want},
                **self.protect, **self.ids(IDRr=self.r))
            self.opened(one, given)
            self.map_is(one, sessions)
            mikeyrules.check_update(first, one.message,
                                    "L" if side == "I" else "M")

    def error(self):
        about = self.rng.randrange(len(self.messages))
        cause = self.checked[about]
        if cause.is_update():
            return
        key = cause.key() if self.rng.random() < 0.7 else None
        name = "env_key" if "env_key" in cause.secrets else "PSK"
        numbers = self.rng.choices(range(16), k=self.rng.randint(1, 8))
        answers = self.messages[about]["answers"]
        sp = self.draw.sp()
        one = self.build(
            "Error", {name: key.hex()} if key else {}, answers=about,
            init=self.octets(about if answers is None else answers),
            resp=None if answers is None else self.octets(about),
            key=key and key.hex(), numbers=numbers, sp=self.sp_json(sp))
        equal("V of Error", bool(key), bool(one.message.payloads.one("V")))
        equal("numbers", numbers,
              [p["number"] for p in one.message.payloads.all("ERR")])
        self.sp_is(one, sp)

    def run(self):
        if self.mode < 3:
            self.request()
        self.transfer()
        _, mpk = self.resolve()
        self.protect = {"key": self.mpki.hex(), "selector": 1,
                        "RANDRi": self._rand_i(), "RANDRr": ""}
        if self.has("F"):
            self.answer(mpk)
        for _ in range(self.rng.randint(0, 2)):
            self.update()
        if self.rng.random() < 0.5:
            self.error()
        return len(self.messages)


def run(rng, ask, public_keys):
    """Number of messages; Wrong or MikeyError if something does not hold."""
    try:
        return Exchange(rng, ask, public_keys).run()
    except MikeyError as error:
        raise Wrong(f"refused by the reference: {error}") from error
