# SPDX-License-Identifier: Apache-2.0
"""The scenarios of MIKEY-TICKET that become test vectors.

Each says in a few lines what it does differently from the example of
section 11, and is played in the suites that it names.
"""

from dataclasses import dataclass, replace
from typing import Callable

import mikeypk as pk
from exchange import Scene
from mikeyread import (
    COUNTER, NTP, NTP_UTC, NTP_UTC_32, RESPONDER, KeyData)
from oldexchange import OldScene
from scene import BEGIN, MASTER_SALT, PLAIN, Clock, Cs, Party, stamp
from scene import default_policy
from story import SUITE_128, SUITE_256, SUITE_WRAP

BOTH = (SUITE_128, SUITE_256)
SPI_A, SPI_B, SPI_C, SPI_D = (bytes([0, 0, 0, n]) for n in range(10, 14))
SSRCS = (0x11223344, 0x55667788)
PRIVATE_TICKET_TYPE = 61440


@dataclass(frozen=True)
class Scenario:
    """How to play it, and what its page says about it."""

    name: str
    title: str
    spec: tuple
    mode: int | None
    play: Callable
    suites: tuple = BOTH
    stage: Callable = Scene

    def story(self, suite, source=None):
        scene = self.stage(f"{self.name}-{suite.bits}", self.title,
                           list(self.spec), self.mode, suite, source=source)
        self.play(scene)
        return scene


SCENARIOS = []


def scenario(name, title, *spec, mode=1, **more):
    def enter(play):
        SCENARIOS.append(Scenario(name, title, spec, mode, play, **more))
        return play
    return enter


def full_exchange(scene, variant="PSK", **transfer):
    """Request, Transfer, Resolve of mode 1; the call and who answered."""
    ticket = scene.request(variant)
    call = scene.transfer_init(ticket, **transfer)
    resolved = scene.resolve(call, variant)
    return call, resolved


def tek(scene, name, spi):
    return KeyData("TEK", scene.octets(f"TEK of {name}"),
                   scene.octets(f"salt of {name}", 14), spi)


def named(call, *spis):
    """The crypto sessions of a call with other keys."""
    return tuple(replace(cs, spi=spi)
                 for cs, spi in zip(call.sessions, spis))


# --- the four modes ------------------------------------------------------


@scenario("mode1-fork", "Mode 1 with key forking, the example of the "
          "reference", "RFC 6043 4.2", "RFC 6043 5.1", "RFC 6043 5.5",
          "RFC 6043 A", "reference 11.2", "reference 11.3")
def mode1_fork(scene):
    """The 256-bit one goes on with a CSB update and an Error."""
    large = scene.suite.bits == 256
    scene.flags = "DEFGHIJLMNO" if large else "DEFGHIJNO"
    call, resolved = full_exchange(scene)
    scene.transfer_resp(call, resolved)
    scene.finish(call)
    if not large:
        return
    scene.clock.k = 100
    new = tek(scene, "CSB update", SPI_B)
    scene.update(call, given=[new], answer_given=(),
                 sessions=named(call, SPI_B, SPI_A))
    scene.error(2, [10], at=stamp(NTP_UTC, 0xE1000003C0000000))
    scene.finish(call)


@scenario("mode1-nofork", "Mode 1 without key forking", "RFC 6043 4.2",
          "RFC 6043 5.1.2", "RFC 6043 6.10")
def mode1_nofork(scene):
    scene.flags = PLAIN
    call, resolved = full_exchange(scene)
    scene.transfer_resp(call, resolved)
    scene.finish(call)


@scenario("mode1-no-response", "Mode 1 without TRANSFER_RESP; a CSB update "
          "then has the keys of TRANSFER_INIT", "RFC 6043 5.2",
          "RFC 6043 6.10")
