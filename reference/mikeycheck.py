# SPDX-License-Identifier: Apache-2.0
"""Checks a test vector as its receivers would, from its JSON alone.

Nothing here was used to make the vector: the octets are read, the keys are
derived from the secrets of each message, and every MAC, signature, KEMAC,
ticket and session key has to come out as written. A test of another
implementation does the same steps in the same order.
"""

import pathlib

import mikeykeys as keys
import mikeypk as pk
import mikeyread
import mikeytree
from mikeyread import INITIATOR, KMS, RESPONDER, MikeyError

TESTKEYS = pathlib.Path(__file__).resolve().parent / "testkeys"
REQUESTS = ("REQUEST_INIT_PSK", "REQUEST_INIT_PK")
RESOLVES = ("RESOLVE_INIT_PSK", "RESOLVE_INIT_PK")
OLD_RESPONSES = ("PSK_RESP", "PK_RESP", "DHHMAC_RESP")
# The methods whose KEMAC has an ID before the keys and a MAC of its own.
ENVELOPES = ("PK_INIT", "RSA_R_RESP")
MAC_IN_KEMAC = ("PSK_INIT", "DHHMAC_INIT", "DHHMAC_RESP")


def octets(value):
    if isinstance(value, dict):
        return {name: octets(v) for name, v in value.items()}
    if isinstance(value, str):
        return bytes.fromhex(value)
    return value


def equal(what, given, computed):
    if given != computed:
        raise MikeyError(f"{what} is {given!r}, but should be {computed!r}")


