# SPDX-License-Identifier: Apache-2.0
"""Derives the keys of MIKEY and MIKEY-TICKET and checks their MACs.

K0 to K6 are the derivations of RFC 6043 (5.1, A.2) in the order of their
selector octet; the comment at each names it. The older methods of RFC 3830
have labels without a selector. Like the reader, this stands on the
specification alone.
"""

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import mikeyread
from mikeyread import INITIATOR, KMS, RESPONDER, MikeyError

# Constants are groups of nine digits of e (RFC 3830, 4.1.3).
TEK, SRTP_SALT = 0x2AD01C64, 0x39A2C14B
ENCR, AUTH, SALT = 0x150533E1, 0x2D22AC75, 0x29B88916
MPKR_FORK, TGK_FORK = 0x2B288856, 0x1512B54A
MPKI, MPKR = 0x220E99A2, 0x1F4D675B

ANY = 0xFFFFFFFF
DIGEST = {0: "sha1", 1: "sha256"}
ENCR_LENGTHS = {0: (0, 0), 1: (16, 14), 2: (16, 8), 3: (32, 14)}
MAC_DIGEST = {1: "sha1", 2: "sha256"}
AES_CM, AES_KW = (1, 3), 2


class MacError(MikeyError):
    """A MAC does not verify: a wrong key, or somebody changed octets."""


# --- PRF and AES -----------------------------------------------------------


def _expand(digest, secret, label, octets):
    """P of RFC 3830, 4.1.2: a chain of HMACs, each over its own A_j."""
    out, link = b"", label
    while len(out) < octets:
        link = hmac.digest(secret, link, digest)
        out += hmac.digest(secret, link + label, digest)
    return out[:octets]


def prf(function, inkey, label, octets):
    """The MIKEY PRF: P of every 256-bit block of the key, XORed."""
    if function not in DIGEST:
        raise MikeyError(f"unknown PRF {function}")
    result = bytes(octets)
    for at in range(0, len(inkey), 32):
        part = _expand(DIGEST[function], inkey[at:at + 32], label, octets)
        result = bytes(a ^ b for a, b in zip(result, part))
    return result


def aes_ctr(key, counter, data):
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return cipher.update(data) + cipher.finalize()


def counter_block(salt, csb_id, time):
    """IV of AES-CM in a KEMAC: salt, CSB ID and time (RFC 3830, 4.2.3)."""
    mask = csb_id << 80 | int.from_bytes(time, "big") << 16
    return (int.from_bytes(salt, "big") << 16 ^ mask).to_bytes(16, "big")


def time64(timestamp):
    """A T payload as the 64 bits that enter an IV (R215)."""
    value = timestamp["value"]
    if len(value) == 8:
        return value
    return value + bytes(4) if timestamp["type"] == 3 else bytes(4) + value


def aes_wrap(key, initial, plain):
    """RFC 3394 wrap whose initial value is the salt_key (RFC 3830).

    Nothing says how to pad (AMB 11), so nothing is padded.
    """
    blocks = [plain[i:i + 8] for i in range(0, len(plain), 8)]
    if len(plain) % 8 or len(blocks) < 2:
        raise MikeyError(f"AES key wrap cannot carry {len(plain)} octets")
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    register = initial
    for step in range(1, 6 * len(blocks) + 1):
        i = (step - 1) % len(blocks)
        mixed = cipher.update(register + blocks[i])
        register = (int.from_bytes(mixed[:8], "big") ^ step).to_bytes(
            8, "big")
        blocks[i] = mixed[8:]
    return register + b"".join(blocks)


def aes_unwrap(key, initial, wrapped):
    """RFC 3394 unwrap whose initial value is the salt_key (RFC 3830)."""
    blocks = [wrapped[i:i + 8] for i in range(0, len(wrapped), 8)]
    if len(wrapped) % 8 or len(blocks) < 3:
        raise MikeyError("not an AES key wrap")
    register, count = blocks[0], len(blocks) - 1
    del blocks[0]
    cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    for step in range(6 * count, 0, -1):
        i = (step - 1) % count
        mixed = int.from_bytes(register, "big") ^ step
        plain = cipher.update(mixed.to_bytes(8, "big") + blocks[i])
        register, blocks[i] = plain[:8], plain[8:]
    if not hmac.compare_digest(register, initial):
        raise MacError("AES key wrap does not verify")
    return b"".join(blocks)


# --- labels and derivations (RFC 6043, 5.1 and A.2) ----------------------


def _sized(octets):
    return bytes([len(octets)]) + octets


def _label(constant, selector, tail=b"", cs_id=0xFF, field=ANY):
    return (constant.to_bytes(4, "big") + bytes([cs_id])
            + field.to_bytes(4, "big") + bytes([selector]) + tail)


@dataclass(frozen=True)
class Sealed:
    """An encrypted KEMAC and what made it; no IV for AES-KW and NULL."""

    data: bytes
    encr_key: bytes
    salt_key: bytes
    block: bytes | None
    plain: bytes