def mode1_no_response(scene):
    scene.flags = "DEHJLNO"
    sessions = (Cs(1, (0,), SSRCS[0], SPI_A), Cs(2, (0,), SSRCS[1], SPI_A))
    call, _ = full_exchange(scene, sessions=sessions)
    scene.update(call, given=[tek(scene, "CSB update", SPI_B)],
                 sessions=named(call, SPI_B, SPI_A))
    scene.finish(call)


@scenario("mode1-pk", "Mode 1 with public keys: RSA PKCS #1 v1.5",
          "RFC 6043 4.2.1.3", "RFC 6043 4.2.3.3", "RFC 6043 5.5")
def mode1_pk(scene):
    """128 bits as an old peer does it, with SHA-1."""
    if scene.suite.bits == 256:
        scene.scheme, scene.chash = (pk.S_PKCS1, "SHA-256"), 2
    call, resolved = full_exchange(scene, "PK")
    scene.transfer_resp(call, resolved)
    scene.finish(call)


@scenario("mode1-pk-pss", "Mode 1 with public keys: RSA-PSS and RSAES-OAEP",
          "RFC 6043 4.2.1.3", "RFC 6043 4.2.3.3", "RFC 6043 5.5")
def mode1_pk_pss(scene):
    scene.scheme, scene.envelope = (pk.S_PSS, "SHA-256"), "oaep"
    scene.chash = 2
    call, resolved = full_exchange(scene, "PK")
    scene.transfer_resp(call, resolved)
    scene.finish(call)


@scenario("mode1-pk-ecdsa", "Mode 1 with public keys: ECDSA P-256 under an "
          "S type of our own", "RFC 6043 4.2.1.3", "RFC 6043 4.2.3.3",
          "RFC 6043 5.5")
def mode1_pk_ecdsa(scene):
    scene.scheme, scene.chash = (pk.S_ECDSA, "SHA-256"), None
    scene.i = replace(scene.i, pem="alice-ec")
    scene.r = replace(scene.r, pem="bob-ec")
    call, resolved = full_exchange(scene, "PK")
    scene.transfer_resp(call, resolved)
    scene.finish(call)


def called_directly(scene):
    """The ticket names the one who answers."""
    scene.group = scene.r
    scene.responders = [scene.r]


@scenario("mode2", "Mode 2: the Responder opens the ticket itself",
          "RFC 6043 4.1.1", "RFC 6043 4.2.1", "RFC 6043 4.2.2", mode=2)
def mode2(scene):
    scene.flags, scene.tpk_id = "DFGHJNO", "tpk-kms-bob-1"
    called_directly(scene)
    call = scene.transfer_init(scene.request())
    scene.transfer_resp(call, scene.open_locally(call))
    scene.finish(call)


@scenario("mode3", "Mode 3: the Initiator makes the ticket, the KMS opens "
          "it", "RFC 6043 4.1.1", "RFC 6043 4.2.2", "RFC 6043 4.2.3", mode=3)
def mode3(scene):
    scene.flags, scene.tpk_id = "EFGHIJLNO", "tpk-alice-kms-1"
    call = scene.transfer_init(scene.make_ticket())
    scene.transfer_resp(call, scene.resolve(call))
    scene.finish(call)


@scenario("mode4", "Mode 4: Initiator and Responder share the ticket key",
          "RFC 6043 4.1.1", "RFC 6043 4.2.2", mode=4)
def mode4(scene):
    scene.flags, scene.tpk_id = "FGHJLNO", "tpk-alice-bob-1"
    called_directly(scene)
    call = scene.transfer_init(scene.make_ticket())
    scene.transfer_resp(call, scene.open_locally(call))
    scene.finish(call)


# --- where the keys come from ----------------------------------------------


@scenario("group-gtgk", "A group key for two members, centralised and with "
          "forked MPKs", "RFC 6043 9", "RFC 6043 9.1", "RFC 6043 6.2.1")
