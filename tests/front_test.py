#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The front role over real HTTP and HTTPS, before an engine that misbehaves.

    front_test.py BUILD-FOLDER
"""
import base64
import http.client
import os
import re
import resource
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else "build"
HOST = os.path.join(BUILD, "tests", "front_host")
TYPE = {"Content-Type": "application/mikey"}
REQUEST = "/keymanagement?requesttype=ticketrequest"
RESOLVE = "/keymanagement?requesttype=ticketresolve"
IDLE_S = 15  # TS_HTTP_IDLE
IDLE_CONNECTIONS = 10000


def mikey(what, n=64):
    """A message of n octets; its second octet tells the engine what to do."""
    return b"\x01" + what + bytes(n - 2)


class Host:
    """The program under test, on free ports in a temporary folder."""

    def __init__(self, *more):
        self.folder = tempfile.TemporaryDirectory()
        cert, key = (os.path.join(self.folder.name, n) for n in ("c", "k"))
        subprocess.run(
            ["certtool", "--generate-privkey", "--key-type", "ecdsa",
             "--outfile", key], check=True, capture_output=True)
        template = os.path.join(self.folder.name, "t")
        with open(template, "w") as f:
            f.write('cn = localhost\ndns_name = localhost\n'
                    'ip_address = 127.0.0.1\n')
        subprocess.run(
            ["certtool", "--generate-self-signed", "--load-privkey", key,
             "--template", template, "--outfile", cert],
            check=True, capture_output=True)
        self.tls = ssl.create_default_context(cafile=cert)
        self.process = subprocess.Popen([HOST, "0", "0", cert, key, *more],
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        while not self.log or self.log[-1] != "ready\n":
            line = self.process.stderr.readline()
            if not line:
                raise SystemExit("no ready: " + "".join(self.log))
            self.log.append(line)
        found = re.findall(r'address="?(\S+):(\d+)', "".join(self.log))
        self.ports = [int(port) for _, port in found]
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def role(self, name):
        """Process id of a role."""
        out = subprocess.run(
            ["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True).stdout
        return next((int(line.split()[0]) for line in out.splitlines()
                     if line.split()[1] == "host-" + name), None)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.reader.join(10)
        self.process.stderr.close()
        self.folder.cleanup()
        return code


class Front(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()

    @classmethod
    def tearDownClass(cls):
        code = cls.host.stop()
        sanitizer = [line for line in cls.host.log
                     if "Sanitizer" in line or "runtime error" in line]
        if code != 0 or sanitizer:
            raise AssertionError((code, sanitizer, cls.host.log[-20:]))

    # ---- helpers ----

    def connect(self, tls=False):
        if tls:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.host.ports[2], context=self.host.tls,
                timeout=30)
        return http.client.HTTPConnection("127.0.0.1", self.host.ports[0],
                                          timeout=30)

    def ask(self, body, path=REQUEST, method="POST", headers=TYPE, tls=False,
            **more):
        c = self.connect(tls)
        try:
            c.request(method, path, body, headers, **more)
            r = c.getresponse()
            r.body = r.read()
            return r
        finally:
            c.close()

    def check(self, status, *args, **kwargs):
        r = self.ask(*args, **kwargs)
        self.assertEqual(r.status, status, r.body)
        self.assertEqual(r.getheader("Cache-Control"), "no-store")
        if status != 200:
            self.assertEqual(r.body.count(b"\n"), 1)
        return r

    def socket(self):
        return socket.create_connection(("127.0.0.1", self.host.ports[0]), 30)

    # ---- what goes through ----

    def test_raw_is_answered_raw_and_base64_in_base64(self):
        message = mikey(b"e", 700)
        for tls in False, True:
            for path, kind in (REQUEST, b"\x01"), (RESOLVE, b"\x02"):
                want = kind + message[1:]
                r = self.check(200, message, path, tls=tls)
                self.assertEqual(r.body, want)
                self.assertEqual(r.getheader("Content-Type"),
                                 "application/mikey")
                for end in b"", b"\n", b"\r\n \t":
                    r = self.check(200, base64.b64encode(message) + end, path,
                                   tls=tls)
                    self.assertEqual(r.body, base64.b64encode(want))

    def test_ipv6(self):
        c = http.client.HTTPConnection("::1", self.host.ports[1], timeout=30)
        c.request("POST", REQUEST, mikey(b"e"), TYPE)
        self.assertEqual(c.getresponse().status, 200)
        c.close()

    def test_type_and_query_are_read_liberally_where_http_does(self):
        self.check(200, mikey(b"e"),
                   headers={"content-type": 'Application/MIKEY ; a="b"'})
        self.check(200, mikey(b"e"), REQUEST + "&x=y&requesttypes=1&z")

    def test_many_requests_on_one_connection(self):
        c = self.connect()
        for i in range(200):
            body = mikey(b"e", 100 + i)
            c.request("POST", REQUEST, body, TYPE)
            self.assertEqual(c.getresponse().read(), body)
        c.close()

    def test_the_largest_message(self):
        self.check(200, mikey(b"e", 65536))
        self.check(200, base64.b64encode(mikey(b"e", 65536)) + b"\n")

    def test_chunked_and_expect(self):
        pieces = [mikey(b"e", 100), bytes(50), bytes(3000)]
        r = self.check(200, iter(pieces), encode_chunked=True,
                       headers={**TYPE, "Transfer-Encoding": "chunked"})
        self.assertEqual(len(r.body), 3150)
        s = self.socket()
        s.sendall(b"POST " + REQUEST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                  b"Content-Type: application/mikey\r\nContent-Length: 64\r\n"
                  b"Expect: 100-continue\r\n\r\n")
        self.assertIn(b" 100 ", s.recv(1000))
        s.sendall(mikey(b"e"))
        self.assertIn(b" 200 ", s.recv(1000))
        s.close()

    # ---- what does not ----

    def test_what_is_not_for_us(self):
        m = mikey(b"e")
        self.check(404, m, "/keymanagement/?requesttype=ticketrequest")
        self.check(404, m, "/")
        for method in "GET", "PUT", "DELETE":
            r = self.check(405, m, method=method)
            self.assertEqual(r.getheader("Allow"), "POST")
        self.check(405, None, method="GET")
        self.check(415, m, headers={})
        self.check(415, m, headers={"Content-Type": "application/mikeyx"})
        self.check(415, m, headers={"Content-Type": "text/plain"})
        for query in ("", "?requesttype=", "?requesttype=x", "?requesttype",
                      "?RequestType=ticketrequest",
                      "?requesttype=ticketrequest&requesttype=ticketresolve"):
            self.check(400, m, "/keymanagement" + query)

    def test_base64_in_lines(self):
        for n, end in (100, b"\n"), (65536, b"\n"), (65536, b"\r\n"):
            message = mikey(b"e", n)
            lines = base64.encodebytes(message).replace(b"\n", end)
            r = self.check(200, lines)
            self.assertEqual(base64.b64decode(r.body, validate=True), message)

    def test_bodies_that_are_no_message(self):
        good = base64.b64encode(mikey(b"e", 100))
        for body in (b"", b"x", b"\x02abc", b"A", b"AB==", b"Ax!=",
                     good[:-1], good + b"=", good[:8] + b" " + good[8:],
                     good[:8] + b"\t\n" + good[8:],
                     good[:8] + b"\0" + good[8:], b"\n" + good, b"AAAA"):
            self.check(400, body)

    def test_too_large(self):
        for n in 65537, 200000, 700000:
            self.check(413, mikey(b"e", n))
            self.check(413, base64.b64encode(mikey(b"e", n)))
        self.check(413, iter([mikey(b"e", 70000), bytes(70000)]),
                   encode_chunked=True,
                   headers={**TYPE, "Transfer-Encoding": "chunked"})

    def test_far_too_large_is_answered_before_it_is_sent(self):
        for expect in b"", b"Expect: 100-continue\r\n":
            s = self.socket()
            s.sendall(b"POST " + REQUEST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                      b"Content-Type: application/mikey\r\n" + expect +
                      b"Content-Length: 100000000\r\n\r\n")
            self.assertIn(b" 413 ", s.recv(1000))
            s.close()

    def test_no_http(self):
        for text in (b"\r\n\r\n\r\n", b"\x16\x03\x01\x02\x00" + bytes(600),
                     b"POST\r\n\r\n", b"A" * 20000 + b"\r\n\r\n",
                     b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 5000):
            s = self.socket()
            try:
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                while s.recv(1000):
                    pass
            except OSError:
                pass
            s.close()
        self.check(200, mikey(b"e"))

    # ---- engines that misbehave ----

    def test_what_the_engine_says(self):
        self.check(400, mikey(b"h"))
        r = self.check(503, mikey(b"b"))
        self.assertEqual(r.getheader("Retry-After"), "7")
        self.check(200, mikey(b"g"))

    def test_a_silent_engine_is_503(self):
        r = self.check(503, mikey(b"s"))
        self.assertTrue(int(r.getheader("Retry-After")) > 0)

    def test_a_crash_of_the_engine_is_503_for_all_and_then_over(self):
        c = self.connect()
        c.request("POST", REQUEST, mikey(b"s"), TYPE)
        start = time.monotonic()
        self.check(503, mikey(b"c"))
        self.assertEqual(c.getresponse().status, 503)
        self.assertLess(time.monotonic() - start, 4)
        c.close()
        self.check(200, mikey(b"e"))

    def test_more_waiting_than_there_is_room_is_503(self):
        waiting = []
        for _ in range(1100):
            c = self.connect()
            c.request("POST", REQUEST, mikey(b"s"), TYPE)
            waiting.append(c)
        self.assertTrue(all(c.getresponse().status == 503 for c in waiting))
        for c in waiting:
            c.close()
        self.check(200, mikey(b"e"))

    def test_a_client_that_leaves_while_it_waits(self):
        for _ in range(50):
            c = self.connect()
            c.request("POST", REQUEST, mikey(b"s"), TYPE)
            c.close()
        self.check(200, mikey(b"e"))

    def test_kill_9_under_load(self):
        stop = threading.Event()
        served = [0]

        def load():
            while not stop.is_set():
                try:
                    r = self.ask(mikey(b"e"))
                    served[0] += r.status == 200
                except OSError:
                    pass
                except http.client.HTTPException:
                    pass

        threads = [threading.Thread(target=load) for _ in range(4)]
        for t in threads:
            t.start()
        for name in "engine", "front", "engine", "front":
            before = served[0]
            pid = self.host.role(name)
            os.kill(pid, signal.SIGKILL)
            end = time.monotonic() + 20
            while (self.host.role(name) in (pid, None) or
                   served[0] < before + 20):
                self.assertLess(time.monotonic(), end, name)
                time.sleep(0.01)
        stop.set()
        for t in threads:
            t.join()
        self.check(200, mikey(b"e"))

    # ---- clients that hold on ----

    def test_idle_and_half_requests_leave_others_served(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        n = min(IDLE_CONNECTIONS, limit - 500)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        half = (b"POST " + REQUEST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/mikey\r\n"
                b"Content-Length: 60000\r\n\r\n\x01half")
        held = []
        self.addCleanup(lambda: [s.close() for s in held])
        for i in range(n):
            s = self.socket()
            if i % 2:
                s.sendall(half)
            held.append(s)
        start = time.monotonic()
        for tls in False, True:
            self.check(200, mikey(b"e"), tls=tls)
        self.assertLess(time.monotonic() - start, 5)
        poll = select.poll()
        for s in held:
            poll.register(s, select.POLLIN)
        end = time.monotonic() + 2 * IDLE_S
        gone = set()
        while len(gone) < n and time.monotonic() < end:
            for fd, _ in poll.poll(1000):
                gone.add(fd)
                poll.unregister(fd)
        self.assertEqual(len(gone), n)

    def test_half_large_bodies_leave_small_requests_served(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        half = (b"POST " + REQUEST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/mikey\r\n"
                b"Content-Length: 60000\r\n\r\n" + mikey(b"e", 40000))
        held = []
        self.addCleanup(lambda: [s.close() for s in held])
        for _ in range(1500):
            s = self.socket()
            s.sendall(half)
            held.append(s)
        for tls in False, True:
            self.check(200, mikey(b"e", 700), tls=tls)
        # the budget is used up, or this shows nothing
        self.check(503, mikey(b"e", 60000))
        for s in held:
            s.close()
        end = time.monotonic() + 20
        while self.ask(mikey(b"e", 60000)).status != 200:
            self.assertLess(time.monotonic(), end)

    def drip(self, s, text):
        """One octet at a time until the other side hangs up; how long."""
        start = time.monotonic()
        s.setblocking(False)
        for octet in text:
            try:
                s.sendall(bytes([octet]))
            except OSError:
                break
            if select.select([s], [], [], 0.5)[0]:
                break
        s.close()
        return time.monotonic() - start

    def test_a_dripping_client_is_cut_off(self):
        head = (b"POST " + REQUEST.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/mikey\r\n"
                b"Content-Length: 60000\r\n\r\n")
        tls = socket.create_connection(("127.0.0.1", self.host.ports[2]), 30)
        body = self.socket()
        body.sendall(head)
        cases = [(self.socket(), b"X" * 200), (body, b"\x01" * 200),
                 (tls, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
                  bytes(200))]
        took = []
        threads = [threading.Thread(target=lambda c=c: took.append(
            self.drip(*c))) for c in cases]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(took), 3)
        self.assertLess(max(took), IDLE_S + 5)


class Limit(unittest.TestCase):
    """A front that takes 200 connections."""

    def test_silent_connections_make_way(self):
        host = Host("200")
        self.addCleanup(lambda: self.assertEqual(host.stop(), 0))
        held = []
        self.addCleanup(lambda: [s.close() for s in held])
        for _ in range(500):
            held.append(socket.create_connection(
                ("127.0.0.1", host.ports[0]), 30))
        start = time.monotonic()
        for i in range(300):
            c = http.client.HTTPConnection("127.0.0.1", host.ports[0],
                                           timeout=5)
            c.request("POST", REQUEST, mikey(b"e"), TYPE)
            self.assertEqual(c.getresponse().status, 200)
            held.append(c)
        self.assertLess(time.monotonic() - start, 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
