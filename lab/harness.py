# SPDX-License-Identifier: Apache-2.0
"""A temporary folder, free ports, programs that are surely stopped.

Every program gets a session of its own, so that stopping it stops all it
has started. Whoever uses a Lab in a `with` block leaves nothing running on
any path: normal end, failure, Ctrl-C or SIGTERM.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = "TESSERA_BUILD"  # in the environment: the build folder to use
GRACE = 5.0  # seconds from SIGTERM to SIGKILL


class LabError(RuntimeError):
    """The lab cannot go on; the text says what to do next."""


def program(name):
    """The path of a program of ours, or what to do to get it."""
    path = pathlib.Path(os.environ.get(BUILD, ROOT / "build")) / name
    if not path.exists():
        raise LabError(f"{path.name} is not built yet: run `make` first")
    return str(path)


def take_build(argv):
    """Take a build folder out of the arguments of a test, if there is one.

    It goes into the environment, so programs that the test starts use it
    too.
    """
    if len(argv) > 1 and os.path.isdir(argv[1]):
        os.environ[BUILD] = os.path.abspath(argv.pop(1))


def tool(name, package):
    """The path of a Debian program, or which package brings it."""
    places = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    path = shutil.which(name, path=places)
    if not path:
        raise LabError(f"{name} is missing: run `make deps`, or install "
                       f"the package {package}")
    return path


class Program:
    """A running program: its lines are kept, written to a log, awaited."""

    def __init__(self, name, argv, folder, env=None, cwd=None):
        self.name = name
        self.lines = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, env=env, cwd=cwd)
        self._readers = [self._follow(s, folder / f"{name}.{kind}")
                         for s, kind in ((self.process.stdout, "out"),
                                         (self.process.stderr, "log"))]

    def _follow(self, stream, path):
        thread = threading.Thread(target=self._read, args=(stream, path),
                                  daemon=True)
        thread.start()
        return thread

    def _read(self, stream, path):
        with stream, open(path, "ab", buffering=0) as log:
            for raw in stream:
                log.write(raw)
                self._add(raw.decode(errors="replace").rstrip("\n"))
        self._add(None)

    def _add(self, line):
        with self._news:
            if line is not None:
                self.lines.append(line)
            self._news.notify_all()

    def wait_line(self, wanted, seconds=10.0, start=0):
        """The first line from `start` on for which `wanted` holds.

        `wanted` is a text to be contained or a function of the line.
        """
        test = wanted if callable(wanted) else lambda line: wanted in line
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for line in self.lines[start:]:
                    if test(line):
                        return line
                start = len(self.lines)
                self._wait_news(deadline, wanted)

    def _wait_news(self, deadline, wanted):
        left = deadline - time.monotonic()
        ended = self.process.poll() is not None and not any(
            reader.is_alive() for reader in self._readers)
        if ended or left <= 0:
            why = "ended" if ended else "took too long"
            raise LabError(f"{self.name} {why} before {wanted!r}; its last "
                           f"lines:\n" + "\n".join(self.lines[-8:]))
        self._news.wait(min(left, 0.2))

    def wait(self, seconds=30.0):
        """The exit code, once the program has ended by itself."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} does not end; its last lines:\n"
                           + "\n".join(self.lines[-8:])) from None
        for reader in self._readers:
            reader.join(GRACE)
        return code

    def signal(self, number):
        """To the whole process group, children of the program included."""
        try:
            os.killpg(self.process.pid, number)
            return True
        except (ProcessLookupError, PermissionError):
            return False

    def stop(self):
        """Ask, wait, then insist; a group is gone when none is left."""
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:
            self.process.poll()
            if not self.signal(0):
                break
            time.sleep(0.02)
        self.signal(signal.SIGKILL)
        self.process.wait()


class Lab:
    """One disposable lab; use it in a `with` block."""

    def __init__(self, ipv6=False, keep=False):
        self.ipv6 = ipv6
        self.keep = keep
        self.host = "::1" if ipv6 else "127.0.0.1"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-"))
        self.programs = []
        self._ports = set()

    def __enter__(self):
        self._handlers = {n: signal.signal(n, self._interrupted) for n in
                          (signal.SIGTERM, signal.SIGHUP)}
        return self

    def _interrupted(self, number, _frame):
        raise SystemExit(128 + number)

    def __exit__(self, *_):
        # A second Ctrl-C must not leave half of the programs behind.
        held = {n: signal.signal(n, signal.SIG_IGN) for n in
                (signal.SIGINT, *self._handlers)}
        try:
            self.stop_all()
            if not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            for number, handler in {**held, **self._handlers}.items():
                signal.signal(number, handler)

    def stop_all(self):
        for started in reversed(self.programs):
            started.stop()
        self.programs.clear()

    def start(self, name, argv, **options):
        """Start a program; it is stopped with the lab at the latest."""
        started = Program(name, [str(a) for a in argv], self.folder,
                          **options)
        self.programs.append(started)
        return started

    def run(self, name, argv, seconds=30.0):
        """Run a program to its end; LabError unless it succeeds."""
        started = self.start(name, argv)
        code = started.wait(seconds)
        if code:
            raise LabError(f"{name} ended with {code}:\n"
                           + "\n".join(started.lines[-8:]))
        return started.lines

    def port(self):
        """A port of loopback that is free for TCP and UDP alike."""
        while True:
            found = self._free_port()
            if found and found not in self._ports:
                self._ports.add(found)
                return found

    def _free_port(self):
        family = socket.AF_INET6 if self.ipv6 else socket.AF_INET
        with (socket.socket(family, socket.SOCK_STREAM) as tcp,
              socket.socket(family, socket.SOCK_DGRAM) as udp):
            try:
                tcp.bind((self.host, 0))
            except OSError as problem:
                raise LabError(f"nothing can listen on {self.host}: "
                               f"{problem.strerror}") from None
            port = tcp.getsockname()[1]
            try:
                udp.bind((self.host, port))
            except OSError:
                return None
            return port

    def address(self, port):
        """HOST:PORT as it stands in configuration and in a URL."""
        host = f"[{self.host}]" if self.ipv6 else self.host
        return f"{host}:{port}"

    def wait_port(self, port, owner, seconds=10.0):
        """Until somebody accepts on that TCP port."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection((self.host, port), 1.0).close()
                return
            except OSError:
                if owner.process.poll() is not None or (
                        time.monotonic() > deadline):
                    raise LabError(
                        f"{owner.name} does not listen on port {port}:\n"
                        + "\n".join(owner.lines[-8:])) from None
                time.sleep(0.02)

    def write(self, name, text, secret=False):
        """A file of the lab; a secret one only its owner can read."""
        path = self.folder / name
        mode = 0o600 if secret else 0o644
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return path
