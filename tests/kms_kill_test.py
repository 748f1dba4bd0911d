#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the KMS's processes under load: what was told is true.

    kms_kill_test.py BUILD-FOLDER
"""
import http.client
import os
import pathlib
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from kmsclient import (  # noqa: E402
    Kms, error_of, harness, issue, keys_of, mikeyread, request_init,
    resolve_init)

KILLS = ("engine", "front", "engine", "store", "audit", "engine", "front",
         "engine")
THREADS = 3
REPLAYS = 20  # of the last messages before a death
LATEST = 30.0  # seconds until a role must be back


class Load:
    """Users that ask and ask; all that they were told is kept."""

    def __init__(self, kms, ticket, alice, bob):
        self.kms, self.ticket = kms, ticket
        self.alice, self.bob = alice, bob
        self.told = []  # (kind, init, reply) of each 200
        self.other = {}
        self.wrong = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,))
                         for n in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _work(self, n):
        while not self._end.is_set():
            n += 1
            try:
                self._ask(n % 2)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # a front that is not there
            except Exception as problem:  # told by the main thread
                self.wrong.append(repr(problem))

    def _ask(self, resolving):
        if resolving:
            user, kind = self.bob, "ticketresolve"
            init = resolve_init(user, self.ticket)
        else:
            user, kind = self.alice, "ticketrequest"
            init = request_init(user, [self.bob.identity])
        status, reply = self.kms.post(init, kind)
        if status == 200:
            keys_of(status, reply, init, user)
            self.told.append((kind, init, reply, user))
        else:
            self.other[status] = self.other.get(status, 0) + 1

    def stop(self):
        self._end.set()
        for thread in self._threads:
            thread.join()


class Kill(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(harness.Lab())
        self.kms = Kms(self.lab).start()
        self.alice, self.bob = self.kms.user("alice"), self.kms.user("bob")
        self.ticket, _ = issue(self.kms, self.alice, [self.bob.identity])

    def lines_of(self):
        """CSB IDs of what the audit says was granted or repeated."""
        return {r["csb"] for r in self.kms.records()
                if r["result"] in ("granted", "repeated")}

    def has_line(self, init):
        self.assertIn(f"{mikeyread.parse(init).csb_id:08x}", self.lines_of())

    def test_nothing_told_is_lost_and_nothing_seen_is_new(self):
        load = Load(self.kms, self.ticket, self.alice, self.bob)
        self.addCleanup(load.stop)
        for name in KILLS:
            self.wait(load, 20)
            before = load.told[-REPLAYS:]
            self.kill(name)
            self.wait(load, 5)
            self.replay(before)
        load.stop()
        self.assertEqual(load.wrong, [])
        self.assertEqual(set(load.other) - {503}, set())
        lines = self.lines_of()
        lost = [1 for _, init, _, _ in load.told
                if f"{mikeyread.parse(init).csb_id:08x}" not in lines]
        self.assertEqual(lost, [])
        print(f"{len(load.told)} replies of 200, each with its line; "
              f"{load.other.get(503, 0)} of 503")

    def wait(self, load, more):
        """Until so many more were served."""
        goal, end = len(load.told) + more, time.monotonic() + LATEST
        while len(load.told) < goal:
            self.assertLess(time.monotonic(), end, "nothing is served")
            time.sleep(0.01)

    def kill(self, name):
        pid = self.kms.role(name)
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + LATEST
        while self.kms.role(name) in (pid, None):
            self.assertLess(time.monotonic(), end, name + " is not back")
            time.sleep(0.01)

    def replay(self, told):
        """The same bytes give the same reply or Error 1, never new keys."""
        for kind, init, reply, user in told:
            status, again = self.patient_post(init, kind)
            if again != reply:
                self.assertEqual(error_of(status, again, init, user.psk),
                                 ([1], True))

    def patient_post(self, init, kind):
        """Until it is not 503: the load goes on beside it."""
        end = time.monotonic() + LATEST
        while time.monotonic() < end:
            try:
                status, body = self.kms.post(init, kind)
            except (OSError, http.client.HTTPException):
                status = 503
            if status != 503:
                return status, body
            time.sleep(0.02)
        self.fail("503 for ever")
        return None

    def test_the_line_is_there_before_the_reply(self):
        for _ in range(5):
            init = request_init(self.alice, [self.bob.identity])
            keys_of(*self.kms.post(init), init, self.alice)
            self.kms.daemon.signal(signal.SIGKILL)
            self.has_line(init)
            self.kms.daemon.stop()
            self.kms.start()


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main(verbosity=2)