class Checked:
    """One message of a vector with its place among the others."""

    def __init__(self, vector, number, before):
        self.given = vector["messages"][number]
        self.raw = bytes.fromhex(self.given["octets"])
        self.message = mikeyread.parse(self.raw)
        self.name = self.message.name
        self.before = before
        self.brought = []
        answers = self.given["answers"]
        self.init = None if answers is None else before[answers]
        secrets = dict(self.given["secrets"])
        self.ids = {k: v.encode()
                    for k, v in secrets.pop("identities").items()}
        self.protect = octets(secrets.pop("protect", None))
        self.files = {n: secrets.pop(n) for n in (
            "signer", "kms key", "peer key") if n in secrets}
        self.secrets = octets(secrets)

    @property
    def what(self):
        return f"{self.name} of {self.given['from']}"

    # --- keys --------------------------------------------------------------

    def is_update(self):
        return self.protect is not None

    def key(self):
        """The one that MACs and KEMAC of this message hang on."""
        for name in ("PSK", "env_key", "MPK", "MPKi"):
            if name in self.secrets:
                return self.secrets[name]
        raise MikeyError(f"no key for {self.what}")

    def guard(self):
        """What protects this message, as RFC 6043 or RFC 3830 derives it."""
        message = self.message
        if self.protect:
            given = self.protect
            return keys.Protection(
                message.prf, given["key"], given["selector"],
                sized(given["RANDRi"]) + sized(given["RANDRr"]),
                message.csb_id)
        if self.name == "Error":
            return self.init.guard_with(self.key())
        return self.guard_with(self.key())

    def guard_with(self, key):
        message = self.message
        if message.data_type < mikeyread.FIRST_TICKET_TYPE:
            return keys.OldProtection(message.prf, key, message.csb_id,
                                      self.old_rand())
        if self.init is None:
            return keys.initial_protection(message, key)
        if self.name == "TRANSFER_RESP":
            return keys.transfer_protection(self.init.message, message, key)
        return keys.message_protection(
            key, message, 2, *keys.exchange_rands(self.init.message))

    def old_rand(self):
        """RAND of this message, or of the first one of its bundle."""
        for one in [self, *self.before]:
            found = one.message.payloads.one("RAND")
            if one.message.csb_id == self.message.csb_id and found:
                return found["value"]
        raise MikeyError(f"no RAND for {self.what}")

    # --- MAC and signature -------------------------------------------------

    def tail(self):
        """What follows the message under its V or SIGN (RFC 6043, 5.5)."""
        ids, name = self.ids, self.name
        if name == "Error":
            return b""
        if name in REQUESTS:
            return ids["i"] + ids["kms"]
        if name in RESOLVES:
            return ids["r"] + ids["kms"]
        if name == "TRANSFER_INIT":
            return ids["i"] + ids["r"]
        if name in OLD_RESPONSES or name == "RSA_R_RESP":
            return ids["i"] + ids["r"] + self.message.payloads.must(
                "T")["value"]
        if name in ("PK_INIT", "RSA_R_INIT", "DH_INIT", "DH_RESP"):
            return b""
        return self.init.raw

    def mac_input(self):
        chain, name = self.message.payloads, self.name
        if name in MAC_IN_KEMAC:
            return self.raw[:chain.must("KEMAC")["mac at"]]
        if name in ENVELOPES:
            kemac = chain.must("KEMAC")
            return b"\0" + self.raw[kemac.start + 1:kemac["mac at"]]
        return keys.covered(self.message) + self.tail()

    def check_mac(self):
        given = octets(self.given["mac"])
        chain = self.message.payloads
        holder = chain.one("V") or chain.one("KEMAC")
        if not holder or not holder["mac"]:
            equal(f"MAC of {self.what}", given, None)
            return
        alg = holder.get("alg", holder.get("mac alg"))
        guard = self.guard()
        equal("auth_key", given["auth_key"], guard.auth(alg))
        equal(f"MAC input of {self.what}", given["input"], self.mac_input())
        equal("MAC", given["value"], guard.mac(alg, given["input"]))
        equal(f"MAC in {self.what}", holder["mac"], given["value"])

    def check_signature(self):
        given = self.given["signature"]
        sign = self.message.payloads.one("SIGN")
        if not sign:
            equal(f"signature of {self.what}", given, None)
            return
        covered = self.raw[:sign["mac at"]] + self.tail()
        equal("signature input", given["input"], covered.hex())
        equal("signature", given["value"], sign["value"].hex())
        equal("S type", given["S type"], sign["alg"])
        chain = pk.load_certificates(self.pem("signer"))
        sent = [p["value"] for p in self.message.payloads.all("CERT")]
        if sent:
            equal("certificates", sent, [pk.der(c) for c in chain])
            check_chain(chain)
        used = pk.verify(sign["alg"], chain[0].public_key(), sign["value"],
                         covered)
        equal("hash of the signature", given["hash"], used)

    def pem(self, name):
        return (TESTKEYS / self.files[name]).read_bytes()

    def check_envelope(self):
        """PKE opens to the env_key; CHASH names the key that opens it."""
        pke, chash = (self.message.payloads.one(n) for n in ("PKE", "CHASH"))
        if not pke:
            return
        pem = self.pem("kms key" if "kms key" in self.files else "peer key")
        equal("env_key", self.secrets["env_key"],
              pk.decrypt(pk.load_key(pem), pke["value"]))
        if chash:
            own = pk.der(pk.load_certificates(pem)[0])
            equal("CHASH", chash["value"], pk.chash(chash["function"], own))

    # --- KEMAC, ticket, keys -----------------------------------------------

    def check_kemac(self):
        """The keys in the KEMAC; empty if there is none, or none in it."""
        kemac = self.message.payloads.one("KEMAC")
        given = octets(self.given["kemac"])
        if not kemac or not kemac["data"]:
            equal(f"KEMAC of {self.what}", given, None)
            return []
        guard, alg = self.guard(), kemac["encr alg"]
        at = self.message.payloads.must("T")
        encr_key, salt_key = guard.encr(alg)
        equal("encr_key", given["encr_key"], encr_key)
        equal("salt_key", given["salt_key"], salt_key)
        block = None
        if alg in keys.AES_CM:
            block = keys.counter_block(salt_key, guard.csb_id,
                                       keys.time64(at))
        equal("IV", given["IV"], block)
        equal("plain", given["plain"], guard.open(kemac, at))
        if self.name in ENVELOPES:
            who, found = mikeyread.parse_identity_and_keys(given["plain"])
            equal("ID in the KEMAC", who,
                  self.ids["i" if self.name == "PK_INIT" else "r"])
            return found
        return mikeyread.parse_keys(given["plain"])

    def check_ticket(self):
        """The keys in the ticket, the MPK first."""
        given, tpk = octets(self.given["ticket"]), self.secrets.get("TPK")
        if tpk is None:
            equal(f"ticket of {self.what}", given, None)
            return []
        found = keys.open_ticket(self.message, tpk)
        ticket = self.message.payloads.must("TICKET")
        inner = ticket["ticket"]
        v, kemac = inner.must("V"), inner.must("KEMAC")
        rand = inner.must("RAND")["value"]
        guard = keys.ticket_protection(tpk, ticket["prf"], rand)
        encr_key, salt_key = guard.encr(kemac["encr alg"])
        equal("ticket keys", (given["encr_key"], given["salt_key"],
                              given["auth_key"]),
              (encr_key, salt_key, guard.auth(v["alg"])))
        equal("MAC input of the ticket", given["mac input"],
              self.raw[ticket.start + 1:v["mac at"]])
        equal("plain ticket", given["plain"],
              guard.open(kemac, inner.must("T")))
        self.check_halves(given, ticket, found[0], rand)
        return found[1:]

    def check_halves(self, given, ticket, mpk, rand):
        equal("first key of the ticket", mpk.kind, "MPK")
        mpki, mpkr = keys.split_mpk(mpk.key, ticket["prf"], rand)
        forks = "I" in ticket["flags"]
        equal("MPKi, MPKr", (given["MPKi"], given["MPKr"]),
              (mpki, mpkr if forks else None))
        for name, value in (("MPKi", mpki), ("MPKr", mpkr)):
            if name in self.secrets:
                equal(name, self.secrets[name], value)
        if forks and self.name != "REQUEST_RESP":
            keys.check_initiator_data(self.message, mpkr)
        elif ticket["initiator"]:
            raise MikeyError("Initiator Data where no keys get forked")

    def check_policy_flags(self, ticket_keys):
        ticket = self.message.payloads.one("TICKET")
        if not ticket:
            return
        kinds = {k.kind for k in ticket_keys}
        if {"I"} <= set(ticket["flags"]) and "TGK" in kinds and (
                "F" not in ticket["flags"]):
            raise MikeyError("a forked TGK without a response (R217)")

    def check_fork(self):
        """TRANSFER_RESP: MPK is MPKr', by what the message says (K0)."""
        if self.name != "TRANSFER_RESP" or "MPKr" not in self.secrets:
            return
        prf = self.init.message.payloads.must("TICKET")["prf"]
        equal("MPKr'", self.secrets["MPK"], keys.fork(
            keys.MPKR_FORK, self.secrets["MPKr"], prf,
            self.message.identity(RESPONDER), self.message.rand(KMS)))

    def check(self):
        equal("name", self.given["name"], self.name)
        equal("fields", self.given["fields"],
              mikeytree.fields(self.message.trace))
        self.check_proofs()

    def check_proofs(self):
        """Everything but the description: what cryptography says."""
        self.check_mac()
        self.check_signature()
        self.check_envelope()
        self.check_fork()
        self.brought = [k for k in self.check_kemac() if k.kind != "MPK"]
        ticket = self.check_ticket()
        self.check_policy_flags(ticket)
        self.check_keys(ticket)

    def check_keys(self, ticket_keys):
        """`keys` has what this message and the ones before it told."""
        ticket = self.message.payloads.one("TICKET")
        closed = ticket and "E" in ticket["flags"]
        wanted = list(self.brought)
        if self.name == "TRANSFER_INIT" and closed:
            wanted = []  # R cannot read any of it yet
        elif self.name in ("TRANSFER_INIT", *RESOLVES):
            wanted += ticket_keys
        elif self.name == "TRANSFER_RESP":
            wanted += self.init.brought
        known = [key(k) for k in self.given["keys"]]
        for one in wanted:
            if one not in known:
                raise MikeyError(f"{self.what} tells {one}, not in keys")


