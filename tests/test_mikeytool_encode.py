# SPDX-License-Identifier: Apache-2.0
"""mikeytool encode: the reverse of decode, also for what people wrote.

    python3 tests/test_mikeytool_encode.py BUILD
"""
import base64
import copy
import json
import os
import pty
import random
import subprocess
import sys
import unittest

from mikeytool_rig import (  # noqa: E402  (takes the build folder)
    PROGRAM, all_messages, answers, decode, decode_all, encode_all, message,
    mutate, random_message, run)

ROUNDS = 8000  # mutations tried
DERIVED = {"offset", "length", "next payload", "First Payload", "#CS", "#P"}


def follows(name):
    return name in DERIVED or name.endswith(("len", "length", "Length"))


def compact(value):
    return json.dumps(value).encode()


def encode(value, *options):
    """(message, "") or (None, the line that says what is wrong)."""
    code, out, err = run("encode", "--hex", *options, stdin=compact(value))
    assert err.count("\n") <= 1, err
    assert (code == 0) == bool(out), err
    return (bytes.fromhex(out.decode()), err) if code == 0 else (None, err)


def members(value, path=()):
    """(path, value) of every member of every object, from the outside in."""
    items = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        if isinstance(value, dict):
            yield (*path, key), inside
        yield from members(inside, (*path, key))


