# SPDX-License-Identifier: Apache-2.0
"""The dissector for Wireshark beside mikeytool, wherever MIKEY travels.

    python3 tests/test_wireshark.py BUILD
"""

import contextlib
import functools
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import evidence  # noqa: E402  (stands in lab/)
import harness  # noqa: E402
import wire  # noqa: E402
import handmade  # noqa: E402
import pcapwrite as carry  # noqa: E402
import pdml  # noqa: E402
import mikeytool_rig as tool  # noqa: E402

TSHARK = harness.tool("tshark", "tshark")
README = HERE.parent / "wireshark" / "README.md"
RFC_4567 = {name: bytes.fromhex(part["message"])
            for name, part in tool.vectors("rfc4567").items()
            if isinstance(part, dict)}
# Marks what is legal and worth a look; all other experts mark a fault.
HARMLESS = {"mikeyt.expert.error"}

decode = functools.cache(tool.decode)  # of one message, many times


def example_messages():
    """The messages of our vectors, by suite and name."""
    return {(suite, name): bytes.fromhex(octets) for suite in ("128", "256")
            for name, octets in
            tool.vectors(f"exchange-{suite}")["messages"].items()}


def published_messages():
    """Those of all vectors that are published with the documents."""
    found = {}
    for path in sorted((HERE.parent / "docs" / "vectors").glob("*.json")):
        messages = json.loads(path.read_text()).get("messages", {})
        named = (messages.items() if isinstance(messages, dict)
                 else enumerate(messages))
        found.update({(path.stem, name): bytes.fromhex(m["octets"])
                      for name, m in named
                      if isinstance(m, dict) and "octets" in m})
    return found


class WithTshark(unittest.TestCase):
    """A folder for captures, and comparisons of what is in them."""

    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory()))
        self.capture = carry.Capture()

    def written(self):
        path = self.folder / "test.pcap"
        self.capture.write(path)
        return path

    def shown(self, *options):
        return pdml.messages(TSHARK, self.written(), *options)

    def show(self, *arguments, **options):
        """What tshark prints of the capture, without any complaint."""
        out, errors = pdml.tshark(TSHARK, "-r", self.written(), *arguments,
                                  **options)
        self.assertEqual(errors, [])
        return out

    def assert_same(self, raw, root):
        """Each field as mikeytool decodes it, and no other."""
        pdml.Comparison(raw, decode(raw), root)

    def assert_all_same(self, wanted, shown):
        """wanted: by number of the packet, the messages in it."""
        for number, roots in shown.items():
            raws = wanted.get(number, [])
            with self.subTest(packet=number):
                self.assertEqual(len(roots), len(raws))
                for raw, root in zip(raws, roots):
                    self.assert_same(raw, root)
        self.assertEqual(set(wanted) - set(shown), set())

    def over_udp(self, messages):
        """The tree of each message, which is a datagram of its own."""
        for raw in messages:
            self.capture.udp(raw)
        shown = self.shown()
        self.assertEqual([len(roots) for roots in shown.values()],
                         [1] * len(messages))
        return [roots[0] for roots in shown.values()]


