#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python reader reproduces every vector, and refuses what was changed.

The C tests read the same files of tests/vectors/, so both readers are held
to one set of octets.
"""

import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import harness  # noqa: E402
import mikeykeys as keys  # noqa: E402
import mikeyread  # noqa: E402
import srtpread  # noqa: E402
from evidence import Initiator, Responder  # noqa: E402
from mikeyread import INITIATOR, RESPONDER, MikeyError  # noqa: E402


def octets(value):
    """Hex to octets, through nested lists and dictionaries."""
    if isinstance(value, dict):
        return {name: octets(v) for name, v in value.items()}
    if isinstance(value, str):
        return bytes.fromhex(value)
    return value


def vectors(name):
    return json.loads((HERE / "vectors" / name).read_text())


class Primitives(unittest.TestCase):
    """Sections 9 and 11.1: the parts everything else stands on."""

    def test_both_prfs_for_every_key_length(self):
        given = vectors("prf.json")
        label = bytes.fromhex(given["label"])
        for case in given["cases"]:
            got = keys.prf(case["PRF"], bytes.fromhex(case["inkey"]), label,
                           given["outkey bits"] // 8)
            self.assertEqual(got.hex(), case["outkey"])

    def test_prf_agrees_with_the_tls_vector(self):
        given = vectors("prf-tls12.json")
        got = keys.prf(given["PRF"], bytes.fromhex(given["inkey"]),
                       bytes.fromhex(given["label"]),
                       given["outkey bits"] // 8)
        self.assertEqual(got.hex(), given["outkey"])

    def test_aes_key_wrap(self):
        for case in vectors("aes-kw.json")["cases"]:
            case.pop("name")
            v = octets(case)
            got = keys.aes_unwrap(v["KEK"], v["A0"], v["ciphertext"])
            self.assertEqual(got, v["plaintext"])

    def test_srtp_key_derivation(self):
        given = vectors("srtp-kdf.json")
        given.pop("section")
        v = octets(given)
        for label, name in enumerate(("cipher key", "auth key",
                                      "cipher salt")):
            got = srtpread.kdf(v["master key"], v["master salt"], label,
                               len(v[name]))
            self.assertEqual(got, v[name], name)

    def test_messages_of_rfc_4567_parse(self):
        given = vectors("rfc4567.json")
        for side in ("offer", "answer"):
            v = given[side]
            message = mikeyread.parse(bytes.fromhex(v["message"]))
            self.assertEqual([p.kind for p in message.payloads],
                             v["payloads"])
            self.assertEqual(f"{message.csb_id:08x}", v["CSB ID"])
            self.assertEqual(message.payloads.one("ID")["value"].decode(),
                             v["ID"])
            self.assertEqual(message.payloads[-1]["mac"].hex(), v["MAC"])


class Exchange:
    """Section 11.2 or 11.3: the whole exchange in one suite."""

    FILE = ""

    def setUp(self):
        given = vectors(self.FILE)
        self.given = octets(given["inputs"])
        self.derived = octets(given["derived"])
        self.octets = octets(given["octets"])
        self.suite = given
        self.raw = octets(given["messages"])
        self.messages = {n: mikeyread.parse(r) for n, r in self.raw.items()}
        (self.request_init, self.request_resp, self.transfer_init,
         self.resolve_init, self.resolve_resp,
         self.transfer_resp) = list(self.messages.values())[:6]

    def check(self, name, got):
        self.assertEqual(got.hex(), self.derived[name].hex(), name)

    def initiator(self):
        return Initiator(self.request_init, self.request_resp,
                         self.given["PSK(I,KMS)"])

    def responder(self):
        return Responder(self.resolve_init, self.resolve_resp,
                         self.given["PSK(R,KMS)"])

    def test_ticket_opens_with_its_key(self):
        ticket = self.request_resp.payloads.one("TICKET")
        rand = ticket["ticket"].one("RAND")["value"]
        self.assertEqual(rand, self.given["RAND of ticket"])
        guard = keys.ticket_protection(self.given["TPK"], ticket["prf"], rand)
        encr, salt = guard.encr(self.suite["Encr alg"])
        self.check("K5 ticket encr_key", encr)
        self.check("K5 ticket salt_key", salt)
        self.check("K5 ticket auth_key", guard.auth(self.suite["Auth alg"]))
        self.check("ticket MAC", ticket["ticket"].one("V")["mac"])
        mpk, tgk = keys.open_ticket(self.request_resp, self.given["TPK"])
        self.assertEqual((mpk.kind, mpk.key), ("MPK", self.given["MPK"]))
        self.assertEqual((tgk.kind, tgk.key), ("TGK", self.given["TGK"]))
        mpki, mpkr = keys.split_mpk(mpk.key, ticket["prf"], rand)
        self.check("K6 MPKi", mpki)
        self.check("K6 MPKr", mpkr)

    def test_request_protection(self):
        psk = self.given["PSK(I,KMS)"]
        first = keys.initial_protection(self.request_init, psk)
        self.check("K1 auth, REQUEST_INIT", first.auth(self.suite["Auth alg"]))
        second = keys.message_protection(
            psk, self.request_resp, 2, self.request_init.rand(INITIATOR))
        self.check_response(second, "REQUEST_RESP")

    def test_resolve_protection(self):
        psk = self.given["PSK(R,KMS)"]
        first = keys.initial_protection(self.resolve_init, psk)
        self.check("K1 auth, RESOLVE_INIT", first.auth(self.suite["Auth alg"]))
        second = keys.message_protection(
            psk, self.resolve_resp, 2, b"", self.resolve_init.rand(RESPONDER))
        self.check_response(second, "RESOLVE_RESP")

    def check_response(self, guard, name):
        encr, salt = guard.encr(self.suite["Encr alg"])
        self.check(f"K2 encr, {name}", encr)
        self.check(f"K2 salt, {name}", salt)
        self.check(f"K2 auth, {name}", guard.auth(self.suite["Auth alg"]))

    def test_initiator_derives_the_call(self):
        side = self.initiator()
        self.check("K6 MPKi", side.mpki)
        self.check("K6 MPKr", side.mpkr)
        guard = keys.initial_protection(self.transfer_init, side.mpki)
        self.check("K1 auth, TRANSFER_INIT (MPKi)",
                   guard.auth(self.suite["Auth alg"]))
        call = side.call(self.transfer_init, self.transfer_resp)
        self.check_call(call)

    def test_responder_derives_the_same_call(self):
        side = self.responder()
        self.assertEqual(side.mpki, self.derived["K6 MPKi"])
        self.check_call(side.call(self.transfer_init, self.transfer_resp))

    def check_call(self, call):
        self.check("K0 MPKr'", call.mpkr)
        self.check("K0 TGK'", call.tgk.key)
        guard = keys.transfer_protection(self.transfer_init,
                                         self.transfer_resp, call.mpkr)
        self.check("K2 auth, TRANSFER_RESP (MPKr')",
                   guard.auth(self.suite["Auth alg"]))
        salt = self.given["master salt (in Key Data type 1)"]
        length = len(self.given["TGK"])
        for cs_id, ssrc in ((1, 0x11223344), (2, 0x55667788)):
            stream = call.streams[ssrc]
            self.check(f"TEK of CS {cs_id} (K3)", stream.master)
            self.assertEqual(stream.salt, salt)
            self.assertEqual(stream.policy.encr_length, length)

    def test_initiator_data_verifies_at_both_ends(self):
        mpkr = self.derived["K6 MPKr"]
        keys.check_initiator_data(self.transfer_init, mpkr)
        keys.check_initiator_data(self.resolve_init, mpkr)
        vi, vr = self.transfer_init.payloads.one("TICKET")["initiator"]
        self.check("MAC of TRANSFER_INIT (= Vi)", vi["mac"])
        self.check("MAC of Vr", vr["mac"])
        guard = keys.Protection(self.suite["PRF"], mpkr, 4, b"")
        self.check("K4 auth of Vr", guard.auth(self.suite["Auth alg"]))

    def test_every_wrong_key_is_refused(self):
        wrong = bytes(len(self.given["TGK"]))
        with self.assertRaises(keys.MacError):
            Initiator(self.request_init, self.request_resp, wrong)
        with self.assertRaises(keys.MacError):
            Responder(self.resolve_init, self.resolve_resp, wrong)
        with self.assertRaises(keys.MacError):
            keys.open_ticket(self.request_resp, wrong)

    def test_every_changed_octet_is_refused(self):
        """One octet changed in any message ends the derivation."""
        for name in list(self.raw)[:6]:
            for at in range(len(self.raw[name])):
                with self.subTest(message=name, octet=at):
                    self.refuses_change(name, at)

    def refuses_change(self, name, at):
        changed = bytearray(self.raw[name])
        changed[at] ^= 0x40
        with self.assertRaises(MikeyError):
            messages = dict(self.messages,
                            **{name: mikeyread.parse(changed)})
            self.derive_everything(*list(messages.values())[:6])

    def derive_everything(self, request_init, request_resp, transfer_init,
                          resolve_init, resolve_resp, transfer_resp):
        """All that Alice, the KMS and Bob check between them."""
        caller = Initiator(request_init, request_resp,
                           self.given["PSK(I,KMS)"])
        keys.check_ticket(resolve_init, self.given["TPK"])
        keys.check_initiator_data(resolve_init, caller.mpkr)
        callee = Responder(resolve_init, resolve_resp,
                           self.given["PSK(R,KMS)"])
        keys.check_initiator_data(transfer_init, caller.mpkr)
        callee.call(transfer_init, transfer_resp)
        caller.call(transfer_init, transfer_resp)


class Exchange128(Exchange, unittest.TestCase):
    """Section 11.2 also shows what stands between the keys."""

    FILE = "exchange-128.json"

    def test_plain_key_data(self):
        guard = keys.check_ticket(self.request_resp, self.given["TPK"])
        ticket = self.request_resp.payloads.one("TICKET")["ticket"]
        self.check_plain("ticket", guard, ticket)

    def check_plain(self, name, guard, chain):
        encr, salt = guard.encr(self.suite["Encr alg"])
        block = keys.counter_block(salt, guard.csb_id,
                                   keys.time64(chain.one("T")))
        self.assertEqual(block, self.octets[f"IV of {name}"])
        data = chain.one("KEMAC")["data"]
        self.assertEqual(
            data, self.octets[f"Key Data chain in {name}, encrypted"])
        self.assertEqual(keys.aes_ctr(encr, block, data),
                         self.octets[f"Key Data chain in {name}, plain"])

    def test_plain_request_resp(self):
        guard = keys.message_protection(
            self.given["PSK(I,KMS)"], self.request_resp, 2,
            self.request_init.rand(INITIATOR))
        self.check_plain("REQUEST_RESP", guard, self.request_resp.payloads)

    def test_octets_of_the_parts(self):
        init, resp = self.transfer_init, self.transfer_resp
        for message, name in ((init, "INIT"), (resp, "RESP")):
            wanted = self.octets[f"CS map of TRANSFER_{name}"]
            self.assertEqual(message.raw[10:10 + len(wanted)], wanted)
        ticket = init.payloads.one("TICKET")
        wanted = self.octets["Initiator Data"]
        start = ticket["initiator data at"]
        self.assertEqual(init.raw[start:ticket.end], wanted)


class Exchange256(Exchange, unittest.TestCase):
    """Section 11.3 goes on with a CSB update and an Error."""

    FILE = "exchange-256.json"

    def update_guard(self):
        """An update has the keys of the last message before it."""
        return keys.transfer_protection(self.transfer_init,
                                        self.transfer_resp,
                                        self.derived["K0 MPKr'"])

    def test_csb_update(self):
        init = self.messages["CSB-update TRANSFER_INIT"]
        resp = self.messages["CSB-update TRANSFER_RESP"]
        guard = self.update_guard()
        encr, salt = guard.encr(self.suite["Encr alg"])
        self.check("K2 encr (MPKr'), used in CSB update", encr)
        self.check("K2 salt (MPKr'), used in CSB update", salt)
        tail = b"sip:alice@example.comsip:bob@example.com"
        keys.check_message(init, guard, tail)
        keys.check_message(resp, guard, init.raw)
        plain = self.octets["Key Data chain in CSB update, plain"]
        self.assertEqual(guard.decrypt(init.payloads.one("KEMAC"),
                                       init.payloads.one("T")),
                         mikeyread.parse_keys(plain))

    def test_authenticated_error(self):
        numbers = keys.check_error(self.messages["Error"],
                                   self.transfer_init,
                                   self.derived["K6 MPKi"])
        self.assertEqual(numbers, [10])


class Srtp(unittest.TestCase):
    """What the vectors leave open: counters that roll over, tampering."""

    def setUp(self):
        self.sender = srtpread.Stream(bytes(range(16)), bytes(range(14)))
        self.reader = srtpread.Stream(bytes(range(16)), bytes(range(14)))

    def protect(self, index, payload):
        """The sending side, which the lab itself never needs."""
        head = (b"\x80\x00" + (index & 0xFFFF).to_bytes(2, "big")
                + bytes(4) + b"\x11\x22\x33\x44")
        sender = self.sender
        octets = head + sender._decrypt(payload, 0x11223344, index)
        key = sender._key(srtpread.AUTH_LABEL, 20, index)
        covered = octets + (index >> 16).to_bytes(4, "big")
        return octets + srtpread.hmac.digest(key, covered, "sha1")[:10]

    def test_sequence_number_rolls_over(self):
        order = [0xFFFE, 0x10001, 0xFFFF, 0x10000, 0x10002]
        for index in order:
            packet = self.protect(index, bytes([index & 0xFF]))
            self.reader.open(packet)
        self.assertEqual(sorted(self.reader.packets), sorted(order))
        self.assertEqual(self.reader.audio(), b"\xfe\xff\x00\x01\x02")

    def test_changed_packet_is_refused(self):
        packet = bytearray(self.protect(7, b"audio"))
        for at in range(12, len(packet)):
            changed = bytearray(packet)
            changed[at] ^= 1
            with self.assertRaises(srtpread.SrtpError):
                self.reader.open(bytes(changed))


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main()
