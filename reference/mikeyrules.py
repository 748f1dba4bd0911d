# SPDX-License-Identifier: Apache-2.0
"""What RFC 6043 demands of a message beyond its form.

The reader accepts what can be read; here stands what may be sent: which
payloads, which flags, which lengths, which algorithms together.
"""

import mikeyread
from mikeyread import (
    COUNTER, INITIATOR, KMS, MAP_EMPTY, MAP_SRTP_ID, NTP_UTC_32, PSK, REKEY,
    RESPONDER, MikeyError)

RANDR_I, RANDR_R, RANDR_KMS = (("RANDR", r) for r in (1, 2, 3))
IDR_I, IDR_R, IDR_KMS, IDR_PSK = (("IDR", r) for r in (
    INITIATOR, RESPONDER, KMS, PSK))
T, TP, TICKET, KEMAC, PKE = ((n, None) for n in (
    "T", "TP", "TICKET", "KEMAC", "PKE"))
V, SIGN = ("V", None), ("SIGN", None)

# Mandatory payloads (1.4); V or SIGN must be the last one.
MANDATORY = {
    "REQUEST_INIT_PSK": (T, RANDR_I, TP, V),
    "REQUEST_INIT_PK": (T, RANDR_I, TP, PKE, SIGN),
    "REQUEST_RESP": (T, TICKET, KEMAC, V),
    "TRANSFER_INIT": (T, V),
    "TRANSFER_RESP": (T, V),
    "RESOLVE_INIT_PSK": (T, RANDR_R, TICKET, V),
    "RESOLVE_INIT_PK": (T, RANDR_R, TICKET, PKE, SIGN),
    "RESOLVE_RESP": (T, KEMAC, V),
    "Error": (T, ("ERR", None)),
    "PSK_INIT": (T, KEMAC), "PSK_RESP": (T, V),
    "PK_INIT": (T, PKE, SIGN), "PK_RESP": (T, V),
    "DH_INIT": (T, SIGN), "DH_RESP": (T, SIGN),
    "DHHMAC_INIT": (T, KEMAC), "DHHMAC_RESP": (T, KEMAC),
    "RSA_R_INIT": (T, SIGN), "RSA_R_RESP": (T, KEMAC, PKE, SIGN),
}
WITH_KMS = ("REQUEST_INIT_PSK", "REQUEST_INIT_PK", "REQUEST_RESP",
            "RESOLVE_INIT_PSK", "RESOLVE_INIT_PK", "RESOLVE_RESP")
PRESENTED = ("TRANSFER_INIT", "RESOLVE_INIT_PSK", "RESOLVE_INIT_PK")
SMALL_ENCR, LARGE_ENCR, SMALL_MAC, LARGE_MAC = {1, 2}, {3}, {1}, {2}
SMALL_PRF, LARGE_PRF = {0}, {1}
LEAST = 16  # octets: no key and no RAND is shorter (R271, R272)


def demand(holds, text):
    if not holds:
        raise MikeyError(text)


def check(message):
    """Everything that one message shows by itself."""
    chain = message.payloads
    for kind, role in MANDATORY[message.name]:
        demand(chain.one(kind, role), f"{message.name} without {kind}")
    last = MANDATORY[message.name][-1][0]
    if last in ("V", "SIGN"):
        demand(chain[-1].kind == last, f"{message.name} must end in {last}")
    if message.data_type >= mikeyread.FIRST_TICKET_TYPE:
        _check_ticket_message(message)
    _check_suite(message)


def _check_ticket_message(message):
    chain = message.payloads
    demand(message.map_type != MAP_SRTP_ID, "an SRTP-ID map (R197)")
    if message.name in WITH_KMS:  # R13, R14, R100, R101
        demand(message.map_type == MAP_EMPTY, f"{message.name} with a map")
    kemac = chain.one("KEMAC")
    if kemac:  # R35, R121, R168; RFC 3830 4.2.3
        demand(kemac["mac alg"] == 0, "a KEMAC with a MAC of its own")
        demand(kemac["encr alg"], "keys that are not encrypted")
    for randr in chain.all("RANDR"):
        demand(len(randr["value"]) >= LEAST, "a short RAND")
    for payload in chain.all("TP") + chain.all("TICKET"):
        _check_policy(payload)
    if chain.one("TICKET"):
        _check_ticket(message, chain.one("TICKET"))
    if message.name == "TRANSFER_RESP":
        _check_answered_map(message)


def _check_policy(payload):
    """The chain of TP Data (2.15)."""
    chain = payload["policy"]
    demand(chain.all("IDR", RESPONDER), "a Ticket Policy for nobody")
    for tr in chain.all("TR"):
        if tr["role"] == REKEY:  # R235
            demand(tr["type"] == NTP_UTC_32, "TRr of a wrong type")
        else:
            demand(tr["type"] != COUNTER, "a validity that is a counter")
    kemac = chain.one("KEMAC")
    if not kemac:
        return
    demand(payload.kind == "TP", "a granted policy with a KEMAC (R239)")
    demand((kemac["encr alg"], kemac["mac alg"]) == (0, 0),
           "a wish that is encrypted (R237)")
    demand(kemac["keys"], "a wish for no key")
    most = 16 if payload["prf"] in SMALL_PRF else None
    _check_session_keys(kemac["keys"], most)
    for key in kemac["keys"]:  # R238
        demand(not any(key.key), "a wished key with octets")


def _check_session_keys(keys, most=None):
    """R213, R271, R279: an SPI each, of which none is used twice (AMB 14)."""
    for key in keys:
        demand(key.kind in ("TGK", "TEK", "GTGK"), f"a {key.kind} among keys")
        demand(key.validity == 1 and key.spi, "a key without SPI")
        demand(len(key.key) >= LEAST, "a key below 128 bits")
        demand(most is None or len(key.key) <= most,
               "a key that the algorithms are too weak for")
    demand(len({k.spi for k in keys}) == len(keys), "two keys of one SPI")