def sized(value):
    return bytes([len(value)]) + value


def key(given):
    kind = given["type"].split("+")[0]
    validity = 1 if given["SPI"] else 0
    return mikeyread.KeyData(kind, *(octets(given[n]) for n in (
        "key", "salt", "SPI")), validity)


def check_chain(chain):
    """Each certificate is signed by the next one, the last by the root."""
    root = pk.load_certificates((TESTKEYS / "root.pem").read_bytes())
    for one, above in zip(chain, chain[1:] + root):
        pk.verify(pk.S_PKCS1, above.public_key(), one.signature,
                  one.tbs_certificate_bytes)


# --- session keys ----------------------------------------------------------


def _policies(checked):
    """All SPs of a crypto session bundle by their number."""
    found = {}
    for one in checked:
        for sp in one.message.payloads.all("SP"):
            if one.name != "Error":
                found[sp["policy"]] = {
                    k: int.from_bytes(v, "big")
                    for k, v in sp["parameters"].items()}
    return found


def sessions(checked):
    """Keys of the last bundle of a vector, by RFC 6043 or RFC 3830."""
    transfers = [c for c in checked if c.name.startswith("TRANSFER")]
    if transfers:
        last = transfers[-1]
        bundle = [c for c in transfers
                  if c.message.csb_id == last.message.csb_id]
        return _ticket_sessions(bundle, known_keys(checked))
    old = [c for c in checked if c.message.data_type < 11
           and c.name != "Error"]
    return _old_sessions(old)


