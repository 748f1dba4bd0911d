#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's own tools: a proof is worth what its instruments are worth."""

import pathlib
import struct
import sys
import tempfile
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import audio  # noqa: E402
import g711  # noqa: E402
import harness  # noqa: E402
import ladder  # noqa: E402
import proofs  # noqa: E402
import wire  # noqa: E402

ENDS = ((b"a", 4711), (b"b", 5060))


def segment(sequence, payload, syn=False, time=0.0):
    return wire.Packet(time, wire.TCP, *ENDS, payload, sequence, syn)


def sip(body=b""):
    return (b"INVITE sip:bob@example.org SIP/2.0\r\nFrom: <sip:a@b>\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


class Codec(unittest.TestCase):
    """G.711: every code word survives, and the nearest one is taken."""

    def test_every_code_word_survives(self):
        codes = bytes(range(256))
        for law in (g711.PCMU, g711.PCMA):
            values = g711.decode(law, codes)
            again = g711.encode(law, values)
            self.assertEqual(g711.decode(law, again), values)

    def test_values_of_the_standard(self):
        """Ends and middle of the tables of G.711."""
        for law, code, value in ((g711.PCMU, 0x80, 32124),
                                 (g711.PCMU, 0xFF, 0),
                                 (g711.PCMU, 0x00, -32124),
                                 (g711.PCMA, 0xAA, 32256),
                                 (g711.PCMA, 0xD5, 8),
                                 (g711.PCMA, 0x55, -8)):
            got = g711.to_samples(g711.decode(law, bytes([code])))[0]
            self.assertEqual(got, value)

    def test_nearest_value(self):
        for law in (g711.PCMU, g711.PCMA):
            values = sorted(g711.to_samples(
                g711.decode(law, bytes(range(256)))))
            for sample in range(-32768, 32768, 97):
                got = g711.to_samples(g711.through(
                    law, g711.to_octets([sample])))[0]
                best = min(abs(v - sample) for v in values)
                self.assertEqual(abs(got - sample), best)


class Comparison(unittest.TestCase):
    """Equal means every sample, and one wrong sample shows."""

    def setUp(self):
        self.sent = g711.to_octets(
            (i * 7919 * (i % 163)) % 20011 - 10000 for i in range(4000))

    def test_whole_file_found_where_it_starts(self):
        match = audio.find(self.sent, bytes(2 * 123) + self.sent + bytes(40))
        self.assertEqual((match.offset, match.equal), (123, 4000))
        self.assertTrue(match.whole(0))

    def test_one_wrong_sample_ends_the_run(self):
        recorded = bytearray(self.sent)
        recorded[2 * 3900] ^= 1
        match = audio.find(self.sent, bytes(recorded))
        self.assertLess(match.equal, 4000)
        self.assertFalse(match.whole(50))

    def test_late_start_is_counted(self):
        match = audio.find(self.sent, self.sent[2 * 320:])
        self.assertEqual((match.skipped, match.equal), (320, 3680))

    def test_noise_is_no_match(self):
        self.assertIsNone(audio.find(self.sent, bytes(len(self.sent))))


class Capture(unittest.TestCase):
    """Streams are put together whatever way the segments came."""

    def assert_bodies(self, packets, bodies):
        found = wire.text_messages(packets, {5060})
        self.assertEqual([m.body for m in found], bodies)

    def test_message_in_pieces_and_out_of_order(self):
        text = sip(b"v=0")
        self.assert_bodies([
            segment(0xFFFFFFF0, b"", syn=True),
            segment(0xFFFFFFF1 + 40 & 0xFFFFFFFF, text[40:]),
            segment(0xFFFFFFF1, text[:40])], [b"v=0"])

    def test_two_messages_in_one_segment(self):
        text = b"\r\n\r\n" + sip(b"one") + sip(b"two")
        self.assert_bodies([segment(1, text)], [b"one", b"two"])

    def test_retransmission_counts_once(self):
        text = sip(b"once")
        self.assert_bodies([segment(1, text), segment(1, text)], [b"once"])

    def test_half_a_message_is_none(self):
        self.assert_bodies([segment(1, sip(b"whole")[:-1])], [])

    def test_pcap_of_both_families(self):
        udp = struct.pack("!HHHH", 4000, 4002, 9, 0) + b"x"
        frames = [
            bytes(12) + b"\x08\x00" + struct.pack(
                "!BBHIBBH4s4s", 0x45, 0, 20 + len(udp), 0, 64, 17, 0,
                b"\x7f\0\0\1", b"\x7f\0\0\1") + udp,
            bytes(12) + b"\x86\xdd" + struct.pack(
                "!IHBB16s16s", 6 << 28, len(udp), 17, 64, bytes(16),
                bytes(16)) + udp]
        data = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
        for frame in frames:
            data += struct.pack("<IIII", 7, 5 * 10**8, len(frame),
                                len(frame)) + frame
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.pcap"
            path.write_bytes(data)
            found = wire.media(wire.read_pcap(path), {4002})
        self.assertEqual([(p.time, p.payload) for p in found],
                         [(7.5, b"x")] * 2)


class Drawing(unittest.TestCase):
    """The ladder stays in its 80 columns, its rails stay straight."""

    def test_every_line_is_as_wide_as_the_others(self):
        drawn = ladder.Ladder()
        for start in range(4):
            for end in range(4):
                if start != end:
                    drawn.arrow(1.5, start, end, "POST ticketresolve", "sip")
        drawn.note("a very long explanation " * 9)
        for line in drawn.lines[1:]:
            self.assertEqual(len(line), ladder.WIDTH - 1, line)
            for column in (ladder.COLUMNS[0], ladder.COLUMNS[-1]):
                self.assertIn(line[column], "|:<>-")

    def test_arrow_points_where_the_message_goes(self):
        drawn = ladder.Ladder()
        drawn.arrow(0, 0, 2, "INVITE", "sip")
        drawn.arrow(0, 2, 0, "200 OK", "sip")
        right, left = drawn.lines[-2:]
        self.assertEqual(right[ladder.COLUMNS[2] - 1], ">")
        self.assertEqual(left[ladder.COLUMNS[0] + 1], "<")


class Sniffing(unittest.TestCase):
    """A key in a log is found in whatever shape it stands there."""

    def test_every_shape_is_found(self):
        key = bytes(range(100, 132))
        shapes = (key, key.hex().encode(), key.hex().upper().encode(),
                  b"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM")
        for shape in shapes:
            log = types.SimpleNamespace(
                name="x.log", read_bytes=lambda s=shape: b"a " + s + b" b")
            self.assertEqual(proofs.leaks({"PSK": key}, [log]),
                             ["PSK stands in x.log"])

    def test_quiet_log(self):
        log = types.SimpleNamespace(name="x.log", read_bytes=lambda: b"quiet")
        self.assertEqual(proofs.leaks({"PSK": bytes(16)}, [log]), [])


class Programs(unittest.TestCase):
    """What a lab starts it also stops, with all that came of it."""

    def test_children_end_with_the_lab(self):
        with harness.Lab() as lab:
            shell = lab.start("sh", ["sh", "-c", "sleep 99 & sleep 99"
                                     " & echo up; wait"])
            shell.wait_line("up")
            folder = lab.folder
        self.assertFalse(shell.signal(0))
        self.assertFalse(folder.exists())

    def test_stubborn_program_is_killed(self):
        harness.GRACE, grace = 0.2, harness.GRACE
        self.addCleanup(setattr, harness, "GRACE", grace)
        with harness.Lab() as lab:
            shell = lab.start("sh", ["sh", "-c", "trap '' TERM; echo up; "
                                     "while :; do sleep 1; done"])
            shell.wait_line("up")
        self.assertEqual(shell.process.returncode, -9)

    def test_early_end_is_told_with_its_last_words(self):
        with harness.Lab() as lab:
            shell = lab.start("sh", ["sh", "-c", "echo no store key >&2"])
            with self.assertRaisesRegex(harness.LabError, "no store key"):
                shell.wait_line("ready", 5)


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main()
