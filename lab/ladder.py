# SPDX-License-Identifier: Apache-2.0
"""Draws a call as a ladder: who sent what to whom, and when.

All of it comes from the capture. A side is known by its port or, for the
outgoing end of a connection, by the identity that it gives.
"""

import os
import re
import sys

import describe
import evidence
import wire
from mikeyread import INITIATOR, RESPONDER

COLUMNS = (10, 32, 54, 76)
WIDTH = 78
INK = {"sip": "36", "kms": "33", "srtp": "32", "dim": "2", "bold": "1",
       "good": "32", "bad": "31"}


def paint(text, ink):
    """Colour for a terminal that wants it; otherwise the text itself."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{INK[ink]}m{text}\x1b[0m"


class Actors:
    """Which of the four columns an address and port belongs to."""

    NAMES = ("Alice", "P-CSCF", "Bob", "KMS")

    def __init__(self, network):
        self._ports = {network.proxy_port: 1, network.kms_port: 3}
        self._users = {}
        for column, name in ((0, "alice"), (2, "bob")):
            self._ports[network.listen[name]] = column
            self._users[network.users[name].identity] = column

    def learn(self, message):
        """Who sends a request to the proxy or the KMS tells its name."""
        port = message.source[1]
        if message.is_request and self.column(message.target) in (1, 3):
            who = self._users.get(_asking(message))
            if who is not None:
                self._ports.setdefault(port, who)
        elif message.is_request:
            # What calls a phone and is not one itself is the proxy.
            self._ports.setdefault(port, 1)
        for media in wire.media_ports([message.body]):
            # Of a body that travels twice the first copy counts: the call
            # goes from left to right, so an offer is Alice's.
            self._ports.setdefault(media, 0 if message.is_request else 2)

    def column(self, end):
        return self._ports.get(end[1])


def _asking(message):
    """The identity in a SIP From or in the MIKEY message of a POST."""
    found = re.search(r"<?(sips?:[^;>\s]+)", message.header("from", "f"))
    if found:
        return found[1]
    mikey = evidence.carried(message)
    asking = mikey and (mikey.payloads.one("IDR", INITIATOR)
                        or mikey.payloads.one("IDR", RESPONDER))
    return asking["value"].decode(errors="replace") if asking else None


class Ladder:
    """Collects the lines of one ladder."""

    def __init__(self, names=Actors.NAMES):
        self.lines = [self._titles(names), self._rails()]

    @staticmethod
    def _titles(names):
        row = [" "] * (WIDTH + 2)
        for column, name in zip(COLUMNS, names):
            start = min(column - len(name) // 2, WIDTH - len(name) + 1)
            row[start:start + len(name)] = name
        return paint("".join(row).rstrip(), "bold")

    @staticmethod
    def _rails(time=""):
        row = list(f"{time:>8}".ljust(WIDTH))
        for column in COLUMNS:
            row[column] = "|"
        return "".join(row).rstrip()

    def arrow(self, time, start, end, label, ink, line="-", both=False):
        """An arrow from one column to another with its label inside."""
        left, right = sorted((COLUMNS[start], COLUMNS[end]))
        room = right - left - 1
        if len(label) + 4 <= room:
            label = f" {label} "
        start_at = (room - len(label)) // 2
        shaft = (line * start_at + label).ljust(room, line)
        head = shaft[1:] if start > end or both else shaft
        if start > end or both:
            head = "<" + head
        if start < end or both:
            head = head[:-1] + ">"
        row = self._rails(f"{time:8.3f}")
        self.lines.append(row[:left + 1] + paint(head, ink) + row[right:])

    def note(self, text):
        """A line of explanation between the outer rails."""
        room = COLUMNS[-1] - COLUMNS[0] - 3
        if len(text) > room:
            text = text[:room - 2] + ".."
        line = " " * COLUMNS[0] + ":  " + text.ljust(room) + ":"
        self.lines.append(paint(line, "dim"))

    def text(self):
        return "\n".join(self.lines)


# --- what goes into the ladder -------------------------------------------


def _label(message):
    """How a message is called on its arrow."""
    first = message.start_line.split(" ")
    if not message.is_request:
        return " ".join(first[1:])[:18]
    if message.start_line.endswith("HTTP/1.1"):
        return "POST " + first[1].rpartition("=")[2]
    return first[0]


class _Drawer:
    """Puts messages and media into one ladder in the order of time."""

    def __init__(self, actors, zero):
        self.ladder = Ladder()
        self._actors = actors
        self._zero = zero
        self._shown = set()

    def message(self, message):
        source = self._actors.column(message.source)
        target = self._actors.column(message.target)
        label = _label(message)
        if None in (source, target) or label.startswith("100"):
            return
        self.ladder.arrow(message.time - self._zero, source, target, label,
                          "sip" if message.is_sip else "kms")
        self._explain(evidence.carried(message))

    def _explain(self, mikey):
        if mikey is None:
            return
        if mikey.raw in self._shown:
            self.ladder.note(f"the same {mikey.name}, octet for octet")
        else:
            self._shown.add(mikey.raw)
            for text in describe.lines(mikey):
                self.ladder.note(text)

    def media(self, streams):
        first = min(s[0].time for s in streams)
        self.ladder.arrow(first - self._zero, 0, 2, "SRTP", "srtp", "=",
                          both=True)
        for packets in streams:
            name = Actors.NAMES[self._actors.column(packets[0].target)]
            octets = sum(len(p.payload) for p in packets)
            seconds = packets[-1].time - packets[0].time
            self.ladder.note(f"to {name}: {len(packets)} packets, {octets} "
                             f"octets in {seconds:.2f} s, SSRC "
                             f"{packets[0].payload[8:12].hex()}")


def _media_by_target(packets, actors):
    streams = {}
    for packet in packets:
        if actors.column(packet.target) in (0, 2):
            streams.setdefault(packet.target, []).append(packet)
    return list(streams.values())


def draw(network, messages, media):
    """The ladder of a call.

    `messages` are its SIP and HTTP messages by time, `media` the captured
    packets to the ports of its SDP.
    """
    actors = Actors(network)
    for message in messages:
        actors.learn(message)
    drawer = _Drawer(actors, messages[0].time)
    streams = _media_by_target(media, actors)
    start = min((s[0].time for s in streams), default=None)
    for message in messages:
        if streams and message.time > start:
            drawer.media(streams)
            streams = []
        drawer.message(message)
    return drawer.ladder.text()

