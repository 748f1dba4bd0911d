# SPDX-License-Identifier: Apache-2.0
"""mikeytool diff: what differs between two messages, field by field.

    python3 tests/test_mikeytool_diff.py BUILD
"""
import base64
import json
import os
import pathlib
import pty
import random
import subprocess
import sys
import tempfile
import unittest

from mikeytool_rig import (  # noqa: E402  (takes the build folder)
    PROGRAM, all_messages, decode, decode_all, encode_all, message, mutate,
    random_message, run)


class Diff(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.paths = [pathlib.Path(folder, name) for name in "AB"]

    def diff(self, a, b, *options):
        for path, data in zip(self.paths, (a, b)):
            path.write_bytes(data)
        return run("diff", *options, *map(str, self.paths))

    def lines(self, a, b):
        code, out, err = self.diff(a, b)
        self.assertEqual((code, err), (1, ""))
        return out.decode().splitlines()

    def differences(self, a, b):
        code, out, err = self.diff(a, b, "--json", "--compact")
        self.assertEqual((err, out.count(b"\n")), ("", 1))
        got = json.loads(out)
        self.assertEqual(got["same"], code == 0)
        self.assertEqual(got["same"], got["differences"] == [])
        return got["differences"]

    def edit(self, raw, change):
        whole = decode(raw)
        change(whole)
        (got, why), = encode_all([json.dumps(whole).encode()], "--fix")
        self.assertIsNotNone(got, why)
        return got


class Verdict(Diff):
    def test_the_same_message_in_any_form_is_the_same(self):
        raw = message("TRANSFER_INIT")
        for form in (raw, raw.hex().encode(), base64.b64encode(raw)):
            self.assertEqual(self.diff(raw, form), (0, b"", ""))
            self.assertEqual(self.differences(form, raw), [])

    def test_there_is_a_difference_where_octets_differ_and_only_there(self):
        rng = random.Random(2026)
        seeds = all_messages() + [random_message(rng) for _ in range(40)]
        pairs = []
        while len(pairs) < 400:
            a = rng.choice(seeds)
            b = mutate(rng, a) if rng.random() < .9 else rng.choice(seeds)
            if decode_all([b])[0]:
                pairs.append((a, b))
        for a, b in pairs:
            self.assertEqual(self.differences(a, b) == [], a == b,
                             (a.hex(), b.hex()))

    def test_the_other_way_round_old_and_new_change_places(self):
        rng = random.Random(2027)
        for _ in range(60):
            a, b = random_message(rng), random_message(rng)
            there, back = self.differences(a, b), self.differences(b, a)
            turned = [{"path": d["path"],
                       **({"old": d["new"]} if "new" in d else {}),
                       **({"new": d["old"]} if "old" in d else {})}
                      for d in back]
            by_path = {"key": lambda d: d["path"]}
            for one, other in zip(sorted(there, **by_path),
                                  sorted(turned, **by_path)):
                self.assertEqual(one["path"], other["path"])
                self.assertEqual(one.get("old"), other.get("old"))
                self.assertEqual(one.get("new"), other.get("new"))
            self.assertEqual(len(there), len(turned))

    def test_trouble_ends_2(self):
        raw = message("TRANSFER_INIT")
        for a, b, words in ((raw, raw[:-1], "B: not well-formed"),
                            (raw + b"\0", raw, "A: not well-formed"),
                            (raw, b"xyz", "B: read as base64"),
                            (bytes(300 << 10), raw, "longer than 256 KiB")):
            code, out, err = self.diff(a, b)
            self.assertEqual((code, out, err.count("\n")), (2, b"", 1))
            self.assertIn(words, err)
        for args in (["/no/such", "/nor/this"], ["-", "-"], ["-"],
                     ["-", "-", "-"], ["--fix", "-", "-"]):
            code, out, err = run("diff", *args, stdin=raw)
            self.assertEqual((code, out), (2, b""), args)

    def test_one_side_may_be_standard_input(self):
        raw = message("TRANSFER_INIT")
        self.paths[0].write_bytes(raw)
        for args in ([str(self.paths[0]), "-"], ["-", str(self.paths[0])]):
            self.assertEqual(run("diff", *args, stdin=raw), (0, b"", ""))


class Lines(Diff):
    RAW = message("TRANSFER_INIT")

    def after(self, change):
        return self.lines(self.RAW, self.edit(self.RAW, change))

    def payload(self, whole, kind, nth=0):
        return [p for p in whole["payloads"] if p["payload"] == kind][nth]

    def test_a_field_of_each_kind(self):
        cases = (
            (lambda w: w["HDR"].update({"data type": 15}),
             "HDR.data type: -TRANSFER_INIT (14) +TRANSFER_RESP (15)"),
            (lambda w: w["HDR"].update({"data type": 99}),
             "HDR.data type: -TRANSFER_INIT (14) +99"),
            (lambda w: w["HDR"].update({"V": False}), "HDR.V: -true +false"),
            (lambda w: w["HDR"].update({"CSB ID": "0000000f"}),
             'HDR.CSB ID: -"22222222" +"0000000f"'),
            (lambda w: w["HDR"]["CS ID map info"][0].update(SSRC="0000000f"),
             'HDR.CS ID map info[1].SSRC: -"11223344" +"0000000f"'),
            (lambda w: w["HDR"]["CS ID map info"][0].update(Ps=[0, 3]),
             "HDR.CS ID map info[1].Ps: -0 +0, 3"),
            (lambda w: self.payload(w, "IDR", 1).update(text="sip:b"),
             'payloads[IDR IDRr].text: -"sip:it-support@example.com" '
             '+"sip:b"'),
            (lambda w: self.payload(w, "T").update(
                time="2019-08-15T16:00:04Z"),
             'payloads[T].time: -"2019-08-15T16:00:03.500000Z" '
             '+"2019-08-15T16:00:04.000000Z"'),
            (lambda w: self.payload(w, "T").update(
                {"TS Value": "e100000380000001"}),
             'payloads[T].TS Value: -"e100000380000000" '
             '+"e100000380000001"'),
            (lambda w: self.payload(w, "SP")["Policy param"][0].update(
                algorithm="AES-GCM"),
             "payloads[SP 0].Policy param[Encryption algorithm].algorithm: "
             "-AES-CM (1) +AES-GCM (6)"),
            (lambda w: self.payload(w, "TICKET").update(J=False),
             "payloads[TICKET].J: -true +false"),
            (lambda w: self.payload(w, "TICKET")["Ticket Data"]["payloads"][1]
             .update(time="2019-08-15T16:00:00Z"),
             "payloads[TICKET].Ticket Data.payloads[T].time: "),
        )
        for change, want in cases:
            line, = self.after(change)
            self.assertTrue(line == want or want.endswith(": ")
                            and line.startswith(want), line)

    def test_long_octets_are_shown_where_they_differ(self):
        def change(whole):
            vr = self.payload(whole, "TICKET")["Ticket Data"]["payloads"][3]
            vr["Encr data"] = vr["Encr data"][:90] + "ff" + \
                vr["Encr data"][92:]
        line, = self.after(change)
        self.assertRegex(line, r"KEMAC\]\.Encr data: -\"\.\.\.[0-9a-f]{8,64}"
                               r"(\.\.\.)?\" \+\"\.\.\.[0-9a-f]{8}ff")

    def test_payloads_that_only_one_has(self):
        line, = self.after(lambda w: w["payloads"].insert(
            1, {"payload": "EXT", "Type": 0, "text": "x"}))
        self.assertEqual(line, "payloads[EXT Vendor ID]: +(5 octets)")
        line, = self.after(lambda w: w["payloads"].pop(1))
        self.assertEqual(line, "payloads[RANDR RANDRi]: -(19 octets)")

    def test_a_longer_payload_does_not_shift_the_others(self):
        line, = self.after(lambda w: self.payload(w, "RANDR").update(
            RAND="00" * 200))
        self.assertIn("payloads[RANDR RANDRi].RAND:", line)

    def test_another_order_is_one_line(self):
        def swap(whole):
            whole["payloads"][0:2] = whole["payloads"][1::-1]
        line, = self.after(swap)
        self.assertEqual(
            line, "payloads[order]: -T, RANDR RANDRi, IDR IDRi, IDR IDRr, "
            "SP 0, TICKET, V +RANDR RANDRi, T, IDR IDRi, IDR IDRr, SP 0, "
            "TICKET, V")

    def test_of_equal_payloads_the_first_goes_with_the_first(self):
        def policy(*names):
            def change(whole):
                chain = self.payload(whole, "TICKET")["TP Data"]
                chain["payloads"] = [{"payload": "IDR", "ID Role": 2,
                                      "ID Type": 1, "text": name}
                                     for name in names]
            return self.edit(self.RAW, change)
        lines = self.lines(policy("a", "b", "c"), policy("a", "x"))
        where = "payloads[TICKET].TP Data.payloads[IDR IDRr "
        self.assertEqual(lines, [f'{where}#2].text: -"b" +"x"',
                                 f"{where}#3]: -(6 octets)"])

    def test_a_text_that_is_none_any_more_is_compared_as_octets(self):
        def change(whole):
            idr = self.payload(whole, "IDR", 1)
            del idr["text"]
            idr["ID data"] = "00"
        line, = self.after(change)
        self.assertRegex(line, r'payloads\[IDR IDRr\]\.ID data: -"7369.*"'
                               r' \+"00"')


class Colour(Diff):
    def on_a_terminal(self, **env):
        for path, data in zip(self.paths, (message("TRANSFER_INIT"),
                                           message("TRANSFER_RESP"))):
            path.write_bytes(data)
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            code = subprocess.run(
                [PROGRAM, "diff", *self.paths], stdout=theirs, timeout=60,
                env={"TERM": "xterm", **env}, check=False).returncode
            os.close(theirs)
            self.assertEqual(code, 1)
            return terminal.readline()

    def test_a_terminal_gets_colours_unless_it_asks_for_none(self):
        plain = b"HDR.data type: -TRANSFER_INIT (14) +TRANSFER_RESP (15)\r\n"
        colours = (b"HDR.data type: \x1b[31m-TRANSFER_INIT (14)\x1b[0m "
                   b"\x1b[32m+TRANSFER_RESP (15)\x1b[0m\r\n")
        self.assertEqual(self.on_a_terminal(), colours)
        self.assertEqual(self.on_a_terminal(NO_COLOR=""), colours)
        self.assertEqual(self.on_a_terminal(NO_COLOR="1"), plain)
        self.assertEqual(self.on_a_terminal(TERM="dumb"), plain)

    def test_a_file_gets_none(self):
        for line in self.lines(message("TRANSFER_INIT"),
                               message("TRANSFER_RESP")):
            self.assertTrue(line.isprintable(), line)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
