# SPDX-License-Identifier: Apache-2.0
"""The parties of MIKEY-TICKET and what they do with the KMS (RFC 6043).

A Stage has the view of all parties at once: it makes tickets and plays the
Ticket Request and the Ticket Resolve exchange; exchange.py adds what happens
between the users. What a scenario does differently it says in attributes
and arguments. Messages are made by mikeywrite and their MACs over the octets
as sent, so that the reader, which finds the covered octets by parsing, is a
check and not an echo.
"""

import pathlib
from dataclasses import dataclass, replace

import mikeykeys as keys
import mikeypk as pk
import mikeyread
import mikeywrite as write
from mikeyread import (
    APPLICATION, BASE_TICKET, COUNTER, END, INITIATOR, KMS, NTP_UTC, NTP_UTC_32,
    PSK, REKEY, RESPONDER, START, TIME_LENGTH, KeyData)
from story import Record, Story

TESTKEYS = pathlib.Path(__file__).resolve().parent / "testkeys"
BEGIN, DAY = 0xE1000000, 86400
FORKING, PLAIN = "DEFGHIJNO", "DEFGHJNO"
MASTER_SALT = "master salt (in Key Data type 1)"


@dataclass(frozen=True)
class Party:
    """Who shares a key with the KMS, or has a certificate."""

    label: str
    role: int
    name: str
    psk_id: str
    pem: str
    kind: int = write.URI

    def idr(self, role=None):
        return write.idr(role or self.role, self.name, self.kind)


@dataclass(frozen=True)
class Cs:
    """A crypto session as its entry in a GENERIC-ID map says it."""

    cs_id: int
    policies: tuple = (0,)
    ssrc: int | None = None
    spi: bytes = b""
    roc: int | None = None  # with SEQ: the S flag
    sequence: int | None = None

    def entry(self):
        data = b""
        if self.ssrc is not None:
            data = write.session_data(self.ssrc, self.roc, self.sequence)
        return write.generic_id(self.cs_id, self.policies, data, self.spi,
                                self.roc is not None)


@dataclass(frozen=True)
class Ticket:
    """A ticket with what only its maker and its resolver know."""

    policy: bytes
    data: bytes
    flags: str
    prf: int
    mpk: KeyData
    mpki: bytes
    mpkr: bytes | None
    keys: tuple
    rand: bytes
    tpk: bytes
    record: dict


@dataclass(frozen=True)
class Asked:
    """A request to the KMS that is waiting for its response."""

    index: int
    raw: bytes
    party: Party
    key: bytes
    rands: tuple
    csb: int
    secrets: dict


@dataclass(frozen=True)
class Resolved:
    """What a Responder has once the ticket is open."""

    mpki: bytes
    mpkr: bytes | None
    keys: tuple
    party: Party
    rand_kms: bytes | None = None


class Clock:
    """Timestamps that count up by a second; a COUNTER by one."""

    def __init__(self, kind=NTP_UTC, start=BEGIN):
        self.kind = kind
        self.start = start
        self.k = 0

    def __call__(self):
        k, self.k = self.k, self.k + 1
        if self.kind == COUNTER:
            return stamp(self.kind, self.start + k)
        if self.kind == NTP_UTC_32:
            return stamp(self.kind, (self.start + k) % 2**32)
        return stamp(self.kind, (self.start + k) % 2**32 << 32 | 1 << 31)


def stamp(kind, value):
    """A timestamp as the reader would give it."""
    return {"type": kind,
            "value": value.to_bytes(TIME_LENGTH[kind], "big")}


def time_part(at):
    return write.timestamp(at["type"], at["value"])


def rands_tail(rand_i=b"", rand_r=b""):
    """RANDs in a label; a length also for one that is left out (R149)."""
    return write.sized(rand_i, 1) + write.sized(rand_r, 1)


def pem(name):
    return (TESTKEYS / f"{name}.pem").read_bytes()


def default_policy(suite):
    """SRTP with AES-CM and HMAC-SHA-1; every value in one octet."""
    return {0: 1, 1: suite.length, 2: 1, 3: 20, 4: 14, 5: 0, 6: 0, 7: 1, 8: 1,
            10: 1, 11: 10, 12: 0}