def group_gtgk(scene):
    """Same CSB ID, RANDRi, CS IDs: both members derive the same TEKs."""
    scene.flags = "DEFHIJNO"
    carol = Party("R2", RESPONDER, "sip:carol@example.com", "psk-carol-1", "")
    team = replace(scene.group, name="sip:team@example.com")
    scene.responders, scene.group = [team], scene.r
    key = KeyData("GTGK", scene.octets("GTGK"), scene.octets(MASTER_SALT, 14),
                  SPI_A)
    ticket = scene.request(wanted=(key,), given=(key,))
    call = scene.transfer_init(ticket)
    scene.transfer_resp(call, scene.resolve(call))
    other = scene.transfer_init(ticket, called=carol)
    asked = scene.ask_resolve(other, carol, csb=0x33333334,
                              rand="RANDRr of RESOLVE_INIT of R2")
    scene.transfer_resp(other, scene.answer_resolve(
        other, asked, rand_kms="RANDRkms for R2"))
    scene.finish(call)


@scenario("preencrypted", "Pre-encrypted content: no session key in the "
          "ticket, the Responder sends the TEK", "RFC 6043 8",
          "RFC 6043 4.2.2.3")
def preencrypted(scene):
    scene.flags = "DEFGHIJMNO"
    ticket = scene.request(wanted=(), given=())
    call = scene.transfer_init(ticket, sessions=(Cs(1, (0,)), Cs(2, (0,))))
    resolved = scene.resolve(call)
    sessions = tuple(Cs(n, (0,), SSRCS[n - 1], SPI_B) for n in (1, 2))
    scene.transfer_resp(call, resolved, sessions,
                        given=[tek(scene, "content", SPI_B)])
    scene.finish(call)


@scenario("initiator-keys", "The Initiator adds session keys of its own",
          "RFC 6043 4.2.2.1", "RFC 6043 5.1.2")
def initiator_keys(scene):
    scene.flags = "DEFGHIJLNO"
    given = [tek(scene, "Initiator", SPI_B),
             KeyData("GTGK", scene.octets("GTGK"), None, SPI_C)]
    sessions = (Cs(1, (0,), SSRCS[0], SPI_B), Cs(2, (0,), SSRCS[1], SPI_C),
                Cs(3, (0,)))
    call, resolved = full_exchange(scene, sessions=sessions, given=given)
    scene.transfer_resp(call, resolved)
    scene.finish(call)


@scenario("reuse", "Two calls with one ticket; it is resolved once",
          "RFC 6043 5.3")
def reuse(scene):
    call, resolved = full_exchange(scene)
    scene.transfer_resp(call, resolved)
    second = scene.transfer_init(call.ticket, csb=0x22222223,
                                 rand="RANDRi of second TRANSFER_INIT",
                                 known=resolved.keys)
    scene.transfer_resp(second, resolved,
                        rand="RANDRr of second TRANSFER_RESP")
    scene.finish(second)


# --- CSB updates -------------------------------------------------------------


@scenario("update-by-i", "CSB updates by the Initiator: new keys, more "
          "crypto sessions, without an answer", "RFC 6043 5.2")
def update_by_i(scene):
    scene.flags = "DEFGHIJLMNO"
    call, resolved = full_exchange(scene)
    scene.transfer_resp(call, resolved)
    scene.update(call, given=[tek(scene, "first update", SPI_B)],
                 answer_given=(), sessions=named(call, SPI_B, SPI_A))
    fresh = KeyData("TGK", scene.octets("TGK of second update"), None, SPI_C)
    more = named(call, SPI_B, SPI_C) + (Cs(3, (1,), 0x99AABBCC, SPI_C),)
    scene.update(call, given=[fresh], sessions=more,
                 policies={1: {**default_policy(scene.suite), 11: 4}})
    scene.update(call, answer_given=())
    scene.finish(call)


@scenario("update-by-r", "CSB updates by the Responder: both sides send "
          "keys, and one without an answer", "RFC 6043 5.2")
