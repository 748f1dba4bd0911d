# SPDX-License-Identifier: Apache-2.0
"""What the lab proves after a call, one verdict a proof.

Every proof works on what was recorded and captured, not on what the
programs say about themselves; only the first one listens to them.
"""

import base64
import json
import subprocess
from dataclasses import dataclass

import audio
import g711
import mikeykeys
import srtpread
import thief
import topology
from harness import program
from mikeyread import RESPONDER, MikeyError
from witness import CALLEE, CALLER, Recording

SLACK = 5 * audio.PACKET  # 100 ms that may be missing at either end
TAG = 10  # octets of HMAC-SHA1-80 behind each packet
NOISE = 0.10  # share of samples that chance makes equal, at the most
REFUSED = [12]  # Unspecified: what a KMS says to a foreign or altered ticket


@dataclass(frozen=True)
class Verdict:
    """One proof: its name, whether it held, and with which numbers."""

    name: str
    held: bool
    text: str


class Case:
    """A call that is over: its recording, and what only the lab knows."""

    def __init__(self, network, phones, captured):
        self.network = network
        self.phones = phones  # name to Program
        self.recording = Recording(captured, {
            network.proxy_port, network.kms_port, *network.listen.values()})

    def user(self, name):
        return self.network.users[name]

    def sent(self, name):
        """What a user said, as far as the codec can carry it."""
        octets = audio.read_wav(self.network.lab.folder / f"{name}.wav")
        return g711.through(self.recording.law(SIDE[name]), octets)

    def heard(self, name):
        return audio.read_wav(self.network.lab.folder / f"{name}-heard.wav")

    def call(self, name, psk=None):
        """The keys of the call from that user's shared key alone."""
        user = self.user(name)
        return self.recording.call(user.key_id, psk or user.psk)


PAIRS = (("alice", "bob"), ("bob", "alice"))  # who speaks, who listens
SIDE = {"alice": CALLER, "bob": CALLEE}


def _percent(share):
    return f"{100 * share:.1f} %"


# --- the proofs ----------------------------------------------------------


def protected(case):
    """Both phones ended well, and each names the other, proven."""
    good, words = True, []
    for name, other in PAIRS:
        phone, identity = case.phones[name], case.user(other).identity
        proven = topology.last_event(phone, "proven").get("identity")
        media = topology.last_event(phone, "media")
        good &= phone.process.returncode == 0 and proven == identity
        words.append(f"{name} has proof of {proven} and took "
                     f"{media['authenticated']} of {media['received']} "
                     "packets")
    return Verdict("call protected, identities proven", good,
                   "; ".join(words))


def same_audio(case):
    """What was recorded is what was sent, after G.711, to the sample."""
    good, words = True, []
    for speaker, listener in PAIRS:
        held, word = _same(case.sent(speaker), case.heard(listener))
        good &= held
        words.append(f"{speaker} to {listener}: {word}")
    return Verdict("recorded audio is the audio sent", good,
                   "; ".join(words))


def _same(wanted, found):
    match = audio.find(wanted, found)
    if match is None:
        return False, "no sample the same"
    return match.whole(SLACK), f"{match.equal} of {match.sent} samples equal"


def noise_on_the_wire(case):
    """Without the key the packets are noise; with it they are speech."""
    good, words, call = True, [], case.call("alice")
    for speaker, _ in PAIRS:
        side, sent = SIDE[speaker], case.sent(speaker)
        packets = case.recording.packets(side)
        start = srtpread.header(packets[0])[2]
        raw = g711.decode(case.recording.law(side),
                          b"".join(p[start:-TAG] for p in packets))
        clear, opened = case.recording.hear(side, call)
        alike = audio.likeness(sent, raw)
        good &= (audio.find(sent, raw) is None and alike < NOISE
                 and opened == len(packets) and _same(sent, clear)[0])
        words.append(f"from {speaker}: {_percent(alike)} alike by chance, "
                     f"{opened} of {len(packets)} packets open with the key")
    return Verdict("on the wire noise, with the key speech", good,
                   "; ".join(words))


def independent_witness(case):
    """A reader of its own derives the keys twice and hears the same."""
    calls = {name: case.call(name) for name in SIDE}
    good = (calls["alice"].tgk == calls["bob"].tgk
            and calls["alice"].mpkr == calls["bob"].mpkr)
    words = ["both shared keys lead to one TGK'" if good
             else "the two shared keys lead apart"]
    for speaker, listener in PAIRS:
        made, _ = case.recording.hear(SIDE[speaker], calls[listener])
        path = case.network.lab.folder / f"{listener}-witness.wav"
        audio.write_wav(path, made)
        held, word = _same(made, case.heard(listener))
        good &= held
        words.append(f"{listener}'s recording again: {word}")
    return Verdict("an independent reader finds the same", good,
                   "; ".join(words))


def wrong_key(case):
    """One bit of a key changed: the reader gets nowhere."""
    refusals, good, opened = [], True, 0
    for name in SIDE:
        try:
            case.call(name, thief.flip_bit(case.user(name).psk, 0))
            good = False
        except mikeykeys.MacError as error:
            refusals.append(f"{name}: {error}")
    streams = case.call("alice").streams
    for side, ssrc in case.recording.ssrcs.items():
        right = streams[ssrc]
        wrong = srtpread.Stream(thief.flip_bit(right.master, 0), right.salt,
                                right.policy)
        opened += case.recording.open(side, wrong)
    return Verdict("a wrong key opens nothing", good and opened == 0,
                   "; ".join(refusals) + f"; with a wrong TEK {opened} "
                   f"of {len(case.recording.media)} packets open")


