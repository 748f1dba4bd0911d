# SPDX-License-Identifier: Apache-2.0
"""Writes captures by hand: UDP, TCP, and the texts that carry MIKEY."""

import base64
import struct

RAW_IP = 101  # link type: packets begin with IP
SNAPLEN = 262144
CLIENT, SERVER = b"\x0a\0\0\1", b"\x0a\0\0\2"
TCP, UDP = 6, 17
FIN, SYN, PSH, ACK = 1, 2, 8, 16
MSS = 1400

SDP_HEAD = ("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\n"
            "t=0 0\r\n")
SDP_MEDIA = "m=audio {} RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


def _ip(protocol, source, target, payload):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64,
                       protocol, 0, source, target) + payload


class Capture:
    """Packets in the order in which they are added."""

    def __init__(self):
        self.packets = []  # (octets, length on the wire)
        self._ports = iter(range(20000, 60000))

    def add(self, octets, cut=0):
        """A packet; of one that is cut, the capture lacks the end."""
        self.packets.append((octets[:len(octets) - cut], len(octets)))

    def udp(self, payload, port=2269, cut=0):
        """One datagram; its number in the capture, counted from 1."""
        head = struct.pack("!HHHH", next(self._ports), port,
                           8 + len(payload), 0)
        self.add(_ip(UDP, CLIENT, SERVER, head + payload), cut)
        return len(self.packets)

    def tcp(self, port=2269):
        """A connection that has just been opened."""
        return Connection(self, next(self._ports), port)

    def write(self, path):
        """The packets so far as a pcap file, one a millisecond."""
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0,
                                   SNAPLEN, RAW_IP))
            for number, (octets, length) in enumerate(self.packets):
                seconds, rest = divmod(number, 1000)
                file.write(struct.pack("<IIII", seconds, rest * 1000,
                                       len(octets), length) + octets)


class Connection:
    """One TCP connection; both sides talk by turns."""

    def __init__(self, capture, client, server):
        self._capture, self._ports = capture, (client, server)
        self._sequence = [1000, 5000]
        self._segment(0, b"", SYN)
        self._segment(1, b"", SYN | ACK)
        self._segment(0, b"", ACK)

    def _segment(self, side, payload, flags):
        ends = (CLIENT, SERVER)[::1 if side == 0 else -1]
        ports = self._ports[::1 if side == 0 else -1]
        head = struct.pack(
            "!HHIIBBHHH", *ports, self._sequence[side],
            self._sequence[1 - side], 5 << 4, flags, 65000, 0, 0)
        self._sequence[side] += len(payload) + bool(flags & (SYN | FIN))
        self._capture.add(_ip(TCP, *ends, head + payload))
        return len(self._capture.packets)

    def send(self, payload, side=0):
        """Octets in as many segments as they need; the last one's number."""
        for at in range(0, len(payload), MSS):
            number = self._segment(side, payload[at:at + MSS], PSH | ACK)
        return number

    def answer(self, payload):
        return self.send(payload, 1)

    def close(self):
        self._segment(0, b"", FIN | ACK)
        self._segment(1, b"", FIN | ACK)


def text(raw):
    return base64.b64encode(raw).decode()


def attribute(raw):
    return f"a=key-mgmt:mikey {text(raw)}\r\n"


def sdp(session=(), media=()):
    """SDP with lines at session level, and one list of lines a medium."""
    body = SDP_HEAD + "".join(session)
    for number, lines in enumerate(media or [()]):
        body += SDP_MEDIA.format(4000 + 2 * number) + "".join(lines)
    return body + "a=sendrecv\r\n"


def _with_body(head, kind, body):
    octets = body.encode() if isinstance(body, str) else body
    return (f"{head}Content-Type: {kind}\r\n"
            f"Content-Length: {len(octets)}\r\n\r\n").encode() + octets


def sip(body, answer=False):
    """An INVITE or its 200 OK with an SDP body."""
    line = "SIP/2.0 200 OK" if answer else "INVITE sip:b@example.org SIP/2.0"
    return _with_body(
        f"{line}\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
        "From: <sip:a@example.org>;tag=1\r\nTo: <sip:b@example.org>\r\n"
        "Call-ID: 1@example.org\r\nCSeq: 1 INVITE\r\n",
        "application/sdp", body)


def http(body, answer=False):
    """A POST of MIKEY or its answer."""
    line = "HTTP/1.1 200 OK" if answer else (
        "POST /keymanagement HTTP/1.1\r\nHost: kms.example.org")
    return _with_body(line + "\r\n", "application/mikey", body)


def rtsp_setup(*headers):
    """A SETUP with those headers."""
    return ("SETUP rtsp://example.org/a RTSP/1.0\r\nCSeq: 2\r\n"
            + "".join(h + "\r\n" for h in headers)
            + "Transport: RTP/SAVP;unicast;client_port=4000\r\n\r\n").encode()


def rtsp_describe(body):
    """The answer to a DESCRIBE, with an SDP body."""
    return _with_body("RTSP/1.0 200 OK\r\nCSeq: 1\r\n", "application/sdp",
                      body)


def key_mgmt(*raws):
    """A KeyMgmt header of RTSP, with one message or several."""
    return "KeyMgmt: " + ", ".join(
        f'prot=mikey; uri="rtsp://example.org/{n}"; data="{text(raw)}"'
        for n, raw in enumerate(raws))