class EveryField(WithTshark):
    """What mikeytool decodes is shown: every field, and nothing else."""

    def compare(self, messages, spotless=True):
        roots = self.over_udp(messages.values())
        for (name, raw), root in zip(messages.items(), roots):
            with self.subTest(message=name):
                self.assert_same(raw, root)
                if spotless:
                    self.assertEqual(set(root.experts()) - HARMLESS, set())

    def test_messages_of_the_vectors(self):
        self.compare({**example_messages(), **published_messages()})

    def test_messages_of_rfc_3830(self):
        self.compare({**handmade.rfc_3830(), **RFC_4567})

    def test_messages_of_rfc_6043(self):
        self.compare(handmade.rfc_6043())

    def test_rare_messages(self):
        self.compare(handmade.odd_ones(), spotless=False)

    def test_random_messages(self):
        rng = random.Random(2269)
        self.compare({n: tool.random_message(rng) for n in range(200)},
                     spotless=False)

    def test_the_comparison_itself_is_strict(self):
        """One bit of the message is another, and it finds a difference."""
        raw = example_messages()["128", "TRANSFER_INIT"]
        root, = self.over_udp([raw])
        for at in range(0, len(raw), 4):
            other = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]
            code, out, _ = tool.run("decode", stdin=other)
            if code == 0:
                with self.assertRaises(pdml.Difference):
                    pdml.Comparison(other, json.loads(out), root)

    def test_a_key_of_rfc_6267(self):
        """K_PR, which mikeytool has no name for."""
        root, = self.over_udp([handmade.message(
            0, [handmade.plain_kemac([handmade.key(7)])])])
        fields = {f.name: f for f in root.all()}
        self.assertEqual(fields["mikeyt.key.type"].text, "K_PR (7)")
        self.assertEqual(fields["mikeyt.key.data"].length, 16)

    def test_certificates_are_opened(self):
        out = (self.over_udp([handmade.rfc_6043()["REQUEST_INIT_PK"]]),
               self.show("-V"))[1]
        self.assertIn("id-at-commonName=kms.example.org", out)