def update_by_r(scene):
    scene.flags = "DEFGHIJLMNO"
    call, resolved = full_exchange(scene)
    scene.transfer_resp(call, resolved)
    scene.update(call, "R", given=[tek(scene, "first update", SPI_B)],
                 answer_given=[tek(scene, "its answer", SPI_C)],
                 sessions=named(call, SPI_B, SPI_A),
                 answer_sessions=named(call, SPI_B, SPI_C))
    fresh = KeyData("GTGK", scene.octets("GTGK of second update"),
                    scene.octets("salt of second update", 14), SPI_D)
    scene.update(call, "R", given=[fresh], sessions=named(call, SPI_D, SPI_C))
    scene.update(call, "R", answer_given=())
    scene.finish(call)


# --- Errors ------------------------------------------------------------------


@scenario("errors", "Errors about every message: bare, authenticated, "
          "signed, with policies", "RFC 6043 5.4", "RFC 6043 5.5",
          "RFC 6043 6.9")
def errors(scene):
    scene.scheme, scene.chash = (pk.S_PKCS1, "SHA-256"), 2
    refused = scene.request_init("PK", csb=0x11111110,
                                 rand="RANDRi of REQUEST_INIT_PK")
    scene.error(refused.index, [14], "SIGN")
    scene.error(refused.index, [15, 12])
    scene.error(refused.index, [8], None)
    ticket = scene.request()
    scene.error(3 + 1, [0], None)
    scene.error(3 + 1, [1])
    scene.error(3 + 2, [15])  # I about REQUEST_RESP
    call = scene.transfer_init(ticket)
    offered = {7: {0: 0, 2: 1}, 8: default_policy(scene.suite)}
    scene.error(call.index, [9, 10], None, offered)
    resolved = scene.resolve(call)
    resolve_init = len(scene.records) - 2
    scene.error(resolve_init, [12])
    scene.error(resolve_init + 1, [4])  # R about RESOLVE_RESP
    scene.error(call.index, [10], "V", {8: offered[8]})
    resp = scene.transfer_resp(call, resolved)
    scene.error(resp, [10], "V", {0: default_policy(scene.suite)})
    scene.finish(call)


# --- algorithms, times, identities, policies ------------------------------


@scenario("aes-kw", "AES-KW-128 in every KEMAC; all Key Data chains are "
          "multiples of 8 octets", "RFC 3830 4.2.3", "reference 3.7",
          suites=(SUITE_WRAP,))
def aes_kw(scene):
    scene.flags, scene.mpk_spis = "DEFGHIJLNO", (b"\0\0\1", b"\0\0\2")
    key = KeyData("TGK", scene.octets("TGK"), None, b"\0\0\x0a")
    own = KeyData("TEK", scene.octets("TEK of Initiator"),
                  scene.octets("salt of Initiator", 14), b"\0\0\x0b")
    ticket = scene.request(wanted=(key,), given=(key,))
    sessions = (Cs(1, (0,), SSRCS[0], own.spi), Cs(2, (0,), SSRCS[1],
                                                   key.spi))
    call = scene.transfer_init(ticket, sessions, given=[own])
    scene.transfer_resp(call, scene.resolve(call))
    scene.finish(call)


@scenario("timestamps", "Every type of timestamp: NTP, COUNTER with equal "
          "values, NTP-UTC-32; a rekeying interval; an end after 2036",
          "RFC 6043 6.3", "RFC 6043 6.6", "RFC 3830 6.6")
