# SPDX-License-Identifier: Apache-2.0
"""Writes captures by hand: frames of each link type, IP, fragments, UDP, TCP.

Checksums are left at zero, as on the machine that sends; mikeytool does not
look at them.
"""
import ipaddress
import struct

TCP, UDP = 6, 17
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ETHERNET, NULL, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = \
    1, 0, 101, 108, 113, 228, 229, 276
START = 1565884803  # 2019-08-15T16:00:03Z


# --- packets ------------------------------------------------------------------

def ip(source, target, protocol, payload, ident=1, offset=0, more=False,
       options=b""):
    """IPv4 or IPv6, by the addresses; offset and more make a fragment."""
    source, target = map(ipaddress.ip_address, (source, target))
    if source.version == 4:
        head = 20 + len(options)
        return struct.pack(
            "!BBHHHBBH4s4s", 0x40 | head // 4, 0, head + len(payload), ident,
            more << 13 | offset // 8, 64, protocol, 0, source.packed,
            target.packed) + options + payload
    if offset or more:
        payload = struct.pack("!BBHI", protocol, 0, offset | more,
                              ident) + payload
        protocol = 44
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), protocol, 64,
                       source.packed, target.packed) + payload


def udp(source, target, payload):
    """Ends are (address, port)."""
    return ip(source[0], target[0], UDP, datagram(source, target, payload))


def datagram(source, target, payload):
    return struct.pack("!HHHH", source[1], target[1], 8 + len(payload),
                       0) + payload


def tcp(source, target, sequence, payload=b"", flags=ACK, options=b""):
    head = 20 + len(options)
    return ip(source[0], target[0], TCP, struct.pack(
        "!HHIIBBHHH", source[1], target[1], sequence % (1 << 32), 0,
        head // 4 << 4, flags, 65535, 0, 0) + options + payload)


def fragments(source, target, payload, size, ident=7):
    """A UDP datagram in fragments of size octets."""
    whole = datagram(source, target, payload)
    return [ip(source[0], target[0], UDP, whole[at:at + size], ident, at,
               at + size < len(whole)) for at in range(0, len(whole), size)]


class Connection:
    """One direction of a TCP connection; begins with a SYN."""

    def __init__(self, source, target, sequence=1000):
        self.ends = source, target
        self.first = self.next = sequence + 1
        self.packets = [tcp(*self.ends, sequence, flags=SYN)]

    def segment(self, offset, payload, flags=ACK):
        """A segment at an offset of the stream."""
        return tcp(*self.ends, self.first + offset, payload, flags)

    def send(self, payload, size=1400):
        """In order, in segments of a size; returns them, too."""
        sent = []
        for at in range(0, len(payload), size):
            part = payload[at:at + size]
            sent.append(tcp(*self.ends, self.next, part))
            self.next += len(part)
        self.packets += sent
        return sent

    def close(self, flags=FIN | ACK):
        self.packets.append(tcp(*self.ends, self.next, flags=flags))
        return self.packets


# --- link layers --------------------------------------------------------------

def ether_type(packet):
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def ethernet(packet, vlans=()):
    tags = b"".join(struct.pack("!HH", kind, 5) for kind in vlans)
    frame = bytes(12) + tags + struct.pack("!H", ether_type(packet)) + packet
    return frame + bytes(max(0, 60 - len(frame)))


def framed(link, packet):
    """A packet as a frame of a link type."""
    kind = ether_type(packet)
    if link == ETHERNET:
        return ethernet(packet)
    if link == SLL:
        return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), kind) + packet
    if link == SLL2:
        return struct.pack("!HHIHBB8s", kind, 0, 1, 1, 0, 6,
                           bytes(8)) + packet
    if link == NULL:
        return struct.pack("<I", 2 if kind == 0x0800 else 24) + packet
    if link == LOOP:
        return struct.pack("!I", 2 if kind == 0x0800 else 24) + packet
    return packet


# --- files --------------------------------------------------------------------

def pcap(frames, link=ETHERNET, order="<", nanoseconds=False, cut=1 << 18):
    """A frame a second."""
    magic, tick = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 1 << 18, link)]
    for i, frame in enumerate(frames):
        parts += [struct.pack(order + "IIII", START + i, 250000 * tick,
                              min(cut, len(frame)), len(frame)), frame[:cut]]
    return b"".join(parts)


def block(kind, body, order):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def pcapng(frames, link=ETHERNET, order="<"):
    data = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1),
                 order)
    data += block(1, struct.pack(order + "HHI", link, 0, 1 << 18), order)
    for i, frame in enumerate(frames):
        time = (START + i) * 1000000 + 250000
        data += block(6, struct.pack(order + "IIIII", 0, time >> 32,
                                     time & 0xFFFFFFFF, len(frame),
                                     len(frame)) + frame, order)
    return data
