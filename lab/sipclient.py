# SPDX-License-Identifier: Apache-2.0
"""A SIP user agent for tests: says exactly what it is told, over TCP.

A real one is too polite to offer media in the clear or a broken key-mgmt
line, so those tests need one that is not.
"""

import os
import socket

import wire

CRLF = "\r\n"


def sdp(address, port, profile="RTP/SAVP", attributes=()):
    """An SDP body with one audio line and those session attributes."""
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o=- 1 1 IN {family} {address}", "s=-",
             f"c=IN {family} {address}", "t=0 0",
             *(f"a={a}" for a in attributes),
             f"m=audio {port} {profile} 0", "a=rtpmap:0 PCMU/8000",
             "a=sendrecv"]
    return CRLF.join(lines) + CRLF


class SipClient:
    """One user of the proxy, on one TCP connection."""

    def __init__(self, user, domain, proxy, seconds=10.0):
        self.identity = f"sip:{user}@{domain}"
        self._domain = domain
        self._socket = socket.create_connection(proxy, seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = self._socket.getsockname()[:2]
        self.host = f"[{host}]" if ":" in host else host
        self.contact = f"sip:{user}@{self.host}:{port};transport=tcp"
        self._via = f"SIP/2.0/TCP {self.host}:{port};alias"
        self._data = b""
        self._tag = os.urandom(4).hex()

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, start_line, headers, body=""):
        lines = [start_line, *(f"{n}: {v}" for n, v in headers)]
        octets = body.encode()
        if octets:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(octets)}", "", ""]
        self._socket.sendall(CRLF.join(lines).encode() + octets)

    def receive(self):
        """The next message, whole."""
        while True:
            stream = wire.Assembled(self._data)
            message = next(stream.messages(), None)
            if message:
                self._data = self._data[stream.used:]
                return message
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("the proxy closed the connection")
            self._data += more

    def request(self, method, uri, to, body="", sequence=1, extra=()):
        """Send a request; returns its Call-ID."""
        call = os.urandom(8).hex()
        self.send(f"{method} {uri} SIP/2.0", [
            ("Via", f"{self._via};branch=z9hG4bK{os.urandom(8).hex()}"),
            ("Max-Forwards", "70"), ("From", f"<{self.identity}>;tag="
                                             + self._tag),
            ("To", f"<{to}>"), ("Call-ID", call),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", f"<{self.contact}>"), *extra], body)
        return call

    def final(self):
        """Status of the next final response; provisional ones are passed."""
        while True:
            message = self.receive()
            if message.is_request:
                continue
            status = int(message.start_line.split()[1])
            if status >= 200:
                return status, message

    def register(self):
        self.request("REGISTER", f"sip:{self._domain}", self.identity,
                     extra=[("Expires", "600")])
        return self.final()[0]

    def invite(self, uri, body):
        """Offer that body; the final status and its message."""
        self.request("INVITE", uri, uri, body)
        return self.final()

    def answer(self, request, status, reason, body=""):
        """Answer a request as the callee would."""
        to = request.header("to", "t")
        if ";tag=" not in to:
            to += f";tag={self._tag}"
        copied = [("Via", v) for v in request.headers["via"]]
        copied += [("Record-Route", r)
                   for r in request.headers.get("record-route", [])]
        self.send(f"SIP/2.0 {status} {reason}", [
            *copied, ("From", request.header("from", "f")), ("To", to),
            ("Call-ID", request.header("call-id", "i")),
            ("CSeq", request.header("cseq")),
            ("Contact", f"<{self.contact}>")], body)