def timestamps(scene):
    scene.flags = "DEFGHIJLMNO"
    scene.validity = (stamp(NTP_UTC, BEGIN << 32 | 1 << 30),
                      stamp(NTP_UTC_32, 0x00001000))
    scene.rekey = 3600
    scene.clock = Clock(COUNTER, 5)
    scene.request(csb=0x11111112, rand="RANDRi of first REQUEST_INIT",
                  at=stamp(COUNTER, 5),
                  names=("TPK", "MPK of first ticket", "RAND of first "
                         "ticket"))
    scene.clock = Clock(NTP)
    asked = scene.request_init()
    scene.clock = Clock(NTP_UTC_32)
    ticket = scene.make_ticket()
    scene.respond_request(asked, ticket, at=stamp(NTP, BEGIN + 9 << 32))
    seven = stamp(COUNTER, 7)
    call = scene.transfer_init(ticket, given=[tek(scene, "Initiator", SPI_B)],
                               at=seven)
    resolved = scene.resolve(call, at=stamp(NTP_UTC_32, BEGIN + 10))
    scene.transfer_resp(call, resolved,
                        given=[tek(scene, "Responder", SPI_C)], at=seven,
                        sessions=named(scene.filled(call), SPI_B, SPI_C))
    scene.finish(call)


@scenario("kms-to-kms", "The KMS of the Responder asks the KMS of the "
          "Initiator", "RFC 6043 10")
def kms_to_kms(scene):
    theirs = replace(scene.kms, label="KMS I")
    ours = replace(scene.kms, label="KMS R", name="sip:kms@example.net")
    scene.kms = theirs
    ticket = scene.request()
    call = scene.transfer_init(ticket)
    scene.kms = ours
    outer = scene.ask_resolve(call, scene.r, psk="PSK(R,KMS R)", opens=False)
    scene.kms = theirs  # R259: IDRr and TICKET as they came
    relay = Party("KMS R", RESPONDER, scene.r.name, "psk-kms-r-1", "")
    inner = scene.ask_resolve(call, relay, csb=0x44444444,
                              rand="RANDRr of RESOLVE_INIT of KMS R",
                              psk="PSK(KMS R,KMS I)")
    scene.answer_resolve(call, inner, scene.r)
    scene.kms = ours  # the same modifier, or the forks would differ
    scene.transfer_resp(call, scene.answer_resolve(call, outer))
    scene.finish(call)


@scenario("aead", "SRTP with AES-GCM: a salt of 12 octets, carried and "
          "derived", "RFC 7714", "RFC 6043 5.1.3")
def aead(scene):
    policy = {0: 6, 1: scene.suite.length, 4: 12, 5: 0, 20: 16}
    salted = KeyData("TGK", scene.octets("TGK"),
                     scene.octets("master salt of 96 bits", 12), SPI_A)
    plain = KeyData("GTGK", scene.octets("GTGK"), None, SPI_B)
    ticket = scene.request(wanted=(salted, plain), given=(salted, plain))
    sessions = (Cs(1, (0,), SSRCS[0], SPI_A), Cs(2, (0,), SSRCS[1], SPI_B))
    call = scene.transfer_init(ticket, sessions, {0: policy})
    scene.transfer_resp(call, scene.resolve(call))
    scene.finish(call)


@scenario("omitted-ids", "Every identity left out that may be; the MACs "
          "cover them still", "RFC 6043 4.2", "RFC 6043 5.5")
def omitted_ids(scene):
    scene.flags = PLAIN
    scene.tpk_id = None
    called_directly(scene)
    scene.without = {
        "IDRi of REQUEST", "IDRkms of REQUEST", "IDRpsk of REQUEST_INIT",
        "IDRkms of REQUEST_RESP", "IDRkms in TP", "IDRi in TP",
        "IDRi of TRANSFER_INIT", "IDRr of TRANSFER_INIT",
        "IDRr of TRANSFER_RESP", "IDRr of RESOLVE", "IDRkms of RESOLVE",
        "IDRpsk of RESOLVE_INIT", "IDRkms of RESOLVE_RESP"}
    call, resolved = full_exchange(scene)
    scene.transfer_resp(call, resolved)
    scene.finish(call)


