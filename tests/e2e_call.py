#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole calls with the real programs: the good ones and the refused ones.

Runs in a network namespace of its own where that is allowed, so nothing on
the machine can disturb it and it disturbs nothing.
"""

import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import audio  # noqa: E402
import capture  # noqa: E402
import harness  # noqa: E402
import mikeyread  # noqa: E402
import proofs  # noqa: E402
import sipclient  # noqa: E402
import thief  # noqa: E402
import topology  # noqa: E402
from topology import event, last_event  # noqa: E402
from witness import Recording  # noqa: E402


DEMO = HERE.parent / "lab" / "demo.py"


class Demonstration(unittest.TestCase):
    """The lab as a test: every proof holds, in each form of the call."""

    def demonstrate(self, *options):
        done = subprocess.run([sys.executable, DEMO, "--json", *options],
                              capture_output=True, text=True, timeout=90)
        self.assertTrue(done.stdout, done.stderr)
        result = json.loads(done.stdout)
        failed = [v for v in result["verdicts"] if not v["held"]]
        self.assertEqual(failed, [])
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(result["verdicts"]), len(proofs.PROOFS))

    def test_call_with_suite_256(self):
        self.demonstrate("--suite", "256")

    def test_call_with_suite_128(self):
        self.demonstrate("--suite", "128")

    def test_call_over_ipv6(self):
        self.demonstrate("--ipv", "6")


class Interruption(unittest.TestCase):
    """Ctrl-C at any moment leaves nothing running and nothing behind."""

    def test_interrupted_demonstration_cleans_up(self):
        demo = subprocess.Popen(
            [sys.executable, DEMO, "--keep"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        with demo:
            folder = demo.stderr.readline().split()[-1]
            self.addCleanup(shutil.rmtree, folder)
            while "suite" not in demo.stdout.readline():
                pass  # then the network is up and the call begins
            self.assertTrue(running(folder))
            os.killpg(demo.pid, signal.SIGINT)
            self.assertNotEqual(demo.wait(20), 0)
        self.assertEqual(running(folder), [])


def running(word):
    """Programs whose command line has the word in it."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue  # ended while we looked
        if word in words:
            found.append(words.replace("\0", " "))
    return found


class WithNetwork(unittest.TestCase):
    """A fresh lab for each test, with Alice, Bob and Eve as users."""

    SUITE = 256

    def setUp(self):
        self.lab = self.enterContext(harness.Lab())
        self.network = topology.Network(self.lab, self.SUITE)
        self.network.start_kms()
        for name in ("alice", "bob", "eve"):
            self.network.add_user(name)
        self.network.start_proxy()
        speakers = {"alice": audio.ALICE, "bob": audio.BOB}
        self.configs = {
            name: self.network.phone(
                name, audio.speak(self.lab, name, speaker, 3.0),
                self.lab.folder / f"{name}-heard.wav")
            for name, speaker in speakers.items()}

    def tearDown(self):
        """Whatever the test was about: no key in any log of it."""
        self.lab.stop_all()
        keys = {n: u.psk for n, u in self.network.users.items()}
        logs = [*self.lab.folder.glob("*.log"), *self.lab.folder.glob("*.out")]
        self.assertEqual(proofs.leaks(keys, logs), [])

    def start_call(self, seconds, target="bob"):
        return self.network.call("alice", self.configs["alice"], target,
                                 seconds)

    def start_answer(self, calls=1):
        return self.network.answer("bob", self.configs["bob"], calls)

    def stranger(self, name):
        """A SIP user without manners, registered at the proxy."""
        client = sipclient.SipClient(
            name, topology.DOMAIN, (self.lab.host, self.network.proxy_port))
        self.enterContext(client)
        self.assertEqual(client.register(), 200)
        return client

    def assert_protected_call(self, bob, seconds=2):
        alice = self.start_call(seconds)
        self.assertEqual(alice.wait(), 0, alice.lines)
        self.assertEqual(bob.wait(), 0, bob.lines)

    def recorded_call(self):
        """What the capture of a short call shows."""
        captured = self.lab.folder / "call.pcap"
        with capture.Capture(captured):
            self.assert_protected_call(self.start_answer(), 1)
        network = self.network
        return Recording(captured, {network.proxy_port, network.kms_port,
                                    *network.listen.values()})


