# SPDX-License-Identifier: Apache-2.0
"""Where libmikey and the reference may differ about a changed message.

Two readers need not refuse the same octets: one may leave to a later step
what the other sees at once, or be stricter than the RFCs ask. Each such
difference stands here with its reason; any other one is a finding.
"""

import re
from typing import Callable, NamedTuple

from mikeyread import COUNTER, NTP_UTC_32, REKEY

# What may stand once, by name and role: libmikey refuses a second one.
ONCE = {None: {"T", "TP", "TICKET", "KEMAC", "V", "PKE", "CHASH", "RAND",
               *(("RANDR", r) for r in (1, 2, 3)),
               *(("IDR", r) for r in range(8))},
        "TP Data": {"KEMAC", ("IDR", 1), ("IDR", 3), ("TR", 2), ("TR", 3),
                    ("TR", 4)},
        "Ticket Data": {"T", "RAND", "KEMAC", "V", ("IDR", 4)}}
ROLES = {"IDR": "ID Role", "RANDR": "RAND Role", "TR": "TS Role"}


class Case(NamedTuple):
    """A message about which the two differ."""

    message: object  # as the reference read it, None if it refused it
    document: dict  # as mikeytool decodes it, None if that refuses it


class Tolerance(NamedTuple):
    reference: str  # regular expression for what it says, "" if it is content
    libmikey: str  # the error, "OK" if it is content
    holds: Callable  # whether the case is really one of this kind
    why: str


def always(_case):
    return True


# --- what mikeytool saw ------------------------------------------------------


def _chains(document):
    """Name of the region and its payloads, for each chain of a message."""
    yield None, document["payloads"]
    for payload in document["payloads"]:
        for region in ("TP Data", "Ticket Data", "Initiator Data"):
            inside = payload.get(region)
            if inside and "payloads" in inside:
                yield region, inside["payloads"]


def _name(payload):
    kind = payload["payload"]
    role = ROLES.get(kind)
    return (kind, payload[role]["value"]) if role else kind


def _once_each(case):
    """Nothing that counts stands twice: the rest is unexpected."""
    return all([_name(p) for p in chain].count(name) < 2
               for region, chain in _chains(case.document)
               for name in ONCE.get(region, ()))


def _v_last(case):
    """Where V counts it is the last one."""
    return all("V" not in [p["payload"] for p in chain[:-1]]
               for region, chain in _chains(case.document)
               if region in (None, "Ticket Data"))


def _policies_once(case):
    """The SP of the message have numbers of their own."""
    numbers = [p["Policy no"] for p in case.document["payloads"]
               if p["payload"] == "SP"]
    return len(set(numbers)) == len(numbers)


def _two_v(case):
    """Vi and Vr are there, and Vr is the last one (R245)."""
    return all([p["payload"] for p in chain].count("V") == 2
               and chain[-1]["payload"] == "V"
               for region, chain in _chains(case.document)
               if region == "Initiator Data")


# --- what the reference saw --------------------------------------------------


def _policies(case):
    chain = case.message.payloads
    return chain.all("TP") + chain.all("TICKET")


def _lacks_parts(case):
    return any(not ticket["ticket"].one(name)
               for ticket in case.message.payloads.all("TICKET")
               if ticket.get("ticket") is not None
               for name in ("T", "RAND", "KEMAC", "V"))


def _wrong_times(case):
    return any(tr["type"] != NTP_UTC_32 if tr["role"] == REKEY
               else tr["type"] == COUNTER
               for policy in _policies(case)
               for tr in policy["policy"].all("TR") if tr["role"] in (2, 3, 4))


def _two_algorithms(case):
    return any(len({v["alg"] for v in ticket["initiator"]}) == 2
               for ticket in case.message.payloads.all("TICKET"))


def _too_many(case):
    chain = case.message.payloads
    return (len(chain.all("SP")) > 16 or len(chain.all("ERR")) > 8
            or len(chain.all("CERT")) > 8)


