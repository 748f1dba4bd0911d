#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second implementation keeps its own promises.

That it reproduces the published vectors is in test_mikeyread.py; here it is
turned against itself: what it writes it reads, what is changed it refuses.
"""

import json
import pathlib
import random
import sys
import unittest
from dataclasses import replace

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import carriage  # noqa: E402
import harness  # noqa: E402
import mikeycheck  # noqa: E402
import mikeykeys as keys  # noqa: E402
import mikeypk as pk  # noqa: E402
import mikeyread  # noqa: E402
import mikeyrules  # noqa: E402
import mikeytree  # noqa: E402
import mikeywrite as write  # noqa: E402
import randommsg  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding  # noqa: E402
from mikeyread import KeyData, MikeyError  # noqa: E402

VECTORS = HERE.parent / "docs" / "vectors"
STEP = 61  # octets between changes: a prime, so all kinds of fields are hit


def vector(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def message(*parts, name="TRANSFER_INIT", **header):
    header = {"csb_id": 1, "prf": 0, **header}
    return write.message(name, list(parts), **header)


def idr(role=2):
    return write.idr(role, "sip:bob@example.com")


def keep_the_rules(test, one):
    """Rules of RFC 6043 for one message of a vector."""
    mikeyrules.check(one.message)
    if not one.init:
        return
    init = one.init.message
    mikeyrules.check_pair(init, one.message)
    if init.rand(1) or init.rand(2):  # an update has none
        mikeyrules.check_key_lengths(
            init, [bytes.fromhex(k["key"]) for k in one.given["keys"]])
    test.assertEqual(one.message.csb_id, init.csb_id)


class RoundTrip(unittest.TestCase):
    """Every payload comes back with the values it was made of."""

    def back(self, part, **header):
        found = mikeyread.parse(message(part, **header)).payloads
        return found[0]

    def test_payloads_of_rfc_3830(self):
        for part, wanted in (
                (write.kemac(1, b"abc", 1, bytes(20)),
                 {"encr alg": 1, "data": b"abc", "mac alg": 1,
                  "mac": bytes(20)}),
                (write.pke(b"xyz", 2), {"cache": 2, "value": b"xyz"}),
                (write.dh(1, bytes(96), write.spi(b"\7")),
                 {"group": 1, "value": bytes(96), "spi": b"\7"}),
                (write.sign(15, b"s" * 4095),
                 {"alg": 15, "value": b"s" * 4095}),
                (write.timestamp(2, 7), {"type": 2, "value": b"\0\0\0\7"}),
                (write.identity(0, "a@b"), {"type": 0, "value": b"a@b"}),
                (write.cert(1, b"http://x"),
                 {"type": 1, "value": b"http://x"}),
                (write.chash(2, bytes(32)),
                 {"function": 2, "value": bytes(32)}),
                (write.v(2, bytes(32)), {"alg": 2, "mac": bytes(32)}),
                (write.sp(9, {13: b"\0\4", 0: 6}, 1),
                 {"policy": 9, "protocol": 1,
                  "parameters": {13: b"\0\4", 0: b"\6"}}),
                (write.rand(b"r" * 255), {"value": b"r" * 255}),
                (write.err(15), {"number": 15}),
                (write.ext(1, b"mikey"), {"type": 1, "value": b"mikey"})):
            payload = self.back(part, name="PSK_INIT")
            self.assertEqual({k: payload[k] for k in wanted}, wanted)

    def test_payloads_of_rfc_6043(self):
        policy = write.policy_octets("DFHMO", 1, [idr()], (61440, 2, 3), 21)
        for part, wanted in (
                (write.tr(4, 3, 3600),
                 {"role": 4, "type": 3, "value": b"\0\0\x0e\x10"}),
                (write.idr(254, b"\0", 2),
                 {"role": 254, "type": 2, "value": b"\0"}),
                (write.randr(3, b""), {"role": 3, "value": b""}),
                (write.tp(policy),
                 {"type": (61440, 2, 3), "prf": 1, "flags": "DFHMO"}),
                (write.ticket(policy, b"opaque", write.initiator_data(
                    1, bytes(20), bytes(20))),
                 {"data": b"opaque", "flags": "DFHMO"})):
            payload = self.back(part)
            self.assertEqual({k: payload[k] for k in wanted}, wanted)

    def test_every_kind_of_key(self):
        for n, kind in enumerate(mikeyread.KEY_TYPES):
            salt = b"salt" if kind.endswith("SALT") else None
            for validity, spi, interval in ((0, b"", (b"", b"")),
                                            (1, b"spi", (b"", b"")),
                                            (2, b"", (b"from", b"to"))):
                key = KeyData(kind.split("+")[0], b"k" * (16 + n), salt, spi,
                              validity, interval)
                self.assertEqual(mikeyread.parse_keys(write.keys(key, key)),
                                 [key, key])

    def test_maps(self):
        old = mikeyread.parse(message(
            name="PSK_INIT", cs_map=write.srtp_id_map((7, 8, 9)))).sessions
        self.assertEqual([(s.cs_id, s.policies, s.ssrc, s.roc) for s in old],
                         [(1, (7,), 8, 9)])
        entry = write.generic_id(200, (3, 4), write.session_data(5, 6, 7),
                                 b"mki", True)
        new = mikeyread.parse(message(
            cs_map=write.generic_id_map(entry, write.generic_id(0))))
        first, second = new.sessions
        self.assertEqual((first.cs_id, first.policies, first.ssrc, first.roc,
                          first.sequence, first.spi),
                         (200, (3, 4), 5, 6, 7, b"mki"))
        self.assertEqual((second.ssrc, second.spi), (None, b""))

    def test_what_has_no_encoding_is_refused(self):
        for make in (lambda: write.rand(bytes(256)),
                     lambda: write.pke(bytes(16384)),
                     lambda: write.sign(0, bytes(4096)),
                     lambda: write.generic_id(1, bytes(128)),
                     lambda: write.dh(0, bytes(191)),
                     lambda: write.timestamp(0, bytes(4)),
                     lambda: write.ext(1, bytes(65536))):
            self.assertRaises(MikeyError, make)


class Strictness(unittest.TestCase):
    """What the reader refuses although each payload can be read."""

    def refuses(self, *parts):
        with self.assertRaises(MikeyError):
            mikeyread.parse(message(*parts))

    def test_nothing_stands_behind_v(self):
        v = write.v(1, bytes(20))
        for part in (write.sp(0, {}), write.ext(1, b"mikey"),
                     write.err(1), write.cert(0, b"x"), idr()):
            self.refuses(v, part)

    def test_a_policy_number_names_one_policy(self):
        mikeyread.parse(message(write.sp(1, {}), write.sp(2, {})))
        self.refuses(write.sp(1, {}), write.sp(1, {0: 1}))


class Primitives(unittest.TestCase):
    """What is made by hand equals what others make."""

    def test_aes_key_wrap(self):
        text = (HERE / "vectors" / "aes-kw.json").read_text()
        for case in json.loads(text)["cases"]:
            kek, initial, plain = (bytes.fromhex(case[n]) for n in (
                "KEK", "A0", "plaintext"))
            self.assertEqual(keys.aes_wrap(kek, initial, plain).hex(),
                             case["ciphertext"])

    def test_rsa_signature_is_that_of_the_library(self):
        key = pk.load_key((mikeycheck.TESTKEYS / "bob-rsa.pem").read_bytes())
        for name, method in (("SHA-1", hashes.SHA1()),
                             ("SHA-256", hashes.SHA256())):
            self.assertEqual(pk.sign_pkcs1(key, b"text", name),
                             key.sign(b"text", padding.PKCS1v15(), method))

    def test_rfc_6979_vector(self):
        """A.2.5, P-256 with SHA-256 and "sample"."""
        secret = int("C9AFA9D845BA75166B5C215767B1D693"
                     "4E50C3DB36E89B127B8A622B120F6721", 16)
        made = pk.sign_ecdsa(ec.derive_private_key(secret, ec.SECP256R1()),
                             b"sample")
        self.assertEqual(
            made.hex().upper(),
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")

    def test_diffie_hellman_primes_are_safe_primes(self):
        for prime in pk.DH_PRIMES.values():
            for value in (prime, prime // 2):
                self.assertEqual(pow(3, value - 1, value), 1)

    def test_both_sides_share_a_secret(self):
        for group in pk.DH_PRIMES:
            one, other = 0x1234567 << 200, 0x89ABCDE << 190
            self.assertEqual(
                pk.dh_shared(group, one, pk.dh_public(group, other)),
                pk.dh_shared(group, other, pk.dh_public(group, one)))
            with self.assertRaises(MikeyError):
                pk.dh_shared(group, one, b"\1")


class Random(unittest.TestCase):
    def test_random_messages_are_read_and_covered(self):
        rng, seen = random.Random(3830), set()
        for _ in range(500):
            raw = randommsg.message(rng)
            with self.subTest(raw=raw.hex()[:400]):
                found = mikeyread.parse(raw)
                mikeytree.fields(found.trace)
                seen |= {p.kind for p in found.payloads} | {found.name}
                for wrong in (raw[:-1], raw + b"\0"):
                    self.assertRaises(MikeyError, mikeyread.parse, wrong)
        self.assertLessEqual(set(mikeyread.MESSAGES.values()), seen)
        self.assertLessEqual(set(mikeyread.CODES) - {"TR"}, seen)

    def test_a_seed_names_a_message_and_an_exchange(self):
        for make in (randommsg.message, randommsg.exchange):
            self.assertEqual(make(random.Random(6043)),
                             make(random.Random(6043)))

    def test_random_exchanges_hold(self):
        for seed in range(40):
            with self.subTest(seed=seed):
                made = randommsg.exchange(random.Random(seed))
                for one in mikeycheck.check_vector(
                        json.loads(json.dumps(made))):
                    keep_the_rules(self, one)


class Vectors(unittest.TestCase):
    def test_they_keep_the_rules(self):
        for path in sorted(VECTORS.glob("*.json")):
            with self.subTest(path.stem):
                given = json.loads(path.read_text())
                for one in mikeycheck.check_vector(given):
                    keep_the_rules(self, one)

    def test_every_change_of_a_proven_message_is_found(self):
        """One octet changed: no MAC, no signature, no form holds."""
        for path in sorted(VECTORS.glob("*-128.json")):
            given = json.loads(path.read_text())
            for number, one in enumerate(given["messages"]):
                if one["mac"] or one["signature"]:
                    self.refuses_changes(path.stem, given, number)

    def refuses_changes(self, name, given, number):
        before, right = [], given["messages"][number]["octets"]
        for n in range(number):
            before.append(mikeycheck.Checked(given, n, list(before)))
        for at in range(number % STEP, len(right) // 2, STEP):
            changed = bytearray.fromhex(right)
            changed[at] ^= 0x20
            given["messages"][number]["octets"] = changed.hex()
            with self.subTest(name, message=number, octet=at):
                with self.assertRaises(MikeyError):
                    mikeycheck.Checked(given, number, before).check_proofs()
        given["messages"][number]["octets"] = right


class Rules(unittest.TestCase):
    """What may be read, but not sent."""

    def refuses(self, *parts, **header):
        with self.assertRaises(MikeyError):
            mikeyrules.check(mikeyread.parse(message(*parts, **header)))

    def test_missing_and_misplaced_payloads(self):
        at, v = write.timestamp(0, bytes(8)), write.v(1, bytes(20))
        mikeyrules.check(mikeyread.parse(message(at, v)))
        self.refuses(v)
        self.refuses(at)
        self.refuses(at, v, name="REQUEST_INIT_PSK")
        self.refuses(at, write.randr(1, bytes(15)), v)
        self.refuses(at, v, cs_map=write.srtp_id_map((0, 1, 0)))
        self.refuses(at, write.kemac(1, b"", 1, bytes(20)), v)
        self.refuses(at, write.kemac(3, b""), v)
        self.refuses(at, write.kemac(0, b""), v)

    def test_algorithms_of_one_strength(self):
        """The PRF counts, too (R278)."""
        at = write.timestamp(0, bytes(8))
        for prf, alg, length in ((0, 1, 20), (1, 2, 32)):
            v = write.v(alg, bytes(length))
            mikeyrules.check(mikeyread.parse(message(at, v, prf=prf)))
            self.refuses(at, v, prf=1 - prf)
            self.refuses(at, v, prf=2)

    def test_keys_in_a_kemac(self):
        """R38, R39, R213, R271; AMB 14, AMB 15."""
        mpk = KeyData("MPK", bytes(16), None, b"\1")
        tgk = KeyData("TGK", bytes(16), None, b"\2")
        resp = mikeyread.parse(message(name="RESOLVE_RESP"))
        transfer = mikeyread.parse(message())

        def refuses(of, *found, forks=False):
            with self.assertRaises(MikeyError):
                mikeyrules.check_keys(of, list(found), forks)
        mikeyrules.check_keys(resp, [mpk, tgk])
        mikeyrules.check_keys(resp, [mpk, mpk, tgk], True)
        mikeyrules.check_keys(transfer, [tgk])
        refuses(resp, tgk)
        refuses(resp, mpk, tgk, forks=True)
        refuses(resp, mpk, mpk)
        refuses(transfer, mpk)
        refuses(transfer, tgk, tgk)
        for wrong in (replace(tgk, key=bytes(15)), replace(tgk, spi=b""),
                      replace(tgk, validity=0), replace(tgk, kind="K_PR")):
            refuses(transfer, wrong)

    def test_what_an_update_may_not_bring(self):
        at, v = write.timestamp(0, bytes(8)), write.v(1, bytes(20))
        policy = write.policy_octets("DFHM", 0, [idr()], (61440, 1, 1))
        first = mikeyread.parse(message(at, write.ticket(policy, b""), v))
        kemac = write.kemac(1, b"key")

        def update(*parts, **header):
            mikeyrules.check_update(first, mikeyread.parse(
                message(*parts, **header)), "L")
        update(at, v)
        mikeyrules.check_update(
            first, mikeyread.parse(message(at, kemac, v)), "M")
        for parts in ((at, kemac, v), (at, write.randr(1, bytes(16)), v),
                      (at, write.ticket(policy, b""), v)):
            with self.assertRaises(MikeyError):
                update(*parts)
        with self.assertRaises(MikeyError):
            update(at, v, csb_id=2)

    def test_a_rand_of_another_role_is_not_in_the_label(self):
        """R147, R148: RANDRr means nothing in REQUEST_INIT."""
        rands = write.randr(1, b"i" * 16), write.randr(2, b"r" * 16)
        for name, wanted in (("REQUEST_INIT_PSK", (b"i" * 16, b"")),
                             ("TRANSFER_INIT", (b"i" * 16, b"")),
                             ("RESOLVE_INIT_PSK", (b"", b"r" * 16))):
            made = mikeyread.parse(message(*rands, name=name))
            self.assertEqual(keys.exchange_rands(made), wanted)

    def test_flags_that_exclude_each_other(self):
        for flags in ("", "L", "DG", "DHI", "HKL", "DHM"):
            policy = write.policy_octets(flags, 0, [idr()])
            with self.assertRaises(MikeyError, msg=flags):
                mikeyread.parse(message(write.tp(policy)))

    def test_policies_nobody_may_make(self):
        at, v = write.timestamp(0, bytes(8)), write.v(1, bytes(20))
        rand = write.randr(1, bytes(16))
        key = KeyData("TGK", bytes(16), None, b"\1")
        for parts in ([], [write.tr(4, 0, bytes(8)), idr()],
                      [write.tr(2, 2, bytes(4)), idr()],
                      [write.kemac(1, b""), idr()],
                      [write.kemac(0, write.keys(KeyData(
                          "TGK", b"\1" * 16, None, b"\1"))), idr()],
                      [write.kemac(0, write.keys(KeyData(
                          "MPK", bytes(16), None, b"\1"))), idr()]):
            policy = write.policy_octets("DH", 0, parts)
            self.refuses(at, rand, write.tp(policy), v,
                         name="REQUEST_INIT_PSK")
        wish = write.policy_octets("DH", 0, [write.kemac(
            0, write.keys(key)), idr()])
        mikeyrules.check(mikeyread.parse(message(
            at, rand, write.tp(wish), v, name="REQUEST_INIT_PSK")))


class Carriage(unittest.TestCase):
    """SDP and RTSP around a message (RFC 4567)."""

    def setUp(self):
        given = vector("policy-128")["messages"][2]
        self.raw = bytes.fromhex(given["octets"])
        self.line = carriage.attribute(self.raw)

    def test_an_attribute_comes_back(self):
        self.assertEqual(carriage.read_attribute(self.line).data, self.raw)
        spaced = self.line.replace(":mikey", ": mikey")
        self.assertEqual(carriage.read_attribute(spaced).data, self.raw)

    def test_attributes_that_are_none(self):
        for wrong in (self.line.replace(":mikey", ":  mikey"),
                      self.line.replace("mikey ", "mikey  "),
                      self.line[:-1] + "!", self.line.rstrip("=") + "=====",
                      "a=key-mgmt:mikey"):
            with self.assertRaises(MikeyError, msg=wrong):
                carriage.read_attribute(wrong)

    def test_a_medium_comes_before_the_session(self):
        other = carriage.attribute(b"other")
        sdp = "\r\n".join(["v=0", self.line, "m=audio 1 RTP/SAVP 0",
                           "m=video 2 RTP/SAVP 96", other,
                           "m=audio 3 RTP/AVP 0", ""])
        session, media = carriage.levels(sdp)
        self.assertEqual([k.data for k in session], [self.raw])
        self.assertEqual([[k.data for k in m] for m in media],
                         [[self.raw], [b"other"], []])

    def test_the_offered_list_is_compared(self):
        ours = carriage.KeyMgmt("mikey", self.raw)
        self.assertEqual(carriage.offer([ours]).name, "TRANSFER_INIT")
        other = carriage.KeyMgmt("keyp1", b"x")
        for wrong in ([ours, other], [other, ours], [ours, ours], [other]):
            with self.assertRaises(MikeyError):
                carriage.offer(wrong)
        silent = vector("mode1-fork-128")["messages"][2]["octets"]
        with self.assertRaises(MikeyError):
            carriage.offer([carriage.KeyMgmt("mikey", bytes.fromhex(silent))])

    def test_rtsp_headers(self):
        uri = "rtsp://movie.example.com/action;a,b"
        made = carriage.header(self.raw, uri)
        wanted = carriage.KeyMgmt("mikey", self.raw, uri)
        self.assertEqual(carriage.read_header(made), [wanted])
        plain = carriage.header(b"x").replace("KeyMgmt", "keymgmt")
        both = made + "," + plain.split(":", 1)[1] + ";"
        self.assertEqual(carriage.read_header(both),
                         [wanted, carriage.KeyMgmt("mikey", b"x")])
        for wrong in ("KeyMgmt: prot=mikey", "Key: prot=mikey; data=eA==",
                      "KeyMgmt: prot=mikey; prot=mikey; data=eA==",
                      'KeyMgmt: prot=mikey; data="eA==',
                      "KeyMgmt: prot=mikey; data=eA==; more=1"):
            with self.assertRaises(MikeyError, msg=wrong):
                carriage.read_header(wrong)

    def test_two_cs_ids_for_each_medium(self):
        self.assertEqual([carriage.cs_ids(n) for n in range(2)],
                         [(1, 2), (3, 4)])


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main()