class Guard:
    """What protects one message or one ticket; `derive` is the difference.

    Has a `csb_id`, which enters the IV of AES-CM.
    """

    def auth(self, algorithm):
        if algorithm not in MAC_DIGEST:
            raise MikeyError(f"MAC algorithm {algorithm} proves nothing")
        return self.derive(AUTH, mikeyread.MAC_LENGTH[algorithm])

    def mac(self, algorithm, octets):
        return hmac.digest(self.auth(algorithm), octets,
                           MAC_DIGEST[algorithm])

    def encr(self, algorithm):
        """encr_key and salt_key for a KEMAC with that algorithm."""
        if algorithm not in ENCR_LENGTHS:
            raise MikeyError(f"unknown encryption algorithm {algorithm}")
        key, salt = ENCR_LENGTHS[algorithm]
        return self.derive(ENCR, key), self.derive(SALT, salt)

    def seal(self, algorithm, plain, timestamp):
        """Encrypt Key Data for a KEMAC beside that T (AMB 5, A)."""
        key, salt = self.encr(algorithm)
        block = None
        data = plain
        if algorithm in AES_CM:
            block = counter_block(salt, self.csb_id, time64(timestamp))
            data = aes_ctr(key, block, plain)
        elif algorithm == AES_KW:
            data = aes_wrap(key, salt, plain)
        return Sealed(data, key, salt, block, plain)

    def open(self, kemac, timestamp):
        """The plaintext of a KEMAC, whatever stands in it."""
        algorithm, data = kemac["encr alg"], kemac["data"]
        key, salt = self.encr(algorithm)
        if algorithm in AES_CM:
            block = counter_block(salt, self.csb_id, time64(timestamp))
            return aes_ctr(key, block, data)
        if algorithm == AES_KW:
            return aes_unwrap(key, salt, data)
        return data

    def decrypt(self, kemac, timestamp):
        """The keys in a KEMAC; its T is the one beside it (AMB 5, A)."""
        if kemac["mac alg"] != 0:
            raise MikeyError("a KEMAC of MIKEY-TICKET has no MAC (R35)")
        return mikeyread.parse_keys(self.open(kemac, timestamp))


@dataclass(frozen=True)
class Protection(Guard):
    """Keys of MIKEY-TICKET, whose labels carry a selector."""

    function: int
    key: bytes
    selector: int
    tail: bytes
    csb_id: int = ANY

    def derive(self, constant, octets):
        label = _label(constant, self.selector, self.tail, field=self.csb_id)
        return prf(self.function, self.key, label, octets)


@dataclass(frozen=True)
class OldProtection(Guard):
    """Keys of the methods of RFC 3830: one set for both directions."""

    function: int
    key: bytes
    csb_id: int
    rand: bytes

    def derive(self, constant, octets):
        label = old_label(constant, 0xFF, self.csb_id, self.rand)
        return prf(self.function, self.key, label, octets)


def old_label(constant, cs_id, csb_id, rand):
    """RFC 3830, 4.1.3 and 4.1.4: no selector, no lengths."""
    return (constant.to_bytes(4, "big") + bytes([cs_id])
            + csb_id.to_bytes(4, "big") + rand)


def old_session_key(constant, tgk, function, cs_id, csb_id, rand, octets):
    """TEK or salt of one crypto session by RFC 3830."""
    return prf(function, tgk, old_label(constant, cs_id, csb_id, rand),
               octets)


def message_protection(key, message, selector, rand_i=b"", rand_r=b""):
    """K1 (selector 1, initial messages) and K2 (selector 2, responses)."""
    return Protection(message.prf, key, selector,
                      _sized(rand_i) + _sized(rand_r), message.csb_id)


def ticket_protection(tpk, function, rand):
    """K5: what protects the base ticket, from the TPK."""
    return Protection(function, tpk, 5, _sized(rand))


def split_mpk(mpk, function, rand):
    """K6: MPKi and MPKr of the base ticket."""
    tail = _sized(rand)
    return tuple(prf(function, mpk, _label(c, 6, tail), len(mpk))
                 for c in (MPKI, MPKR))


def fork(constant, key, function, identity, rand_kms):
    """K0: MPKr to MPKr', TGK to TGK'; the KMS chose both modifiers."""
    tail = len(identity).to_bytes(2, "big") + identity + _sized(rand_kms)
    return prf(function, key, _label(constant, 0, tail), len(key))


def session_key(constant, tgk, function, cs_id, rands, octets):
    """K3: TEK or salt of one crypto session; rands as flags G, H allow."""
    tail = b"".join(_sized(r) for r in rands)
    return prf(function, tgk, _label(constant, 3, tail, cs_id), octets)


# --- MACs (RFC 6043, 5.5) ------------------------------------------------


def same(given, computed, what):
    if not hmac.compare_digest(given, computed):
        raise MacError(f"{what} does not verify")