class Refusals(WithNetwork):
    """No call in the clear, and a clear end for every call that fails."""

    def test_callee_unknown_to_everybody(self):
        alice = self.start_call(2, "nobody")
        self.assertEqual(alice.wait(15), 1, alice.lines)
        self.assertEqual([e for e in map(topology.parse_event, alice.lines)
                          if e and e["event"] == "media"], [])

    def test_callee_switched_off(self):
        alice = self.start_call(2, "eve")
        self.assertEqual(alice.wait(15), 1, alice.lines)

    def test_callee_refuses_what_is_not_protected(self):
        """488 for every bad offer; the phone still takes a good call."""
        bob, mallory = self.start_answer(), self.stranger("mallory")
        good = "key-mgmt:mikey " + "AQ4F" * 20
        offers = {
            "RTP/AVP": sipclient.sdp(self.lab.host, 4000, "RTP/AVP"),
            "no key-mgmt": sipclient.sdp(self.lab.host, 4000),
            "RTP/AVP with key-mgmt": sipclient.sdp(
                self.lab.host, 4000, "RTP/AVP", [good]),
            "key-mgmt twice": sipclient.sdp(
                self.lab.host, 4000, attributes=[good, good]),
            "not base64": sipclient.sdp(
                self.lab.host, 4000,
                attributes=["key-mgmt:mikey @@@ not base64 @@@"]),
            "not MIKEY": sipclient.sdp(
                self.lab.host, 4000, attributes=["key-mgmt:mikey AAAA"]),
            "another protocol": sipclient.sdp(
                self.lab.host, 4000, attributes=["key-mgmt:kerberos AQ4F"]),
        }
        for name, offer in offers.items():
            with self.subTest(offer=name):
                target = f"sip:bob@{topology.DOMAIN}"
                self.assertEqual(mallory.invite(target, offer)[0], 488)
        self.assert_protected_call(bob)

    def test_caller_refuses_an_answer_in_the_clear(self):
        mallory = self.stranger("bob")
        alice = self.start_call(5)
        invite = mallory.receive()
        self.assertTrue(invite.start_line.startswith("INVITE"))
        mallory.answer(invite, 200, "OK",
                       sipclient.sdp(self.lab.host, 4000, "RTP/AVP"))
        self.assertEqual(mallory.receive().start_line.split()[0], "ACK")
        bye = mallory.receive()
        self.assertEqual(bye.start_line.split()[0], "BYE")
        mallory.answer(bye, 200, "OK")
        self.assertEqual(alice.wait(), 1, alice.lines)


class HangingUp(WithNetwork):
    """Whoever hangs up, both ends are told and both programs end well."""

    def running_call(self):
        bob = self.start_answer()
        alice = self.start_call(30)
        for phone in (alice, bob):
            phone.wait_line(event("proven"), 15)
        with capture.Capture(self.lab.folder / "call.pcap") as flowing:
            flowing.wait_more(100)  # one second of speech both ways
        return alice, bob

    def hang_up(self, first, second):
        first.signal(signal.SIGINT)
        for phone in (first, second):
            phone.wait(15)
            last_event(phone, "ended")
        self.assertEqual(second.process.returncode, 0, second.lines)

    def test_caller_hangs_up(self):
        alice, bob = self.running_call()
        self.hang_up(alice, bob)

    def test_callee_hangs_up(self):
        alice, bob = self.running_call()
        self.hang_up(bob, alice)


class Load:
    """Bob resolving one ticket as fast as the KMS answers."""

    def __init__(self, network, ticket, prf, threads=4):
        self.answered = 0
        self._network, self._ticket, self._prf = network, ticket, prf
        self._end = threading.Event()
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=self._run, daemon=True)
                         for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._end.is_set():
            try:
                _, reply = thief.ask(
                    self._network.kms_url, self._network.users["bob"],
                    topology.KMS_IDENTITY, self._ticket, self._prf)
            except (OSError, thief.http.client.HTTPException,
                    mikeyread.MikeyError):
                continue  # the role that had it was killed
            with self._news:
                self.answered += reply.name == "RESOLVE_RESP"
                self._news.notify_all()

    def wait_more(self, count, seconds=20):
        """Until that many further requests were answered."""
        with self._news:
            wanted = self.answered + count
            if not self._news.wait_for(lambda: self.answered >= wanted,
                                       seconds):
                raise harness.LabError("the KMS does not answer any more")

    def stop(self):
        self._end.set()
        for thread in self._threads:
            thread.join(20)