@scenario("policy", "Alternative policies, a started session, applications, "
          "several Responders, a changed Ticket Policy", "RFC 6043 6.1.1",
          "RFC 6043 6.10", "RFC 4567 4.1.4")
def policy(scene):
    scene.flags, scene.thdr = "DEFGHIKNO", b"vendor data"
    scene.protocols = ["mikey"]
    scene.applications = ["urn:example:telephony", "urn:example:video"]
    scene.responders = [scene.group, scene.r, replace(
        scene.group, name="carol@example.com", kind=0)]
    base = default_policy(scene.suite)
    short = {**base, 11: 4, 6: b"\1\0"}
    counted = {0: 1, 1: scene.suite.length, 2: 3, 3: 20, 4: 14, 11: 14,
               13: b"\0\4", 15: 1, 17: 20, 19: 10}
    sessions = (Cs(1, (0, 1), SSRCS[0], SPI_A, 1, 0x1234), Cs(2, (1, 0)),
                Cs(3, ()))
    ticket = scene.request(flags="DEFGHIJNO")
    call = scene.transfer_init(ticket, sessions, {0: base, 1: short})
    chosen = (Cs(1, (1,), SSRCS[0], SPI_A, 1, 0x1300),
              Cs(2, (0,), SSRCS[1], SPI_A), Cs(3, (2,), 0, SPI_A))
    scene.transfer_resp(call, scene.resolve(call), chosen, {2: counted})
    scene.finish(call)


# --- plain MIKEY -------------------------------------------------------------


@scenario("compatibility", "Compatibility mode: the ticket is a message that "
          "a Responder with RFC 3830 alone understands", "RFC 6043 B.1",
          "RFC 3830 3.1", stage=OldScene)
def compatibility(scene):
    scene.flags, scene.ticket_type = "DHO", (PRIVATE_TICKET_TYPE, 1, 1)
    called_directly(scene)
    scene.compatibility(((0, SSRCS[0], 0), (0, SSRCS[1], 0)))


@scenario("rfc3830-psk", "RFC 3830 with a pre-shared key, and an update that "
          "adds a crypto session", "RFC 3830 3.1", "RFC 3830 4.1",
          "RFC 3830 4.5", "RFC 3830 5.2", mode=None, stage=OldScene)
def rfc3830_psk(scene):
    csb = scene.session(scene.octets("PSK(I,R)"))
    scene.psk(csb, [scene.old_tgk()])
    csb.streams += ((0, 0x99AABBCC, 0),)
    scene.psk(csb, first=False)
    scene.old_finish(csb)


@scenario("rfc3830-pk", "RFC 3830 with public keys", "RFC 3830 3.2",
          "RFC 3830 4.1", "RFC 3830 5.2", mode=None, stage=OldScene)
def rfc3830_pk(scene):
    if scene.suite.bits == 256:
        scene.scheme, scene.chash = (pk.S_PKCS1, "SHA-256"), 2
    scene.old_finish(scene.pk([scene.old_tgk()]))


@scenario("rfc3830-dh", "RFC 3830 with signed Diffie-Hellman",
          "RFC 3830 3.3", "RFC 3830 4.1", mode=None, stage=OldScene,
          suites=(SUITE_128,))
def rfc3830_dh(scene):
    scene.old_finish(scene.dh())


@scenario("rfc3830-dhhmac", "RFC 4650: Diffie-Hellman under HMACs",
          "RFC 4650", "RFC 3830 3.3", mode=None, stage=OldScene,
          suites=(SUITE_128,))
def rfc3830_dhhmac(scene):
    scene.old_finish(scene.dhhmac())


@scenario("rfc3830-rsar", "RFC 4738: the Responder sends the keys, RSA-R",
          "RFC 4738", mode=None, stage=OldScene)
def rfc3830_rsar(scene):
    if scene.suite.bits == 256:
        scene.scheme = pk.S_PKCS1, "SHA-256"
    scene.old_finish(scene.rsa_r([scene.old_tgk()]))