def check_keys(message, keys, forks=False):
    """The keys of a decrypted KEMAC; `forks` is flag I of the ticket."""
    mpks = 0
    if message.name in ("REQUEST_RESP", "RESOLVE_RESP"):
        mpks = 2 if forks else 1  # R38, R39, R123, R124; the order tells which
    demand([k.kind for k in keys[:mpks]] == ["MPK"] * mpks, "no MPK in front")
    for key in keys[:mpks]:
        demand(key.validity == 1 and key.spi, "an MPK without SPI")
        demand(len(key.key) >= LEAST, "an MPK below 128 bits")
    _check_session_keys(keys[mpks:])


def _check_ticket(message, ticket):
    forks, given = "I" in ticket["flags"], bool(ticket["initiator"])
    if message.name in PRESENTED:  # R241
        demand(forks == given, "Initiator Data where they do not belong")
    else:
        demand(not given, "a granted ticket with Initiator Data")
    kemac = message.payloads.one("KEMAC")
    if message.name == "TRANSFER_INIT":
        demand(message.rand(INITIATOR), "TRANSFER_INIT without RANDRi (R50)")
        if kemac:  # R59
            demand("L" in ticket["flags"], "keys of I without flag L")
    inner = ticket.get("ticket")
    if inner is None:
        return
    for name in ("T", "RAND", "KEMAC", "V"):
        demand(inner.one(name), f"a base ticket without {name}")
    demand(inner.one("KEMAC")["mac alg"] == 0, "a ticket KEMAC with a MAC")
    demand(inner.one("KEMAC")["encr alg"], "a ticket that is not encrypted")
    demand(len(inner.one("RAND")["value"]) >= LEAST, "a short RAND")


def _check_answered_map(message):
    for cs in message.sessions:
        demand(len(cs.policies) == 1, "a response must choose (R199)")
        demand(cs.protocol or cs.data, "Session Data missing (R205)")
        demand(cs.spi, "SPI missing (R208)")


def _algorithms(chain):
    """Encryption and MAC algorithms of a chain and of what is inside."""
    encr, macs = set(), set()
    for payload in chain:
        if payload.kind == "KEMAC":
            encr.add(payload["encr alg"])
            macs.add(payload["mac alg"])
        elif payload.kind == "V":
            macs.add(payload["alg"])
        for name in ("policy", "ticket", "initiator"):
            inner = payload.get(name)
            if isinstance(inner, list):
                more = _algorithms(inner)
                encr |= more[0]
                macs |= more[1]
    return encr, macs


def _check_suite(message):
    """256-bit algorithms are not mixed with smaller ones (R278)."""
    encr, macs = _algorithms(message.payloads)
    prfs = {message.prf} | {p["prf"] for name in ("TP", "TICKET")
                            for p in message.payloads.all(name)}
    demand(prfs <= SMALL_PRF | LARGE_PRF, "an unknown PRF")
    small = encr & SMALL_ENCR or macs & SMALL_MAC or prfs & SMALL_PRF
    large = encr & LARGE_ENCR or macs & LARGE_MAC or prfs & LARGE_PRF
    demand(not (small and large), "algorithms of different strength")


def check_pair(init, resp):
    """What a response keeps, and what key forking adds to it."""
    demand((init.prf, init.csb_id) == (resp.prf, resp.csb_id),
           f"{resp.name} answers another message (R31, R66, R117)")
    if resp.name in WITH_KMS:
        demand((len(init.sessions), init.map_type)
               == (len(resp.sessions), resp.map_type), "another map (R31)")
    ticket = init.payloads.one("TICKET")
    if ticket is None or resp.name not in ("RESOLVE_RESP", "TRANSFER_RESP"):
        return
    forks = "I" in ticket["flags"]
    if forks:  # R75, R77, R128
        demand(resp.payloads.one(*IDR_R), "no IDRr after key forking")
        demand(resp.rand(KMS), "no RANDRkms after key forking")
    if resp.name == "TRANSFER_RESP":
        demand("F" in ticket["flags"], "a response without flag F (R220)")
        demand(resp.sessions or not init.sessions,
               "a response that leaves all sessions open (R69)")
        demand(("G" in ticket["flags"]) == bool(resp.rand(RESPONDER)),
               "RANDRr must go with flag G (R221)")
        if resp.payloads.one("KEMAC"):  # R82
            demand("M" in ticket["flags"], "keys of R without flag M")


def check_update(first, message, flag):
    """A message of a CSB update beside the TRANSFER_INIT of the bundle.

    `flag` is L or M, by the role of who sent it (R166)."""
    demand((first.prf, first.csb_id) == (message.prf, message.csb_id),
           "an update of another bundle (R159)")
    for role in (INITIATOR, RESPONDER, KMS):
        demand(not message.rand(role), "an update with a RAND (R163)")
    demand(not message.payloads.one("TICKET"),
           "an update with a ticket (R163)")
    if message.payloads.one("KEMAC"):
        demand(flag in first.payloads.must("TICKET")["flags"],
               f"keys in an update without flag {flag}")


def check_key_lengths(init, used):
    """R272, R279: RANDs and algorithms are as long as the longest key."""
    longest = max([len(k) for k in used], default=0)
    rands = len(init.rand(INITIATOR)) + len(init.rand(RESPONDER))
    demand(rands >= longest, "RANDs shorter than the longest key (R272)")
    demand(all(len(k) >= LEAST for k in used), "a key below 128 bits (R271)")
