# SPDX-License-Identifier: Apache-2.0
"""mikeytool decode on capture files, which are written by hand here.

    python3 tests/test_mikeytool_capture.py BUILD
"""
import base64
import json
import pathlib
import random
import sys
import tempfile
import unittest

from mikeytool_rig import (  # noqa: E402  (takes the build folder)
    decode, message, run)
import pcapmake
from pcapmake import Connection, udp

ALICE, BOB = ("192.0.2.1", 5060), ("198.51.100.2", 40001)
ALICE6, BOB6 = ("2001:db8::1", 5060), ("2001:db8::2", 5061)
KMS = ("192.0.2.9", 80)
INIT, RESP = message("TRANSFER_INIT"), message("TRANSFER_RESP")
ASK, TOLD = message("REQUEST_INIT_PSK"), message("REQUEST_RESP")


def attribute(raw):
    return b"a=key-mgmt:mikey " + base64.b64encode(raw) + b"\r\n"


def sdp(*media, session=()):
    """Attributes at session level and at that of each media description."""
    text = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
    text += b"".join(map(attribute, session))
    for raw in media:
        text += b"m=audio 4000 RTP/SAVP 0\r\n" + attribute(raw)
    return text


def text_message(start, body=b"", **headers):
    lines = [start, *(f"{name.replace('_', '-')}: {value}"
                      for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sip(start="INVITE sip:bob@example.com SIP/2.0", body=b""):
    return text_message(start, body, Content_Type="application/sdp",
                        Content_Length=len(body))


def http(start, body, kind="application/mikey"):
    return text_message(start, body, Content_Type=kind,
                        Content_Length=len(body))


def chunked(start, body, size):
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    coded = b"".join(b"%X;x=y\r\n%s\r\n" % (len(p), p) for p in parts)
    return text_message(start, coded + b"0\r\nTrailer: x\r\n\r\n",
                        Content_Type="application/mikey",
                        Transfer_Encoding="chunked")


class Captured(unittest.TestCase):
    def read(self, capture, code=0):
        """The lines that are printed for a file, and standard error."""
        got, out, err = run("decode", stdin=capture)
        self.assertEqual(got, code, err)
        return [json.loads(line) for line in out.splitlines()], err

    def found(self, packets, link=pcapmake.ETHERNET, quiet=True):
        frames = [pcapmake.framed(link, p) for p in packets]
        lines, err = self.read(pcapmake.pcap(frames, link))
        if quiet and lines:
            self.assertEqual(err, "")
        return lines

    def names(self, lines):
        return [line["message"]["HDR"]["data type"]["name"] if "message" in
                line else line["error"] for line in lines]

    def assert_found(self, packets, *wanted, carrier):
        """Each as (name, frame)."""
        lines = self.found(packets)
        self.assertEqual([(n, line["frame"]) for n, line in
                          zip(self.names(lines), lines)], [*wanted])
        self.assertEqual({line["carrier"] for line in lines}, {carrier})


class Files(Captured):
    PACKETS = [udp(ALICE, (BOB[0], 2269), INIT), udp(ALICE, BOB, b"noise"),
               udp(ALICE6, (BOB6[0], 2269), RESP)]

    def check(self, capture):
        first, second = self.read(capture)[0]
        whole = first.pop("message")
        self.assertEqual(whole, {**decode(INIT), "form": "raw"})
        self.assertEqual(first, {
            "frame": 1, "time": "2019-08-15T16:00:03.250000Z",
            "source": "192.0.2.1:5060", "destination": "198.51.100.2:2269",
            "carrier": "udp-2269"})
        self.assertEqual(second.pop("message"), decode(RESP))
        self.assertEqual(second, {
            "frame": 3, "time": "2019-08-15T16:00:05.250000Z",
            "source": "[2001:db8::1]:5060",
            "destination": "[2001:db8::2]:2269", "carrier": "udp-2269"})

    def test_each_form_of_a_file(self):
        frames = [pcapmake.ethernet(p) for p in self.PACKETS]
        for order in "<>":
            self.check(pcapmake.pcap(frames, order=order))
            self.check(pcapmake.pcap(frames, order=order, nanoseconds=True))
            self.check(pcapmake.pcapng(frames, order=order))

    def test_each_link_type(self):
        for link in (pcapmake.ETHERNET, pcapmake.SLL, pcapmake.SLL2,
                     pcapmake.RAW, pcapmake.NULL, pcapmake.LOOP):
            frames = [pcapmake.framed(link, p) for p in self.PACKETS]
            self.check(pcapmake.pcap(frames, link))
            self.check(pcapmake.pcapng(frames, link))
        for link, name in ((pcapmake.IPV4, "TRANSFER_INIT"),
                           (pcapmake.IPV6, "TRANSFER_RESP")):
            packet = self.PACKETS[0 if link == pcapmake.IPV4 else 2]
            self.assertEqual(self.names(self.found([packet], link)), [name])

    def test_vlan_tags(self):
        for vlans in ((0x8100,), (0x88A8, 0x8100)):
            self.check(pcapmake.pcap([pcapmake.ethernet(p, vlans)
                                      for p in self.PACKETS]))

    def test_a_file_by_name_and_by_standard_input(self):
        capture = pcapmake.pcap([pcapmake.ethernet(self.PACKETS[0])])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.pcap")
            path.write_bytes(capture)
            self.assertEqual(run("decode", str(path)),
                             run("decode", stdin=capture))
            self.assertEqual(run("--compact", "decode", str(path)),
                             run("decode", "-", stdin=capture))

    def test_nothing_in_it_is_said(self):
        lines, err = self.read(pcapmake.pcap([b"", b"x" * 60]))
        self.assertEqual(lines, [])
        self.assertIn("no MIKEY message in 2 frames", err)
        self.assertEqual(self.read(pcapmake.pcap([]))[0], [])

    def test_another_link_type_is_refused(self):
        lines, err = self.read(pcapmake.pcap([], link=105), code=1)
        self.assertEqual((lines, err.count("\n")), ([], 1))
        self.assertIn("link type 105 (IEEE802_11) is not supported", err)

    def test_what_stands_before_the_damage_is_printed(self):
        frame = pcapmake.ethernet(self.PACKETS[0])
        capture = pcapmake.pcap([frame] * 2)
        first = len(capture) - 16 - len(frame)  # where the second begins
        for n in {*range(24, len(capture), 13), first - 1, first, first + 1}:
            lines, err = self.read(capture[:n], code=n not in (24, first))
            self.assertEqual(len(lines), n >= first)
            if n > first:
                self.assertIn("behind frame 1: ", err)
        for n in range(4, 24):
            self.assertEqual(self.read(capture[:n], code=1)[0], [])

    def test_frames_that_were_cut(self):
        frames = [pcapmake.ethernet(self.PACKETS[0])]
        for cut in (13, 20, 41, 42, 60, 200):
            lines, _ = self.read(pcapmake.pcap(frames, cut=cut))
            self.assertEqual(len(lines), cut > 42)
            for line in lines:
                self.assertIn("input ends too early", line["error"])
                self.assertNotIn("message", line)

    def test_a_capture_is_no_message(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(pcapmake.pcap([]))
            file.flush()
            code, out, err = run("diff", file.name, "-", stdin=INIT)
            self.assertEqual((code, out), (2, b""))
            self.assertIn("a capture file; decode it", err)

    def test_blank_lines_are_no_pcapng(self):
        self.assertEqual(decode(b"\n\r\r\n" + INIT.hex().encode())["form"],
                         "hex")


class Sip(Captured):
    OFFER = sip(body=sdp(INIT, RESP, session=[INIT]))
    ANSWER = sip("SIP/2.0 183 Session Progress", sdp(RESP))
    BYE = sip("BYE sip:bob@example.com SIP/2.0")

    def test_each_attribute_of_a_datagram(self):
        self.assert_found(
            [udp(ALICE, BOB, self.OFFER), udp(BOB, ALICE, self.BYE),
             udp(BOB, ALICE, self.ANSWER)],
            ("TRANSFER_INIT", 1), ("TRANSFER_INIT", 1), ("TRANSFER_RESP", 1),
            ("TRANSFER_RESP", 3), carrier="sip")

    def test_parts_of_a_body(self):
        body = (b"--x\r\nContent-Type: application/sdp\r\n\r\n" + sdp(INIT)
                + b"\r\n--x--\r\n")
        whole = text_message("INVITE sip:b SIP/2.0", body, l=len(body),
                             c="multipart/mixed;boundary=x")
        self.assert_found([udp(ALICE, BOB, whole)], ("TRANSFER_INIT", 1),
                          carrier="sip")

    def test_fragments(self):
        rng = random.Random(791)
        for ends in ((ALICE, BOB), (ALICE6, BOB6)):
            for size in (8, 64, 512, 1400):
                packets = pcapmake.fragments(*ends, self.OFFER, size)
                rng.shuffle(packets)
                packets += packets[1:4]  # of a datagram that is done
                lines = self.found(packets)
                self.assertEqual(len(lines), 3)
                self.assertEqual({line["source"] for line in lines}, {
                    "192.0.2.1:5060" if ends[0] is ALICE else
                    "[2001:db8::1]:5060"})

    def test_of_overlapping_fragments_the_first_counts(self):
        whole = pcapmake.datagram(ALICE, BOB, self.ANSWER)
        lie = b"?" * len(whole)

        def piece(text, low, high):
            return pcapmake.ip(ALICE[0], BOB[0], 17, text[low:high], 3, low,
                               high < len(whole))
        end = len(whole)
        good = [piece(whole, 0, 80), piece(lie, 40, 80), piece(lie, 0, 40),
                piece(whole, 80, end), piece(lie, 160, end)]
        self.assertEqual(self.names(self.found(good)), ["TRANSFER_RESP"])
        bad = [piece(lie, 240, 280), *good]
        self.assertEqual(self.names(self.found(bad)), [
            "a=key-mgmt:mikey: what follows is not base64"])

    def test_messages_of_a_connection(self):
        there, back = Connection(ALICE, BOB), Connection(BOB, ALICE, 2**32 - 9)
        there.send(b"\r\n\r\n" + self.OFFER + self.BYE + self.OFFER, 500)
        back.send(self.ANSWER, 200)
        packets = [p for pair in zip(there.packets, back.packets)
                   for p in pair] + there.packets[len(back.packets):]
        lines = self.found(packets)
        self.assertEqual(sorted(self.names(lines)),
                         ["TRANSFER_INIT"] * 4 + ["TRANSFER_RESP"] * 3)

    def test_segments_in_disorder(self):
        """Shuffled in a window, sent twice, split anew: the same is found."""
        rng = random.Random(9293)
        text = (self.OFFER + b"\r\n\r\n" + self.BYE + self.ANSWER) * 3
        for first in (0, 5000, 2**32 - 700):
            for _ in range(12):
                c = Connection(ALICE, BOB, first)
                cuts = sorted(rng.sample(range(1, len(text)), 30))
                pieces = [*zip([0, *cuts], [*cuts, len(text)])]
                for _ in range(10):  # again, with other bounds
                    low = rng.randrange(len(text) - 1)
                    pieces.append((low, min(len(text), low + 300)))
                keys = {p: p[0] + rng.randrange(2000) for p in pieces}
                pieces.sort(key=keys.get)
                packets = c.packets + [c.segment(low, text[low:high])
                                       for low, high in pieces]
                self.assertEqual(
                    self.names(self.found(packets)),
                    (["TRANSFER_INIT"] * 2 + ["TRANSFER_RESP"] * 2) * 3)

    def test_of_overlapping_segments_the_first_counts(self):
        c = Connection(ALICE, BOB)
        text, lie = self.ANSWER, b"?" * len(self.ANSWER)
        packets = c.packets + [
            c.segment(100, text[100:200]), c.segment(0, text[:120]),
            c.segment(50, lie[50:180]), c.segment(150, lie[150:200]),
            c.segment(190, text[190:300]), c.segment(0, lie[:300]),
            c.segment(250, lie[250:310][:0]), c.segment(300, text[300:])]
        self.assertEqual(self.names(self.found(packets)), ["TRANSFER_RESP"])

    def test_a_connection_joined_in_the_middle(self):
        c = Connection(ALICE, BOB)
        c.send(self.ANSWER * 3, 100)
        lines = self.found(c.packets[4:])
        self.assertEqual(self.names(lines), ["TRANSFER_RESP"] * 2)

    def test_octets_that_the_capture_missed(self):
        c = Connection(ALICE, BOB)
        c.send(self.ANSWER * 4, 100)
        packets = c.packets[:2] + c.packets[3:]
        lines, err = self.read(pcapmake.pcap(
            [pcapmake.ethernet(p) for p in packets]))
        self.assertEqual(self.names(lines)[-3:], ["TRANSFER_RESP"] * 3)
        self.assertIn("note: frame", err)
        self.assertIn("100 octets before this are missing", err)

    def test_too_many_connections_are_dropped_aloud(self):
        """The first one waits for its second half."""
        half = len(self.ANSWER) // 2
        first = Connection(ALICE, BOB)
        first.send(self.ANSWER[:half])
        packets = [*first.packets]
        for port in range(5000):
            packets += Connection((ALICE[0], port), (BOB[0], 9)).packets
        last = Connection(BOB6, ALICE6)
        last.send(self.ANSWER)
        packets += first.send(self.ANSWER[half:]) + last.packets
        lines, err = self.read(pcapmake.pcap(
            [pcapmake.ethernet(p) for p in packets]))
        self.assertEqual(self.names(lines), ["TRANSFER_RESP"])
        self.assertEqual(err.count("\n"), 1)
        self.assertIn("192.0.2.1:5060 to 198.51.100.2:40001: too many "
                      "connections at a time; the oldest is dropped", err)

    def test_not_too_many_segments_wait_for_one(self):
        c = Connection(ALICE, BOB)
        c.send(self.ANSWER[:60])
        packets = c.packets + [c.segment(1000 + 2 * i, b"x")
                               for i in range(1025)]
        at = packets[-1:] + [c.segment(5000, self.ANSWER)]
        _, err = self.read(pcapmake.pcap(
            [pcapmake.ethernet(p) for p in packets[:-1]]))
        self.assertEqual(err.count("\n"), 2)  # at the end, and none found
        lines, err = self.read(pcapmake.pcap(
            [pcapmake.ethernet(p) for p in packets + at]))
        self.assertEqual(self.names(lines), ["TRANSFER_RESP"])
        self.assertIn("frame 1027, 192.0.2.1:5060 to 198.51.100.2:40001: "
                      "940 octets before this are missing", err)

    def test_memory_is_bounded(self):
        """40 connections each of which waits with a megabyte."""
        packets = []
        for port in range(40):
            c = Connection((ALICE[0], port), BOB)
            c.send(b"INVITE sip:b SIP/2.0\r\n")
            packets += c.packets
            packets += [c.segment(100 + at, bytes(60000))
                        for at in range(0, 1000000, 60000)]
        _, err = self.read(pcapmake.pcap(
            [pcapmake.ethernet(p) for p in packets]))
        self.assertIn("the oldest is dropped", err)

    def test_what_is_wrong_is_an_error_in_its_place(self):
        body = (b"v=0\r\na=key-mgmt:mikey AQID\r\na=key-mgmt:mikey ???\r\n"
                b"a=key-mgmt:sdes AQID\r\n" + attribute(INIT))
        lines = self.found([udp(ALICE, BOB, sip(body=body))])
        self.assertEqual(
            self.names(lines),
            ["offset 3, HDR: input ends too early",
             "a=key-mgmt:mikey: what follows is not base64", "TRANSFER_INIT"])


class Port2269(Captured):
    def test_messages_one_behind_the_other(self):
        for ends in ((ALICE, (BOB[0], 2269)), ((ALICE6[0], 2269), BOB6)):
            c = Connection(*ends)
            c.send(INIT + RESP + ASK, 300)
            self.assert_found(c.close(), ("TRANSFER_INIT", 3),
                              ("TRANSFER_RESP", 4), ("REQUEST_INIT_PSK", 4),
                              carrier="tcp-2269")

    def test_octet_by_octet(self):
        c = Connection(ALICE, (BOB[0], 2269))
        c.send(INIT + RESP, 1)
        self.assert_found(c.packets, ("TRANSFER_INIT", 1 + len(INIT)),
                          ("TRANSFER_RESP", 1 + len(INIT + RESP)),
                          carrier="tcp-2269")

    def test_half_a_message_and_what_is_none(self):
        for text, words in ((INIT[:-1], "V: input ends too early"),
                            (INIT + b"\2", "offset 1, HDR: unknown")):
            c = Connection(ALICE, (BOB[0], 2269))
            c.send(text)
            line = self.found(c.close())[-1]
            self.assertIn(words, line["error"])


class Http(Captured):
    POST = "POST /keymanagement HTTP/1.1"
    OK = "HTTP/1.1 200 OK"

    def both(self, request, reply, size=700):
        there, back = Connection(ALICE, KMS), Connection(KMS, ALICE)
        there.send(request, size)
        back.send(reply, size)
        lines = self.found(there.close() + back.close())
        self.assertEqual({line["carrier"] for line in lines}, {"http"})
        self.assertEqual([line["source"] for line in lines],
                         ["192.0.2.1:5060", "192.0.2.9:80"])
        self.assertEqual(self.names(lines), ["REQUEST_INIT_PSK",
                                             "REQUEST_RESP"])
        return [line["message"]["form"] for line in lines]

    def test_raw_and_base64_in_both_directions(self):
        self.assertEqual(self.both(http(self.POST, ASK), http(self.OK, TOLD)),
                         ["raw", "raw"])
        self.assertEqual(
            self.both(http(self.POST, base64.b64encode(ASK)),
                      http(self.OK, base64.encodebytes(TOLD),
                           "Application/Mikey; charset=x"), 50),
            ["base64", "base64"])

    def test_chunks(self):
        for size in (1, 7, 1000):
            self.assertEqual(self.both(
                chunked(self.POST, ASK, size),
                chunked(self.OK, base64.encodebytes(TOLD), size)),
                ["raw", "base64"])

    def test_a_reply_that_lasts_to_the_end(self):
        reply = text_message(self.OK, TOLD, Content_Type="application/mikey")
        self.assertEqual(self.both(http(self.POST, ASK), reply),
                         ["raw", "raw"])

    def test_several_on_one_connection(self):
        c = Connection(ALICE, KMS)
        c.send(http(self.POST, b"x" * 3000, "text/plain")
               + http(self.POST, ASK) + text_message("GET / HTTP/1.1")
               + chunked(self.POST, INIT, 99)
               + http(self.POST, sdp(RESP), "application/sdp"), 1000)
        lines = self.found(c.close())
        self.assertEqual([(line["carrier"], name) for line, name in
                          zip(lines, self.names(lines))],
                         [("http", "REQUEST_INIT_PSK"),
                          ("http", "TRANSFER_INIT"),
                          ("sdp", "TRANSFER_RESP")])

    def test_bodies_that_are_none(self):
        for body, words in ((b"hello", "neither MIKEY nor its base64"),
                            (b"\2" + ASK[1:], "neither MIKEY nor its"),
                            (ASK[:-1], "V: input ends too early")):
            c = Connection(ALICE, KMS)
            c.send(http(self.POST, body))
            self.assertIn(words, self.found(c.packets)[0]["error"])

    def test_a_body_that_the_capture_cut(self):
        c = Connection(ALICE, KMS)
        c.send(http(self.POST, ASK), 100)
        lines = self.found(c.packets[:-1])
        self.assertEqual(self.names(lines),
                         ["the capture has not all of the body"])


class RtspAndSdp(Captured):
    def key_mgmt(self, raw):
        text = base64.b64encode(raw).decode()
        return f'prot=mikey; uri="rtsp://example.com/x";\r\n data="{text}"'

    def test_describe_and_setup(self):
        server, client = Connection(KMS, ALICE), Connection(ALICE, KMS)
        server.send(text_message(
            "RTSP/1.0 200 OK", sdp(INIT), CSeq=1,
            Content_Type="application/sdp", Content_Length=len(sdp(INIT)))
            + b"$\0\0\x10" + b"SETUP rtsp://x\r\n"
            + text_message("RTSP/1.0 463 Key management failure", CSeq=2,
                           KeyMgmt=self.key_mgmt(message("Error", "256"))))
        client.send(text_message("SETUP rtsp://example.com/x RTSP/1.0", CSeq=2,
                                 KeyMgmt=self.key_mgmt(RESP)))
        lines = self.found(server.packets + client.packets)
        self.assertEqual(self.names(lines), ["TRANSFER_INIT", "Error",
                                             "TRANSFER_RESP"])
        self.assertEqual({line["carrier"] for line in lines}, {"rtsp"})

    def test_several_in_one_header(self):
        c = Connection(ALICE, KMS)
        c.send(text_message(
            "SETUP rtsp://example.com/x RTSP/1.0", KEYMGMT=", ".join(
                [self.key_mgmt(INIT), 'prot=other; data="AQID"',
                 self.key_mgmt(RESP), 'prot=mikey; data="!"'])))
        self.assertEqual(self.names(self.found(c.packets)), [
            "TRANSFER_INIT", "TRANSFER_RESP",
            "KeyMgmt: its data are not base64"])

    def test_announcements(self):
        sap = b"\x20\0\x12\x34" + bytes([192, 0, 2, 1])
        packets = [udp(ALICE, ("224.2.127.254", 9875),
                       sap + kind + sdp(INIT, session=[RESP]))
                   for kind in (b"application/sdp\0", b"")]
        packets.append(udp(ALICE, BOB, sdp(INIT)))
        lines = self.found(packets)
        self.assertEqual({line["carrier"] for line in lines}, {"sdp"})
        self.assertEqual([line["frame"] for line in lines], [1, 1, 2, 2, 3])


class Noise(Captured):
    def test_damaged_captures_do_no_harm(self):
        rng = random.Random(2001)
        c = Connection(ALICE, BOB)
        c.send(Sip.OFFER + Sip.ANSWER, 100)
        frames = [pcapmake.ethernet(p) for p in
                  c.close() + pcapmake.fragments(ALICE6, BOB6, Sip.OFFER, 64)]
        for make in (pcapmake.pcap, pcapmake.pcapng):
            capture = make(frames)
            for _ in range(60):
                raw = bytearray(capture)
                for _ in range(rng.randint(1, 40)):
                    raw[rng.randrange(24, len(raw))] = rng.randrange(256)
                code, out, err = run("decode", stdin=bytes(raw))
                self.assertIn(code, (0, 1), err)
                for line in out.splitlines():
                    json.loads(line)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
