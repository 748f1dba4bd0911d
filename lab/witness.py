#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hears a captured call with nothing but one user's shared key.

Given are a capture with the POST bodies, the SIP messages and the SRTP, and
the key that one of the two users shares with the KMS. All else is derived.
The folder that `demo.py --keep` leaves is enough to try it:

    lab/witness.py FOLDER/call.pcap alice-1 FOLDER/alice.psk
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "reference"))

import audio  # noqa: E402
import evidence  # noqa: E402
import g711  # noqa: E402
import srtpread  # noqa: E402
import wire  # noqa: E402
from mikeyread import MikeyError  # noqa: E402

CALLER, CALLEE = "caller", "callee"
CONTENT_TYPE = "application/mikey"
ASKING = {"REQUEST_INIT_PSK": evidence.Initiator,
          "RESOLVE_INIT_PSK": evidence.Responder}


class Recording:
    """What a capture shows to everybody, before any key is known."""

    def __init__(self, path, ports=None):
        packets = wire.read_pcap(path)
        self.messages = wire.text_messages(packets, ports)
        bodies = [m.body for m in self.messages if m.is_sip]
        self.media = wire.media(packets, wire.media_ports(bodies))
        self.init, self.resp = evidence.find_transfer(bodies)
        http = [m for m in self.messages if not m.is_sip]
        self.posts = [(request.body, reply.body)
                      for request, reply in wire.http_exchanges(http)
                      if request.header("content-type") == CONTENT_TYPE]
        # The Initiator sends in the first of each pair of sessions.
        self.ssrcs = {CALLER if s.cs_id % 2 else CALLEE: s.ssrc
                      for s in self.resp.sessions}

    def mikey(self):
        """Every MIKEY message of the capture once, in order."""
        found = {}
        for message in self.messages:
            mikey = evidence.carried(message)
            if mikey:
                found.setdefault(mikey.raw, mikey)
        return list(found.values())

    def packets(self, side):
        """SRTP packets of one side, in the order of arrival."""
        ssrc = self.ssrcs[side].to_bytes(4, "big")
        return [p.payload for p in self.media if p.payload[8:12] == ssrc
                and not 64 <= p.payload[1] & 0x7F < 96]  # that is RTCP

    def side(self, key_id, psk):
        """The exchange with the KMS of the user whose key this is."""
        for name, role in ASKING.items():
            exchange = evidence.find_exchange(self.posts, name, key_id)
            if exchange:
                return role(*exchange, psk)
        raise evidence.EvidenceError(f"{key_id} asked the KMS for nothing")

    def call(self, key_id, psk):
        """The keys of the call as that user's shared key gives them."""
        return self.side(key_id, psk).call(self.init, self.resp)

    def law(self, side):
        """The codec of one side: its RTP payload type."""
        return self.packets(side)[0][1] & 0x7F

    def open(self, side, stream):
        """How many packets of a side the stream opens."""
        opened = 0
        for packet in self.packets(side):
            try:
                stream.open(packet)
                opened += 1
            except srtpread.SrtpError:
                pass
        return opened

    def hear(self, side, call):
        """The speech of one side as samples, and its opened packets."""
        stream = call.streams[self.ssrcs[side]]
        opened = self.open(side, stream)
        return g711.decode(self.law(side), stream.audio()), opened


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("capture", type=pathlib.Path)
    parser.add_argument("key_id", help="name of the shared key (IDRpsk)")
    parser.add_argument("psk_file", type=pathlib.Path, help="the key in hex")
    options = parser.parse_args()
    psk = bytes.fromhex(options.psk_file.read_text())
    recording = Recording(options.capture)
    call = recording.call(options.key_id, psk)
    for side, who in ((CALLER, call.caller), (CALLEE, call.callee)):
        samples, opened = recording.hear(side, call)
        path = options.capture.with_name(f"{side}.wav")
        audio.write_wav(path, samples)
        print(f"{side} {who.decode()}: {opened} of "
              f"{len(recording.packets(side))} packets, {path}")


if __name__ == "__main__":
    try:
        main()
    except (MikeyError, evidence.EvidenceError, OSError) as problem:
        sys.exit(f"witness: {problem}")
