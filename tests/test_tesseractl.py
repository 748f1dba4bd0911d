# SPDX-License-Identifier: Apache-2.0
"""tesseractl as its users see it: what is typed, what comes, what stays.

    python3 tests/test_tesseractl.py BUILD [--million]
"""
import contextlib
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
PROGRAM = BUILD / "tesseractl"
MILLION = "--million" in sys.argv
KEY = "00112233445566778899aabbccddeeff"
CONF = """[kms]
identity=sip:kms@example.org
store=sqlite:kms.db
store-key=store.key
[http]
listen=127.0.0.1:8080
"""


def record(n, key=KEY):
    return json.dumps({"id": f"sip:u{n}@x", "psk-id": f"p{n}", "psk": key})


class Case(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.dir = pathlib.Path(temp.name)
        (self.dir / "kms.conf").write_text(CONF)

    def start(self, *args, **options):
        return subprocess.Popen(
            [PROGRAM, "-c", self.dir / "kms.conf", *args], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def run_ctl(self, *args, code=0, stdin=""):
        """Run, compare the exit code; (stdout, stderr)."""
        p = self.start(*args, stdin=subprocess.PIPE)
        out, err = p.communicate(stdin)
        self.assertEqual(p.returncode, code, out + err)
        self.assertNotIn(KEY, out + err)
        return out, err

    def ok(self, *args, stdin=""):
        return self.run_ctl(*args, stdin=stdin)[0]

    def fails(self, code, *args, stdin=""):
        out, err = self.run_ctl(*args, code=code, stdin=stdin)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        return err

    def json(self, *args, stdin=""):
        out = self.ok(*args, "--json", stdin=stdin)
        return [json.loads(line) for line in out.splitlines()]

    def sql(self, text, path="kms.db"):
        """The first row that a statement gives, run behind our back."""
        with contextlib.closing(sqlite3.connect(self.dir / path)) as db:
            row = db.execute(text).fetchone()
            db.commit()
            return row

    def add(self, uri="sip:alice@example.org", name="a1"):
        return self.ok("user", "add", uri, "--psk-id", name, "--psk", KEY)


class Init(Case):
    def test_makes_what_is_missing_and_never_overwrites(self):
        first = self.json("init")[0]
        self.assertTrue(first["store-made"] and first["store-key-made"])
        key = (self.dir / "store.key").read_bytes()
        self.add()
        again = self.json("init")[0]
        self.assertFalse(again["store-made"] or again["store-key-made"])
        self.assertEqual((self.dir / "store.key").read_bytes(), key)
        self.assertEqual(len(self.json("key", "list")), 1)
        self.assertEqual(len(self.json("user", "list")), 1)
        for name in ("kms.db", "store.key"):
            self.assertEqual((self.dir / name).stat().st_mode & 0o777, 0o600)

    def test_uses_a_store_key_that_is_there(self):
        path = self.dir / "store.key"
        path.write_text("5a" * 32 + "\n")
        path.chmod(0o600)
        self.assertFalse(self.json("init")[0]["store-key-made"])
        self.add()

    def test_makes_no_new_key_for_a_store_that_has_one(self):
        self.ok("init")
        (self.dir / "store.key").unlink()
        self.assertIn("restore it from its backup", self.fails(2, "init"))
        self.assertFalse((self.dir / "store.key").exists())

    def test_wrong_store_key(self):
        self.ok("init")
        (self.dir / "store.key").write_text("00" * 32 + "\n")
        said = "is not the key of the store"
        self.assertIn(said, self.fails(2, "init"))
        self.assertIn(said, self.fails(2, "key", "rotate"))
        self.assertIn(said, self.fails(
            2, "user", "add", "sip:a@x", "--psk-id", "a", "--psk", KEY))

    def test_store_key_that_others_can_read(self):
        self.ok("init")
        (self.dir / "store.key").chmod(0o640)
        self.assertIn("chmod 0600", self.fails(2, "key", "rotate"))

    def test_store_of_a_newer_version(self):
        self.ok("init")
        self.sql("PRAGMA user_version = 99")
        for verb in (["init"], ["user", "list"], ["key", "rotate"]):
            self.assertIn("is of version 99", self.fails(2, *verb))

    def test_no_store_yet(self):
        self.assertIn("make it with", self.fails(2, "user", "list"))

    @unittest.skipIf(os.geteuid() == 0, "root writes everywhere")
    def test_read_only_folder(self):
        self.ok("init")
        self.dir.chmod(0o500)
        self.addCleanup(self.dir.chmod, 0o700)
        self.fails(1, "key", "rotate")


class User(Case):
    def setUp(self):
        super().setUp()
        self.ok("init")

    def test_transcript(self):
        self.assertEqual(self.add("sip:Alice@EXAMPLE.org:5060;x=y"),
                         "user sip:Alice@example.org:5060 has the credential "
                         "a1\n")
        self.add("sip:Alice@example.org:5060", "a2")
        lines = self.ok("user", "show", "sip:Alice@example.org:5060")
        self.assertEqual([l.split("  created")[0] for l in lines.split("\n")],
                         ["sip:Alice@example.org:5060", "  psk a1",
                          "  psk a2", ""])
        self.assertEqual(self.ok("user", "list"),
                         "sip:Alice@example.org:5060  2 credentials\n")
        self.assertEqual(
            self.ok("user", "remove", "sip:Alice@example.org:5060"),
            "user sip:Alice@example.org:5060 is removed\n")
        self.assertEqual(self.ok("user", "list"), "")

    def test_json(self):
        self.add()
        shown = self.json("user", "show", "sip:alice@example.org")[0]
        self.assertEqual(set(shown), {"identity", "created", "credentials"})
        self.assertEqual(set(shown["credentials"][0]),
                         {"kind", "psk-id", "created"})
        gone = self.json("user", "remove", "sip:alice@example.org")[0]
        self.assertEqual(gone, {"identity": "sip:alice@example.org",
                                "daemon": "not running"})
        error = self.fails(1, "--json", "user", "show", "sip:alice@x")
        self.assertIn("there is none", json.loads(error)["error"])

    def test_key_from_file_and_standard_input(self):
        (self.dir / "psk").write_text(KEY + "\n")
        add = ["user", "add", "sip:a@x", "--psk-id"]
        self.ok(*add, "1", "--psk-file", self.dir / "psk")
        self.ok(*add, "2", "--psk-file", "-", stdin=KEY)
        self.ok(*add, "3", "--psk-file", "-", stdin=4 * KEY + "\n")
        for text in ("", "00", KEY[:-1], KEY[:-2], KEY + "zz", 4 * KEY + "00",
                     KEY + "\n\n"):
            self.fails(2, *add, "4", "--psk-file", "-", stdin=text)
        self.fails(1, *add, "4", "--psk-file", self.dir / "none")

    def test_psk_id_of_another_user(self):
        self.add("sip:a@x", "one")
        error = self.fails(1, "user", "add", "sip:b@x", "--psk-id", "one",
                           "--psk", KEY)
        self.assertIn("psk-id one: belongs to another user", error)
        self.assertEqual(self.ok("user", "list"), "sip:a@x  1 credential\n")

    def test_wrong_usage(self):
        for args in (["user", "add", "sip:a@x"],
                     ["user", "add", "sip:a@x", "--psk-id", "a"],
                     ["user", "add", "sip:a@x", "--psk-id", "a", "--psk", KEY,
                      "--psk-file", "-"],
                     ["user", "add", "mailto:a@x", "--psk-id", "a",
                      "--psk", KEY],
                     ["user", "add", "sip:a@x", "--psk-id", "", "--psk", KEY],
                     ["user", "add", "sip:a@x", "--psk-id", "a" * 256,
                      "--psk", KEY],
                     ["user", "add", "sip:a@x", "--psk-id", "a\nb",
                      "--psk", KEY],
                     ["user", "show"], ["user", "list", "more"],
                     ["user", "list", "--psk", KEY], []):
            self.fails(2, *args)
        self.assertIn("did you mean: user remove?",
                      self.fails(2, "user", "rmove", "sip:a@x"))
        self.assertIn("did you mean: key list?", self.fails(2, "keylist"))
        self.assertEqual(self.ok("user", "list"), "")
        self.add("sip:a@x", "a" * 255)

    def test_help_for_each_verb(self):
        verbs = [line[2:15].split() for line in self.ok("--help").split("\n")
                 if line.startswith("  ") and not line.startswith("  --")]
        self.assertEqual(len(verbs), 8)
        for verb in verbs:
            self.assertIn(" ".join(verb), self.ok(*verb, "--help"))

    def test_no_key_in_the_files(self):
        self.add()
        for path in self.dir.glob("kms.db*"):
            self.assertNotIn(bytes.fromhex(KEY), path.read_bytes())
            self.assertNotIn(KEY.encode(), path.read_bytes())


class Import(Case):
    def setUp(self):
        super().setUp()
        self.ok("init")

    def count(self):
        return self.sql("SELECT count(*) FROM credentials")[0]

    def test_lines_from_standard_input(self):
        text = "".join(record(n) + "\n" for n in range(10000))
        self.assertEqual(self.json("user", "import", "-", stdin=text),
                         [{"imported": 10000, "daemon": "not running"}])
        self.assertEqual(self.count(), 10000)
        self.ok("user", "import", "-", stdin=text)
        self.assertEqual(self.count(), 10000)

    def test_stops_at_the_first_wrong_line(self):
        for wrong in ("", "{", "[]", '{"id":"sip:a@x"}', record(1, "00"),
                      record(1).replace("sip:", "http:"),
                      record(1)[:-1] + ', "more": 1}',
                      record(1)[:-1] + ', "id": "sip:b@x"}',
                      record(1).replace("u1", "u2").replace("p1", "p0"),
                      record(1).replace("p1", "p" * 256),
                      record(1).replace("p1", "p" * 5000)):
            text = f"{record(0)}\n{wrong}\n{record(3)}\n"
            out, err = self.run_ctl("user", "import", "-", code=1, stdin=text)
            self.assertIn("standard input:2: ", err)
            self.assertEqual(out, "1 imported\n")
            self.assertEqual(self.count(), 1)
        self.assertEqual(self.ok("user", "list"), "sip:u0@x  1 credential\n")

    def test_kill_in_the_middle_loses_nothing_acknowledged(self):
        p = self.start("user", "import", "-", stdin=subprocess.PIPE)
        text = "".join(record(n) + "\n" for n in range(10000))
        p.stdin.write(text)  # two chunks of 4096 and a rest
        p.stdin.flush()
        limit = time.monotonic() + 30
        while self.count() < 8192 and time.monotonic() < limit:
            pass
        p.send_signal(signal.SIGKILL)
        p.communicate()
        self.assertEqual(self.count(), 8192)
        self.assertEqual(self.sql("PRAGMA integrity_check"), ("ok",))
        self.ok("user", "import", "-", stdin=text)
        self.assertEqual(self.count(), 10000)

    def test_full_disk(self):
        disk = self.dir / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk]
        if os.geteuid() or subprocess.run(mount, stderr=-3).returncode:
            print("SKIPPED full disk: cannot mount a tmpfs", file=sys.stderr)
            self.skipTest("cannot mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", disk])
        (self.dir / "kms.conf").write_text(
            CONF.replace("kms.db", "disk/kms.db"))
        self.ok("init")
        text = "".join(record(n) + "\n" for n in range(20000))
        out, err = self.run_ctl("user", "import", "-", code=1, stdin=text)
        self.assertIn("full", err)
        stored = int(out.split()[0])
        self.assertEqual(self.sql("SELECT count(*) FROM credentials",
                                  "disk/kms.db")[0], stored)

    @unittest.skipUnless(MILLION, "nightly: --million")
    def test_a_million_users(self):
        path = self.dir / "users"
        with path.open("w") as f:
            for n in range(1000000):
                f.write(record(n * 7919 % 1000003) + "\n")
        start = time.monotonic()
        self.ok("user", "import", path)
        print(f"import-million\t{time.monotonic() - start:.1f}\ts\t60")
        self.assertEqual(self.count(), 1000000)


