#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What KMS and library cost, as ratios: the figures of `make bench`.

    bench.py [BUILD-FOLDER]

Prints one line a figure: name, value, unit, bound, with tabs between; the
bound is empty where there is none, the value where it could not be measured.
Ends 1 if a bound is missed. What is going on goes to standard error.

The engine stands beside its crypto floor (bench-engine). The KMS over HTTP
stands beside MIT krb5kdc, whose CPU time for a TGS request comes from a script
that this folder does not hold: ../shared/bench/krb5-baseline.sh beside the
checkout, or KRB5_BASELINE. Its first configuration, the default one of krb5kdc
with its log in a file, is the one compared with: our KMS, too, writes a record
of each decision to disk. The tuned one is a figure for information. Both
servers run on the first CPU and their clients on the second.

BENCH_MILLION=0 leaves out what needs a store of a million users.
"""

import collections
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KMS_URI = "sip:kms@example.org"
ROUNDS = 3
ENGINES = 5
GROWTH_ROUNDS = 7
CONNECTIONS = 64
RESOLVES = 20000  # a round
WARMUP = 80000  # not counted: touches all of replay table and answer cache
TGS = 2000  # requests of each kind that krb5kdc gets a round
THOUSAND, MILLION = 1000, 1000000
STARTS = 3  # of which the median is taken
TRIES = 3  # of a load that meets errors
TEXT_MAX = 150 * 1024  # bytes of libmikey


def say(text):
    print("bench:", text, file=sys.stderr, flush=True)


class Figures:
    """Prints figures and remembers whether a bound was missed."""

    def __init__(self):
        self.missed = []

    def add(self, name, value, unit, bound=None):
        text = f"{value:.4g}" if isinstance(value, float) else value
        if value is None:
            text = ""
        print(name, text, unit, "" if bound is None else f"{bound:g}",
              sep="\t", flush=True)
        if value is not None and bound is not None and value > bound:
            self.missed.append(name)

    def add_line(self, line):
        """A figure that one of our programs printed in the same form."""
        name, value, unit, bound = line.rstrip("\n").split("\t")
        self.add(name, float(value), unit, float(bound) if bound else None)


def pin(cpu):
    """A preexec function that keeps a child on one CPU, if there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return None
    return lambda: os.sched_setaffinity(0, {cpus[cpu]})


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def psk(key_id):
    """The key of a user, as bench-load derives it."""
    return hashlib.sha256(key_id.encode()).hexdigest()


def children(pid):
    """Process ids of a process and of those that it started."""
    pids = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = path.read_text().rpartition(")")[2].split()
            if int(after_name[1]) == pid:
                pids.append(int(path.parent.name))
    return pids