def children(pid):
    """Child processes of a process, by the words of their command line."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rpartition(")")[2].split()[1]
            words = (path.parent / "cmdline").read_bytes()
            comm = (path.parent / "comm").read_text().strip()
        except OSError:
            continue  # ended while we looked
        if int(parent) == pid:
            name = words.decode(errors="replace").replace("\0", " ")
            found[int(path.parent.name)] = f"{comm} {name}"
    return found


class KilledRoles(WithNetwork):
    """kill -9 of a role of the KMS costs at most what it had in hand."""

    def kill(self, role, load):
        """Kill the role; wait until its successor has served requests."""
        supervisor = self.network.kms.process.pid
        before = children(supervisor)
        victims = [pid for pid, name in before.items() if role in name]
        self.assertTrue(victims, f"no role {role} among {before}")
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        load.wait_more(50)
        after = children(supervisor)
        self.assertFalse(set(victims) & set(after))
        self.assertTrue([n for n in after.values() if role in n], after)

    def audited(self):
        path = self.lab.folder / "audit.log"
        return len(path.read_bytes().splitlines())

    def test_killed_roles_return_and_lose_nothing(self):
        init, before = self.recorded_call().init, self.audited()
        load = Load(self.network, thief.ticket_octets(init), init.prf)
        try:
            load.wait_more(50)
            for role in ("engine", "front") * 3:
                self.kill(role, load)
        finally:
            load.stop()
        self.assertGreaterEqual(self.audited() - before, load.answered)
        self.assert_protected_call(self.start_answer())


class Captured(WithNetwork):
    """mikeytool finds in a capture what the lab's own reader finds."""

    def tool(self, *args, stdin=b""):
        done = subprocess.run([harness.program("mikeytool"), *args],
                              input=stdin, capture_output=True, check=True)
        self.assertEqual(done.stderr, b"")
        return done.stdout.splitlines()

    def test_every_message_of_a_call(self):
        recording = self.recorded_call()
        lines = [json.loads(line) for line in
                 self.tool("decode", str(self.lab.folder / "call.pcap"))]
        octets = self.tool("--lines", "encode", stdin="".join(
            json.dumps(line["message"]) + "\n" for line in lines).encode())
        seen = {}  # each once, as the reader has them
        for line, raw in zip(lines, octets, strict=True):
            seen.setdefault(bytes.fromhex(raw.decode()), line["carrier"])
        self.assertEqual([*seen], [m.raw for m in recording.mikey()])
        self.assertEqual([*seen.values()],
                         ["http", "http", "sip", "http", "http", "sip"])


CODES = {name: code for code, (name, _) in mikeyread.PAYLOADS.items()}
KNOWN = {"T", "RAND", "IDR", "SP", "KEMAC", "ERR", "V"}  # to tshark 4.0


def relinked(message, chain):
    """A message of only those payloads of a chain that tshark knows.

    tshark stops at the first payload of RFC 6043, and does not skip a
    GENERIC-ID map. The payloads keep their octets; the map and the
    next-payload octets are those of a shorter message.
    """
    known = [p for p in chain if p.kind in KNOWN]
    following = [CODES[p.kind] for p in known] + [mikeyread.LAST]
    raw = (bytes([1, message.data_type, following[0], message.prf])
           + message.csb_id.to_bytes(4, "big")
           + bytes([0, mikeyread.MAP_EMPTY]))
    for code, payload in zip(following[1:], known):
        raw += bytes([code]) + message.raw[payload.start + 1:payload.end]
    return raw


class Tshark(WithNetwork):
    """What tshark knows of RFC 3830 it finds in our messages too."""

    SUITE = 128  # its algorithms are those of RFC 3830

    def decode(self, raw):
        """What tshark says of a datagram to the port of MIKEY."""
        path = self.lab.folder / "mikey.pcap"
        udp = struct.pack("!HHHH", 2269, 2269, 8 + len(raw), 0) + raw
        packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0,
                             64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + udp
        path.write_bytes(
            struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
            + struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
        done = subprocess.run(
            [harness.tool("tshark", "tshark"), "-r", path, "-V"],
            capture_output=True, text=True, check=True)
        self.assertNotIn("Malformed", done.stdout)
        return done.stdout

    def assert_decodes(self, message, chain):
        text = self.decode(relinked(message, chain))
        self.assertIn(f"CSB ID: 0x{message.csb_id:08x}", text)
        for payload in chain:
            if payload.kind == "IDR" and payload["type"] == 1:
                self.assertIn(payload["value"].decode(), text)
            if payload.kind in ("RAND", "KEMAC", "V"):
                octets = payload.get("value") or payload.get("data") or (
                    payload["mac"])
                self.assertIn(octets[:32].hex(), text)  # it shows 36
        return text

    def test_payloads_of_rfc_3830(self):
        recording = self.recorded_call()
        for message in recording.mikey():
            with self.subTest(message=message.name):
                self.assert_decodes(message, message.payloads)
        init = recording.init
        ticket = init.payloads.one("TICKET")["ticket"]
        self.assertEqual({p.kind for p in ticket} - KNOWN, set())
        self.assert_decodes(init, ticket)
        text = self.assert_decodes(init, init.payloads)
        self.assertIn("Security Policy (SP)", text)
        _, error = thief.ask(
            self.network.kms_url, self.network.users["eve"],
            topology.KMS_IDENTITY, thief.ticket_octets(init), init.prf)
        text = self.assert_decodes(error, error.payloads)
        self.assertIn("Error no.: Unspecified error", text)


if __name__ == "__main__":
    capture.enter_namespace()
    harness.take_build(sys.argv)
    unittest.main(verbosity=2)