def fork_key(key, ticket, identity, rand_kms):
    """K0 for a key of the ticket: only a TGK is forked (R141, R142)."""
    if key.kind != "TGK":
        return key
    return replace(key, key=keys.fork(keys.TGK_FORK, key.key, ticket.prf,
                                      identity, rand_kms))


class Stage(Story):
    """The parties of an exchange, their keys and their habits."""

    def __init__(self, *story, flags=FORKING, **options):
        super().__init__(*story, **options)
        self.flags = flags
        self.i = Party("I", INITIATOR, "sip:alice@example.com",
                       "psk-alice-1", "alice-rsa")
        self.r = Party("R", RESPONDER, "sip:bob@example.com", "psk-bob-1",
                       "bob-rsa")
        self.kms = Party("KMS", KMS, "sip:kms@example.com", "", "kms-rsa")
        self.group = Party("R", RESPONDER, "sip:it-support@example.com", "",
                           "")
        self.responders = [self.group]
        self.applications = []
        self.clock = Clock()
        self.validity = stamp(NTP_UTC_32, BEGIN), stamp(NTP_UTC_32,
                                                        BEGIN + DAY)
        self.rekey = None
        self.without = set()  # "IDRi", "IDRr", "IDRkms", "IDRpsk", ...
        self.tpk_id = "tpk-1"
        self.thdr = b""
        self.ticket_type = BASE_TICKET
        self.mpk_spis = b"\1", b"\2"
        self.scheme = pk.S_PKCS1, "SHA-1"
        self.envelope = "pkcs1"
        self.chash = 0
        self.protocols = None

    # --- small things ------------------------------------------------------

    def has(self, flag):
        return flag in self.flags

    def tgk(self, spi=b"\0\0\0\x0a"):
        return KeyData("TGK", self.octets("TGK"),
                       self.octets(MASTER_SALT, 14), spi)

    def identities(self, responder):
        return {"i": self.i.name, "r": responder.name, "kms": self.kms.name}

    def optional(self, name, *parts):
        """Payloads that this scene may leave out."""
        return [] if name in self.without else list(parts)

    def header(self, csb, answer=False, sessions=None):
        """A Transfer has a GENERIC-ID map also without sessions (R196)."""
        cs_map = write.EMPTY_MAP
        if sessions is not None:
            cs_map = write.generic_id_map(*[cs.entry() for cs in sessions])
        return {"csb_id": csb, "prf": self.suite.prf, "answer": answer,
                "cs_map": cs_map}

    def guard(self, key, selector, csb, rands):
        return keys.Protection(self.suite.prf, key, selector,
                               rands_tail(*rands), csb)

    # --- MACs, signatures, KEMACs ------------------------------------------

    def seal(self, name, parts, header, guard, tail, what=None):
        """V over the message and a tail; the octets and what made V."""
        alg = self.suite.auth
        octets = write.message(name, parts + [write.v(alg, b"")], **header)
        auth_key = guard.auth(alg)
        if what:
            self.derive(what, auth_key)
        mac = guard.mac(alg, octets + tail)
        return octets + mac, {"auth_key": auth_key, "input": octets + tail,
                              "value": mac}

    def sign(self, name, parts, header, signer, tail):
        """SIGN, whose own length is under it."""
        kind, hash_name = self.scheme
        self.text(f"signer of {name}", signer)
        key = pk.load_key(pem(signer))
        room = pk.signature_room(kind, key)
        octets = write.message(name, parts + [write.sign(kind, bytes(room))],
                               **header)[:-room]
        salt = b""
        if kind == pk.S_PSS:
            salt = self.octets(f"PSS salt of {name}", 32)
        value = pk.sign(kind, key, octets + tail, hash_name, salt)
        return octets + value, {"input": octets + tail, "value": value,
                                "S type": kind, "hash": hash_name}

    def kemac(self, guard, given, at, what):
        """A KEMAC without a MAC of its own (R35), and what made it."""
        sealed = guard.seal(self.suite.encr, write.keys(*given), at)
        self.derive(f"K{what[0]} encr{what[1]}", sealed.encr_key)
        self.derive(f"K{what[0]} salt{what[1]}", sealed.salt_key)
        record = {"encr_key": sealed.encr_key, "salt_key": sealed.salt_key,
                  "IV": sealed.block, "plain": sealed.plain}
        return write.kemac(self.suite.encr, sealed.data), record

    # --- the ticket (sections 2.15, 5.1, 5.2) ------------------------------

    def policy_parts(self, wanted=None):
        """TP Data; `wanted` are keys to ask for, without their octets."""
        start, end = self.validity
        parts = self.optional("IDRkms in TP", self.kms.idr())
        parts += self.optional("IDRi in TP", self.i.idr())
        if start:
            parts.append(write.tr(START, start["type"], start["value"]))
        if end:
            parts.append(write.tr(END, end["type"], end["value"]))
        if self.rekey:  # R235: always NTP-UTC-32
            parts.append(write.tr(REKEY, NTP_UTC_32, self.rekey))
        if wanted is not None:  # R237, R238
            blank = [write.blank(k) for k in wanted]
            parts.append(write.kemac(0, write.keys(*blank)))
        parts += [write.idr(APPLICATION, a) for a in self.applications]
        return parts + [p.idr() for p in self.responders]

    def make_ticket(self, given=None, tpk="TPK", mpk="MPK",
                    rand="RAND of ticket"):
        """A base ticket, by the KMS or by the Initiator (5.2)."""
        given = (self.tgk(),) if given is None else tuple(given)
        suite, at = self.suite, self.clock()
        policy = write.policy_octets(self.flags, suite.prf,
                                     self.policy_parts())
        value, tpk = self.octets(rand), self.octets(tpk)
        guard = keys.ticket_protection(tpk, suite.prf, value)
        mpk = KeyData("MPK", self.octets(mpk), None, self.mpk_spis[0])
        sealed = guard.seal(suite.encr, write.keys(mpk, *given), at)
        parts = [time_part(at), write.rand(value),
                 write.kemac(suite.encr, sealed.data)]
        if self.tpk_id:
            parts.append(write.idr(PSK, self.tpk_id, write.BYTE_STRING))
        return self._finish_ticket(policy, parts, guard, sealed, mpk, given,
                                   value, tpk)

    def _finish_ticket(self, policy, parts, guard, sealed, mpk, given, rand,
                       tpk):
        """The MAC of the ticket: from Ticket Type to Auth alg (R300)."""
        suite, alg = self.suite, self.suite.auth
        # The length of Ticket Data is covered and counts the MAC.
        room = len(guard.mac(alg, b""))
        data = write.ticket_data(parts + [write.v(alg, bytes(room))],
                                 self.thdr)
        octets = (policy + write.sized(data, 2))[:-room]
        mac = guard.mac(alg, octets)
        mpki, mpkr = keys.split_mpk(mpk.key, suite.prf, rand)
        mpkr = mpkr if self.has("I") else None
        self.derive("K5 ticket encr_key", sealed.encr_key)
        auth_key = self.derive("K5 ticket auth_key", guard.auth(alg))
        self.derive("K5 ticket salt_key", sealed.salt_key)
        self.derive("ticket MAC", mac)
        self.derive("K6 MPKi", mpki)
        if mpkr:
            self.derive("K6 MPKr", mpkr)
        record = {"encr_key": sealed.encr_key, "auth_key": auth_key,
                  "salt_key": sealed.salt_key, "IV": sealed.block,
                  "plain": sealed.plain, "mac input": octets, "MPKi": mpki,
                  "MPKr": mpkr}
        return Ticket(policy, data[:-room] + mac, self.flags, suite.prf, mpk,
                      mpki, mpkr, given, rand, tpk, record)

    # --- Request and Resolve: what they have in common ---------------------

    def ask(self, kind, party, middle, rand, csb, variant="PSK", psk=None,
            extra=None):
        """REQUEST_INIT or RESOLVE_INIT; `middle` is TP or TICKET."""
        name = f"{kind}_INIT_{variant if variant == 'PSK' else 'PK'}"
        asker = "i" if kind == "REQUEST" else "r"
        value = self.octets(rand)
        rands = (value, b"") if asker == "i" else (b"", value)
        parts = [time_part(self.clock()), write.randr(party.role, value)]
        parts += self.optional(f"IDR{asker} of {kind}", party.idr())
        kms = self.optional(f"IDRkms of {kind}", self.kms.idr())
        tail = party.name.encode() + self.kms.name.encode()
        record = Record(name, party.label, self.kms.label, b"",
                        identities=self.identities(
                            party if asker == "r" else self.group),
                        **(extra or {}))
        header = self.header(csb, answer=True)
        make = self._ask_psk if variant == "PSK" else self._ask_pk
        key, secrets = make(record, parts, kms, middle, header, party, tail,
                            (f"{kind}_INIT", rands, psk))
        index = self.add(record)
        return Asked(index, record.raw, party, key, rands, csb, secrets)

    def _ask_psk(self, record, parts, kms, middle, header, party, tail,
                 context):
        short, rands, psk = context
        key = self.octets(psk or f"PSK({party.label},KMS)")
        parts = parts + kms + [middle] + self.optional(
            f"IDRpsk of {short}", write.idr(PSK, party.psk_id,
                                            write.BYTE_STRING))
        guard = self.guard(key, 1, header["csb_id"], rands)
        record.raw, record.mac = self.seal(
            record.name, parts, header, guard, tail, f"K1 auth, {short}")
        record.guard = guard
        record.secrets = {"PSK": key, **record.secrets}
        return key, {"PSK": key}

    def _ask_pk(self, record, parts, kms, middle, header, party, tail,
                context):
        short, rands, _ = context
        kms_key = pk.load_key(pem(self.kms.pem)).public_key()
        env_key = self.octets(f"env_key of {short}")
        chain = pk.load_certificates(pem(party.pem))
        parts = parts + self.optional(
            f"CERT of {short}", *[write.cert(0, pk.der(c)) for c in chain])
        parts += kms + [middle]
        if self.chash is not None:
            own = pk.der(pk.load_certificates(pem(self.kms.pem))[0])
            parts.append(write.chash(self.chash, pk.chash(self.chash, own)))
        parts.append(write.pke(self._envelope(short, kms_key, env_key)))
        record.raw, record.signature = self.sign(
            record.name, parts, header, party.pem, tail)
        record.guard = self.guard(env_key, 1, header["csb_id"], rands)
        record.secrets = {"env_key": env_key, "signer": f"{party.pem}.pem",
                          "kms key": f"{self.kms.pem}.pem",
                          **record.secrets}
        return env_key, {"env_key": env_key}

    def _envelope(self, short, kms_key, env_key):
        """PKE; what pads it is an input, so it is the same every time."""
        if self.envelope == "oaep":
            return pk.encrypt_oaep(kms_key, env_key, self.octets(
                f"OAEP seed of {short}", 20))
        return pk.encrypt_pkcs1(kms_key, env_key, self.octets(
            f"PKCS #1 padding of {short}",
            pk.pkcs1_padding_length(kms_key, env_key), nonzero=True))

    def respond(self, asked, name, before, given, after=(), at=None, **more):
        """REQUEST_RESP or RESOLVE_RESP: keys in a KEMAC, then V."""
        guard = self.guard(asked.key, 2, asked.csb, asked.rands)
        at = at or self.clock()
        kemac, kemac_record = self.kemac(guard, given, at, (2, f", {name}"))
        kms = self.optional(f"IDRkms of {name}", self.kms.idr())
        parts = [time_part(at)] + kms + list(before) + [kemac] + list(after)
        raw, mac = self.seal(name, parts, self.header(asked.csb), guard,
                             asked.raw, f"K2 auth, {name}")
        secrets = {**asked.secrets, **more.pop("secrets", {})}
        responder = more.pop("responder", self.group)
        return self.add(Record(
            name, self.kms.label, asked.party.label, raw, asked.index,
            secrets, self.identities(responder), mac=mac, kemac=kemac_record,
            guard=guard, **more))

    # --- Request and Resolve -----------------------------------------------

    def request_init(self, variant="PSK", wanted=None, flags=None,
                     csb=0x11111111, rand="RANDRi of REQUEST_INIT"):
        """REQUEST_INIT: the policy and the keys that are wished for."""
        wanted = (self.tgk(),) if wanted is None else wanted
        middle = write.tp(write.policy_octets(
            flags or self.flags.replace("K", ""), self.suite.prf,
            self.policy_parts(wanted or None), self.ticket_type))
        return self.ask("REQUEST", self.i, middle, rand, csb, variant)

    def request(self, variant="PSK", given=None, at=None, names=(), **wish):
        """Ticket Request: a ticket and its keys for the Initiator."""
        asked = self.request_init(variant, **wish)
        return self.respond_request(asked, self.make_ticket(given, *names),
                                    at)

    def respond_request(self, asked, ticket, at=None):
        """REQUEST_RESP: the ticket, and its keys but for the MPK itself."""
        self.respond(asked, "REQUEST_RESP",
                     [write.ticket(ticket.policy, ticket.data)],
                     self.mpks(ticket) + list(ticket.keys), at=at,
                     secrets={"TPK": ticket.tpk}, ticket=ticket.record,
                     keys=ticket.keys)
        return ticket

    def mpks(self, ticket, mpkr=None):
        """MPKi, and with key forking MPKr or MPKr' (R38, R39, R123)."""
        first, second = self.mpk_spis
        found = [KeyData("MPK", ticket.mpki, None, first)]
        if ticket.mpkr:
            found.append(KeyData("MPK", mpkr or ticket.mpkr, None, second))
        return found

    def resolve(self, call, variant="PSK", party=None, answering=None,
                csb=0x33333333, rand="RANDRr of RESOLVE_INIT", at=None):
        """Ticket Resolve: the KMS opens the ticket for the Responder."""
        party = party or self.r
        asked = self.ask_resolve(call, party, variant, csb, rand)
        return self.answer_resolve(call, asked, answering, at)

    def ask_resolve(self, call, party, variant="PSK", csb=0x33333333,
                    rand="RANDRr of RESOLVE_INIT", psk=None, opens=True):
        """RESOLVE_INIT with the TICKET as it was received."""
        ticket, extra = call.ticket, {}
        if opens:
            secrets = {"TPK": ticket.tpk}
            if ticket.mpkr:
                secrets["MPKr"] = ticket.mpkr
            extra = {"ticket": ticket.record, "secrets": secrets,
                     "keys": ticket.keys}
        return self.ask("RESOLVE", party, self.presented(call), rand, csb,
                        variant, psk, extra)

    def presented(self, call):
        """The TICKET payload as TRANSFER_INIT brought it."""
        message = mikeyread.parse(call.raw)
        ticket = message.payloads.must("TICKET")
        return write.part("TICKET", call.raw[ticket.start + 1:ticket.end])

    def answer_resolve(self, call, asked, answering=None, at=None,
                       rand_kms="RANDRkms"):
        """RESOLVE_RESP; with forking the KMS chooses the modifier (R128)."""
        ticket, party = call.ticket, answering or asked.party
        if not ticket.mpkr:
            self.respond(asked, "RESOLVE_RESP", [],
                         self.mpks(ticket) + list(ticket.keys), at=at,
                         responder=asked.party,
                         keys=ticket.keys + call.init_keys)
            return Resolved(ticket.mpki, None, ticket.keys, party)
        rand_kms = self.octets(rand_kms)
        resolved = self.fork(ticket, party, rand_kms)
        self.respond(asked, "RESOLVE_RESP", [],
                     self.mpks(ticket, resolved.mpkr) + list(resolved.keys),
                     [party.idr(RESPONDER), write.randr(KMS, rand_kms)], at,
                     responder=asked.party,
                     keys=resolved.keys + call.init_keys)
        return resolved

    def fork(self, ticket, party, rand_kms):
        """K0: the keys of the ticket as this Responder gets them."""
        name = party.name.encode()
        mpkr = self.derive("K0 MPKr'", keys.fork(
            keys.MPKR_FORK, ticket.mpkr, ticket.prf, name, rand_kms))
        forked = tuple(fork_key(k, ticket, name, rand_kms)
                       for k in ticket.keys)
        for old, new in zip(ticket.keys, forked):
            if old.key != new.key:
                self.derive("K0 TGK'", new.key)
        return Resolved(ticket.mpki, mpkr, forked, party, rand_kms)

    def open_locally(self, call, party=None):
        """Modes 2 and 4: the Responder holds the TPK itself."""
        return Resolved(call.ticket.mpki, None, call.ticket.keys,
                        party or self.r)
