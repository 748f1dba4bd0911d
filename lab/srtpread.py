# SPDX-License-Identifier: Apache-2.0
"""Opens SRTP packets (RFC 3711, RFC 6188): AES-CM and HMAC-SHA-1.

Only what the evidence needs: the receiving side, one packet at a time,
with the rollover counter that the packets themselves imply.
"""

import hmac
from dataclasses import dataclass, field

from mikeykeys import aes_ctr

ENCR_LABEL, AUTH_LABEL, SALT_LABEL = 0, 1, 2
SALT_LENGTH = 14
WINDOW = 1 << 15  # half the sequence numbers: beyond it the number wrapped


class SrtpError(ValueError):
    """The packet is not one that this key protects."""


@dataclass(frozen=True)
class SrtpPolicy:
    """The SP parameters in use, octets throughout; defaults of RFC 3830."""

    encr_length: int = 16
    auth_length: int = 20
    tag_length: int = 10
    rate: int = 0

    @classmethod
    def from_sp(cls, sp):
        """From an SP payload; refuses what this reader cannot open."""
        given = {kind: int.from_bytes(value, "big")
                 for kind, value in sp["parameters"].items()}
        fixed = {0: 1, 2: 1, 4: SALT_LENGTH, 5: 0, 7: 1, 10: 1, 12: 0}
        for kind, wanted in fixed.items():
            if given.get(kind, wanted) != wanted:
                raise SrtpError(f"SP parameter {kind} is {given[kind]}")
        return cls(given.get(1, 16), given.get(3, 20), given.get(11, 10),
                   given.get(6, 0))


def kdf(master, salt, label, octets, index=0):
    """The key derivation of RFC 3711, 4.3; `index` is index DIV rate."""
    x = (label << 48 | index) ^ int.from_bytes(salt, "big")
    return aes_ctr(master, (x << 16).to_bytes(16, "big"), bytes(octets))


@dataclass
class Stream:
    """One SSRC in one direction: its keys and where its counter stands."""

    master: bytes
    salt: bytes
    policy: SrtpPolicy = SrtpPolicy()
    roc: int = 0
    highest: int | None = None
    packets: dict = field(default_factory=dict)

    def _key(self, label, octets, index):
        turn = index // self.policy.rate if self.policy.rate else 0
        return kdf(self.master, self.salt, label, octets, turn)

    def _guess_roc(self, sequence):
        """The rollover count of a packet (RFC 3711, appendix A)."""
        if self.highest is None:
            return self.roc
        if sequence - self.highest > WINDOW and self.roc:
            return self.roc - 1
        if self.highest - sequence > WINDOW:
            return self.roc + 1
        return self.roc

    def open(self, packet):
        """Check and decrypt one packet; returns its payload."""
        sequence, ssrc, start = header(packet)
        roc = self._guess_roc(sequence)
        index = roc << 16 | sequence
        end = len(packet) - self.policy.tag_length
        self._check(packet[:end], packet[end:], index)
        plain = self._decrypt(packet[start:end], ssrc, index)
        if self.highest is None or index > self.roc << 16 | self.highest:
            self.roc, self.highest = roc, sequence
        self.packets[index] = unpad(packet, plain)
        return self.packets[index]

    def _check(self, octets, tag, index):
        key = self._key(AUTH_LABEL, self.policy.auth_length, index)
        roc = (index >> 16).to_bytes(4, "big")
        mac = hmac.digest(key, octets + roc, "sha1")[:len(tag)]
        if not tag or not hmac.compare_digest(mac, tag):
            raise SrtpError("the authentication tag does not verify")

    def _decrypt(self, octets, ssrc, index):
        key = self._key(ENCR_LABEL, self.policy.encr_length, index)
        salt = self._key(SALT_LABEL, SALT_LENGTH, index)
        counter = (int.from_bytes(salt, "big") << 16
                   ^ ssrc << 64 ^ index << 16)
        return aes_ctr(key, counter.to_bytes(16, "big"), octets)

    def audio(self):
        """All payloads in the order of sending."""
        return b"".join(self.packets[i] for i in sorted(self.packets))


def header(packet):
    """Sequence number, SSRC and start of the payload of an RTP packet."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        raise SrtpError("not RTP")
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        words = int.from_bytes(packet[start + 2:start + 4], "big")
        start += 4 + 4 * words
    if start > len(packet):
        raise SrtpError("RTP header runs past the packet")
    return (int.from_bytes(packet[2:4], "big"),
            int.from_bytes(packet[8:12], "big"), start)


def unpad(packet, payload):
    """Take off RTP padding, which is encrypted with the payload."""
    if not packet[0] & 0x20:
        return payload
    if not payload or not 0 < payload[-1] <= len(payload):
        raise SrtpError("wrong RTP padding")
    return payload[:-payload[-1]]