class Carriers(WithTshark):
    """Messages are found in everything that carries them."""

    def setUp(self):
        super().setUp()
        self.wanted = {}

    def want(self, number, *raws):
        self.wanted[number] = list(raws)

    def check(self, *options):
        shown = self.shown(*options)
        self.assert_all_same(self.wanted, shown)
        return shown

    def messages(self):
        return [*example_messages().values(), *RFC_4567.values(),
                *handmade.rfc_6043().values()]

    def test_tcp(self):
        raws = self.messages()
        for raw in raws:
            self.want(self.capture.tcp().send(raw), raw)
        line = self.capture.tcp()
        for first, second in zip(raws, raws[1:]):
            if len(first + second) <= carry.MSS:
                self.want(line.send(first + second), first, second)
            self.want(line.answer(second), second)
        for raw in raws:
            half = len(raw) // 2
            line.send(raw[:half])
            self.want(line.send(raw[half:] + raws[0]), raw, raws[0])
        self.check()

    def test_tcp_without_reassembly(self):
        """A segment is then what there is of a message."""
        raw = self.messages()[0]
        number = self.capture.tcp().send(raw[:60])
        self.assertEqual(self.shown()[number], [])
        root, = self.shown("-o", "mikeyt.desegment:FALSE")[number]
        self.assertIn("mikeyt.expert.short", root.experts())

    def test_http(self):
        for raw in self.messages():
            line = self.capture.tcp(80)
            forms = raw, carry.text(raw), carry.text(raw) + "\r\n"
            for form in forms:
                self.want(line.send(carry.http(form)), raw)
                self.want(line.answer(carry.http(form, True)), raw)
        self.check()

    def sip_bodies(self):
        """SDP with each message at session level, media level and both."""
        raws = self.messages()
        for one, other in zip(raws, raws[1:] + raws[:1]):
            a, b = carry.attribute(one), carry.attribute(other)
            yield carry.sdp([a]), [one]
            yield carry.sdp(media=[[a]]), [one]
            yield carry.sdp([a, b], [[b], [], [a, b]]), [one, other] + [
                other, one, other]

    def test_sip(self):
        for body, raws in self.sip_bodies():
            for answer in (False, True):
                text = carry.sip(body, answer)
                self.want(self.capture.udp(text, 5060), *raws)
                line = self.capture.tcp(5060)
                send = line.answer if answer else line.send
                self.want(send(text), *raws)
                cut = text.index(b"key-mgmt") + 60
                send(text[:cut])
                self.want(send(text[cut:]), *raws)
        self.check()

    def test_rtsp(self):
        for body, raws in self.sip_bodies():
            line = self.capture.tcp(554)
            self.want(line.answer(carry.rtsp_describe(body)), *raws)
            setup = carry.rtsp_setup(carry.key_mgmt(*raws))
            self.want(line.send(setup), *raws)
            setup = carry.rtsp_setup(
                "Keymgmt : prot=other; data=\"AQID\"",
                "keymgmt:prot=\"mikey\";data=\"%s\"" % carry.text(raws[0]))
            self.want(line.send(setup), raws[0])
        self.check()

    def test_space_behind_the_colon(self):
        """Legal, though Wireshark's own dissector of SDP fails on it."""
        raw = self.messages()[0]
        line = carry.attribute(raw).replace(":", ": ")
        for body in carry.sdp([line]), carry.sdp(media=[[line]]):
            self.want(self.capture.udp(carry.sip(body), 5060), raw)
            self.want(self.capture.tcp(5060).send(carry.sip(body)), raw)
            self.want(self.capture.tcp(554).answer(
                carry.rtsp_describe(body)), raw)
        shown = self.shown()
        self.assert_all_same(self.wanted, shown)

    def test_another_port(self):
        raw = self.messages()[0]
        self.want(self.capture.udp(raw, 4711), raw)
        self.want(self.capture.tcp(4711).send(raw), raw)
        self.check("-d", "udp.port==4711,mikeyt", "-d",
                   "tcp.port==4711,mikeyt")

    def test_what_is_not_base64_is_marked(self):
        good = carry.text(self.messages()[0])
        for bad in ("@@@", good[:-1], good[:40] + "@" + good[41:]):
            text = f"a=key-mgmt:mikey {bad}\r\n"
            for body in carry.sdp([text]), carry.sdp(media=[[text]]):
                self.capture.udp(carry.sip(body), 5060)
            self.capture.tcp(80).send(carry.http(bad))
        found = [r.experts() for roots in self.shown().values()
                 for r in roots]
        marked = [e for e in found if "mikeyt.expert.base64" in e]
        self.assertEqual(len(marked), 9)

    def test_other_text_is_left_alone(self):
        other = "a=key-mgmt:kerberos AQ4F\r\na=tool:key-mgmt\r\n"
        self.capture.udp(carry.sip(carry.sdp([other], [[other]])), 5060)
        self.capture.tcp(554).send(carry.rtsp_setup(
            "KeyMgmt: prot=sdes; uri=\"a\"; data=\"AQID\"", "KeyMgmt:"))
        self.assertEqual([r for r in self.shown().values() if r], [])

    def test_columns(self):
        raws = example_messages()
        init, error = raws["128", "TRANSFER_INIT"], raws["256", "Error"]
        line = self.capture.tcp()
        line.send(raws["128", "REQUEST_INIT_PSK"] + error)
        self.capture.udp(init)
        self.capture.udp(carry.sip(carry.sdp(
            [carry.attribute(init)], [[carry.attribute(init)]])), 5060)
        self.capture.tcp(80).send(carry.http(init))
        out = self.show("-Y", "mikeyt", "-T", "fields", "-e",
                        "_ws.col.Protocol", "-e", "_ws.col.Info")
        rows = [tuple(line.split("\t")) for line in out.splitlines()]
        self.assertEqual(rows[:2], [
            ("MIKEY-TICKET", "REQUEST_INIT_PSK CSB 11111111, "
             "Error CSB 22222222: Invalid SPpar"),
            ("MIKEY-TICKET", "TRANSFER_INIT CSB 22222222")])
        for protocol, info in rows[2:]:
            self.assertIn("MIKEY-TICKET", protocol)
            self.assertEqual(info.count("TRANSFER_INIT CSB 22222222"), 1)


