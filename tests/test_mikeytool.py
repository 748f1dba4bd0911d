# SPDX-License-Identifier: Apache-2.0
"""mikeytool as its users see it, and beside a reader that others wrote.

    python3 tests/test_mikeytool.py BUILD
"""
import base64
import json
import random
import subprocess
import sys
import unittest

from mikeytool_rig import (  # noqa: E402  (takes the build folder)
    HERE, PROGRAM, decode, message, random_message, run, sized, vectors)
import mikeyread  # noqa: E402  (stands in reference/)


class Usage(unittest.TestCase):
    def test_help_goes_to_standard_output(self):
        code, out, err = run("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(b"usage: mikeytool", out)

    def test_wrong_usage_ends_2(self):
        for args in ([], ["nothing"], ["decode", "a", "b"], ["vectors", "x"],
                     ["--no-such", "decode"]):
            code, out, err = run(*args)
            self.assertEqual((code, out), (2, b""), args)
            self.assertIn("usage: mikeytool", err)

    def test_wrong_usage_says_what_is_wrong(self):
        for args, words in ((["decod"], "did you mean decode?"),
                            (["whatever"], "whatever: unknown verb\n"),
                            (["decode", "a", "b"], "too many words"),
                            (["vectors", "--lines"], "takes no --lines")):
            self.assertIn(words, run(*args)[2])

    def test_a_file_that_is_not_there_is_one_line(self):
        code, out, err = run("decode", "/no/such/file")
        self.assertEqual((code, out), (1, b""))
        self.assertEqual(err.count("\n"), 1)
        self.assertIn("/no/such/file", err)


class Forms(unittest.TestCase):
    def test_each_form_gives_the_same_message(self):
        raw = message("TRANSFER_INIT")
        text = base64.b64encode(raw).decode()
        wrapped = base64.encodebytes(raw)
        forms = {
            "raw": [raw],
            "hex": [raw.hex().encode(), raw.hex().upper().encode() + b"\r\n",
                    raw.hex(" ").encode()],
            "base64": [text.encode(), wrapped],
            "sdp": [f"mikey {text}\n".encode(),
                    f"a=key-mgmt:mikey {text}\r\n".encode(),
                    f"a=key-mgmt: mikey {text}".encode()],
        }
        want = decode(raw)
        for form, inputs in forms.items():
            want["form"] = form
            for data in inputs:
                self.assertEqual(decode(data), want)

    def test_a_file_and_standard_input_are_alike(self):
        path = HERE.parent / "fuzz" / "corpus" / "mikey_msg" / "rfc4567-offer"
        code, out, _ = run("decode", str(path))
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out), decode(path.read_bytes()))
        self.assertEqual(run("decode", "-", stdin=path.read_bytes())[1], out)

    def test_compact_is_one_line(self):
        code, out, _ = run("--compact", "decode", stdin=message("REQUEST_RESP"))
        self.assertEqual((code, out.count(b"\n")), (0, 1))
        self.assertEqual(json.loads(out), decode(message("REQUEST_RESP")))