def spelled(path):
    """A path as mikeytool prints it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else \
            f".{step}" if text else step
    return text


def at(value, path):
    for step in path:
        value = value[step]
    return value


def changed(value, path, how):
    """A copy in which how(object, key) was done to one member."""
    value = copy.deepcopy(value)
    how(at(value, path[:-1]), path[-1])
    return value


def put(new):
    return lambda parent, key: parent.__setitem__(key, new)


def remove(parent, key):
    del parent[key]


class RoundTrip(unittest.TestCase):
    def same(self, messages):
        """encode(decode(m)) is m for all that decode takes."""
        pairs = [(raw, line) for raw, line in
                 zip(messages, decode_all(messages)) if line]
        for (raw, _), (got, why) in zip(
                pairs, encode_all([line for _, line in pairs])):
            self.assertEqual(got, raw, why)
        return len(pairs)

    def test_every_vector_and_seed(self):
        messages = all_messages()
        self.assertEqual(self.same(messages), len(messages))

    def test_random_messages(self):
        rng = random.Random(4563)
        self.assertEqual(self.same([random_message(rng)
                                    for _ in range(2000)]), 2000)

    def test_mutations_that_stay_well_formed(self):
        rng = random.Random(6309)
        seeds = all_messages()
        seeds += [random_message(rng) for _ in range(200)]
        tried = {mutate(rng, rng.choice(seeds)) for _ in range(ROUNDS)}
        self.assertGreater(self.same(sorted(tried)), ROUNDS // 3)

    def test_the_longest_that_decode_takes(self):
        many = bytes.fromhex("010e1500" "00000000" "0001")
        one = bytes([21, 0, 0, 0])
        short = many + one * 30000 + bytes([0, 0, 0, 0])
        params = (1 << 15) - 10
        wide = bytes.fromhex("010e0a00" "00000000" "0001") + b"".join(
            bytes([10 if i < 3 else 0, i, 0]) + (2 * params).to_bytes(2, "big")
            + bytes(2 * params) for i in range(4))
        for raw in (short, wide):
            self.assertLess(len(raw), 1 << 18)
            code, out, err = run("decode", stdin=raw)
            self.assertEqual(code, 0, err)
            self.assertEqual(run("encode", stdin=out), (0, raw, ""))

    def test_nothing_of_half_an_octet_gets_lost(self):
        dh = bytes.fromhex("010403000000000000010001") + bytes(96) + b"\xa0"
        error = bytes.fromhex("01060c00000000000001" "00c8beef")
        pke = bytes.fromhex("01020200000000000001" "00c001ff")
        sign = bytes.fromhex("01020400000000000001" "f001ff")
        counter = bytes.fromhex("010b0d00000000000001" "00040200000005")
        self.assertEqual(self.same([dh, error, pke, sign, counter]), 5)


class Forms(unittest.TestCase):
    RAW = message("REQUEST_INIT_PSK")

    def encode(self, *options, data=None):
        text = compact(decode(self.RAW)) if data is None else data
        return run("encode", *options, stdin=text)

    def test_raw_is_the_usual_form(self):
        self.assertEqual(self.encode(), (0, self.RAW, ""))
        self.assertEqual(self.encode("-"), (0, self.RAW, ""))

    def test_each_form_reads_back(self):
        text = base64.b64encode(self.RAW).decode()
        wanted = {"--hex": self.RAW.hex() + "\n", "--base64": text + "\n",
                  "--sdp": f"a=key-mgmt:mikey {text}\n"}
        for option, want in wanted.items():
            code, out, err = self.encode(option)
            self.assertEqual((code, out.decode(), err), (0, want, ""))
            self.assertEqual(self.encode(
                data=run("decode", stdin=out)[1])[1], self.RAW)

    def test_a_terminal_gets_hexadecimal_digits(self):
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            subprocess.run([PROGRAM, "encode"], stdout=theirs, timeout=60,
                           input=compact(decode(self.RAW)), check=True)
            os.close(theirs)
            self.assertEqual(terminal.readline(), self.RAW.hex().encode()
                             + b"\r\n")

    def test_only_one_form_can_be_had(self):
        code, out, err = self.encode("--hex", "--sdp")
        self.assertEqual((code, out), (2, b""))
        self.assertIn("one of --hex, --base64, --sdp", err)

    def test_lines_are_answered_one_by_one(self):
        good = compact(decode(self.RAW))
        text = base64.b64encode(self.RAW)
        self.assertEqual(answers("encode", [good, b"{}", good]),
                         [self.RAW.hex().encode(), b'{"error":"HDR: missing"}',
                          self.RAW.hex().encode()])
        self.assertEqual(answers("encode", [good], "--base64"), [text])
        self.assertEqual(answers("encode", [good], "--sdp"),
                         [b"a=key-mgmt:mikey " + text])

    def test_what_is_no_json_is_one_line(self):
        for data, words in ((b"", "no JSON"), (b"{", "no JSON: line 1"),
                            (b"[]", "must be an object"),
                            (b"{}", "HDR: missing"),
                            (b'{"HDR":1,"HDR":2}', "duplicate"),
                            (b"[" * 65, "more than 64 lists and objects"),
                            (b'{"a":' * 65, "more than 64 lists"),
                            (b"[" + b"0," * (2 << 20), "two million values"),
                            (b'{"a\x1b":\x1b[1m', "control character"),
                            (b'{"a":"\xff"}', "unable to decode")):
            code, out, err = self.encode(data=data)
            self.assertEqual((code, out, err.count("\n")), (1, b"", 1))
            self.assertIn(words, err)
            self.assertTrue(err[:-1].isprintable(), err)

    def test_too_much_json_is_refused(self):
        code, out, err = self.encode(data=b" " * ((64 << 20) + 1))
        self.assertEqual((code, out), (1, b""))
        self.assertIn("longer than 65536 KiB", err)


class EveryMember(unittest.TestCase):
    """The same thing done to each member of each message of the vectors."""

    @classmethod
    def setUpClass(cls):
        dh = bytes.fromhex("010403000000000000010001") + bytes(96) + b"\x01" \
            + bytes.fromhex("02aabb")
        cls.messages = [raw for raw in all_messages() if len(raw) < 420] + [dh]
        cls.whole = [decode(raw) for raw in cls.messages]

    def each(self, how, *options, only=lambda path: True):
        """(message, path, old value, answer) after how() was done to it."""
        cases = [(raw, path, value, changed(whole, path, how))
                 for raw, whole in zip(self.messages, self.whole)
                 for path, value in members(whole) if only(path)]
        found = encode_all([compact(c[3]) for c in cases], *options)
        self.assertGreater(len(found), 100)
        return [(raw, path, value, got, f"{why}\n({path})")
                for (raw, path, value, _), (got, why) in zip(cases, found)]

    @staticmethod
    def derived(path):
        return follows(path[-1])

    @staticmethod
    def read(path):
        """Encode looks at it."""
        return path != ("form",) and not any(
            isinstance(step, str) and follows(step) for step in path)

    def test_what_follows_may_be_left_out(self):
        for raw, _, _, got, why in self.each(remove, only=self.derived):
            self.assertEqual(got, raw, why)

    def test_everything_that_follows_may_be_left_out_at_once(self):
        for raw, whole in zip(self.messages, self.whole):
            bare = copy.deepcopy(whole)
            for path, _ in [*members(bare)][::-1]:
                if follows(path[-1]):
                    remove(at(bare, path[:-1]), path[-1])
            self.assertEqual(encode(bare), (raw, ""))

    def test_what_follows_must_be_right(self):
        for _, path, value, got, why in self.each(put(4711),
                                                  only=self.derived):
            should = value["value"] if isinstance(value, dict) else value
            self.assertIsNone(got)
            self.assertIn(f"{spelled(path)}: is 4711, should be {should}; "
                          "correct it, leave it out, or use --fix", why)

    def test_what_is_there_instead_is_said(self):
        for given, said in ((True, "true"), (None, None), ([], "a list"),
                            ({}, "an object"), (1.5, "a fraction"),
                            ("a\nb", '"a?b"')):
            whole = {**self.whole[0], "length": given}
            got, why = encode(whole)
            self.assertEqual(got is None, said is not None)
            if said:
                self.assertIn(f"length: is {said}, should be ", why)

    def test_what_follows_may_be_wrong_with_fix(self):
        for raw, _, _, got, why in self.each(put(4711), "--fix",
                                             only=self.derived):
            self.assertEqual(got, raw, why)

    def test_a_member_that_is_missing_changes_nothing_or_is_named(self):
        for raw, path, _, got, why in self.each(remove, only=self.read):
            if got is not None:
                self.assertEqual(got, raw)
            elif path[-1] in ("Initiator Data", "CS ID map info"):
                self.assertIn("length: is ", why)  # there may be none
            else:
                self.assertIn(f"{spelled(path)}: missing", why)

    def test_a_member_that_is_mistyped_is_named(self):
        def mistype(parent, key):
            parent[key + "x"] = parent.pop(key)
        for _, path, _, got, why in self.each(mistype, only=self.read):
            self.assertIsNone(got)
            name = path[-1]
            self.assertIn(f'no such member: "{name}x"', why)
            self.assertTrue(why.startswith(spelled(path[:-1])), why)
            self.assertIn(f'; the nearest is "{name}"', why)

    def test_a_value_of_another_kind_is_refused_at_its_place(self):
        for new in (3.5, [[3]], {"x": 1}, "\u00e9", -1, 1 << 40):
            for _, path, value, got, why in self.each(put(new),
                                                      only=self.read):
                self.assertIsNone(got, (path, new))
                self.assertTrue(why.startswith(spelled(path)), why)


class CodePoints(unittest.TestCase):
    WHOLE = decode(message("TRANSFER_INIT"))

    def test_each_way_to_give_one(self):
        for given in (14, "TRANSFER_INIT", {"value": 14},
                      {"name": "TRANSFER_INIT"}, {"value": 14, "name": None},
                      {"value": 14, "name": "TRANSFER_INIT"}):
            whole = changed(self.WHOLE, ("HDR", "data type"), put(given))
            self.assertEqual(encode(whole), (message("TRANSFER_INIT"), ""))

    def test_every_one_may_be_a_bare_number_or_name(self):
        codes = [(path, value) for path, value in members(self.WHOLE)
                 if isinstance(value, dict) and set(value) == {"value", "name"}]
        texts = [compact(changed(self.WHOLE, path, put(value[part])))
                 for path, value in codes for part in ("value", "name")
                 if value[part] is not None]
        self.assertGreater(len(texts), 60)
        for got, why in encode_all(texts):
            self.assertEqual(got, message("TRANSFER_INIT"), why)

    def test_a_number_without_a_name_stays_possible(self):
        whole = changed(self.WHOLE, ("HDR", "data type"), put(200))
        raw, why = encode(whole)
        self.assertEqual((raw[1], why), (200, ""))
        self.assertEqual(decode(raw)["HDR"]["data type"],
                         {"value": 200, "name": None})

    def test_refusals(self):
        path = ("HDR", "data type")
        for given, words in (
                ("TRANSFER_INI", 'HDR.data type: unknown name "TRANSFER_INI"; '
                                 'the nearest is "TRANSFER_INIT"'),
                ("no such thing at all", "give its number"),
                (256, "HDR.data type: is 256, must be a number from 0 to 255"),
                ({"value": 256}, "HDR.data type.value: is 256"),
                ({}, "HDR.data type.value: missing"),
                ({"valu": 1}, 'no such member: "valu"; the nearest is "value"'),
                ({"name": 3}, "HDR.data type.name: must be a text"),
                ({"value": 13, "name": "TRANSFER_INIT"},
                 'HDR.data type.value: is 13, but "name" says 14'),
                (True, "is true, must be a number")):
            got, why = encode(changed(self.WHOLE, path, put(given)))
            self.assertIsNone(got)
            self.assertIn(words, why)


class Views(unittest.TestCase):
    """Where decode shows octets twice, what people read counts."""
    RAW = message("TRANSFER_INIT")
    WHOLE = decode(RAW)
    PAYLOAD = {name: i for i, name in reversed([*enumerate(
        p["payload"] for p in WHOLE["payloads"])])}

    def whole(self, *path):
        """A copy of it, and the object there."""
        whole = copy.deepcopy(self.WHOLE)
        return whole, at(whole, path)

    def twice(self, whole, thing, octets, view, new):
        """The view is changed: alone, beside its octets, and with --fix."""
        thing[view] = new
        got, why = encode(whole)
        self.assertIsNone(got)
        self.assertIn(f'{octets}: is ', why)
        self.assertIn(f'but "{view}" says', why)
        fixed, note = encode(whole, "--fix")
        self.assertRegex(note, rf"note: .*{octets}: .* was passed over for")
        old = thing.pop(octets)
        self.assertEqual(encode(whole, "--fix"), (fixed, ""))
        del thing[view]
        thing[octets] = old
        self.assertEqual(encode(whole), (self.RAW, ""))
        return decode(fixed)

    def test_text_of_an_identity(self):
        at_idr = "payloads", self.PAYLOAD["IDR"]
        whole, idr = self.whole(*at_idr)
        new = self.twice(whole, idr, "ID data", "text", "sip:x@example.com")
        self.assertEqual(at(new, at_idr)["ID data"],
                         b"sip:x@example.com".hex())

    def test_text_must_be_printable(self):
        whole, idr = self.whole("payloads", self.PAYLOAD["IDR"])
        for text in ("sip:\u00e9", "a\nb", 7):
            idr["text"] = text
            self.assertIn("text: must be printable ASCII", encode(whole)[1])

    def test_time(self):
        at_t = "payloads", self.PAYLOAD["T"]
        whole, t = self.whole(*at_t)
        new = self.twice(whole, t, "TS Value", "time",
                         "2036-02-07T06:28:16.5Z")
        self.assertEqual(at(new, at_t)["TS Value"], "0000000080000000")

    def test_a_time_keeps_what_only_its_octets_say(self):
        whole, t = self.whole("payloads", self.PAYLOAD["T"])
        t["TS Value"] = t["TS Value"][:-1] + "7"
        raw, why = encode(whole)
        self.assertEqual((raw, why), (self.RAW.replace(
            bytes.fromhex("e100000380000000"),
            bytes.fromhex("e100000380000007"), 1), ""))
        del t["TS Value"]
        self.assertEqual(encode(whole), (self.RAW, ""))
        t["time"] = "2019-08-15T16:00:03.5Z"
        self.assertEqual(encode(whole), (self.RAW, ""))

    def test_times_that_are_none(self):
        whole, t = self.whole("payloads", self.PAYLOAD["T"])
        for text, words in (("yesterday", "must be like 2019"),
                            ("2019-02-29T00:00:00Z", "must be like 2019"),
                            ("2019-08-15T16:00:03", "must be like 2019"),
                            ("2019-08-15T16:00:03.1234567Z", "must be like"),
                            ("2019-08-15T24:00:00Z", "must be like 2019"),
                            ("1960-01-01T00:00:00Z", "1968 to 2104"),
                            ("2110-01-01T00:00:00Z", "1968 to 2104"),
                            ([], "must be a text")):
            t["time"] = text
            self.assertIn(words, encode(whole)[1])

    def test_fields_of_a_session(self):
        at_cs = "HDR", "CS ID map info", 0
        whole, cs = self.whole(*at_cs)
        new = self.twice(whole, cs, "Session Data", "SSRC", "0000002a")
        self.assertEqual(at(new, at_cs)["Session Data"], "0000002a")
        cs["S"] = True
        cs["SSRC"] = "00000001"
        self.assertIn("[0].ROC: missing", encode(whole, "--fix")[1])
        cs.update(ROC=2, SEQ=3)
        raw, _ = encode(whole, "--fix")
        self.assertEqual(at(decode(raw), at_cs)["Session Data"],
                         "00000001" "00000002" "0003")

    def test_a_parameter(self):
        at_param = "payloads", self.PAYLOAD["SP"], "Policy param", 0
        whole, param = self.whole(*at_param)
        param["algorithm"] = "AES-GCM"
        self.assertIn('"algorithm" says', encode(whole)[1])
        del param["number"], param["Value"]
        new = decode(encode(whole)[0])
        self.assertEqual(at(new, at_param)["Value"], "06")
        del param["algorithm"]
        param["number"] = 70000
        raw, _ = encode(whole, "--fix")
        self.assertEqual(at(decode(raw), at_param)["Value"], "011170")

    def test_a_number_keeps_the_width_of_its_octets(self):
        at_param = "payloads", self.PAYLOAD["SP"], "Policy param", 1
        whole, param = self.whole(*at_param)
        param["Value"] = "000010"
        raw, _ = encode(whole, "--fix")
        self.assertEqual(at(decode(raw), at_param)["Value"], "000010")

    def test_payloads_of_a_ticket(self):
        at_data = "payloads", self.PAYLOAD["TICKET"], "Ticket Data"
        whole, data = self.whole(*at_data)
        data["payloads"].insert(1, {"payload": "RAND", "RAND": "00" * 16})
        got, why = encode(whole)
        self.assertIn('Ticket Data.hex: is ', why)
        self.assertIn('but "payloads" says', why)
        # two RANDs make no ticket, but that is for its reader to say
        raw, note = encode(whole, "--fix")
        self.assertIn("Ticket Data.hex: ", note)
        new = at(decode(raw), at_data)
        self.assertEqual([p["payload"] for p in new["payloads"]][:3],
                         ["THDR", "RAND", "T"])
        del data["payloads"]
        self.assertEqual(encode(whole), (self.RAW, ""))

    def test_a_region_by_octets_alone(self):
        at_tp = "payloads", self.PAYLOAD["TICKET"]
        whole, ticket = self.whole(*at_tp)
        chain = ticket["TP Data"]["payloads"]
        raw = bytes.fromhex(ticket["Ticket Data"]["hex"])
        begin = self.RAW.index(raw) - 2 - ticket["TP Data"]["length"]
        ticket["TP Data"] = {"hex": self.RAW[begin:begin + ticket[
            "TP Data Length"]].hex()}
        self.assertEqual(encode(whole), (self.RAW, ""))
        ticket["TP Data"]["payloads"] = chain
        self.assertIn("TP Data.hex: has no place", encode(whole)[1])
        ticket["TP Data"] = {"hex": "05"}
        self.assertIn("not well-formed when written", encode(whole, "--fix")[1])
        ticket["TP Data"] = {}
        self.assertIn("TP Data.payloads: missing", encode(whole)[1])

    def test_a_ticket_of_another_type_is_octets(self):
        at_ticket = "payloads", self.PAYLOAD["TICKET"]
        whole, ticket = self.whole(*at_ticket)
        ticket["Ticket Type"] = "3GPP Base Ticket"
        self.assertIn("only a base ticket", encode(whole)[1])
        del ticket["Ticket Data"]["payloads"]
        raw, why = encode(whole)
        self.assertEqual(why, "")
        self.assertEqual(at(decode(raw), at_ticket)["Ticket Data"]["hex"],
                         ticket["Ticket Data"]["hex"])

    def test_keys_without_encryption(self):
        raw = message("REQUEST_INIT_PSK")
        whole = decode(raw)
        tp = [p for p in whole["payloads"] if p["payload"] == "TP"][0]
        kemac = [p for p in tp["TP Data"]["payloads"]
                 if p["payload"] == "KEMAC"][0]
        key = kemac["Key data sub-payloads"][0]
        key["SPI"] = "0000000b"
        self.assertIn('"Key data sub-payloads" says', encode(whole)[1])
        kemac["Key data sub-payloads"].append(
            {"Type": "TEK", "Key data": "00" * 16, "KV": "Interval",
             "Valid From": "01", "Valid To": "0202"})
        del kemac["Encr data"]
        got, _ = encode(whole, "--fix")
        self.assertIn(bytes.fromhex("0022" "0010" + "00" * 16 + "01" "01"
                                    "02" "0202"), got)
        kemac["Encr alg"] = 1
        self.assertIn("encryption is not NULL", encode(whole)[1])
        del kemac["Key data sub-payloads"]
        self.assertIn("Encr data: missing", encode(whole)[1])
        kemac.update({"Encr alg": 0, "Key data sub-payloads": []})
        self.assertIn("a list of 1 to 16 keys", encode(whole)[1])

    def test_payload_counts_before_type(self):
        whole, t = self.whole("payloads", self.PAYLOAD["T"])
        t["type"] = 6
        self.assertIn('type: is 6, but "payload" says 5', encode(whole)[1])
        self.assertEqual(encode(whole, "--fix")[0], self.RAW)
        t["type"] = 5
        del t["payload"]
        self.assertEqual(encode(whole), (self.RAW, ""))
        del t["type"]
        self.assertIn("payload: missing", encode(whole)[1])


class ByHand(unittest.TestCase):
    """Messages that nobody decoded before."""
    HDR = {"data type": "Error", "V": False, "PRF func": "MIKEY-1",
           "CSB ID": "0000ABCD", "CS ID map type": "Empty map"}

    def whole(self, *payloads, **hdr):
        return {"HDR": {**self.HDR, **hdr}, "payloads": list(payloads)}

    def refuse(self, words, *payloads, **hdr):
        got, why = encode(self.whole(*payloads, **hdr))
        self.assertIsNone(got)
        self.assertIn(words, why)

    def test_from_nothing(self):
        v = {"payload": "V", "Auth alg": "NULL", "Ver data": ""}
        payloads = (
            {"payload": "T", "TS Type": "NTP-UTC-32",
             "time": "2019-08-15T16:00:00Z"},
            {"payload": "ERR", "Error no": "Invalid TS"},
            {"payload": "EXT", "Type": "Vendor ID", "text": "us"},
            {"payload": "IDR", "ID Role": "IDRi", "ID Type": 9,
             "ID data": "00 FF"}, v)
        got, why = encode(self.whole(*payloads))
        self.assertEqual((got, why), (bytes.fromhex(
            "01060500" "0000abcd" "0001" "0c03e1000000" "15010000"
            "0e000002" "7573" "0901090002" "00ff" "0000"), ""))
        v["MAC"] = v.pop("Ver data")
        self.refuse("payloads[4].Ver data: missing", *payloads)

    def test_order(self):
        sign = {"payload": "SIGN", "S type": 0, "Signature": ""}
        v = {"payload": "V", "Auth alg": 0, "Ver data": ""}
        t = {"payload": "T", "TS Type": 2, "TS Value": "00000001"}
        self.refuse("no payload can follow SIGN", sign, t)
        self.refuse("not well-formed when written", v, t)
        self.refuse("present more than once", t, t)

    def test_what_nobody_knows(self):
        for payload, words in (
                ({"payload": "IBAKE"}, "nobody knows the fields of a payload"),
                ({"type": 99}, "nobody knows the fields of a payload"),
                ({"payload": "Last payload"}, "nobody knows"),
                ({"payload": "THDR"}, 'unknown name "THDR"'),
                ({"payload": "T", "TS Type": 4, "TS Value": ""},
                 "TS Type: what stands behind a 4 has no known length"),
                ({"payload": "V", "Auth alg": 3, "Ver data": ""},
                 "Auth alg: what stands behind a 3"),
                ({"payload": "CHASH", "Hash func": 3, "Hash": ""},
                 "Hash func: what stands behind a 3"),
                ({"payload": "DH", "DH-Group": 3, "DH-value": "", "KV": 0,
                  "KV data": ""}, "DH-Group: what stands behind a 3"),
                ({"payload": "V", "Auth alg": 1, "Ver data": "00"},
                 "Ver data: has 1 octets, must have 20 for this Auth alg"),
                ({"payload": "ERR", "Error no": 0, "Reserved": "00"},
                 "Reserved: has 1 octets, must have 2"),
                ({"payload": "T", "TS Type": 0, "TS Value": "00"},
                 "TS Value: must have 8 octets"),
                ({"payload": "RAND", "RAND": "0"}, "two for each octet"),
                ({"payload": "RAND", "RAND": "00" * 256},
                 "RAND: too long for its length field"),
                ({"payload": "PKE", "C": 0, "Data": "00" * (1 << 14)},
                 "Data: too long for its length field"),
                ({"payload": "SIGN", "S type": 0, "Signature": "00" * 4096},
                 "Signature: too long for its length field"),
                ({"payload": "CERT", "Cert Type": 0,
                  "Certificate data": "00" * 65536},
                 "Certificate data: too long for its length field"),
                ({"payload": "PKE", "C": 4, "Data": ""},
                 "C: is 4, must be a number from 0 to 3")):
            self.refuse("payloads[0]", payload)
            self.refuse(words, payload)

    def test_header(self):
        self.refuse("version: only 1 is known", version=2)
        self.refuse("CS ID map type: only 0, 1 and 2",
                    **{"CS ID map type": 3})
        self.refuse("an Empty map holds nothing",
                    **{"CS ID map info": [{}]})
        self.refuse("CS ID map info: more than 255 sessions",
                    **{"CS ID map info": [{}] * 256, "CS ID map type": 0})
        self.refuse("CSB ID: must be eight", **{"CSB ID": "0x123456"})
        self.refuse("CSB ID: must be eight", **{"CSB ID": "123456789"})
        self.refuse("CS ID map info: must be a list",
                    **{"CS ID map info": {}})
        cs = {"CS ID": 1, "Prot type": "SRTP", "S": False, "Ps": [],
              "Session Data": "", "SPI": ""}
        generic = {"CS ID map type": "GENERIC-ID"}
        for new, words in (({"Ps": [256]}, "Ps: must be numbers from 0"),
                           ({"Ps": [0] * 128}, "Ps: more than 127"),
                           ({"SPI": "00" * 256}, "SPI: too long"),
                           ({"Session Data": "00"},
                            "not well-formed when written"),
                           ({"Prot type": 1, "SSRC": "00000000"},
                            'no such member here: "SSRC"')):
            self.refuse(words, **{"CS ID map info": [{**cs, **new}]},
                        **generic)
        self.refuse("present more than once", **generic,
                    **{"CS ID map info": [cs, cs]})

    def test_a_message_that_is_too_long(self):
        big = {"payload": "CERT", "Cert Type": 0,
               "Certificate data": "00" * 65535}
        self.refuse("payloads[3].Certificate data: here the message exceeds "
                    "256 KiB", big, big, big, big)

    def test_regions_inside_each_other(self):
        flags = dict.fromkeys("DEFGHIJKLMNO", True)
        policy = {"payload": "TP", "Ticket Type": 1, "Subtype": 1,
                  "Version": 1, "PRF Func": 0, **flags}
        inside = {"payloads": []}
        for _ in range(8):
            inside = {"payloads": [{**policy, "TP Data": inside}]}
        raw, _ = encode(self.whole({**policy, "TP Data": inside}))
        self.assertIsNone(raw)
        for _ in range(9):
            inside = inside["payloads"][0]["TP Data"] if inside["payloads"] \
                else inside
        inside = {"hex": "00"}
        for _ in range(8):
            inside = {"payloads": [{**policy, "TP Data": inside}]}
        raw, why = encode(self.whole({**policy, "TP Data": inside}))
        self.assertEqual(why, "")
        self.assertEqual(encode(decode(raw)), (raw, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
