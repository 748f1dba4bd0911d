# SPDX-License-Identifier: Apache-2.0
"""mikeytool verify and derive, against docs/vectors/ and the reference.

    python3 tests/test_mikeytool_verify.py BUILD
"""
import hmac
import json
import pathlib
import random
import tempfile
import unittest

from mikeytool_rig import (  # noqa: E402  (takes the build folder)
    HERE, run, vectors)
import mikeykeys as keys  # noqa: E402
import mikeyread  # noqa: E402

PUBLISHED = HERE.parent / "docs" / "vectors"
TESTKEYS = HERE.parent / "reference" / "testkeys"
FILES = ("signer", "kms key", "peer key")
RESPONSES = ("REQUEST_RESP", "RESOLVE_RESP", "TRANSFER_RESP")


def published(name):
    return json.loads((PUBLISHED / f"{name}.json").read_text())


def all_published():
    for path in sorted(PUBLISHED.glob("*.json")):
        yield json.loads(path.read_text())


class Verify(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def secrets(self, message, vector):
        """As somebody would write them down who has the keys."""
        given = dict(message["secrets"])
        if "-pss-" in vector["name"]:  # RSAES-OAEP: not with this GnuTLS
            given.pop("kms key", None)
        for name in FILES:
            if name in given:
                given[name] = str(TESTKEYS / given[name])
        return {**given, "trusted": str(TESTKEYS / "root.pem")}

    def call(self, vector, number, *options, octets=None, secrets=None):
        """verify with all that the vector tells, and what it printed."""
        messages = vector["messages"]
        message = messages[number]
        if secrets is None:
            secrets = self.secrets(message, vector)
        args = ["--keys", self.file("keys.json", json.dumps(secrets))]
        before = message["answers"]
        if before is not None:
            args += ["--init", self.file("init", messages[before]["octets"])]
        first = self.first(messages, number)
        if first is not None:
            args += ["--first", self.file("first", messages[first]["octets"])]
        code, out, err = run("verify", *args, *options, self.file(
            "message", octets or message["octets"]))
        return code, json.loads(out) if out else None, err

    def first(self, messages, number):
        """What an update of RFC 3830, or an Error about a response, goes
        back to."""
        message = messages[number]
        before = message["answers"]
        if message["name"] == "Error":
            return messages[before]["answers"]
        if int(message["octets"][2:4], 16) > 10 or number < 2:
            return None
        return 0 if messages[0]["octets"][8:16] == (
            message["octets"][8:16]) else None

    def checkable(self, message):
        return message["mac"] or message["signature"]

    def test_each_published_message_holds(self):
        count = 0
        for vector in all_published():
            for number, message in enumerate(vector["messages"]):
                with self.subTest(vector["name"], message=number):
                    code, out, err = self.call(vector, number)
                    if not self.checkable(message):
                        self.assertEqual(code, 1)
                        self.assertIn("nothing could be checked", err)
                        continue
                    self.assertEqual((code, err), (0, ""))
                    self.assertTrue(out["holds"])
                    self.assertEqual(out["message"]["value"],
                                     int(message["octets"][2:4], 16))
                    count += 1
        self.assertGreater(count, 300)

    def test_what_was_changed_fails_with_one_line(self):
        for name in ("mode1-fork-128", "update-by-r-256", "errors-128",
                     "rfc3830-psk-128", "rfc3830-pk-256", "mode1-pk-256"):
            vector = published(name)
            for number, message in enumerate(vector["messages"]):
                if not self.checkable(message):
                    continue
                with self.subTest(name, message=number):
                    right = message["octets"]
                    wrong = right[:-1] + format(int(right[-1], 16) ^ 1, "x")
                    code, out, err = self.call(vector, number, octets=wrong)
                    self.assertEqual((code, err.count("\n")), (1, 1))
                    self.assertFalse(out["holds"])
                    self.assertIn(False, [c["holds"] for c in out["checks"]])

    def test_which_check_fails_is_said(self):
        vector = published("mode1-fork-128")
        right = self.secrets(vector["messages"][2], vector)
        other = "00" * 16
        for name, line in (("MPKi", "MPKi of the ticket: does not match"),
                           ("MPKr", "MPKr of the ticket: does not match"),
                           ("TPK", "MAC of the ticket under TPK: auth")):
            code, out, err = self.call(vector, 2, secrets={
                **right, name: other})
            self.assertEqual(code, 1)
            self.assertIn(line, err)
        code, _, err = self.call(vector, 2, secrets={
            "MPKi": right["MPKi"], "MPKr": other})
        self.assertIn("Vr under MPKr: authentication failed", err)
        code, _, err = self.call(vector, 2, secrets={"MPKi": other})
        self.assertIn("V under MPKi: authentication failed", err)

    def test_a_changed_initiator_data_is_told_from_a_changed_message(self):
        vector = published("mode1-fork-128")
        message = vector["messages"][2]
        vi = next(f for f in message["fields"] if f[3] == "Initiator Data")
        at = 2 * (vi[1] + 5)
        octets = message["octets"]
        octets = octets[:at] + ("0" if octets[at] != "0" else "1") + (
            octets[at + 1:])
        _, out, err = self.call(vector, 2, octets=octets)
        held = {c["what"]: c["holds"] for c in out["checks"]}
        self.assertEqual(held["Vi"], False)
        self.assertEqual(held["Vr"], False)
        self.assertIsNone(held["V"])
        self.assertIn("Vr under MPKr", err)

    def test_keys_are_shown_only_if_asked_for(self):
        vector = published("mode1-fork-256")
        for number, message in enumerate(vector["messages"]):
            secrets = self.secrets(message, vector)
            _, out, _ = self.call(vector, number)
            hidden = json.dumps(out)
            _, out, _ = self.call(vector, number, "--show-keys")
            shown = json.dumps(out)
            found = [v for v in secrets.values()
                     if isinstance(v, str) and len(v) == 64]
            found += [k["key"] for k in message["keys"]]
            for key in found:
                self.assertNotIn(key, hidden)
            self.same_keys(message, out)
            if message["kemac"]:
                self.assertIn("Key data", shown)

    def same_keys(self, message, out):
        """The keys that stand in the JSON are those of the vector."""
        for ours, theirs in ((out.get("KEMAC"), message["kemac"]),
                             (out.get("ticket", {}).get("keys"),
                              message["ticket"])):
            if not theirs:
                continue
            found = mikeyread.parse_keys(bytes.fromhex(theirs["plain"]))
            self.assertEqual(
                [(k["Key data"], k.get("Salt data", ""), k["SPI"])
                 for k in ours],
                [(k.key.hex(), (k.salt or b"").hex(), k.spi.hex())
                 for k in found])
        ticket = out.get("ticket")
        if ticket and message["ticket"]:
            self.assertEqual(ticket["MPKi"], message["ticket"]["MPKi"])

    def test_lengths_and_spis_are_always_shown(self):
        vector = published("initiator-keys-128")
        _, out, _ = self.call(vector, 2)
        self.assertEqual(
            [(k["Type"]["name"], k["Key data len"], k["SPI"])
             for k in out["KEMAC"]],
            [("TEK+SALT", 16, "0000000b"), ("GTGK", 16, "0000000c")])

    def test_an_error_about_an_offer_of_rfc_3830_is_checked(self):
        vector = published("rfc3830-psk-128")
        offer, answer = vector["messages"][:2]
        init = bytes.fromhex(offer["octets"])
        head = init[:1] + b"\6\5" + (init[3] & 0x7f).to_bytes(1, "big") + \
            init[4:8] + bytes(2)  # no crypto sessions
        time = init[10 + init[8] * 9:][:10]
        said = head + b"\x0c" + time[1:] + bytes.fromhex("090f0000" "0001")
        key = bytes.fromhex(answer["mac"]["auth_key"])
        mac = hmac.new(key, said, "sha1").digest()
        args = ["--keys", self.file("keys", json.dumps(
            self.secrets(offer, vector))), "--init",
            self.file("init", offer["octets"])]
        code, out, err = run("verify", *args,
                             self.file("error", (said + mac).hex()))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([c["what"] for c in json.loads(out)["checks"]], ["V"])
        code, out, _ = run("verify", *args,
                           self.file("error", (said + mac[::-1]).hex()))
        self.assertEqual(code, 1)

    def test_what_is_not_known_is_not_checked(self):
        vector = published("mode1-fork-128")
        ids = {"identities": vector["messages"][0]["secrets"]["identities"]}
        for number in range(6):
            code, out, err = self.call(vector, number, secrets=ids)
            self.assertEqual((code, out["holds"]), (1, False))
            self.assertEqual({c["holds"] for c in out["checks"]
                              if c["what"] != "Vi"}, {None})
            self.assertIn("nothing could be checked", err)

    def test_the_ticket_key_is_enough_for_all_of_mode_3(self):
        """MPKi and MPKr come out of the ticket, MPKr' out of the answer."""
        vector = published("mode3-256")
        tpk = {"TPK": vector["messages"][0]["secrets"]["TPK"]}
        for number in (0, 3):
            code, out, err = self.call(vector, number, secrets=tpk)
            self.assertEqual((code, err), (0, ""))
            self.assertIn("V", [c["what"] for c in out["checks"]])

    def test_a_message_of_a_vector_is_a_file_of_keys(self):
        vector = published("mode4-128")
        code, _, err = self.call(vector, 0, secrets=vector["messages"][0])
        self.assertEqual((code, err), (0, ""))

    def test_files_count_from_the_folder_of_the_keys(self):
        vector = published("mode1-pk-128")
        for name in ("root.pem", "alice-rsa.pem", "kms-rsa.pem"):
            self.file(name, (TESTKEYS / name).read_text())
        secrets = {**vector["messages"][0]["secrets"], "trusted": "root.pem"}
        code, out, err = self.call(vector, 0, secrets=secrets)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([c["what"] for c in out["checks"]],
                         ["certificate", "SIGN", "PKE"])

    def test_a_certificate_of_a_stranger_is_refused(self):
        vector = published("mode1-pk-128")
        secrets = {**self.secrets(vector["messages"][0], vector),
                   "trusted": str(TESTKEYS / "bob-rsa.pem")}
        code, _, err = self.call(vector, 0, secrets=secrets)
        self.assertEqual(code, 1)
        self.assertIn("certificate: authentication failed", err)

    def test_keys_that_cannot_be_read_are_one_line(self):
        vector = published("mode4-128")
        for secrets, words in (
                ({"MPki": "00"}, "MPKi"), ({"MPKi": "0"}, "hexadecimal"),
                ({"MPKi": ""}, "without octets"),
                ({"MPKi": "00" * 65}, "more than 64"),
                ({"identities": {"x": "y"}}, "x"), ([], ""),
                ({"protect": {}}, "key"), ({"TPK": 1}, "TPK")):
            code, out, err = self.call(vector, 0, secrets=secrets)
            self.assertEqual((code, out, err.count("\n")), (1, None, 1), err)
            self.assertIn(words, err)

    def test_wrong_usage(self):
        code, out, err = run("verify", "message")
        self.assertEqual((code, out), (2, b""))
        self.assertIn("needs --keys", err)
        for args in (["verify"], ["verify", "a", "b"],
                     ["--json", "verify", "a"], ["--keys", "x", "decode"]):
            self.assertEqual(run(*args)[0], 2, args)
        code, out, err = run("--keys", "/no/such", "verify", "a")
        self.assertEqual((code, out, err.count("\n")), (1, b"", 1))

    def test_what_is_no_message_is_one_line(self):
        path = self.file("keys.json", "{}")
        code, out, err = run("--keys", path, "verify", "-", stdin=b"0102")
        self.assertEqual((code, out, err.count("\n")), (1, b"", 1))
        self.assertIn("not well-formed", err)


class Derive(unittest.TestCase):
    def derive(self, which, **arguments):
        words = [f"{n}={v}" for n, v in arguments.items() if v is not None]
        code, out, err = run("derive", which, *words, "--json")
        self.assertEqual((code, err), (0, ""), words)
        return json.loads(out)

    def key(self, which, **arguments):
        return self.derive(which, **arguments)["key"]

    def test_the_derivations_of_the_published_example(self):
        for suite, prf in (("128", 0), ("256", 1)):
            given = vectors(f"exchange-{suite}")
            inputs, want = given["inputs"], given["derived"]
            rand, bob = inputs["RAND of ticket"], "sip:bob@example.com"
            for use, name in (("encr", "K5 ticket encr_key"),
                              ("auth", "K5 ticket auth_key"),
                              ("salt", "K5 ticket salt_key")):
                self.assertEqual(want[name], self.key(
                    "K5", key=inputs["TPK"], RAND=rand, PRF=prf, **{
                        "for": use}))
            mpki, mpkr = (self.key("K6", key=inputs["MPK"], RAND=rand,
                                   PRF=prf, **{"for": use})
                          for use in ("MPKi", "MPKr"))
            self.assertEqual((mpki, mpkr),
                             (want["K6 MPKi"], want["K6 MPKr"]))
            self.assertEqual(want["K4 auth of Vr"],
                             self.key("K4", key=mpkr, PRF=prf))
            fork = {"RANDRkms": inputs["RANDRkms"], "PRF": prf, "IDRr": bob}
            tgk = self.key("K0", key=inputs["TGK"], **fork, **{"for": "TGK"})
            self.assertEqual(want["K0 TGK'"], tgk)
            self.assertEqual(want["K0 MPKr'"], self.key(
                "K0", key=mpkr, **fork, **{"for": "MPKr"}))
            rands = {"RANDRi": inputs["RANDRi of TRANSFER_INIT"], "PRF": prf}
            self.assertEqual(
                want["K1 auth, TRANSFER_INIT (MPKi)"], self.key(
                    "K1", key=mpki, CSB="22222222", **rands,
                    **{"for": "auth"}))
            rands["RANDRr"] = inputs["RANDRr of TRANSFER_RESP"]
            self.assertEqual(want["TEK of CS 2 (K3)"], self.key(
                "K3", key=tgk, CS="02", **rands, **{"for": "TEK"}))

    def test_labels_are_those_of_the_specification(self):
        """Section 3.3, worked label bytes."""
        rand = bytes(range(0xE0, 0xF0)).hex()
        got = self.derive("K1", key="00" * 16, CSB="11111111", RANDRi=rand,
                          **{"for": "auth"})
        self.assertEqual(got["label"],
                         "2d22ac75ff111111110110" + rand + "00")
        got = self.derive("K4", key="00" * 16)
        self.assertEqual(got["label"], "2d22ac75ffffffffff04")

    def test_the_prf_itself(self):
        given = vectors("prf")
        for case in given["cases"]:
            got = self.key("prf", key=case["inkey"], label=given["label"],
                           length=given["outkey bits"] // 8, PRF=case["PRF"])
            self.assertEqual(got, case["outkey"])

    def test_random_derivations_are_those_of_the_reference(self):
        rng = random.Random(6043)
        for _ in range(60):
            key = rng.randbytes(rng.randint(1, 64))
            i, r = (rng.randbytes(rng.choice((0, 16, 255))) for _ in "ir")
            prf, csb = rng.randrange(2), rng.getrandbits(32)
            selector, length = rng.randint(1, 2), rng.randint(1, 255)
            use, constant = rng.choice((("encr", keys.ENCR),
                                        ("auth", keys.AUTH),
                                        ("salt", keys.SALT)))
            tail = bytes([len(i)]) + i + bytes([len(r)]) + r
            want = keys.Protection(prf, key, selector, tail, csb).derive(
                constant, length)
            self.assertEqual(want.hex(), self.key(
                f"K{selector}", key=key.hex(), CSB=f"{csb:08x}", PRF=prf,
                RANDRi=i.hex(), RANDRr=r.hex(), length=length,
                **{"for": use}))
            cs = rng.randrange(256)
            want = keys.session_key(keys.SRTP_SALT, key, prf, cs, (i, r), 14)
            self.assertEqual(want.hex(), self.key(
                "K3", key=key.hex(), CS=f"{cs:02x}", PRF=prf, RANDRi=i.hex(),
                RANDRr=r.hex(), **{"for": "salt"}))

    def test_the_plain_form_is_two_lines(self):
        code, out, err = run("derive", "K4", "key=" + "00" * 16)
        self.assertEqual((code, err), (0, ""))
        label, key = out.decode().splitlines()
        self.assertEqual(label, "label 2d22ac75ffffffffff04")
        self.assertRegex(key, "^key   [0-9a-f]{40}$")

    def test_what_is_wrong_is_said_in_one_line(self):
        key = "key=" + "00" * 16
        for args, words in (
                (["K7"], "K0 to K6"), (["K4"], "needs key="),
                (["K4", key, "RAND=00"], "takes no RAND"),
                (["K1", key, "CSB=00"], "4 to 4 octets"),
                (["K1", key, "CSB=00000000"], "one of encr auth salt"),
                (["K1", key, "CSB=00000000", "for=TEK"], "one of"),
                (["K4", "key=0"], "hexadecimal"), (["K4", "key="], "1 to 64"),
                (["K4", key, key], "given twice"), (["K4", "x"], "NAME=VALUE"),
                (["K4", key, "PRF=2"], "from 0 to 1"),
                (["K4", key, "length=0"], "from 1 to 255"),
                (["K1", "RANDri=00"], "did you mean RANDRi?")):
            code, out, err = run("derive", *args)
            self.assertEqual((code, out, err.count("\n")), (2, b"", 1), args)
            self.assertIn(words, err)


class Vectors(unittest.TestCase):
    def test_the_published_vectors_are_named(self):
        code, out, _ = run("vectors")
        self.assertEqual(code, 0)
        told = json.loads(out)["published"]
        self.assertEqual(told["folder"], "docs/vectors")
        self.assertEqual(sorted(told["names"]), sorted(
            p.stem for p in PUBLISHED.glob("*.json")))
        self.assertTrue((HERE.parent / told["format"]).is_file())


if __name__ == "__main__":
    unittest.main(argv=["test_mikeytool_verify"])