class Key(Case):
    def setUp(self):
        super().setUp()
        self.ok("init")

    def states(self):
        return [k["state"] for k in self.json("key", "list")]

    def test_rotation(self):
        first = self.json("key", "list")[0]["id"]
        new = self.json("key", "rotate")[0]["id"]
        keys = self.json("key", "list")
        self.assertEqual([k["id"] for k in keys], [new, first])
        self.assertEqual(self.states(), ["use", "resolve"])
        self.assertIn("retired", keys[1])

    def test_keys_are_forgotten_when_their_tickets_have_expired(self):
        self.ok("key", "rotate")
        self.sql("UPDATE ticket_keys SET retired = retired - 86400")
        self.assertEqual(self.json("key", "rotate")[0]["forgotten"], 0)
        self.sql("UPDATE ticket_keys SET retired = retired - 87010")
        self.assertEqual(self.json("key", "rotate")[0]["forgotten"], 2)
        self.assertEqual(self.states(), ["use", "resolve"])

    def test_no_more_keys_than_a_kms_takes(self):
        for _ in range(63):
            self.ok("key", "rotate")
        before = self.ok("key", "list")
        self.assertEqual(before.count("\n"), 64)
        said = self.fails(1, "key", "rotate")
        self.assertIn("has 64 ticket keys", said)
        self.assertIn("shorter max-lifetime", said)
        self.assertEqual(self.ok("key", "list"), before)
        self.sql("UPDATE ticket_keys SET retired = retired - 90000"
                 " WHERE rowid = (SELECT min(rowid) FROM ticket_keys"
                 " WHERE retired NOT NULL)")
        self.assertEqual(self.json("key", "rotate")[0]["forgotten"], 1)


class Daemon(Case):
    """A running daemon is told about changes; here the test plays it."""

    def setUp(self):
        super().setUp()
        self.ok("init")
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.dir / "kms.db.admin"))
        self.server.listen()
        self.addCleanup(self.server.close)
        self.heard = []

    def play(self, answer):
        def serve():
            client = self.server.accept()[0]
            with client:
                self.heard.append(client.recv(100))
                client.sendall(answer)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)

    def test_is_told(self):
        self.play(b"ok\n")
        self.assertEqual(self.json("key", "rotate")[0]["daemon"], "told")
        self.assertEqual(self.heard, [b"changed\n"])

    def test_refuses(self):
        for answer in (b"error the engine is away\n", b""):
            self.play(answer)
            out, err = self.run_ctl("key", "rotate", code=1)
            self.assertIn("is in use", out)
            self.assertIn("the store is changed, but", err)
        self.assertIn("did not answer", err)

    def test_is_not_asked_for_reading(self):
        self.ok("key", "list")
        self.ok("user", "list")

    def test_left_its_socket_behind(self):
        self.server.close()
        self.assertEqual(self.json("key", "rotate")[0]["daemon"],
                         "not running")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
