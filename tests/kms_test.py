#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tessera-kmsd over real HTTP and HTTPS, with users written from the RFC.

    kms_test.py BUILD-FOLDER
"""
import concurrent.futures
import contextlib
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import kmsclient  # noqa: E402
from kmsclient import (  # noqa: E402
    IS_KMS, R, Kms, User, error_of, harness, issue, keys_of, mikeykeys,
    program, request_init, resolve, resolve_init)

AUTH, TIME, PRF, DT, OTHER = 0, 1, 2, 11, 12


class Running(unittest.TestCase):
    """One KMS for all tests of a class; Alice, Bob and Eve are its users."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(harness.Lab())
        cls.kms = Kms(cls.lab).start()
        cls.alice, cls.bob, cls.eve = map(cls.kms.user,
                                          ("alice", "bob", "eve"))

    @classmethod
    def tearDownClass(cls):
        """Whatever it was about: no key in a log or in the audit."""
        cls.kms.stop()
        texts = [p.read_bytes() for p in
                 [*cls.lab.folder.glob("kmsd-*"), cls.kms.audit]]
        for user in (cls.alice, cls.bob, cls.eve):
            for text in texts:
                assert user.psk not in text, "a key in a log"
                assert user.psk.hex().encode() not in text, "a key in a log"
        for text in texts:
            assert b"Sanitizer" not in text and b"runtime error" not in text
        cls.kms.records()

    def granted(self, **options):
        return issue(self.kms, self.alice, [self.bob.identity], **options)

    def refused(self, init, kind, user, number, authenticated):
        got = error_of(*self.kms.post(init, kind), init, user.psk)
        self.assertEqual(got, ([number], authenticated))


class Exchanges(Running):
    def agree(self, **options):
        ticket, mine = self.granted(**options)
        reply, theirs = resolve(self.kms, self.bob, ticket, **options)
        prf = options.get("prf", 1)
        identity = reply.identity(R)
        rand = reply.rand(IS_KMS)
        self.assertEqual(mine[0].key, theirs[0].key)
        for nth, constant in ((1, mikeykeys.MPKR_FORK),
                              (2, mikeykeys.TGK_FORK)):
            self.assertEqual(theirs[nth].key, mikeykeys.fork(
                constant, mine[nth].key, prf, identity, rand))

    def test_both_sides_agree_in_both_suites(self):
        for prf in 0, 1:
            for tls in False, True:
                with self.subTest(prf=prf, tls=tls):
                    self.agree(prf=prf, tls=tls)

    def test_base64_in_base64_out(self):
        self.agree(form=str)
        self.agree(form=str, tls=True, prf=0)

    def test_the_same_bytes_again_get_the_same_reply(self):
        init = request_init(self.alice, [self.bob.identity])
        first = self.kms.post(init)
        self.assertEqual(first, self.kms.post(init))
        self.assertEqual(first, self.kms.post(init, tls=True))
        keys_of(*first, init, self.alice)

    def test_a_list_of_receivers(self):
        names = [f"sip:n{i}@example.org" for i in range(62)]
        ticket, _ = issue(self.kms, self.alice, [
            *names, self.bob.identity, self.eve.identity])
        resolve(self.kms, self.bob, ticket)
        resolve(self.kms, self.eve, ticket)

    def test_each_decision_has_its_line(self):
        before = len(self.kms.records())
        ticket, _ = self.granted()
        resolve(self.kms, self.bob, ticket)
        init = resolve_init(self.eve, ticket)
        self.refused(init, "ticketresolve", self.eve, OTHER, True)
        lines = self.kms.records()[before:]
        self.assertEqual([(r["event"], r["result"]) for r in lines],
                         [("request", "granted"), ("resolve", "granted"),
                          ("resolve", "refused")])
        self.assertEqual(lines[2]["reason"], "wrong receiver")
        self.assertEqual(lines[1]["user"], self.bob.identity)
        self.assertEqual(lines[1]["from"], self.alice.identity)