class Call(WithTshark):
    """A call that was really held, as the lab captures it."""

    @contextlib.contextmanager
    def recorded(self):
        demo = HERE.parent / "lab" / "demo.py"
        done = subprocess.run(
            [sys.executable, demo, "--json", "--keep"], text=True,
            capture_output=True, timeout=120, check=False)
        folder = re.search(r"kept in (.*)", done.stderr)
        self.assertTrue(folder, done.stderr)
        try:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            yield pathlib.Path(folder[1]) / "call.pcap"
        finally:
            shutil.rmtree(folder[1])

    def test_every_message_of_a_call(self):
        """In each place where one travels, in the order of the capture."""
        with self.recorded() as path:
            texts = wire.text_messages(wire.read_pcap(path))
            carried = [(t, evidence.carried(t)) for t in texts]
            shown = pdml.messages(TSHARK, path)
        wanted = [(t, m.raw) for t, m in carried if m]
        self.assertEqual(sum(not t.is_sip for t, _ in wanted), 4)
        self.assertGreaterEqual(sum(t.is_sip for t, _ in wanted), 4)
        roots = [root for roots in shown.values() for root in roots]
        self.assertEqual(len(roots), len(wanted))
        for (text, raw), root in zip(wanted, roots):
            with self.subTest(message=text.start_line):
                self.assert_same(raw, root)
                self.assertEqual(root.experts(), [])


class Hostile(WithTshark):
    """Whatever comes, tshark ends well and soon, and the fault is marked."""

    SECONDS = 60

    def assert_marked(self, raws):
        """mikeytool refuses it and a fault is marked, or both read the
        same."""
        start = time.monotonic()
        roots = self.over_udp(raws)
        self.assertLess(time.monotonic() - start, self.SECONDS)
        for raw, root in zip(raws, roots):
            code, out, err = tool.run("decode", stdin=raw)
            with self.subTest(raw=raw.hex(), err=err):
                if code == 0:
                    pdml.Comparison(raw, json.loads(out), root)
                else:
                    self.assertTrue(set(root.experts()) - HARMLESS)
        self.assert_quiet()

    def assert_quiet(self):
        out = self.show("-V")
        for word in ("Lua", "Dissector bug", "mikey-ticket.lua"):
            self.assertNotIn(word, out)

    def test_every_truncation(self):
        raw = example_messages()["128", "TRANSFER_INIT"]
        self.assert_marked([raw[:n] for n in range(1, len(raw))])

    def test_every_octet_corrupted(self):
        """One bit, or all of them; none of it makes a SAKKE message."""
        raw = example_messages()["128", "TRANSFER_INIT"]
        rng = random.Random(7)
        self.assert_marked([
            raw[:at] + bytes([raw[at] ^ rng.choice((1 << at % 8, 0xff))])
            + raw[at + 1:] for at in range(len(raw))])

    def test_octets_left_over(self):
        self.assert_marked([raw + b"\0" for raw in
                            handmade.rfc_6043().values()])

    def test_random_octets(self):
        rng = random.Random(8)
        for head in (b"", b"\1", b"\1\x0e\x11\0\0\0\0\1\0\1\0"):
            for size in (0, 1, 9, 10, 30, 300, 3000):
                for _ in range(10):
                    self.capture.udp(head + rng.randbytes(size))
        self.assert_quiet()

    def test_damage_in_every_carrier(self):
        rng = random.Random(9)
        for raw in example_messages().values():
            at = rng.randrange(2, len(raw))
            for bad in (raw[:at], raw[:at] + b"\xff" + raw[at + 1:], b""):
                line = carry.attribute(bad)
                self.capture.tcp().send(bad + raw)
                self.capture.tcp(80).send(carry.http(bad))
                self.capture.udp(carry.sip(carry.sdp([line], [[line]])), 5060)
                self.capture.udp(carry.sip(carry.sdp([line]))[:at + 200], 5060)
                self.capture.tcp(554).send(carry.rtsp_setup(
                    carry.key_mgmt(bad), "KeyMgmt: prot=mikey; data=\"" +
                    carry.text(bad)[:at]))
        self.assert_quiet()

    def test_nesting_ends(self):
        """TP in TP Data in TP Data: shown some levels deep, then octets."""
        inner = [handmade.idr(2, b"x")]
        for _ in range(200):
            inner = [(handmade.TP, handmade.policy("016060", inner))]
        root, = self.over_udp([handmade.message(11, inner)])
        self.assertIn("mikeyt.expert.deep", root.experts())
        self.assert_quiet()

    def test_numbers_of_parts_end(self):
        """As many payloads, or lines, as fit: the tree stays bounded."""
        rands = handmade.message(0, [(handmade.RAND, b"\0")] * 60000)
        self.capture.tcp(80).send(carry.http(rands))
        small = carry.attribute(handmade.message(0, []))
        self.capture.tcp(5060).send(carry.sip(carry.sdp(
            [small] * 100, [[small] * 30000])))
        self.capture.udp(handmade.message(2, [
            handmade.cert(0, handmade.CERTIFICATE)] * 200))
        start = time.monotonic()
        out = self.show("-V")
        self.assertLess(time.monotonic() - start, self.SECONDS)
        self.assertIn("more than 20000 parts", out)
        self.assertIn("more than 200 messages", out)
        self.assert_quiet()

    def test_a_short_capture_is_not_blamed_on_the_message(self):
        self.capture.udp(example_messages()["128", "TRANSFER_INIT"], cut=100)
        root, = self.shown()[1]
        self.assertEqual(root.experts(), ["mikeyt.expert.cut"])