def copied_ticket(case):
    """Eve, a user of the same KMS, hands in the ticket she copied."""
    ticket = thief.ticket_octets(case.recording.init)
    control = case.user("bob")
    _, fair = _ask(case, control, ticket)
    good, word = _refused(case, case.user("eve"), ticket)
    return Verdict("a copied ticket is refused",
                   good and fair.name == "RESOLVE_RESP",
                   f"eve gets {word}; bob, who may, gets {fair.name}")


def changed_ticket(case):
    """Bob hands in his own ticket with one bit changed."""
    init = case.recording.init
    payload = init.payloads.must("TICKET")
    inner = mikeykeys.base_ticket(payload)
    start = payload.start + 1
    places = {"policy": payload["policy"].must("IDR", RESPONDER).end - 1,
              "sealed keys": inner.must("KEMAC").start + 8,
              "ticket MAC": inner.must("V")["mac at"],
              "Initiator Data": payload.end - 1}
    ticket, good, words = thief.ticket_octets(init), True, []
    for place, at in places.items():
        held, word = _refused(case, case.user("bob"),
                              thief.flip_bit(ticket, at - start))
        good &= held
        words.append(f"{place}: {word}")
    return Verdict("a changed ticket is refused", good, "; ".join(words))


def _ask(case, who, ticket):
    return thief.ask(case.network.kms_url, who, topology.KMS_IDENTITY,
                     ticket, case.recording.init.prf)


def _refused(case, who, ticket):
    """Whether the KMS said Error 12, and signed it for that user."""
    request, reply = _ask(case, who, ticket)
    said = mikeykeys.describe(reply)
    if reply.name != "Error":
        return False, said
    try:
        numbers = mikeykeys.check_error(reply, request, who.psk)
    except MikeyError as error:
        return False, f"{said}, but {error}"
    return numbers == REFUSED, f"{said}, authenticated"


def silent_logs(case):
    """No key of the run stands in a log, nor a shared key in the store."""
    folder = case.network.lab.folder
    logs = [p for p in folder.iterdir()
            if p.suffix in (".log", ".out") or p.name.startswith("audit")]
    found = leaks(secrets(case), logs)
    shared = {f"PSK of {n}": u.psk for n, u in case.network.users.items()}
    found += leaks(shared, (p for p in folder.glob("kms.db*")
                            if p.is_file()))
    octets = sum(p.stat().st_size for p in logs)
    return Verdict("no key in any log", not found, "; ".join(found) or
                   f"{len(secrets(case))} keys sought in {len(logs)} logs, "
                   f"{octets} octets")


def two_decoders(case):
    """mikeytool and the Python reader see the same in every message."""
    seen, apart = 0, []
    for message in case.recording.mikey():
        if decoded_by_tool(message.raw) != _outline(message):
            apart.append(message.name)
        seen += 1
    return Verdict("mikeytool and the reader agree", not apart,
                   "; ".join(apart) or f"{seen} messages, every payload at "
                   "the same offset and of the same length")


def decoded_by_tool(raw):
    """The outline of a message as `mikeytool decode` tells it."""
    done = subprocess.run([program("mikeytool"), "decode"], input=raw,
                          capture_output=True, check=False)
    if done.returncode:
        return done.stderr.decode(errors="replace")
    told = json.loads(done.stdout)
    return (told["HDR"]["data type"]["value"], told["HDR"]["CSB ID"],
            [(p["payload"], p["offset"], p["length"])
             for p in told["payloads"]])


def _outline(message):
    return (message.data_type, f"{message.csb_id:08x}",
            [(p.kind, p.start, p.end - p.start) for p in message.payloads])


def secrets(case):
    """Every key that is in use, by its name."""
    found = {f"PSK of {n}": u.psk for n, u in case.network.users.items()}
    store_key = case.network.lab.folder / "store.key"
    found["store key"] = bytes.fromhex(store_key.read_text())
    for name in SIDE:
        user = case.user(name)
        side = case.recording.side(user.key_id, user.psk)
        call = case.call(name)
        keys = {"MPKi": side.mpki, "MPKr": side.mpkr, "MPKr'": call.mpkr,
                "TGK'": call.tgk.key}
        keys |= {f"TGK {k.spi.hex()}": k.key for k in side.session_keys}
        keys |= {f"TEK of {ssrc:08x}": s.master
                 for ssrc, s in call.streams.items()}
        keys |= {f"salt of {ssrc:08x}": s.salt
                 for ssrc, s in call.streams.items()}
        found |= {f"{key} of {name}": v for key, v in keys.items() if v}
    return found


def leaks(keys, paths):
    """Where a key stands in a file: as it is, in hex or in base64."""
    found = []
    for path in paths:
        text = path.read_bytes()
        small = text.lower()
        for name, key in keys.items():
            shapes = (key, base64.b64encode(key).rstrip(b"="))
            if any(s in text for s in shapes) or (
                    key.hex().encode() in small):
                found.append(f"{name} stands in {path.name}")
    return found


PROOFS = (protected, same_audio, noise_on_the_wire, independent_witness,
          wrong_key, copied_ticket, changed_ticket, two_decoders,
          silent_logs)


def run(case):
    """All verdicts; a proof that cannot be made has not held."""
    for proof in PROOFS:
        try:
            yield proof(case)
        except Exception as error:  # whatever it was, nothing is proven
            name = proof.__name__.replace("_", " ")
            yield Verdict(name, False, f"{type(error).__name__}: {error}")