class BadInput(Running):
    """The rows of the table, over the wire."""

    def test_cut_off_anywhere(self):
        init = request_init(self.alice, [self.bob.identity])
        for n in range(1, len(init)):
            status, raw = self.kms.post(init[:n])
            if n < 10:
                self.assertEqual(status, 400)
            else:
                self.assertEqual(error_numbers(raw), [OTHER])

    def test_too_large(self):
        init = request_init(self.alice, [self.bob.identity])
        self.assertEqual(self.kms.post(init + bytes(70000))[0], 413)
        status, raw = self.kms.post(init + bytes(65536 - len(init)))
        self.assertEqual((status, error_numbers(raw)), (200, [OTHER]))

    def test_wrong_version_type_chain_and_tail(self):
        init = bytearray(request_init(self.alice, [self.bob.identity]))
        self.assertEqual(self.kms.post(b"\x02" + init[1:])[0], 400)
        for at, value, number in ((1, 13, DT), (1, 6, DT), (2, 30, OTHER),
                                  (2, 9, OTHER), (3, 0x85, PRF)):
            bad = bytes(init[:at]) + bytes([value]) + bytes(init[at + 1:])
            self.assertEqual(error_numbers(self.kms.post(bad)[1]), [number])
        self.assertEqual(error_numbers(self.kms.post(bytes(init) + b"\0")[1]),
                         [OTHER])
        self.assertEqual(error_numbers(
            self.kms.post(bytes(init), "ticketresolve")[1]), [DT])

    def test_http(self):
        init = request_init(self.alice, [self.bob.identity])
        post = self.kms.post
        self.assertEqual(post(init, headers={"Content-Type": "text/plain"})[0],
                         415)
        self.assertEqual(post(init, headers={})[0], 415)
        self.assertEqual(post(init, method="PUT")[0], 405)
        self.assertEqual(post(None, method="GET", headers={})[0], 405)
        self.assertEqual(post(init, path="/other?requesttype=ticketrequest")
                         [0], 404)
        self.assertEqual(post(init, "nothing")[0], 400)
        self.assertEqual(post(init, path="/keymanagement")[0], 400)
        self.assertEqual(post(b"")[0], 400)
        self.assertEqual(post(b"A===")[0], 400)

    def test_who_is_not_authenticated_learns_nothing(self):
        stranger = User("sip:x@example.org", "bob-2", os.urandom(32))
        forger = User(self.alice.identity, "eve-1", os.urandom(32))
        replies = []
        for user in stranger, forger:
            init = request_init(user, [self.bob.identity])
            status, raw = self.kms.post(init)
            self.assertEqual(status, 200)
            self.assertEqual(error_numbers(raw), [AUTH])
            # HDR without CSB ID, T without its value, ERR, and no V
            replies.append(raw[:4] + raw[8:12] + raw[20:])
        self.assertEqual(replies[0], replies[1])
        self.assertEqual(len(replies[0]), 10 + 10 + 4 - 4 - 8)

    def test_a_key_id_longer_than_any_is_as_unknown_as_any_other(self):
        known = User("sip:long@example.org", "k" * 255, os.urandom(32))
        self.kms.admin("user", "add", known.identity, "--psk-id",
                       known.key_id, "--psk", known.psk.hex())
        issue(self.kms, known, [self.bob.identity])
        longer = User(known.identity, known.key_id + "k", known.psk)
        init = request_init(longer, [self.bob.identity])
        self.refused(init, "ticketrequest", longer, AUTH, False)

    def test_all_refusals_of_a_ticket_look_alike(self):
        ticket, _ = self.granted()
        bad = {"eve": (self.eve, ticket)}
        for name, at in (("policy", 40), ("data", len(ticket) - 120),
                         ("initiator", len(ticket) - 3)):
            bad[name] = self.bob, flipped(ticket, at)
        sizes = set()
        for name, (user, octets) in bad.items():
            with self.subTest(name):
                init = resolve_init(user, octets)
                self.refused(init, "ticketresolve", user, OTHER, True)
                sizes.add(len(self.kms.post(init, "ticketresolve")[1]))
        self.assertEqual(len(sizes), 1)

    def test_claims_of_others(self):
        ask = [self.bob.identity]
        for init in (
                request_init(self.alice, ask, claim=self.bob.identity),
                request_init(self.alice, ask, kms="sip:kms@example.com")):
            self.refused(init, "ticketrequest", self.alice, OTHER, True)

    def test_clocks_and_replays(self):
        for off in -3600, 3600, -400, 400:
            init = request_init(self.alice, [self.bob.identity],
                                at=time.time() + off)
            self.refused(init, "ticketrequest", self.alice, TIME, False)
        init = request_init(self.alice, [self.bob.identity])
        keys_of(*self.kms.post(init), init, self.alice)
        parsed = kmsclient.mikeyread.parse(init)
        rand = parsed.payloads.must("RANDR")
        other = flipped(init, rand.end - 1)  # same name, other bytes
        covered = other[:-32]
        guard = mikeykeys.initial_protection(
            kmsclient.mikeyread.parse(other), self.alice.psk)
        other = covered + guard.mac(2, covered + (
            self.alice.identity + kmsclient.KMS).encode())
        self.refused(other, "ticketrequest", self.alice, TIME, True)

    def test_foreign_ticket(self):
        with harness.Lab() as lab:
            kms = Kms(lab).start()
            there = kms.user("alice")
            ticket, _ = issue(kms, there, [self.bob.identity])
        init = resolve_init(self.bob, ticket)
        self.refused(init, "ticketresolve", self.bob, OTHER, True)

    def test_half_a_request_leaves_others_served(self):
        held = []
        for _ in range(50):
            s = socket.create_connection(("127.0.0.1", self.kms.port))
            s.sendall(b"POST /keymanagement?requesttype=ticketrequest "
                      b"HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n")
            held.append(s)
        self.granted()
        for s in held:
            s.close()


