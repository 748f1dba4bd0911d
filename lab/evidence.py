# SPDX-License-Identifier: Apache-2.0
"""Derives the keys of a call from outside, as a witness would.

Given: the key that a user shares with the KMS, what that user posted and
was answered, and the SIP messages of the call. Each user's side is derived
on its own; that both arrive at the same keys is the proof that the exchange
did what RFC 6043 promises.
"""

import base64
import binascii
import re
from dataclasses import dataclass

import mikeykeys as keys
import mikeyread
from mikeyread import INITIATOR, KMS, RESPONDER, KeyData, MikeyError
from srtpread import SALT_LENGTH, SrtpPolicy, Stream


class EvidenceError(ValueError):
    """The call cannot be proven; the text says which piece is missing."""


@dataclass(frozen=True)
class Credential:
    """A user, and the key that the user shares with the KMS."""

    identity: str
    key_id: str
    psk: bytes


@dataclass(frozen=True)
class Call:
    """The keys of one call and its SRTP streams by SSRC."""

    mpkr: bytes | None
    tgk: KeyData
    caller: bytes
    callee: bytes
    streams: dict


class _Side:
    """What both users have in common: keys from the KMS, then a call."""

    def __init__(self, init, resp, psk):
        self.init = init
        protection, *session = keys.kms_keys(init, resp, psk)
        self.mpki = protection.key
        forks = "I" in self._ticket(init, resp)["flags"]
        self.mpkr = session.pop(0).key if forks else None
        self.session_keys = session

    @staticmethod
    def _ticket(init, resp):
        """The TICKET of this exchange; one of the two messages has it."""
        return resp.payloads.one("TICKET") or init.payloads.must("TICKET")

    def _check_init(self, init):
        keys.check_transfer_init(init, self.mpki)

    def _forked(self, _resp, _function):
        """MPKr' and the session keys as this side has them."""
        return self.mpkr, self.session_keys

    def call(self, init, resp):
        """Verify both Transfer messages and derive the session keys."""
        ticket = init.payloads.must("TICKET")
        self._check_init(init)
        mpkr, session = self._forked(resp, ticket["prf"])
        keys.check_transfer_resp(init, resp, mpkr or self.mpki)
        streams = {}
        for entry in resp.sessions:
            streams[entry.ssrc] = _stream(entry, init, resp, session)
        answered = resp.payloads.one("IDR", RESPONDER)
        callee = answered["value"] if answered else init.identity(RESPONDER)
        return Call(mpkr, session[0], init.identity(INITIATOR), callee,
                    streams)


class Initiator(_Side):
    """Who asked for the ticket: forks the keys after the answer."""

    def _check_init(self, init):
        super()._check_init(init)
        if self.mpkr:
            keys.check_initiator_data(init, self.mpkr)

    def _forked(self, resp, function):
        if not self.mpkr:
            return None, self.session_keys
        modifier = (function, resp.identity(RESPONDER), resp.rand(KMS))
        mpkr = keys.fork(keys.MPKR_FORK, self.mpkr, *modifier)
        return mpkr, [_fork_tgk(k, modifier) for k in self.session_keys]


class Responder(_Side):
    """Who resolved the ticket: the KMS has forked the keys already."""

    def _check_init(self, init):
        super()._check_init(init)
        if self.mpkr:
            vi = init.payloads.must("TICKET")["initiator"][0]
            keys.same(vi["mac"], init.payloads.must("V")["mac"], "Vi")


def _fork_tgk(key, modifier):
    """Only a TGK is forked; TEK and GTGK stay as they are (R142)."""
    if key.kind != "TGK":
        return key
    forked = keys.fork(keys.TGK_FORK, key.key, *modifier)
    return KeyData(key.kind, forked, key.salt, key.spi)


def _stream(entry, init, resp, session):
    """The SRTP stream of one crypto session (RFC 6043, 5.1.3)."""
    policy = _policy(entry, init, resp)
    named = [k for k in session if k.spi == entry.spi]
    if not named or entry.ssrc is None:
        raise EvidenceError(f"no key or SSRC for crypto session {entry}")
    key = named[0]
    flags = init.payloads.must("TICKET")["flags"]
    rands = (init.rand(INITIATOR) if "H" in flags else b"",
             resp.rand(RESPONDER) if "G" in flags else b"")

    def derive(constant, octets):
        return keys.session_key(constant, key.key, init.prf, entry.cs_id,
                                rands, octets)
    master = key.key
    if key.kind != "TEK":
        master = derive(keys.TEK, policy.encr_length)
    salt = key.salt
    if salt is None:
        salt = derive(keys.SRTP_SALT, SALT_LENGTH)
    return Stream(master, salt, policy, entry.roc)


def _policy(entry, init, resp):
    if len(entry.policies) != 1:
        raise EvidenceError("the answer must choose one policy (R199)")
    for sp in init.payloads.all("SP") + resp.payloads.all("SP"):
        if sp["policy"] == entry.policies[0]:
            return SrtpPolicy.from_sp(sp)
    raise EvidenceError(f"no SP with number {entry.policies[0]}")


# --- out of HTTP bodies and SIP messages ---------------------------------


def decode_body(body):
    """A POST body or reply: raw MIKEY, or base64 of it (first octet A)."""
    return mikeyread.parse(base64.b64decode(body) if body[:1] == b"A"
                           else body)


def key_mgmt(sdp):
    """The MIKEY message in an SDP body, or None where there is none."""
    line = re.search(rb"^a=key-mgmt: ?mikey (\S+)\s*$", sdp, re.M)
    if not line:
        return None
    try:
        return mikeyread.parse(base64.b64decode(line[1], validate=True))
    except binascii.Error as error:
        raise MikeyError(f"key-mgmt is not base64: {error}") from error


def carried(message):
    """The MIKEY message in a SIP or HTTP message, or None."""
    try:
        if message.is_sip:
            return key_mgmt(message.body)
        return decode_body(message.body)
    except (MikeyError, ValueError):
        return None


def find_exchange(posts, name, key_id):
    """The first such exchange of a user that did not end in an Error.

    `posts` is pairs of request and reply body; the user is known by the
    name of the shared key (IDRpsk). None where there is no such exchange.
    """
    for request, reply in posts:
        init, resp = decode_body(request), decode_body(reply)
        named = init.payloads.one("IDR", mikeyread.PSK)
        if (init.name == name and resp.name != "Error" and named
                and named["value"] == key_id.encode()):
            return init, resp
    return None


def find_transfer(bodies):
    """TRANSFER_INIT and TRANSFER_RESP out of the SDP bodies of a call."""
    found = {}
    for body in bodies:
        message = key_mgmt(body)
        if message:
            found.setdefault(message.name, message)
    if not {"TRANSFER_INIT", "TRANSFER_RESP"} <= set(found):
        raise EvidenceError("offer and answer do not both carry MIKEY")
    return found["TRANSFER_INIT"], found["TRANSFER_RESP"]

