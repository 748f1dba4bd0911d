#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One protected call from end to end, and the proofs that it was.

This is what `make demo` runs: a KMS, an IMS proxy and two phones on
loopback, five seconds of speech both ways, all captured. It ends with 0
only if every proof held, and leaves nothing running on any path.
"""

import argparse
import json
import os
import pathlib
import sys
import textwrap
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "reference"))

import audio  # noqa: E402
import capture  # noqa: E402
import ladder  # noqa: E402
import proofs  # noqa: E402
import topology  # noqa: E402
from evidence import EvidenceError  # noqa: E402
from harness import Lab, LabError  # noqa: E402

CALL = 5  # seconds
SPEECH = 4.6  # seconds: a little less, so that all of it fits into the call


def arguments():
    parser = argparse.ArgumentParser(
        description="Hold one protected call and prove that it was.")
    parser.add_argument("--ipv", choices=("4", "6"),
                        default=os.environ.get("IPV") or "4",
                        help="IP version (or IPV in the environment)")
    parser.add_argument("--suite", type=int, choices=(128, 256), default=256)
    parser.add_argument("--keep", action="store_true",
                        help="keep the folder with capture, logs and audio")
    parser.add_argument("--json", action="store_true",
                        help="print the verdicts as JSON and nothing else")
    return parser.parse_args()


class Voice:
    """Tells the user what happens; silent when a program is reading."""

    def __init__(self, quiet):
        self._quiet = quiet

    def say(self, text="", ink=None):
        if not self._quiet:
            print(ladder.paint(text, ink) if ink else text, flush=True)

    def field(self, name, value):
        self.say(f"  {name:<9} {value}")

    def verdict(self, verdict):
        ink, mark = ("good", "held") if verdict.held else ("bad", "FAILED")
        self.say(f"  {ladder.paint(f'{mark:<7}', ink)} {verdict.name}")
        for part in verdict.text.split("; "):
            self.say(textwrap.fill(part, 78, initial_indent=" " * 10,
                                   subsequent_indent=" " * 12))


def build_network(lab, options):
    network = topology.Network(lab, options.suite)
    network.start_kms()
    for name in ("alice", "bob", "eve"):
        network.add_user(name)
    network.start_proxy()
    return network


def hold_call(lab, network, captured):
    """Alice calls Bob; both phones and the capture when it is over."""
    configs = {}
    for name, speaker in (("alice", audio.ALICE), ("bob", audio.BOB)):
        sent = audio.speak(lab, name, speaker, SPEECH)
        configs[name] = network.phone(name, sent,
                                      lab.folder / f"{name}-heard.wav")
    with capture.Capture(captured):
        bob = network.answer("bob", configs["bob"])
        alice = network.call("alice", configs["alice"], "bob", CALL)
        for phone in (alice, bob):
            phone.wait(CALL + 20)
    return {"alice": alice, "bob": bob}


def examine(network, phones, captured):
    """The case to prove; without a protected call there is none."""
    try:
        return proofs.Case(network, phones, captured)
    except EvidenceError as problem:
        told = "\n".join(f"{name}: {line}" for name, phone in phones.items()
                         for line in phone.lines[-8:])
        raise LabError(f"there was no protected call: {problem}\n{told}"
                       ) from None


def introduce(voice, lab, network, where):
    voice.say("Tessera: Alice calls Bob, with a ticket from the KMS",
              "bold")
    voice.say()
    voice.field("capture", f"raw socket on {where}")
    voice.field("KMS", network.kms_url)
    voice.field("P-CSCF", f"Kamailio on {lab.address(network.proxy_port)}, "
                          "TCP")
    voice.field("phones", ", ".join(
        f"{name} on {lab.address(network.listen[name])}"
        for name in ("alice", "bob")))
    voice.field("suite", network.suite)
    voice.say()


def conclude(voice, verdicts, seconds):
    held = sum(v.held for v in verdicts)
    good = held == len(verdicts)
    voice.say()
    voice.say(f"{held} of {len(verdicts)} proofs held, {seconds:.1f} s. "
              + ("Nobody else heard a word." if good else
                 "This call must not be trusted; --keep shows why."),
              "good" if good else "bad")
    return good


def demonstrate(lab, options, voice, where):
    """The whole demonstration; the verdicts it came to."""
    network = build_network(lab, options)
    captured = lab.folder / "call.pcap"
    for name in ("alice", "bob"):
        network.listen[name] = lab.port()
    introduce(voice, lab, network, where)
    phones = hold_call(lab, network, captured)
    case = examine(network, phones, captured)
    voice.say(ladder.draw(network, case.recording.messages,
                         case.recording.media))
    voice.say()
    voice.say("Proofs", "bold")
    verdicts = []
    for verdict in proofs.run(case):
        voice.verdict(verdict)
        verdicts.append(verdict)
    return verdicts


def main():
    options = arguments()
    where = capture.enter_namespace()
    voice, start = Voice(options.json), time.monotonic()
    with Lab(ipv6=options.ipv == "6", keep=options.keep) as lab:
        if options.keep:
            print(f"everything is kept in {lab.folder}", file=sys.stderr)
        verdicts = demonstrate(lab, options, voice, where)
    seconds = time.monotonic() - start
    good = conclude(voice, verdicts, seconds)
    if options.json:
        print(json.dumps({
            "ok": good, "capture": where, "seconds": round(seconds, 3),
            "verdicts": [vars(v) for v in verdicts]}, indent=2))
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(f"demo: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