def covered(message):
    """The octets of a message under its V, without the tail.

    A TRANSFER_INIT is covered without its Initiator Data, because that
    holds a copy of this very MAC (R189).
    """
    end = message.payloads.must("V")["mac at"]
    if message.name != "TRANSFER_INIT":
        return message.raw[:end]
    ticket = message.payloads.one("TICKET")
    if ticket is None:
        return message.raw[:end]
    return (message.raw[:ticket["initiator at"]]
            + message.raw[ticket.end:end])


def check_message(message, protection, tail):
    v = message.payloads.must("V")
    same(v["mac"], protection.mac(v["alg"], covered(message) + tail),
         f"V of {message.name}")


def base_ticket(ticket):
    """The payloads of a base ticket; other types keep theirs to the KMS."""
    inner = ticket.get("ticket")
    if inner is None:
        raise MikeyError(f"ticket of type {ticket['type']} is not a base "
                         "ticket")
    return inner


def check_ticket(message, tpk):
    """Verify the ticket in a message under the TPK; its K5 protection."""
    ticket = message.payloads.must("TICKET")
    inner = base_ticket(ticket)
    v = inner.must("V")
    keys = ticket_protection(tpk, ticket["prf"], inner.must("RAND")["value"])
    octets = message.raw[ticket.start + 1:v["mac at"]]
    same(v["mac"], keys.mac(v["alg"], octets), "the ticket")
    return keys


def open_ticket(message, tpk):
    """The keys inside the ticket, which only who made it can see."""
    inner = base_ticket(message.payloads.must("TICKET"))
    keys = check_ticket(message, tpk)
    return keys.decrypt(inner.must("KEMAC"), inner.must("T"))


def check_initiator_data(message, mpkr):
    """Vi is the V of the message, Vr proves who holds MPKr (K4)."""
    ticket = message.payloads.must("TICKET")
    if not ticket["initiator"]:
        raise MikeyError("flag I without Initiator Data")
    vi, vr = ticket["initiator"]
    if vi["alg"] != vr["alg"]:
        raise MikeyError("Vi and Vr differ in algorithm (R247)")
    if message.name == "TRANSFER_INIT":
        same(vi["mac"], message.payloads.must("V")["mac"], "Vi")
    keys = Protection(ticket["prf"], mpkr, 4, b"")
    octets = message.raw[ticket["initiator data at"]:vr["mac at"]]
    same(vr["mac"], keys.mac(vr["alg"], octets), "Vr")


# --- whole exchanges -----------------------------------------------------


def exchange_rands(init):
    """RANDRi and RANDRr in the labels of an initial message; one of another
    role may stand there, but is unexpected and does not count (R147, R148)."""
    if init.name.startswith("RESOLVE_INIT"):
        return b"", init.rand(RESPONDER)
    return init.rand(INITIATOR), b""


def initial_protection(message, key):
    """K1 of an initial message: its own RANDR, its own CSB ID."""
    return message_protection(key, message, 1, *exchange_rands(message))


def check_initial(message, key, *identities):
    """V of an initial message; the identities are its tail (R188)."""
    check_message(message, initial_protection(message, key),
                  b"".join(identities))


def _pair(init, resp):
    """A response keeps PRF and CSB ID of its initial message (R31)."""
    if (init.prf, init.csb_id) != (resp.prf, resp.csb_id):
        raise MikeyError(f"{resp.name} answers another message")


def kms_keys(init, resp, psk):
    """The keys that the KMS gave in REQUEST_RESP or RESOLVE_RESP."""
    _pair(init, resp)
    if resp.name not in ("REQUEST_RESP", "RESOLVE_RESP"):
        raise MikeyError(f"the KMS answered {describe(resp)}")
    asking = INITIATOR if init.name == "REQUEST_INIT_PSK" else RESPONDER
    check_initial(init, psk, init.identity(asking), init.identity(KMS))
    keys = message_protection(psk, init, 2, *exchange_rands(init))
    check_message(resp, keys, init.raw)
    return keys.decrypt(resp.payloads.must("KEMAC"),
                        resp.payloads.must("T"))


def check_error(error, init, key):
    """An authenticated Error: V is under the key of what it answers."""
    _pair(init, error)
    check_message(error, initial_protection(init, key), b"")
    return [p["number"] for p in error.payloads.all("ERR")]


def check_transfer_init(init, mpki):
    check_initial(init, mpki, init.identity(INITIATOR),
                  init.identity(RESPONDER))


def transfer_protection(init, resp, key):
    """K2 of TRANSFER_RESP; RANDRr is there iff G, so as the message has."""
    return message_protection(key, resp, 2, init.rand(INITIATOR),
                              resp.rand(RESPONDER))


def check_transfer_resp(init, resp, key):
    _pair(init, resp)
    check_message(resp, transfer_protection(init, resp, key), init.raw)


def describe(message):
    """The name of a message, with the reasons if it is an Error."""
    reasons = [f"{p['number']} ({mikeyread.ERRORS.get(p['number'], '?')})"
               for p in message.payloads.all("ERR")]
    return " ".join([message.name, *reasons])