def error_numbers(raw):
    message = kmsclient.mikeyread.parse(raw)
    assert message.name == "Error", message.name
    return [p["number"] for p in message.payloads.all("ERR")]


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]


class Administration(Running):
    """What an administrator does to a running KMS holds at once."""

    def test_a_user_comes_and_goes(self):
        name = "carol"
        gone = User(f"sip:{name}@example.org", f"{name}-1", os.urandom(32))
        for _ in range(3):
            init = request_init(gone, [self.bob.identity])
            self.refused(init, "ticketrequest", gone, AUTH, False)
            carol = self.kms.user(name)
            issue(self.kms, carol, [self.bob.identity])
            again = self.kms.user(name)  # another key for the same id
            issue(self.kms, again, [self.bob.identity])
            init = request_init(carol, [self.bob.identity])
            self.refused(init, "ticketrequest", carol, AUTH, False)
            self.kms.admin("user", "remove", carol.identity)
            init = request_init(again, [self.bob.identity])
            self.refused(init, "ticketrequest", again, AUTH, False)

    def test_a_new_ticket_key_leaves_old_tickets_valid(self):
        old, _ = self.granted()
        self.kms.admin("key", "rotate")
        new, _ = self.granted()
        names = [key_name(ticket) for ticket in (old, new)]
        self.assertNotEqual(*names)
        resolve(self.kms, self.bob, old)
        resolve(self.kms, self.bob, new)

    @contextlib.contextmanager
    def database(self):
        path = self.lab.folder / "kms.db"
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            yield db

    def test_many_administrators_at_once_all_get_their_word(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            users = list(pool.map(self.kms.user,
                                  (f"crowd{n}" for n in range(16))))
        for user in users:
            issue(self.kms, user, [self.bob.identity])

    def test_keys_that_cannot_be_opened_do_not_replace_good_ones(self):
        old, _ = self.granted()
        with self.database() as db:
            good = db.execute("SELECT sealed, seq FROM ticket_keys").fetchall()
            db.execute("UPDATE ticket_keys"
                       " SET sealed = zeroblob(length(sealed))")
        with self.assertRaisesRegex(harness.LabError, "does not answer"):
            self.kms.user("dave")
        resolve(self.kms, self.bob, old)
        self.granted()
        with self.database() as db:
            db.executemany("UPDATE ticket_keys SET sealed = ? WHERE seq = ?",
                           good)
        issue(self.kms, self.kms.user("dave"), [self.bob.identity])
        resolve(self.kms, self.bob, old)

    def test_tickets_outlive_a_restart_and_old_messages_do_not(self):
        ticket, _ = self.granted()
        init = request_init(self.alice, [self.bob.identity])
        keys_of(*self.kms.post(init), init, self.alice)
        self.kms.stop()
        self.kms.start()
        resolve(self.kms, self.bob, ticket)
        self.refused(init, "ticketrequest", self.alice, TIME, False)


def key_name(ticket):
    """The id of the ticket key, out of the Ticket Data's IDRpsk."""
    cursor = kmsclient.mikeyread.Cursor(b"\0" + ticket)
    cursor.take(1)
    inner = kmsclient.mikeyread.PAYLOADS[17][1](cursor)["ticket"]
    return inner.must("IDR", 4)["value"]


class Ready(unittest.TestCase):
    def test_the_first_request_after_ready_is_served(self):
        lab = self.enterContext(harness.Lab())
        kms = Kms(lab)
        alice = kms.user("alice")
        for _ in range(15):
            kms.start()
            issue(kms, alice, [alice.identity])
            kms.stop()


class AuditOnAFullDisk(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
    def test_503_at_once_and_back_without_a_restart(self):
        lab = self.enterContext(harness.Lab())
        disk = lab.folder / "disk"
        disk.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k",
                                "none", disk], capture_output=True, text=True)
        if mount.returncode:
            self.skipTest("mount: " + mount.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        kms = Kms(lab, disk / "audit.log").start()
        alice, bob = kms.user("alice"), kms.user("bob")
        ballast = disk / "ballast"
        ticket, _ = issue(kms, alice, [bob.identity])
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        self.fill_and_see(kms, alice, bob)
        ballast.unlink()
        resolve(kms, bob, ticket)
        self.assertEqual(kms.records()[-1]["event"], "resolve")
        kms.stop()

    def fill_and_see(self, kms, alice, bob):
        """What is left of the page takes a few lines, then it is over."""
        took = []
        for _ in range(60):
            before = len(kms.records())
            start = time.monotonic()
            status, _ = kms.post(request_init(alice, [bob.identity]))
            if status == 503:
                took.append(time.monotonic() - start)
            self.assertEqual(len(kms.records()), before + (status == 200))
            if len(took) == 5:
                break
        self.assertLess(min(took), 0.25)


class Start(unittest.TestCase):
    """What stands in the way is said in one line."""

    def setUp(self):
        self.lab = self.enterContext(harness.Lab())
        self.kms = Kms(self.lab)

    def says(self, code, *words, arguments=None):
        done = subprocess.run(
            [program("tessera-kmsd"), *(arguments or ["-c", self.kms.ini])],
            capture_output=True, text=True, timeout=30)
        lines = [line for line in done.stderr.splitlines()
                 if not line.startswith("ts=")]
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def change(self, old, new):
        text = self.kms.ini.read_text().replace(old, new)
        self.kms.ini.write_text(text)

    def test_usage(self):
        self.says(2, "-h", arguments=["-c"])
        self.says(2, "-h", arguments=["-x"])
        self.says(2, "configuration", arguments=[str(self.kms.ini)])

    def test_configuration(self):
        self.says(2, "no-such.ini", arguments=["-c", "/no-such.ini"])
        self.change("[audit]", "[audti]")
        self.says(2, "kms.ini", "audti")

    def test_no_store(self):
        (self.lab.folder / "kms.db").unlink()
        self.says(2, "kms.db", "init")

    def test_store_of_a_newer_version(self):
        with sqlite3.connect(self.lab.folder / "kms.db") as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute(f"PRAGMA user_version = {version + 1}")
        self.says(2, "kms.db")

    def test_wrong_store_key(self):
        path = self.lab.folder / "store.key"
        path.write_text("00" * 32 + "\n")
        self.says(2, "store.key")

    def test_store_key_that_others_read(self):
        (self.lab.folder / "store.key").chmod(0o644)
        self.says(2, "store.key")

    def test_no_store_key(self):
        (self.lab.folder / "store.key").unlink()
        self.says(2, "store.key")

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", self.kms.port)):
            self.says(1, str(self.kms.port))

    def test_no_certificate(self):
        (self.lab.folder / "cert.pem").unlink()
        self.says(2, "cert.pem")

    def test_audit_file_that_cannot_be_written(self):
        self.change("audit.log", "no-such-folder/audit.log")
        self.says(2, "no-such-folder")


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main(verbosity=2)