class Rules(WithTshark):
    """Rules beyond the form: the message is shown, and the fault marked."""

    def experts(self, raw):
        self.capture = carry.Capture()
        root, = self.over_udp([raw])
        return root.experts()

    def test_flags_that_contradict_each_other(self):
        """All 4096 sets of flags, against the rules of the specification."""
        def allowed(f):
            return not ("D" not in f and "L" not in f
                        or "G" in f and "F" not in f
                        or "G" not in f and "H" not in f
                        or "I" in f and "E" not in f
                        or "K" in f and "D" not in f
                        or "M" in f and "F" not in f)
        sets = [f"{bits << 5:06x}" for bits in range(4096)]
        plain = [(handmade.IDR, b"\2\0\0\0")]
        roots = self.over_udp([
            handmade.message(11, [(handmade.TP, handmade.policy(s, plain))])
            for s in sets])
        for bits, root in enumerate(roots):
            flags = {letter for n, letter in enumerate("ONMLKJIHGFED")
                     if bits >> n & 1}
            self.assertEqual("mikeyt.expert.flags" not in root.experts(),
                             allowed(flags), flags)

    def test_forking_of_a_tgk_needs_an_answer(self):
        tgk, tek = handmade.KEYS[0], handmade.KEYS[2]
        for keys, flags, wrong in (([tgk], "01b860", True),
                                   ([tek], "019860", False),
                                   ([tgk], "01d860", False)):
            raw = handmade.message(11, [handmade.requested(flags, keys)])
            self.assertEqual("mikeyt.expert.flags" in self.experts(raw),
                             wrong, flags)

    def test_initiator_data_and_forking_go_together(self):
        v = handmade.v()
        vi_vr = handmade.link([v, v])
        for data, flags, wrong in ((vi_vr, "01fc60", False),
                                   (b"", "01f460", False),
                                   (vi_vr, "01f460", True),
                                   (b"", "01fc60", True),
                                   (handmade.link([v]), "01fc60", True)):
            raw = handmade.message(14, [handmade.ticket(flags,
                                                        initiator=data)])
            self.assertEqual("mikeyt.expert.rule" in self.experts(raw), wrong)

    def test_order_and_repetition(self):
        v, now = handmade.v(), handmade.now()
        for parts, expert in (([v, now], "order"), ([now, now], "twice"),
                              ([v, v], "order"),
                              ([handmade.randr(1)] * 2, "twice")):
            found = self.experts(handmade.message(14, parts))
            self.assertIn(f"mikeyt.expert.{expert}", found)
        apart = [handmade.randr(1), handmade.randr(2), handmade.err(1)]
        found = self.experts(handmade.message(14, apart))
        self.assertEqual(set(found) - HARMLESS, set())

    def test_header(self):
        same_id = b"\2\2" + bytes.fromhex("0100000000" "00") * 2
        for cs_map, expert in ((handmade.SRTP_ID_MAP, "rule"),
                               (same_id, "twice"), (b"\2\1", "format"),
                               (b"\2\7", "unknown")):
            found = self.experts(handmade.message(14, [handmade.now()],
                                                  cs_map))
            self.assertIn(f"mikeyt.expert.{expert}", found)

    def test_a_rekeying_interval_is_a_duration(self):
        for kind, wrong in ((3, False), (0, True), (2, True)):
            value = bytes(8 if kind == 0 else 4)
            parts = [(handmade.TR, bytes([4, kind]) + value)]
            raw = handmade.message(14, [(
                handmade.TP, handmade.policy("016060", parts))])
            self.assertEqual("mikeyt.expert.rule" in self.experts(raw), wrong)