def _ticket_sessions(bundle, told):
    first = next(c for c in bundle if c.message.payloads.one("TICKET"))
    flags = first.message.payloads.must("TICKET")["flags"]
    answer = next((c for c in bundle if c.message.rand(RESPONDER)), None)
    rands = (first.message.rand(INITIATOR) if "H" in flags else b"",
             answer.message.rand(RESPONDER) if answer and "G" in flags
             else b"")
    prf, known = first.message.prf, [key(k) for k in told]
    policies, result = _policies(bundle), []
    for cs in bundle[-1].message.sessions:
        policy = policies[cs.policies[0]]
        used = next(k for k in known if k.spi == cs.spi)

        def derive(constant, count, used=used, cs=cs):
            return keys.session_key(constant, used.key, prf, cs.cs_id, rands,
                                    count)
        result.append(_session(cs.cs_id, used, policy, derive))
    return result


def known_keys(checked):
    """Those of the last message that tells any."""
    return next((c.given["keys"] for c in reversed(checked)
                 if c.given["keys"]), [])


def _old_sessions(old):
    last = old[-1]
    used = key(known_keys(old)[-1])
    policy, rand = _policies(old)[0], last.old_rand()
    result = []
    for cs in last.message.sessions:
        def derive(constant, count, cs=cs):
            return keys.old_session_key(
                constant, used.key, last.message.prf, cs.cs_id,
                last.message.csb_id, rand, count)
        result.append(_session(cs.cs_id, used, policy, derive))
    return result


def _session(cs_id, used, policy, derive):
    master, salt = used.key, used.salt
    if used.kind != "TEK":
        master = derive(keys.TEK, policy.get(1, 16))
        if salt is None:
            salt = derive(keys.SRTP_SALT, policy.get(4, 14))
    return {"CS ID": cs_id, "key": master.hex(), "salt": (salt or b"").hex(),
            "SPI": used.spi.hex()}


def check_vector(vector):
    """All of a vector; MikeyError says what does not hold."""
    checked = []
    for number in range(len(vector["messages"])):
        one = Checked(vector, number, list(checked))
        one.check()
        checked.append(one)
    if vector["sessions"]:
        equal("sessions", vector["sessions"], sessions(checked))
    return checked
