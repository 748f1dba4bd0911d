# SPDX-License-Identifier: Apache-2.0
"""mikeytool as its users see it, and beside a reader that others wrote.

    python3 tests/test_mikeytool.py BUILD
"""
import base64
import json
import pathlib
import random
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
PROGRAM = BUILD / "mikeytool"
sys.path.insert(0, str(HERE.parent / "reference"))
import mikeyread  # noqa: E402


def vectors(name):
    return json.loads((HERE / "vectors" / f"{name}.json").read_text())


def run(*args, stdin=b""):
    done = subprocess.run([PROGRAM, *args], input=stdin, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def decode(raw):
    code, out, err = run("decode", stdin=raw)
    assert code == 0, err
    return json.loads(out)


def message(name, suite="128"):
    return bytes.fromhex(vectors(f"exchange-{suite}")["messages"][name])


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


class Contents(unittest.TestCase):
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

def octets(rng, low, high):
    return rng.randbytes(rng.randint(low, high))


def sized(data, octets_of_length=2):
    return len(data).to_bytes(octets_of_length, "big") + data


def timestamp(rng, kinds=(0, 1, 2, 3)):
    kind = rng.choice(kinds)
    return bytes([kind]) + rng.randbytes(8 if kind < 2 else 4)


def identity(rng):
    return bytes([rng.randrange(3)]) + sized(octets(rng, 0, 40))


def link(parts, has_region=True):
    """A chain of (type, body without its next octet)."""
    kinds = [kind for kind, _ in parts[1:]] + [0]
    chain = b"".join(
        (b"" if kind == 4 else bytes([following])) + body
        for (kind, body), following in zip(parts, kinds))
    return (bytes([parts[0][0] if parts else 0]) if has_region else b"") + chain


def mac(rng):
    alg = rng.randrange(3)
    return bytes([alg]) + rng.randbytes((0, 20, 32)[alg])


def kemac(rng):
    return (bytes([rng.randint(1, 3)]) + sized(octets(rng, 0, 60)) + mac(rng))


def policy(rng):
    flags = rng.choice((0x01FC60, 0x03FDE0, 0x017060, 0x00D160))
    parts = [(14, b"\2" + identity(rng)) for _ in range(rng.randint(1, 4))]
    parts += [(13, bytes([role]) + timestamp(rng)) for role in (2, 3, 4)
              if rng.random() < .5]
    parts += [(14, bytes([role]) + identity(rng)) for role in (1, 3)
              if rng.random() < .5]
    rng.shuffle(parts)
    return (b"\0\1\1\1" + flags.to_bytes(3, "big") + sized(link(parts)))


def ticket(rng):
    inside = [(5, timestamp(rng)), (11, sized(octets(rng, 0, 40), 1)),
              (1, kemac(rng)), (14, b"\4" + identity(rng))]
    rng.shuffle(inside)
    inside.append((9, mac(rng)))
    data = (bytes([inside[0][0]]) + sized(octets(rng, 0, 9))
            + link(inside, False))
    init = link([(9, mac(rng)), (9, mac(rng))]) if rng.random() < .5 else b""
    return policy(rng) + sized(data) + sized(init)


def parameters(rng):
    kinds = rng.sample(range(21), rng.randint(0, 8))
    return b"".join(bytes([k]) + sized(octets(rng, 1, 4), 1) for k in kinds)


def any_payload(rng):
    """Type and body of each kind of payload that may stand in a message."""
    group = rng.randrange(3)
    function = rng.randrange(3)
    return [
        (1, kemac(rng)),
        (2, sized(octets(rng, 0, 90))),
        (3, bytes([group]) + rng.randbytes((192, 96, 128)[group])
         + b"\1" + sized(octets(rng, 0, 4), 1)),
        (5, timestamp(rng)), (6, identity(rng)), (7, identity(rng)),
        (8, bytes([function]) + rng.randbytes((20, 16, 32)[function])),
        (10, bytes([rng.randrange(9), 0]) + sized(parameters(rng))),
        (11, sized(octets(rng, 0, 40), 1)),
        (12, bytes([rng.randrange(16), 0, 0])),
        (13, bytes([rng.randint(1, 4)]) + timestamp(rng)),
        (14, bytes([rng.randint(1, 5)]) + identity(rng)),
        (15, bytes([rng.randint(1, 3)]) + sized(octets(rng, 0, 40), 1)),
        (16, policy(rng)), (17, ticket(rng)),
        (21, b"\1" + sized(octets(rng, 0, 20))),
    ]


def generic_map(rng):
    count = rng.randint(0, 4)
    entries = b""
    for cs_id in rng.sample(range(256), count):
        started = rng.random() < .5
        session = rng.choice((0, 10 if started else 4))
        policies = octets(rng, 0, 3)
        entries += (bytes([cs_id, 0, started << 7 | len(policies)]) + policies
                    + sized(rng.randbytes(session))
                    + sized(octets(rng, 0, 5), 1))
    return bytes([count, 2]) + entries


def random_message(rng):
    parts = rng.sample(any_payload(rng), rng.randint(0, 8))
    end = rng.random()
    if end < .6:
        parts.append((9, mac(rng)))
    elif end < .8:
        signature = octets(rng, 0, 64)
        parts.append((4, (len(signature) | 0x1000).to_bytes(2, "big")
                      + signature))
    return (bytes([1, rng.randrange(19), parts[0][0] if parts else 0,
                   rng.randrange(2) | rng.randrange(2) << 7])
            + rng.randbytes(4)
            + rng.choice((b"\0\1", b"\1\0" + rng.randbytes(9),
                          generic_map(rng)))
            + link(parts, False))


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