class Kms:
    """A tessera-kmsd with a number of users, in a folder of its own."""

    def __init__(self, build, folder, users):
        self.build, self.users = build, users
        self.port = free_port()
        self.process = self.reader = None
        self.log = collections.deque(maxlen=20)
        self.conf = folder / "kmsd.conf"
        folder.mkdir()
        self.conf.write_text(
            f"[kms]\nidentity={KMS_URI}\nstore=sqlite:kms.db\n"
            f"store-key=kms.key\n[http]\nlisten=127.0.0.1:{self.port}\n")
        self.ctl("init")
        self.add_users(folder / "users.json")

    def ctl(self, *args):
        subprocess.run([self.build / "tesseractl", "-c", self.conf, *args],
                       check=True, stdout=sys.stderr)

    def add_users(self, path):
        with open(path, "w", encoding="ascii") as f:
            for i in range(self.users):
                f.write(json.dumps({"id": f"sip:u{i}@example.org",
                                    "psk-id": f"u{i}",
                                    "psk": psk(f"u{i}")}) + "\n")
        started = time.monotonic()
        self.ctl("user", "import", str(path))
        say(f"{self.users} users imported in "
            f"{time.monotonic() - started:.1f} s")
        path.unlink()

    def start(self):
        """Milliseconds until it accepts."""
        started = time.monotonic()
        self.process = subprocess.Popen(
            [self.build / "tessera-kmsd", "-c", self.conf],
            stderr=subprocess.PIPE, text=True, preexec_fn=pin(0))
        for line in self.process.stderr:
            if line == "ready\n":
                break
            self.log.append(line)
        took = (time.monotonic() - started) * 1000
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()
        if self.process.poll() is not None:
            self.fail("tessera-kmsd did not start")
        return took

    def read_log(self):
        """The log must go somewhere, or a full pipe stops the KMS."""
        self.log.extend(self.process.stderr)

    def fail(self, text):
        self.stop()
        raise SystemExit(f"bench: {text}; the end of the KMS's log:\n" +
                         "".join(list(self.log)))

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.reader.join()
            self.process.stderr.close()
            self.process = None

    def median_start(self):
        """Milliseconds that a start takes; it runs afterwards."""
        times = []
        for _ in range(STARTS):
            self.stop()
            times.append(self.start())
        return statistics.median(times)

    def cpu_us(self):
        """CPU time of all its processes so far, in microseconds."""
        return sum(int(task.read_text().split()[0])
                   for pid in children(self.process.pid)
                   for task in Path(f"/proc/{pid}/task").glob("*/schedstat")
                   ) / 1000

    def memory_mib(self):
        """Resident memory of all its processes; shared pages count once."""
        kib = 0
        for pid in children(self.process.pid):
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                kib += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])
            except PermissionError:
                status = Path(f"/proc/{pid}/status").read_text()
                kib += int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1])
        return kib / 1024

    def load(self, active, requests=RESOLVES):
        """Microseconds of CPU a resolve, and resolves a second.

        A disk that stands still for a second makes the KMS refuse (no reply
        without an audit record): such a run is no measurement, and repeated.
        """
        for _ in range(TRIES):
            result = self.try_load(active, requests)
            if result:
                return result
            say("not all were answered; once more")
        self.fail("errors under load")

    def try_load(self, active, requests):
        with subprocess.Popen(
                [self.build / "bench" / "bench-load", "127.0.0.1",
                 str(self.port), KMS_URI, "256", str(self.users), str(active),
                 str(CONNECTIONS), str(requests)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                preexec_fn=pin(1)) as client:
            if client.stdout.readline() != "ready\n":
                return None
            before = self.cpu_us()
            out, _ = client.communicate("\n")
            cpu = self.cpu_us() - before
        result = dict(line.split("\t") for line in out.splitlines())
        if client.returncode or result["errors"] != "0":
            return None
        return cpu / requests, requests / float(result["seconds"])


class Krb5:
    """CPU time of krb5kdc for a TGS request, by the baseline script."""

    def __init__(self):
        self.script = Path(os.environ.get("KRB5_BASELINE") or ROOT.parent /
                           "shared" / "bench" / "krb5-baseline.sh")
        self.missing = None
        if not (shutil.which("krb5kdc") or
                os.access("/usr/sbin/krb5kdc", os.X_OK)):
            self.missing = "krb5-kdc is not installed"
        elif not self.script.exists():
            self.missing = f"{self.script} is not there (KRB5_BASELINE)"

    def measure(self, configurations):
        """Microseconds for each of the script's first configurations."""
        found = []
        with subprocess.Popen(["bash", self.script, str(TGS), "1"],
                              stdout=subprocess.PIPE, text=True,
                              start_new_session=True) as script:
            for line in script.stdout:
                match = re.match(r"tgs .*schedstat_us/req=([0-9.]+)", line)
                if match:
                    found.append(float(match[1]))
                if len(found) == configurations:
                    break
            # the session is its own: it, its KDC and its client
            with contextlib.suppress(ProcessLookupError):
                os.killpg(script.pid, signal.SIGTERM)
        if len(found) < configurations:
            raise SystemExit("bench: the krb5 baseline ended early")
        return found


def bench_library(build, figures):
    """libmikey as others get it: the shared library."""
    say("libmikey")
    out = subprocess.run(["size", build / "mikey" / "libmikey.so"], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    figures.add("libmikey-text-bytes", int(out.splitlines()[1].split()[0]),
                "bytes", TEXT_MAX)
    out = subprocess.run([build / "bench" / "bench-parse"], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    for line in out.splitlines():
        figures.add_line(line)


def bench_engine(build, figures):
    """The median of several processes: where memory comes to lie in one of
    them moves its figures by up to a tenth."""
    lines = collections.defaultdict(list)
    for nth in range(ENGINES):
        say(f"the engine beside its crypto floor, {nth + 1} of {ENGINES}")
        out = subprocess.run([build / "bench" / "bench-engine"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        for line in out.splitlines():
            name, value, rest = line.split("\t", 2)
            lines[name].append((float(value), rest))
    for name, seen in lines.items():
        value = statistics.median(v for v, _ in seen)
        figures.add_line(f"{name}\t{value:.4g}\t{seen[0][1]}")


def bench_http(kms, figures):
    """Resolves over HTTP, in turns with krb5kdc."""
    krb5 = Krb5()
    if krb5.missing:
        say(f"no comparison with krb5kdc: {krb5.missing}")
    cpu, rate, tgs, tuned, ratio = [], [], [], None, []
    kms.load(THOUSAND, WARMUP)
    for nth in range(ROUNDS):
        say(f"resolves over HTTP, round {nth + 1} of {ROUNDS}")
        us, per_s = kms.load(THOUSAND)
        cpu.append(us)
        rate.append(per_s)
        if krb5.missing:
            continue
        last = nth + 1 == ROUNDS
        say("krb5kdc, default configuration" + (", then tuned" * last))
        found = krb5.measure(2 if last else 1)
        tuned = found[1] if last else None
        tgs.append(found[0])
        ratio.append(us / found[0])
    figures.add("http-resolve-vs-krb5-tgs",
                statistics.median(ratio) if ratio else None, "ratio", 1 / 6)
    figures.add("http-resolve-cpu-us", statistics.median(cpu), "us")
    figures.add("http-resolve-rps", statistics.median(rate), "1/s")
    figures.add("krb5-tgs-cpu-us", statistics.median(tgs) if tgs else None,
                "us")
    figures.add("krb5-tgs-tuned-cpu-us", tuned, "us")


def bench_million(small, large, figures):
    """The same load on a store of a thousand and of a million users."""
    figures.add("start-1m-ms", large.median_start(), "ms", 1000)
    large.load(1, 1)
    figures.add("rss-1m-mib", large.memory_mib(), "MiB", 64)
    large.load(THOUSAND, WARMUP)
    same, spread = [], []
    for nth in range(GROWTH_ROUNDS):
        say("a thousand and a million users, round "
            f"{nth + 1} of {GROWTH_ROUNDS}")
        base = small.load(THOUSAND)[0]
        same.append(large.load(THOUSAND)[0] / base)
        spread.append(large.load(RESOLVES)[0] / base)
    figures.add("cost-1m-vs-1k", statistics.median(same), "ratio", 1.2)
    # each request by another user: none is in the engine's cache
    figures.add("cost-1m-uncached-vs-1k", statistics.median(spread), "ratio")
    figures.add("rss-1m-loaded-mib", large.memory_mib(), "MiB")


def bench_kms(build, folder, figures):
    with contextlib.ExitStack() as stack:
        small = Kms(build, folder / "thousand", THOUSAND)
        stack.callback(small.stop)
        figures.add("start-1k-ms", small.median_start(), "ms")
        bench_http(small, figures)
        if os.environ.get("BENCH_MILLION") != "0":
            large = Kms(build, folder / "million", MILLION)
            stack.callback(large.stop)
            bench_million(small, large, figures)


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build")
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="tessera-bench.") as folder:
        bench_library(build.resolve(), figures)
        bench_engine(build.resolve(), figures)
        bench_kms(build.resolve(), Path(folder), figures)
    for name in figures.missed:
        say(f"bound missed: {name}")
    return 1 if figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
