# SPDX-License-Identifier: Apache-2.0
"""Plays the exchanges of plain MIKEY: PSK, PK, DHHMAC, RSA-R.

RFC 3830, RFC 4650 and RFC 4738. In the first three the Responder's message
copies the timestamp; one set of keys serves both directions.
"""

from dataclasses import dataclass, replace

import mikeykeys as keys
import mikeypk as pk
import mikeywrite as write
from mikeyread import KeyData
from scene import MASTER_SALT, Stage, default_policy, pem, time_part
from story import Record

SSRCS = (0x11223344, 0x55667788)


@dataclass
class Csb:
    """A crypto session bundle of RFC 3830."""

    csb: int
    rand: bytes
    key: bytes  # PSK or env_key
    guard: object
    secrets: dict
    at: dict
    index: int = 0
    keys: tuple = ()
    streams: tuple = ()


class OldScene(Stage):
    """I and R without a KMS; keys come from a PSK or an envelope."""

    def old_identities(self):
        return {"i": self.i.name, "r": self.r.name, "kms": ""}

    def old_header(self, csb, streams, answer=False):
        return {"csb_id": csb, "prf": self.suite.prf, "answer": answer,
                "cs_map": write.srtp_id_map(*streams)}

    def name_parts(self, *parties):
        return [write.identity(p.kind, p.name) for p in parties]

    def session(self, key, rand="RAND", csb=0x66666666, secrets=None,
                streams=((0, SSRCS[0], 0), (0, 0, 0))):
        value = self.octets(rand)
        guard = keys.OldProtection(self.suite.prf, key, csb, value)
        self.derive("auth_key", guard.auth(self.suite.auth))
        return Csb(csb, value, key, guard, secrets or {"PSK": key},
                   self.clock(), streams=tuple(streams))

    def old_tgk(self, **more):
        return KeyData("TGK", self.octets("TGK"),
                       self.octets(MASTER_SALT, 14), b"", 0, **more)

    def old_policy(self):
        return write.sp(0, default_policy(self.suite))

    # --- KEMAC and V ---------------------------------------------------------

    def old_kemac(self, csb, plain, at):
        """Encrypted Key Data, still without MAC, and what made it."""
        if not plain:
            return write.kemac(self.suite.encr, b"", self.suite.auth), None
        sealed = csb.guard.seal(self.suite.encr, plain, at)
        self.derive("encr_key", sealed.encr_key)
        self.derive("salt_key", sealed.salt_key)
        record = {"encr_key": sealed.encr_key, "salt_key": sealed.salt_key,
                  "IV": sealed.block, "plain": sealed.plain}
        return write.kemac(self.suite.encr, sealed.data,
                           self.suite.auth), record

    def old_mac(self, csb, octets):
        alg = self.suite.auth
        return {"auth_key": csb.guard.auth(alg), "input": octets,
                "value": csb.guard.mac(alg, octets)}

    def with_kemac_last(self, name, parts, kemac, header, csb):
        """PSK and DHHMAC: the MAC in the KEMAC covers the message."""
        octets = write.message(name, parts + [kemac], **header)
        mac = self.old_mac(csb, octets)
        return octets + mac["value"], mac

    def with_own_mac(self, kemac, csb):
        """Public key methods: the MAC covers the KEMAC only, with a next
        payload of 0 whatever follows."""
        mac = self.old_mac(csb, b"\0" + kemac.body)
        return write.Part(kemac.kind, kemac.body + mac["value"]), mac

    def old_verification(self, csb, name, secrets):
        """V over the message, both identities and the time of I."""
        parts = [time_part(csb.at)] + self.name_parts(self.r)
        parts.append(write.v(self.suite.auth, b""))
        octets = write.message(name, parts,
                               **self.old_header(csb.csb, csb.streams))
        tail = (self.i.name + self.r.name).encode() + csb.at["value"]
        mac = self.old_mac(csb, octets + tail)
        return self.add(Record(
            name, "R", "I", octets + mac["value"], csb.index, secrets,
            self.old_identities(), mac=mac, keys=csb.keys))

    def fill_streams(self, csb):
        """R puts in the SSRCs that I did not know."""
        csb.streams = tuple((p, s or SSRCS[n], roc)
                            for n, (p, s, roc) in enumerate(csb.streams))

    # --- the methods ---------------------------------------------------------

    def psk(self, csb, given=(), first=True, answer=True):
        """PSK_INIT; an update (first=False) has no RAND (RFC 3830 4.5)."""
        at = csb.at if first else self.clock()
        csb.at, csb.keys = at, csb.keys + tuple(given)
        parts = [time_part(at)] + ([write.rand(csb.rand)] if first else [])
        parts += self.name_parts(self.i, self.r) + [self.old_policy()]
        kemac, record = self.old_kemac(
            csb, write.keys(*given) if given else b"", at)
        raw, mac = self.with_kemac_last(
            "PSK_INIT", parts, kemac,
            self.old_header(csb.csb, csb.streams, answer), csb)
        csb.index = self.add(Record(
            "PSK_INIT", "I", "R", raw, None, csb.secrets,
            self.old_identities(), mac=mac, kemac=record, keys=csb.keys))
        if answer:
            self.fill_streams(csb)
            self.old_verification(csb, "PSK_RESP", csb.secrets)

    def envelope_of(self, owner, what="PKE"):
        """An env_key for the owner of that file, and its secrets."""
        env_key = self.octets("env_key")
        key = pk.load_key(pem(owner.pem)).public_key()
        filler = self.octets(f"PKCS #1 padding of {what}",
                             pk.pkcs1_padding_length(key, env_key),
                             nonzero=True)
        return env_key, write.pke(pk.encrypt_pkcs1(key, env_key, filler))

    def certificates(self, party):
        chain = pk.load_certificates(pem(party.pem))
        return [write.cert(0, pk.der(c)) for c in chain]

    def pk(self, given):
        """PK_INIT and PK_RESP (RFC 3830, 3.2)."""
        env_key, pke = self.envelope_of(self.r)
        csb = self.session(env_key, secrets={"env_key": env_key})
        csb.keys = tuple(given)
        own = pk.der(pk.load_certificates(pem(self.r.pem))[0])
        kemac, record = self.old_kemac(csb, write.identity_and_keys(
            self.i.kind, self.i.name, given), csb.at)
        kemac, mac = self.with_own_mac(kemac, csb)
        parts = [time_part(csb.at), write.rand(csb.rand)]
        parts += self.name_parts(self.i) + self.certificates(self.i)
        parts += self.name_parts(self.r) + [self.old_policy(), kemac]
        parts += [write.chash(self.chash, pk.chash(self.chash, own)), pke]
        secrets = {"env_key": env_key, "signer": f"{self.i.pem}.pem",
                   "peer key": f"{self.r.pem}.pem"}
        raw, signature = self.sign(
            "PK_INIT", parts, self.old_header(csb.csb, csb.streams, True),
            self.i.pem, b"")
        csb.index = self.add(Record(
            "PK_INIT", "I", "R", raw, None, secrets, self.old_identities(),
            mac=mac, signature=signature, kemac=record, keys=csb.keys))
        self.fill_streams(csb)
        self.old_verification(csb, "PK_RESP", csb.secrets)
        return csb

    def dhhmac(self, group=0):
        """DHHMAC_INIT and DHHMAC_RESP (RFC 4650): empty KEMACs."""
        csb, dh_i, dh_r, tgk = self._dh_values(group,
                                               self.octets("PSK(I,R)"))
        kemac = write.kemac(0, b"", self.suite.auth)
        parts = [time_part(csb.at), write.rand(csb.rand)]
        parts += self.name_parts(self.i, self.r) + [self.old_policy(), dh_i]
        header = self.old_header(csb.csb, csb.streams, True)
        raw, mac = self.with_kemac_last("DHHMAC_INIT", parts, kemac, header,
                                        csb)
        csb.index = self.add(Record(
            "DHHMAC_INIT", "I", "R", raw, None, csb.secrets,
            self.old_identities(), mac=mac))
        self.fill_streams(csb)
        csb.keys = (tgk,)
        parts = ([time_part(csb.at)] + self.name_parts(self.r, self.i)
                 + [dh_r, dh_i])
        raw, mac = self.with_kemac_last(
            "DHHMAC_RESP", parts, kemac,
            self.old_header(csb.csb, csb.streams), csb)
        self.add(Record("DHHMAC_RESP", "R", "I", raw, csb.index, csb.secrets,
                        self.old_identities(), mac=mac, keys=csb.keys))
        return csb

    def dh(self, group=0):
        """DH_INIT and DH_RESP (RFC 3830, 3.3): signatures, no KEMAC."""
        csb, dh_i, dh_r, tgk = self._dh_values(group, b"")
        parts = [time_part(csb.at), write.rand(csb.rand)]
        parts += self.name_parts(self.i) + self.certificates(self.i)
        parts += self.name_parts(self.r) + [self.old_policy(), dh_i]
        raw, signature = self.sign(
            "DH_INIT", parts, self.old_header(csb.csb, csb.streams, True),
            self.i.pem, b"")
        csb.index = self.add(Record(
            "DH_INIT", "I", "R", raw, None, {"signer": f"{self.i.pem}.pem"},
            self.old_identities(), signature=signature))
        self.fill_streams(csb)
        csb.keys = (tgk,)
        parts = [time_part(csb.at)] + self.name_parts(self.r)
        parts += self.certificates(self.r) + self.name_parts(self.i)
        raw, signature = self.sign(
            "DH_RESP", parts + [dh_r, dh_i],
            self.old_header(csb.csb, csb.streams), self.r.pem, b"")
        self.add(Record(
            "DH_RESP", "R", "I", raw, csb.index,
            {"signer": f"{self.r.pem}.pem"}, self.old_identities(),
            signature=signature, keys=csb.keys))
        return csb

    def _dh_values(self, group, psk):
        """Both DH payloads and the TGK that follows from them."""
        csb = self.session(psk) if psk else Csb(
            0x66666666, self.octets("RAND"), b"", None, {}, self.clock(),
            streams=((0, SSRCS[0], 0), (0, 0, 0)))
        secrets = [int.from_bytes(self.octets(f"DH secret of {x}", 32), "big")
                   for x in "IR"]
        public = [pk.dh_public(group, s) for s in secrets]
        shared = pk.dh_shared(group, secrets[0], public[1])
        tgk = KeyData("TGK", self.derive("TGK", shared), None, b"", 0)
        return csb, *[write.dh(group, p) for p in public], tgk

    def rsa_r(self, given):
        """RSA_R_INIT and RSA_R_RESP (RFC 4738): R sends the keys."""
        env_key, pke = self.envelope_of(self.i)
        csb = self.session(env_key)
        parts = [time_part(csb.at), write.rand(csb.rand)]
        parts += self.name_parts(self.i) + self.certificates(self.i)
        parts += self.name_parts(self.r) + [self.old_policy()]
        raw, signature = self.sign(
            "RSA_R_INIT", parts, self.old_header(csb.csb, csb.streams, True),
            self.i.pem, b"")
        csb.index = self.add(Record(
            "RSA_R_INIT", "I", "R", raw, None,
            {"signer": f"{self.i.pem}.pem"}, self.old_identities(),
            signature=signature))
        self.fill_streams(csb)
        csb.keys = tuple(given)
        kemac, record = self.old_kemac(csb, write.identity_and_keys(
            self.r.kind, self.r.name, given), csb.at)
        kemac, mac = self.with_own_mac(kemac, csb)
        parts = [time_part(csb.at)] + self.name_parts(self.r)
        parts += self.certificates(self.r) + [self.old_policy(), kemac, pke]
        tail = (self.i.name + self.r.name).encode() + csb.at["value"]
        raw, signature = self.sign(
            "RSA_R_RESP", parts, self.old_header(csb.csb, csb.streams),
            self.r.pem, tail)
        secrets = {"env_key": env_key, "signer": f"{self.r.pem}.pem",
                   "peer key": f"{self.i.pem}.pem"}
        self.add(Record(
            "RSA_R_RESP", "R", "I", raw, csb.index, secrets,
            self.old_identities(), mac=mac, signature=signature,
            kemac=record, keys=csb.keys))
        return csb

    def old_finish(self, csb):
        """CS IDs count from 1 in the order of the SRTP-ID map."""
        key, policy = csb.keys[-1], default_policy(self.suite)
        for cs_id in range(1, len(csb.streams) + 1):
            def derive(constant, octets, cs_id=cs_id):
                return keys.old_session_key(
                    constant, key.key, self.suite.prf, cs_id, csb.csb,
                    csb.rand, octets)
            master, salt = key.key, key.salt
            if key.kind == "TGK":
                master = self.derive(f"TEK of CS {cs_id}",
                                     derive(keys.TEK, policy[1]))
            if salt is None:
                salt = self.derive(f"salt of CS {cs_id}",
                                   derive(keys.SRTP_SALT, policy[4]))
            self.sessions.append({"CS ID": cs_id, "key": master.hex(),
                                  "salt": salt.hex(), "SPI": key.spi.hex()})

    # --- compatibility mode (RFC 6043, B.1) ----------------------------------

    def old_message_as_ticket(self, streams):
        """What the KMS writes for R: PSK_INIT with the KMS as Initiator."""
        psk = self.octets("PSK(R,KMS)")
        csb = self.session(psk, csb=0x44444444, streams=streams)
        csb.keys = (replace(self.old_tgk(), spi=b"\0\0\0\x0a", validity=1),)
        parts = [time_part(csb.at), write.rand(csb.rand)]
        parts += self.name_parts(self.kms, self.r) + [self.old_policy()]
        kemac, record = self.old_kemac(csb, write.keys(*csb.keys), csb.at)
        raw, mac = self.with_kemac_last(
            "PSK_INIT", parts, kemac, self.old_header(csb.csb, streams), csb)
        return csb, raw, mac, record

    def compatibility(self, streams):
        """REQUEST exchange; then I passes Ticket Data on as a message."""
        asked = self.request_init()
        csb, old, mac, record = self.old_message_as_ticket(streams)
        policy = write.policy_octets(self.flags, self.suite.prf,
                                     self.policy_parts(), self.ticket_type)
        mpki = KeyData("MPK", self.octets("MPKi"), None, self.mpk_spis[0])
        self.respond(asked, "REQUEST_RESP", [write.ticket(policy, old)],
                     [mpki, *csb.keys], keys=csb.keys)
        self.add(Record(
            "PSK_INIT", "I", "R", old, None, csb.secrets,
            {"i": self.kms.name, "r": self.r.name, "kms": ""}, mac=mac,
            kemac=record, keys=csb.keys))
        self.old_finish(csb)
