# SPDX-License-Identifier: Apache-2.0
"""Says in a few short lines what a MIKEY message carries."""

import datetime

from mikeyread import INITIATOR, KMS, PSK, RESPONDER, ERRORS

SUITES = {0: "suite 128", 1: "suite 256"}
UNIX_IN_NTP = 2208988800  # 1970 in seconds since 1900
ERA_1_IN_UNIX = 2085978496  # 2036-02-07, where the NTP seconds start again


def clock(timestamp):
    """A T or TR as a UTC time; R214 says in which era it is."""
    seconds = int.from_bytes(timestamp["value"][:4], "big")
    seconds += -UNIX_IN_NTP if seconds >> 31 else ERA_1_IN_UNIX
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _identity(chain, role):
    found = [p["value"].decode(errors="replace")
             for p in chain.all("IDR", role)]
    return ", ".join(found) or "nobody by name"


def _ticket_size(message):
    return len(message.payloads.must("TICKET")["data"])


def _kemac_size(message):
    return len(message.payloads.must("KEMAC")["data"])


def _request_init(message):
    tp = message.payloads.must("TP")
    return [f"{_identity(message.payloads, INITIATOR)} wants a ticket",
            f"for {_identity(tp['policy'], RESPONDER)}",
            f"shared key {_identity(message.payloads, PSK)}, "
            f"flags {tp['flags']}"]


def _request_resp(message):
    policy = message.payloads.must("TICKET")["policy"]
    lines = [f"ticket of {_ticket_size(message)} octets for "
             f"{_identity(policy, RESPONDER)}",
             f"MPKi, MPKr and TGK sealed for the caller, "
             f"{_kemac_size(message)} octets"]
    end = [p for p in policy.all("TR") if p["role"] == 3]
    return lines + [f"good until {clock(end[0])} UTC"] if end else lines


def _sessions(message):
    """The crypto sessions; an SSRC not yet known is shown as open."""
    return ", ".join(
        f"CS {s.cs_id} SSRC " + ("open" if s.ssrc is None
                                 else f"{s.ssrc:08x}")
        for s in message.sessions)


def _transfer_init(message):
    ticket = message.payloads.must("TICKET")
    seal = ", sealed by Vi and Vr" if ticket["initiator"] else ""
    return [f"to {_identity(message.payloads, RESPONDER)}: the ticket{seal}",
            _sessions(message)]


def _resolve_init(message):
    return [f"{_identity(message.payloads, RESPONDER)} hands in the ticket, "
            f"shared key {_identity(message.payloads, PSK)}"]


def _resolve_resp(message):
    who = _identity(message.payloads, RESPONDER)
    if not message.rand(KMS):
        return [f"MPKi and keys sealed for {who}"]
    return [f"MPKi, MPKr' and TGK' sealed, {_kemac_size(message)} octets",
            f"forked for {who} alone, with RANDRkms"]


def _transfer_resp(message):
    return [f"answered by {_identity(message.payloads, RESPONDER)}",
            _sessions(message)]


def _error(message):
    return [f"no. {p['number']}, {ERRORS.get(p['number'], 'unknown')}"
            for p in message.payloads.all("ERR")]


_WORDS = {
    "REQUEST_INIT_PSK": _request_init, "REQUEST_RESP": _request_resp,
    "TRANSFER_INIT": _transfer_init, "TRANSFER_RESP": _transfer_resp,
    "RESOLVE_INIT_PSK": _resolve_init, "RESOLVE_RESP": _resolve_resp,
    "Error": _error,
}


def lines(message):
    """A headline and one or two lines of what matters in the message."""
    head = (f"{message.name}, {len(message.raw)} octets, "
            f"CSB {message.csb_id:08x}, "
            f"{SUITES.get(message.prf, 'unknown suite')}")
    words = _WORDS.get(message.name)
    return [head, *(words(message) if words else [])]