class Lines(unittest.TestCase):
    def answers(self, data):
        code, out, err = run("decode", "--lines", stdin=data)
        self.assertEqual((code, err), (0, ""))
        return [json.loads(line) for line in out.splitlines()]

    def test_each_line_has_its_answer(self):
        good = message("TRANSFER_INIT").hex()
        want = decode(good.encode())
        got = self.answers(f"{good}\n\nxyz\r\n012\n {good.upper()}\r\n02\n"
                           f"{'0' * 600000}\n{good}".encode())
        self.assertEqual([got[0], got[4], got[7]], [want] * 3)
        self.assertEqual(len(got), 8)
        for at, words in ((1, "offset 0, HDR"), (2, "no hexadecimal digits"),
                          (3, "no hexadecimal digits"), (5, "offset 1, HDR"),
                          (6, "longer than 256 KiB")):
            self.assertEqual(list(got[at]), ["error"])
            self.assertIn(words, got[at]["error"])
        self.assertEqual(self.answers(b""), [])

    def test_an_answer_does_not_wait_for_the_next_line(self):
        with subprocess.Popen([PROGRAM, "--lines", "decode"],
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:
            for name in ("REQUEST_INIT_PSK", "REQUEST_RESP"):
                program.stdin.write(message(name).hex().encode() + b"\n")
                program.stdin.flush()
                got = json.loads(program.stdout.readline())
                self.assertEqual(got["HDR"]["data type"]["name"], name)
            program.stdin.close()


class Refusals(unittest.TestCase):
    def refuse(self, data, *words):
        code, out, err = run("decode", stdin=data)
        self.assertEqual((code, out), (1, b""), data)
        self.assertEqual(err.count("\n"), 1, err)
        for word in words:
            self.assertIn(word, err)

    def test_what_is_no_message_is_one_line(self):
        self.refuse(b"", "nothing there")
        self.refuse(b" \n", "nothing there")
        self.refuse(b"012", "hex")
        self.refuse(b"mikey AAA", "sdp")
        self.refuse(b"a=key-mgmt:sdes AQID", "sdp")
        self.refuse(b"hello world", "base64")
        self.refuse(bytes(300 * 1024), "256 KiB")

    def test_the_line_says_where_and_what(self):
        raw = message("TRANSFER_INIT")
        self.refuse(b"\2" + raw[1:], "offset 1, HDR: unknown")
        self.refuse(raw + b"\0", f"offset {len(raw)}", "left over")
        self.refuse(raw[:60], "offset 45, RANDR: input ends too early")
        self.refuse(raw[:38], "offset 34, T: input ends too early")
        at = raw.index(b"\x0e\x0e\x03\x01\x00\x13sip:kms")
        self.refuse(raw[:at] + b"\x12" + raw[at + 1:], f"offset {at + 2}",
                    "unknown")

    def test_no_cut_of_a_message_is_accepted(self):
        raw = message("RESOLVE_RESP")
        for n in range(1, len(raw)):
            self.refuse(raw[:n])

    def test_what_stands_twice_is_refused(self):
        raw = message("TRANSFER_RESP")
        self.refuse(raw[:2] + b"\x05" + raw[3:40] + b"\x05" + raw[41:50]
                    + b"\x0f" + raw[41:50] + raw[50:])


    def test_a_ticket_without_ticket_data_is_refused_at_its_place(self):
        empty = bytes.fromhex("010e1100000000000001" "000001010101fc60000100"
                              "00000000")
        self.refuse(empty, "offset 23, THDR: input ends too early")


def nested(kind, levels):
    """A TICKET in the Ticket Data of a TICKET, or a TP in a TP's."""
    policy = bytes.fromhex("00010101" "01fc60")
    inside = None
    for _ in range(levels):
        chain = b"" if inside is None else inside
        first = bytes([0 if inside is None else kind])
        if kind == 16:
            inside = b"\0" + policy + sized(first + chain)
        else:
            inside = (b"\0" + policy + sized(b"\0")
                      + sized(first + b"\0\0" + chain) + b"\0\0")
    return bytes.fromhex("010e") + bytes([kind, 0]) + bytes(4) + b"\0\1" \
        + inside


class Nesting(unittest.TestCase):
    """What lies deeper than eight regions is shown as octets."""

    def depth(self, got, name):
        levels = 0
        while "payloads" in got:
            found = [p for p in got["payloads"] if name in p]
            if not found:
                return levels, got
            got, levels = found[0][name], levels + 1
        return levels, got

    def test_tickets_in_tickets(self):
        for levels in (1, 8, 9, 1000):
            depth, last = self.depth(decode(nested(17, levels)),
                                     "Ticket Data")
            self.assertEqual(depth, min(levels, 9))
            self.assertIn("hex", last)

    def test_policies_in_policies(self):
        for levels in (1, 8, 9, 4000):
            depth, last = self.depth(decode(nested(16, levels)), "TP Data")
            self.assertEqual(depth, min(levels, 9))
            self.assertEqual("hex" in last, levels > 8)
            self.assertEqual("payloads" in last, levels <= 8)


class Contents(unittest.TestCase):
    def test_reserved_bits_are_shown(self):
        dh = bytes.fromhex("010403000000000000010001") + bytes(96)
        self.assertEqual(decode(dh + b"\xa0")["payloads"][0]["reserv"], 10)

    def test_names_flags_and_times_are_spelled_out(self):
        got = decode(message("TRANSFER_INIT"))
        hdr = got["HDR"]
        self.assertEqual(hdr["data type"],
                         {"value": 14, "name": "TRANSFER_INIT"})
        self.assertEqual((hdr["CSB ID"], hdr["#CS"], hdr["V"]),
                         ("22222222", 2, True))
        self.assertEqual(hdr["CS ID map info"][0]["SSRC"], "11223344")
        self.assertNotIn("SSRC", hdr["CS ID map info"][1])
        ticket = [p for p in got["payloads"] if p["payload"] == "TICKET"][0]
        self.assertEqual("".join(f for f in "DEFGHIJKLMNO" if ticket[f]),
                         "DEFGHIJNO")
        self.assertEqual(ticket["Ticket Type"],
                         {"value": 1, "name": "MIKEY Base Ticket"})
        policy = ticket["TP Data"]["payloads"]
        self.assertEqual([p.get("text") or p["time"] for p in policy],
                         ["sip:kms@example.com", "sip:alice@example.com",
                          "2019-08-15T16:00:00Z", "2019-08-16T16:00:00Z",
                          "sip:it-support@example.com"])
        self.assertEqual([p["payload"]
                          for p in ticket["Ticket Data"]["payloads"]],
                         ["THDR", "T", "RAND", "KEMAC", "IDR", "V"])
        vi, vr = ticket["Initiator Data"]["payloads"]
        self.assertEqual(vi["Ver data"], got["payloads"][-1]["Ver data"])
        self.assertNotEqual(vi["Ver data"], vr["Ver data"])
        params = [p for p in got["payloads"] if p["payload"] == "SP"][0]
        self.assertEqual(params["Policy param"][0]["algorithm"]["name"],
                         "AES-CM")

    def test_what_a_request_asks_for_is_shown(self):
        got = decode(message("REQUEST_INIT_PSK"))
        tp = [p for p in got["payloads"] if p["payload"] == "TP"][0]
        kemac = [p for p in tp["TP Data"]["payloads"]
                 if p["payload"] == "KEMAC"][0]
        key, = kemac["Key data sub-payloads"]
        self.assertEqual((key["Type"]["name"], key["Key data len"],
                          key["Salt len"], key["SPI"]),
                         ("TGK+SALT", 16, 14, "0000000a"))

    def test_an_error_has_its_name(self):
        got = decode(message("Error", "256"))
        self.assertEqual(got["payloads"][1]["Error no"]["name"],
                         "Invalid SPpar")

    def test_offsets_and_lengths_cover_the_message(self):
        for suite in ("128", "256"):
            for text in vectors(f"exchange-{suite}")["messages"].values():
                raw = bytes.fromhex(text)
                got = decode(raw)
                at = got["HDR"]["length"]
                for payload in got["payloads"]:
                    self.assertEqual(payload["offset"], at)
                    at += payload["length"]
                self.assertEqual((at, got["length"]), (len(raw), len(raw)))


class Vectors(unittest.TestCase):
    def test_the_code_gives_the_published_vectors(self):
        code, out, err = run("vectors")
        self.assertEqual((code, err), (0, ""))
        got = json.loads(out)
        self.assertEqual(got["prf"], vectors("prf"))
        for name in ("exchange-128", "exchange-256"):
            want = vectors(name)
            for part, value in got[name].items():
                self.assertEqual(value, want[part], (name, part))
            self.assertIn("messages", got[name])


# --- random messages, read by two programs ---------------------------------

VALUE = {"T": "TS Value", "TR": "TS Value", "ID": "ID data",
         "IDR": "ID data", "CERT": "Certificate data", "RAND": "RAND",
         "RANDR": "RAND", "CHASH": "Hash", "PKE": "Data", "EXT": "Data",
         "DH": "DH-value", "SIGN": "Signature"}
ROLE = {"TR": "TS Role", "IDR": "ID Role", "RANDR": "RAND Role"}
KIND = {"T": "TS Type", "TR": "TS Type", "ID": "ID Type", "IDR": "ID Type",
        "CERT": "Cert Type", "EXT": "Type"}


class TwoReaders(unittest.TestCase):
    def same_policy(self, ours, theirs):
        self.assertEqual((ours["Ticket Type"]["value"], ours["Subtype"],
                          ours["Version"]), theirs["type"])
        self.assertEqual("".join(f for f in "DEFGHIJKLMNO" if ours[f]),
                         theirs["flags"])
        self.assertEqual(ours["PRF Func"]["value"], theirs["prf"])
        self.same_chain(ours["TP Data"]["payloads"], theirs["policy"])

    def same_ticket(self, ours, theirs):
        self.same_policy(ours, theirs)
        self.assertEqual(ours["Ticket Data"]["hex"], theirs["data"].hex())
        inside = ours["Ticket Data"].get("payloads")
        if theirs.get("ticket") is None:  # not a base ticket
            self.assertIsNone(inside)
        else:
            self.assertEqual(inside[0]["payload"], "THDR")
            self.same_chain(inside[1:], theirs["ticket"])
        init = ours["Initiator Data"]
        self.same_chain(init["payloads"] if init else [], theirs["initiator"])

    def same_fields(self, ours, theirs):
        name = theirs.kind
        if name in VALUE:
            self.assertEqual(ours[VALUE[name]], theirs["value"].hex())
        if name in ROLE:
            self.assertEqual(ours[ROLE[name]]["value"], theirs["role"])
        if name in KIND:
            self.assertEqual(ours[KIND[name]]["value"], theirs["type"])
        if name == "KEMAC":
            self.assertEqual((ours["Encr alg"]["value"], ours["Encr data"],
                              ours["Mac alg"]["value"], ours["MAC"]),
                             (theirs["encr alg"], theirs["data"].hex(),
                              theirs["mac alg"], theirs["mac"].hex()))
        elif name == "V":
            self.assertEqual((ours["Auth alg"]["value"], ours["Ver data"]),
                             (theirs["alg"], theirs["mac"].hex()))
        elif name == "ERR":
            self.assertEqual(ours["Error no"]["value"], theirs["number"])
        elif name == "SP":
            self.assertEqual({p["Type"]["value"]: p["Value"]
                              for p in ours["Policy param"]},
                             {k: v.hex()
                              for k, v in theirs["parameters"].items()})
        elif name == "TP":
            self.same_policy(ours, theirs)
        elif name == "TICKET":
            self.same_ticket(ours, theirs)

    def same_chain(self, ours, theirs):
        self.assertEqual(
            [(p["payload"], p["offset"], p["length"]) for p in ours],
            [(p.kind, p.start, p.end - p.start) for p in theirs])
        for one, other in zip(ours, theirs):
            self.same_fields(one, other)

    def same(self, raw):
        ours, theirs = decode(raw), mikeyread.parse(raw)
        hdr = ours["HDR"]
        self.assertEqual(
            (hdr["data type"]["value"], hdr["V"], hdr["PRF func"]["value"],
             int(hdr["CSB ID"], 16), hdr["CS ID map type"]["value"]),
            (theirs.data_type, theirs.expects_answer, theirs.prf,
             theirs.csb_id, theirs.map_type))
        if hdr["CS ID map type"]["name"] == "GENERIC-ID":
            self.assertEqual(
                [(cs["CS ID"], tuple(cs["Ps"]), cs.get("SSRC"), cs["SPI"])
                 for cs in hdr["CS ID map info"]],
                [(cs.cs_id, cs.policies,
                  None if cs.ssrc is None else f"{cs.ssrc:08x}", cs.spi.hex())
                 for cs in theirs.sessions])
        self.same_chain(ours["payloads"], theirs.payloads)

    def test_they_agree_on_the_vectors(self):
        for suite in ("128", "256"):
            for text in vectors(f"exchange-{suite}")["messages"].values():
                self.same(bytes.fromhex(text))

    def test_they_agree_on_random_messages(self):
        rng = random.Random(6043)
        for _ in range(300):
            raw = random_message(rng)
            with self.subTest(raw=raw.hex()):
                self.same(raw)

    def test_they_refuse_the_same_damaged_messages(self):
        """One octet changed: both read the same, or both refuse."""
        rng = random.Random(3830)
        raws = [message(name) for name in ("REQUEST_INIT_PSK", "TRANSFER_INIT",
                                           "RESOLVE_RESP")]
        for _ in range(300):
            raw = bytearray(rng.choice(raws))
            raw[rng.randrange(10, len(raw))] ^= 1 << rng.randrange(8)
            ours = run("decode", stdin=bytes(raw))[0] == 0
            try:
                mikeyread.parse(bytes(raw))
                theirs = True
            except mikeyread.MikeyError:
                theirs = False
            if ours != theirs:
                # mikeytool also shows what is well-formed and forbidden
                self.assertTrue(ours, raw.hex())
            elif ours:
                self.same(bytes(raw))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
