# SPDX-License-Identifier: Apache-2.0
"""Reads a capture of loopback: packets, TCP streams, SIP and HTTP."""

import re
import struct
from collections import defaultdict
from dataclasses import dataclass, field

TCP, UDP = 6, 17
SYN = 0x02
MAGIC = {0xA1B2C3D4: 10**6, 0xA1B23C4D: 10**9}


@dataclass(frozen=True)
class Packet:
    """One TCP segment or UDP datagram; ends are (address, port)."""

    time: float
    protocol: int
    source: tuple
    target: tuple
    payload: bytes
    sequence: int = 0
    syn: bool = False


@dataclass(frozen=True)
class TextMessage:
    """One SIP or HTTP message as it went over the wire."""

    time: float
    source: tuple
    target: tuple
    start_line: str
    headers: dict = field(compare=False)
    body: bytes = b""

    def header(self, name, short=""):
        """The first value of a header, by its long or compact name."""
        values = self.headers.get(name) or self.headers.get(short) or [""]
        return values[0]

    @property
    def is_request(self):
        return not self.start_line.startswith(("SIP/", "HTTP/"))

    @property
    def is_sip(self):
        return "SIP/2.0" in (self.start_line[:7], self.start_line[-7:])


# --- pcap, Ethernet, IP --------------------------------------------------


def read_pcap(path):
    """All TCP and UDP packets of a capture, in the order of arrival."""
    data = path.read_bytes()
    ticks = MAGIC[struct.unpack_from("<I", data)[0]]
    packets, at = [], 24
    while at + 16 <= len(data):
        seconds, part, size, _ = struct.unpack_from("<IIII", data, at)
        at += 16
        packet = _frame(seconds + part / ticks, data[at:at + size])
        if packet:
            packets.append(packet)
        at += size
    return packets


def _frame(time, frame):
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x0800:
        return _ipv4(time, frame[14:])
    if kind == 0x86DD:
        return _ipv6(time, frame[14:])
    return None


def _ipv4(time, packet):
    start, length = 4 * (packet[0] & 0x0F), int.from_bytes(packet[2:4], "big")
    return _transport(time, packet[9], packet[12:16], packet[16:20],
                      packet[start:length])


def _ipv6(time, packet):
    """Without extension headers: loopback has no use for them."""
    length = 40 + int.from_bytes(packet[4:6], "big")
    return _transport(time, packet[6], packet[8:24], packet[24:40],
                      packet[40:length])


def _transport(time, protocol, source, target, octets):
    if protocol not in (TCP, UDP) or len(octets) < 8:
        return None
    ports = struct.unpack_from("!HH", octets)
    ends = (source, ports[0]), (target, ports[1])
    if protocol == UDP:
        return Packet(time, protocol, *ends, octets[8:])
    start = 4 * (octets[12] >> 4)
    return Packet(time, protocol, *ends, octets[start:],
                  int.from_bytes(octets[4:8], "big"), bool(octets[13] & SYN))


# --- TCP streams to messages ---------------------------------------------


class _Direction:
    """One direction of a TCP connection, put together in order."""

    def __init__(self):
        self.data = bytearray()
        self.times = []  # (length of data from then on, time)
        self._next = None
        self._waiting = {}

    def add(self, packet):
        if packet.syn:
            self._next = packet.sequence + 1 & 0xFFFFFFFF
            return
        if self._next is None:
            self._next = packet.sequence
        if packet.payload:
            self._waiting[packet.sequence] = packet
        while self._next in self._waiting:
            ready = self._waiting.pop(self._next)
            self._next = self._next + len(ready.payload) & 0xFFFFFFFF
            self.data += ready.payload
            self.times.append((len(self.data), ready.time))

    def time_of(self, end):
        """When the octet before `end` had arrived."""
        return next(time for length, time in self.times if length >= end)


def _head(octets):
    """Start line and headers; names in small letters."""
    start_line, *lines = octets.decode("utf-8", "replace").split("\r\n")
    headers = defaultdict(list)
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()].append(value.strip())
    return start_line, headers


class Assembled:
    """SIP or HTTP messages in a run of octets, one after the other."""

    def __init__(self, data, ends=((), ()), time_of=lambda _end: 0.0):
        self._data, self._ends, self._time_of = data, ends, time_of
        self.used = 0

    def messages(self):
        """Every whole message; `used` then tells where the rest begins."""
        while message := self._next():
            yield message

    def _next(self):
        at, data = self.used, self._data
        while data[at:at + 2] == b"\r\n":
            at += 2  # keep-alive of RFC 5626
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            return None
        start_line, headers = _head(bytes(data[at:end]))
        length = headers.get("content-length") or headers.get("l") or ["0"]
        at = end + 4 + int(length[0])
        if at > len(data):
            return None
        self.used = at
        return TextMessage(self._time_of(at), *self._ends, start_line,
                           headers, bytes(data[end + 4:at]))


def text_messages(packets, ports=None):
    """SIP and HTTP messages by time; all, or those of some ports."""
    streams, found = defaultdict(_Direction), []
    for packet in packets:
        ends = packet.source, packet.target
        if ports and not {packet.source[1], packet.target[1]} & set(ports):
            continue
        if packet.protocol == TCP:
            streams[ends].add(packet)
        elif b"\r\n\r\n" in packet.payload:
            head, _, body = packet.payload.partition(b"\r\n\r\n")
            found.append(TextMessage(packet.time, *ends, *_head(head), body))
    for ends, direction in streams.items():
        whole = Assembled(direction.data, ends, direction.time_of)
        found.extend(whole.messages())
    return sorted(found, key=lambda message: message.time)


def http_exchanges(messages):
    """Pairs of request and reply, matched within their connection."""
    open_requests, pairs = defaultdict(list), []
    for message in messages:
        if message.is_request:
            open_requests[message.source, message.target].append(message)
        else:
            waiting = open_requests[message.target, message.source]
            if waiting:
                pairs.append((waiting.pop(0), message))
    return pairs


def media_ports(sdp_bodies):
    """The ports that the SDP bodies of a call give for audio."""
    return {int(port) for body in sdp_bodies
            for port in re.findall(rb"^m=audio (\d+) ", body, re.M)}


def media(packets, ports):
    """UDP payloads to those ports, in the order of arrival."""
    return [p for p in packets
            if p.protocol == UDP and p.target[1] in ports]