class BesideTheBuiltIn(WithTshark):
    """Wireshark's own dissector stays, for whoever asks for it."""

    def test_it_loads_in_silence_and_once(self):
        plugins = self.folder / ".local" / "lib" / "wireshark" / "plugins"
        plugins.mkdir(parents=True)
        shutil.copy(pdml.PLUGIN, plugins)
        self.capture.udp(RFC_4567["offer"])
        for plugin in (None, pdml.PLUGIN):
            out = self.show("-V", plugin=plugin, home=self.folder)
            self.assertIn("MIKEY: Pre-shared CSB cd177e50", out)

    def test_a_message_of_rfc_4567_is_shown_fully(self):
        """In the place where RFC 4567 has it: the session level of SDP."""
        for name, raw in RFC_4567.items():
            self.capture.udp(carry.sip(carry.sdp([carry.attribute(raw)]),
                                       name == "answer"), 5060)
        for raw, roots in zip(RFC_4567.values(), self.shown().values()):
            self.assert_same(raw, roots[0])
        out = self.show("-V")
        for text in ("donald@duck.com", "mickey@mouse.com",
                     "Time: Oct 20, 2006 13:43:06.000000000 UTC"):
            self.assertIn(text, out)
        self.assertNotIn("Multimedia Internet KEYing", out)

    def test_it_can_still_be_asked_for(self):
        self.capture.udp(RFC_4567["offer"], 4711)
        out = self.show("-V", "-d", "udp.port==4711,mikey")
        self.assertIn("Multimedia Internet KEYing: Pre-shared", out)

    def test_it_gets_the_messages_of_sakke(self):
        raw = handmade.message(26, [handmade.now(), (26, b"\1\1" +
                                                     tool.sized(bytes(9)))])
        self.capture.udp(raw)
        line = carry.attribute(raw)
        self.capture.udp(carry.sip(carry.sdp([line], [[line]])), 5060)
        out = self.show("-V")
        self.assertEqual(out.count("Multimedia Internet KEYing: SAKKE"), 3)


class Readme(WithTshark):
    """The page beside the dissector is true."""

    def test_it_lists_every_field(self):
        out, _ = pdml.tshark(TSHARK, "-G", "fields")
        names = {line.split("\t")[2] for line in out.splitlines()
                 if "\tmikeyt." in line}
        known = {name for name in names if name.startswith("mikeyt.")}
        listed = set(re.findall(r"`(mikeyt\.[\w.]+)`", README.read_text()))
        self.assertEqual(listed - {"mikeyt.desegment"}, known)

    def test_its_filters_find_something(self):
        text = README.read_text()
        filters = re.findall(r"^\| `([^`]+)` \| ", text.split("## Filters")[1]
                             .split("\n## ")[0], re.M)
        self.assertGreater(len(filters), 5)
        for raw in [*example_messages().values(),
                    *handmade.all_messages().values()]:
            self.capture.udp(raw)
        self.capture.udp(carry.sip(carry.sdp(
            media=[[carry.attribute(raw)]])), 5060)
        for expression in filters:
            with self.subTest(filter=expression):
                self.assertTrue(self.show("-Y", expression))


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main()