def _two_lists(case):
    return sum(p["type"] == 1 for p in case.message.payloads.all("EXT")) > 1


READING = (
    Tolerance(r"unknown data type", "OK", always,
              "libmikey reads any type, so that an Error can be sent about it; "
              "each receiver asks for the types that it takes"),
    Tolerance(r"reserved role", "OK", always,
              "of no payload that is expected, so it is ignored (R30, R231)"),
    Tolerance(r"SP parameter \d+ stands twice", "OK", always,
              "libmikey reads parameters when it uses the policy: "
              "mikey_srtp_policy_read()"),
    Tolerance(r"^[A-Z]+ stands twice", "OK", _once_each,
              "unexpected payloads are ignored, however many there are "
              "(R30, R46, R231, R243, R292)"),
    Tolerance(r"policy \d+ stands twice", "OK", _policies_once,
              "an SP in TP Data or Ticket Data is unexpected, so it is ignored "
              "(R231, R292)"),
    Tolerance(r"V is not the last payload", "OK", _v_last,
              "a V in TP Data is unexpected, so it is ignored (R231)"),
    Tolerance(r"Initiator Data is not Vi and Vr", "OK", _two_v,
              "other payloads beside Vi and Vr are ignored (R243)"),
    Tolerance(r"^$", "E_MISSING", _lacks_parts,
              "a base ticket without one of its parts is well-formed; the "
              "reference refuses it in mikeyrules"),
    Tolerance(r"^$", "E_UNSUPPORTED", _wrong_times,
              "TS types that TRs, TRe and TRr must not have (R235, AMB 16) are "
              "in mikeyrules"),
    Tolerance(r"^$", "E_FORMAT", _two_algorithms,
              "the reference compares the algorithms of Vi and Vr (R247) when "
              "it verifies them"),
    Tolerance(r"^$", "E_UNSUPPORTED", _too_many,
              "libmikey holds 16 SP, 8 ERR and 8 CERT of one message"),
    Tolerance(r"^$", "E_DUPLICATE", _two_lists,
              "of two lists of SDP IDs libmikey would not know which one to "
              "compare"),
)


def _is_response(case):
    return case.message.name == "TRANSFER_RESP"


def _large_wish(case):
    tp = case.message.payloads.one("TP")
    kemac = tp and tp["policy"].one("KEMAC")
    return kemac and (len(kemac["keys"]) > 8 or any(
        len(k.key) > 64 or len(k.salt or b"") > 32 for k in kemac["keys"]))


def _long_modifier(case):
    idr = case.message.payloads.one("IDR", 2)
    return idr and len(idr["value"]) > 255


JUDGING = (
    Tolerance(r"^$", "E_UNSUPPORTED", _long_modifier,
              "libmikey forks keys with identities of up to 255 octets"),
    Tolerance(r"a short RAND", "OK", always,
              "how long RANDs must be is for those who draw them (R272)"),
    Tolerance(r"^$", "E_UNSUPPORTED", _large_wish,
              "libmikey makes at most 8 keys for a ticket, of at most 64 "
              "octets and a salt of 32"),
    Tolerance(r"^$", "E_DUPLICATE", _two_lists,
              "as when reading: two lists of SDP IDs"),
    Tolerance(r"a wished key with octets", "OK", always,
              "the sender must write zeros, the KMS ignores what stands there "
              "(R238)"),
    Tolerance(r"a response must choose|Session Data missing|SPI missing", "OK",
              _is_response,
              "in an update the bundle compares the map with what it has: "
              "mikey_bundle_receive()"),
)


def reason(table, said, error, case):
    """Why it may be so; None if it may not."""
    for one in table:
        if (re.search(one.reference, said or "") and one.libmikey == error
                and (one.reference == "^$") == (not said)):
            try:
                if one.holds(case):
                    return one.why
            except (AttributeError, TypeError, KeyError):
                continue  # refused by whom the condition asks
    return None
