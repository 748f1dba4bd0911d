# SPDX-License-Identifier: Apache-2.0
"""Builds RESOLVE_INIT messages that no honest UE would send.

A user of the KMS may hold a copied or a changed ticket and ask for its
keys in a message that is correct in all else. The KMS must refuse for the
ticket, not for a flaw of form, so these messages carry valid MACs.
"""

import http.client
import os
import time
import urllib.parse

import mikeykeys
import mikeyread
from mikeyread import KMS, PSK, RESPONDER

NTP_EPOCH = 2208988800
IDR, RANDR, TICKET, T, V = 14, 15, 17, 5, 9
URI, BYTE_STRING = 1, 2
RESOLVE_INIT_PSK = 16
CONTENT_TYPE = "application/mikey"


def ticket_octets(message):
    """The TICKET payload of a message, without its next-payload octet."""
    ticket = message.payloads.must("TICKET")
    return message.raw[ticket.start + 1:ticket.end]


def flip_bit(octets, at, bit=0):
    changed = bytearray(octets)
    changed[at] ^= 1 << bit
    return bytes(changed)


def _idr(following, role, kind, text):
    value = text.encode()
    return (bytes([following, role, kind]) + len(value).to_bytes(2, "big")
            + value)


def _now():
    """NTP-UTC: seconds since 1900 and their fraction."""
    now = time.time() + NTP_EPOCH
    return (int(now).to_bytes(4, "big")
            + int(now % 1 * 2**32).to_bytes(4, "big"))


def resolve_init(who, kms, ticket, prf):
    """A RESOLVE_INIT_PSK of `who` for that ticket, with a valid MAC."""
    rand, alg = os.urandom(32), prf + 1
    raw = (bytes([1, RESOLVE_INIT_PSK, T, 0x80 | prf]) + os.urandom(4)
           + bytes([0, mikeyread.MAP_EMPTY])
           + bytes([RANDR, 0]) + _now()
           + bytes([IDR, RESPONDER, len(rand)]) + rand
           + _idr(IDR, RESPONDER, URI, who.identity)
           + _idr(TICKET, KMS, URI, kms)
           + bytes([IDR]) + ticket
           + _idr(V, PSK, BYTE_STRING, who.key_id) + bytes([0, alg]))
    draft = mikeyread.parse(raw + bytes(mikeyread.MAC_LENGTH[alg]))
    guard = mikeykeys.initial_protection(draft, who.psk)
    tail = who.identity.encode() + kms.encode()
    return raw + guard.mac(alg, raw + tail)


def post(url, body, kind="ticketresolve"):
    """POST a message to the KMS; the octets it answers with."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port,
                                            timeout=10)
    try:
        connection.request("POST", f"{place.path}?requesttype={kind}", body,
                           {"Content-Type": CONTENT_TYPE})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def ask(url, who, kms, ticket, prf):
    """Ask for the keys in a ticket; request and answer as messages."""
    raw = resolve_init(who, kms, ticket, prf)
    status, reply = post(url, raw)
    if status != 200:
        raise mikeyread.MikeyError(f"the KMS answered HTTP {status}")
    return mikeyread.parse(raw), mikeyread.parse(reply)
