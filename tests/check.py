#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build and run all checks: make check, and with --nightly the long forms.

Each step writes its log to build/check/. The last line sums up: how many
single tests passed and failed, and how many were skipped. Exit 0 only if none
failed.

Environment of --nightly: FUZZ_BUDGET (seconds of fuzzing in all, 3600),
LAB_RUNS (20), KILL_RUNS (20).
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD, ASAN, FUZZ = "build", "build-asan", "build-fuzz"
TSAN, VALGRIND = "build-tsan", "build-valgrind"
COVER, MSAN = "build-cover", "build-msan"
LOGS = ROOT / BUILD / "check"
TAIL = 40  # lines of a failing step's log that are shown
FUZZ_SHORT = 5  # seconds for each target
MINUTE = 60

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
VERDICTS = {"OK": PASSED, "EXPECTEDFAIL": PASSED, "SKIP": SKIPPED}


class Runner:
    """Runs steps one after the other and counts what they say."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.counts = dict.fromkeys((PASSED, FAILED, SKIPPED), 0)
        self.bad = []

    def step(self, name, work):
        """work(log) gives a list of (name, verdict, why)."""
        self.done += 1
        log_path = LOGS / f"{self.done:02}-{name.replace(' ', '-')}.log"
        print(f"[{self.done:2}/{self.total}] {name} ... ", end="", flush=True)
        start = time.monotonic()
        with open(log_path, "w", errors="replace") as log:
            results = work(log)
        took = time.monotonic() - start
        counts = [(v, sum(r[1] == v for r in results)) for v in self.counts]
        print(", ".join(f"{n} {v}" for v, n in counts if n),
              f"({took:.0f} s)", flush=True)
        for verdict, n in counts:
            self.counts[verdict] += n
        self.tell(name, results, log_path)

    def tell(self, name, results, log_path):
        """What was skipped, and why; what failed, and how its log ends."""
        for single, verdict, why in results:
            if verdict == SKIPPED:
                print(f"        SKIPPED {single}: {why}")
            elif verdict == FAILED:
                print(f"        FAILED {single}: {why}")
                self.bad.append(f"{name}: {single}")
        if any(r[1] == FAILED for r in results):
            lines = log_path.read_text(errors="replace").splitlines()
            print(f"  --- the end of {log_path.relative_to(ROOT)} ---")
            for line in lines[-TAIL:]:
                print("  |", line)

    def end(self):
        for name in self.bad:
            print("failed:", name)
        line = f"{self.counts[PASSED]} passed, {self.counts[FAILED]} failed"
        if self.counts[SKIPPED]:
            line += f", {self.counts[SKIPPED]} skipped"
        print(line)
        return 1 if self.counts[FAILED] else 0


def run(log, command, limit, **env):
    """Run a command in a process group of its own; its exit code, or None
    when the time was up and the group was ended."""
    print("+", *command, file=log, flush=True)
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, **env})
    try:
        return process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        print(f"*** not done after {limit} s", file=log, flush=True)
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def verdict(name, code):
    if code == 0:
        return name, PASSED, ""
    return name, FAILED, "timeout" if code is None else f"exit code {code}"


def command_step(name, command, limit=5 * MINUTE):
    """A step that is one command and counts as one test."""
    return lambda log: [verdict(name, run(log, command, limit))]


def set_up(log, folder, options, **env):
    """Set up a build folder unless it is there; the exit code."""
    if (ROOT / folder / "build.ninja").exists():
        return 0
    return run(log, ["meson", "setup", folder, *options], 5 * MINUTE, **env)


def build_step(folder, options=(), targets=(), **env):
    """Set up a build folder, and build the targets; all of it if none are
    given."""
    def work(log):
        code = set_up(log, folder, options, **env)
        if code != 0:
            return [verdict("meson setup " + folder, code)]
        code = run(log, ["ninja", "-C", folder, *targets], 10 * MINUTE)
        return [verdict("build " + folder, code)]
    return work


def skipped_inside(name, test):
    """What a program that passed has left out, in cmocka's or unittest's
    words: a skip is said aloud, also where meson does not see it."""
    said = (test.get("stdout") or "") + (test.get("stderr") or "")
    inside = sorted(set(re.findall(r"^\[ +SKIPPED +\] (\w+)$", said, re.M)))
    results = [(f"{name}: {i}", SKIPPED, "see the log") for i in inside]
    for n in re.findall(r"skipped=(\d+)", said):
        results += [(f"{name}: one of its tests", SKIPPED,
                     "run it alone with -v for the reason")] * int(n)
    return results


def read_meson_log(path):
    """(name, verdict, why) of each run in a testlog.json of meson."""
    results = []
    for line in path.read_text().splitlines():
        test = json.loads(line)
        kind = VERDICTS.get(test["result"], FAILED)
        name = test["name"].split(" / ")[-1]
        why = test["result"].lower()
        if kind == SKIPPED:
            said = (test.get("stdout") or "").strip().splitlines()
            why = said[-1] if said else "it did not say why"
        results.append((name, kind, why))
        results += skipped_inside(name, test)
    return results


def meson_step(folder, suite, limit, *options, **env):
    """Run one suite of a build folder; each test of it counts."""
    def work(log):
        if not (ROOT / folder / "build.ninja").exists():
            return [(suite, FAILED, f"{folder} is not built")]
        base = f"check-{suite}"
        json_log = ROOT / folder / "meson-logs" / f"{base}.json"
        json_log.unlink(missing_ok=True)
        code = run(log, ["meson", "test", "-C", folder, "--suite", suite,
                         "--no-rebuild", "--print-errorlogs", "--logbase",
                         base, *options], limit, **env)
        results = read_meson_log(json_log) if json_log.exists() else []
        if not results and code == 0:
            return [(suite, SKIPPED, "the suite has no tests")]
        if code != 0 and not any(r[1] == FAILED for r in results):
            results.append(verdict("meson test", code))
        return results
    return work


def fuzz_step(seconds_of):
    """All targets; seconds_of(number of targets) gives the time for each."""
    def work(log):
        targets = [p for p in (ROOT / FUZZ / "fuzz").glob("fuzz_*")
                   if p.is_file() and os.access(p, os.X_OK)]
        if not targets:
            return [("fuzz", FAILED, f"no targets in {FUZZ}")]
        seconds = seconds_of(len(targets))
        limit = (seconds + 30) * len(targets) + 5 * MINUTE
        code = run(log, [sys.executable, "fuzz/run.py", FUZZ, "--seconds",
                         str(seconds)], limit)
        log.flush()
        table = re.findall(r"^(\w+) +[\d-]+ +[\d-]+ +[\d-]+ +(\d)$",
                           Path(log.name).read_text(), re.M)
        results = [verdict("fuzz " + name, int(bad)) for name, bad in table]
        if code != 0 and not any(r[1] == FAILED for r in results):
            results.append(verdict("fuzz/run.py", code))
        return results
    return work


def have_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def lab_step(version, runs=1):
    """The demo call, as a user starts it; over IPv4 or IPv6."""
    def work(log):
        name = f"lab over IPv{version}"
        if not (ROOT / "lab/demo.py").exists():
            return [(name, FAILED, "lab/demo.py is not there")]
        if version == "6" and not have_ipv6():
            return [(name, SKIPPED, "this machine has no IPv6 loopback")]
        return [verdict(name, run(log, [sys.executable, "lab/demo.py"],
                                  3 * MINUTE, IPV=version))
                for _ in range(runs)]
    return work


def tsan_step(log):
    """The rings are what two processes share; a test runs them in threads."""
    built = build_step(TSAN, ("-Db_sanitize=thread", "-Db_lundef=false"),
                       ("tests/test_ring",))(log)
    if built[0][1] == FAILED:
        return built
    return [verdict("ring under TSan", run(
        log, [str(ROOT / TSAN / "tests/test_ring")], 5 * MINUTE))]


def valgrind_step(log):
    """Without the sandbox, which kills what valgrind itself has to do."""
    if not shutil.which("valgrind"):
        return [("valgrind", SKIPPED, "apt-get install valgrind first")]
    built = build_step(VALGRIND, ("-Dc_args=-DTS_NO_SANDBOX",))(log)
    if built[0][1] == FAILED:
        return built
    return meson_step(VALGRIND, "unit", 60 * MINUTE, "--timeout-multiplier",
                      "5", "--wrap", "valgrind -q --error-exitcode=9 "
                      "--leak-check=full --errors-for-leak-kinds=definite",
                      UNIT_OOM="no")(log)


def coverage_step(log):
    """What the start inputs of the fuzz targets reach of mikey/."""
    built = build_step(COVER, ("-Dfuzz_coverage=true", "--buildtype=debug"),
                       ("fuzz/cover",), CC="clang")(log)
    if built[0][1] == FAILED:
        return built
    return [verdict("fuzz coverage", run(
        log, [sys.executable, "fuzz/coverage.py", COVER], 5 * MINUTE))]


def flow_of(log, folder):
    """Each case of the constant flow counts."""
    from_here = log.tell()
    code = run(log, [sys.executable, "tests/constant_flow.py", folder],
               10 * MINUTE)
    log.flush()
    said = re.findall(r"^(ok|not ok) (\w+)",
                      Path(log.name).read_text()[from_here:], re.M)
    results = [(f"{folder}: {name}", PASSED if ok == "ok" else FAILED,
                "a secret decides") for ok, name in said]
    if code != 0 and not any(r[1] == FAILED for r in results):
        results.append(verdict("constant_flow.py", code))
    return results


def flow_step(nightly):
    """What is shipped; by night also what other compilers make of it, as it
    is they who put branches in."""
    others = [(cc, level) for cc in ("gcc", "clang") for level in "13s"]

    def work(log):
        results = flow_of(log, BUILD)
        for cc, level in others if nightly else ():
            folder = f"build-flow-{cc}-{level}"
            built = build_step(
                folder, ("-Dprograms=false", f"-Doptimization={level}",
                         "-Dc_args=-gdwarf-4"),  # as valgrind reads it
                ("tests/constant_flow",), CC=cc)(log)
            results += built if built[0][1] == FAILED else flow_of(log, folder)
        return results
    return work


def core_programs(folder):
    """The unit tests of base and mikey, as targets of a build folder."""
    said = subprocess.run(["meson", "introspect", "--tests", folder], cwd=ROOT,
                          check=True, text=True, stdout=subprocess.PIPE)
    return [os.path.relpath(test["cmd"][0], ROOT / folder)
            for test in json.loads(said.stdout)
            if any(s.endswith(":core") for s in test["suite"])]


def msan_step(oom):
    """base and mikey only: most libraries below the others use memory that
    this sanitizer did not see being written."""
    flag = "-fsanitize=memory"
    options = ("-Db_sanitize=memory", "-Db_lundef=false",
               f"-Dc_args={flag} -fsanitize-memory-track-origins",
               f"-Dc_link_args={flag}")

    def work(log):
        code = set_up(log, MSAN, options, CC="clang")
        if code != 0:
            return [verdict("meson setup " + MSAN, code)]
        built = build_step(MSAN, targets=core_programs(MSAN))(log)
        if built[0][1] == FAILED:
            return built
        return meson_step(MSAN, "core", 20 * MINUTE, UNIT_OOM=oom)(log)
    return work


def foreign_step(arch):
    """The unit tests of base and mikey on another architecture."""
    def work(log):
        folder = ROOT / f"build-{arch}" / "build"
        json_log = folder / "meson-logs" / "foreign.json"
        json_log.unlink(missing_ok=True)
        code = run(log, [sys.executable, "build-aux/foreign.py", arch],
                   20 * MINUTE)
        log.flush()
        if code == 77:
            said = Path(log.name).read_text().splitlines()
            return [(arch, SKIPPED, said[-1])]
        results = read_meson_log(json_log) if json_log.exists() else []
        if code != 0 and not any(r[1] == FAILED for r in results):
            results.append(verdict("foreign.py " + arch, code))
        return [(f"{arch}: {name}", *rest) for name, *rest in results]
    return work


def kill_step(runs):
    """The integration tests that kill roles of the KMS, many times."""
    def work(log):
        tests = [p.stem for p in (ROOT / "tests").glob("*kill*.py")]
        if not tests:
            return [("kill tests", SKIPPED, "there are none")]
        return meson_step(BUILD, "integration", 120 * MINUTE, "--repeat",
                          str(runs), *tests)(log)
    return work


def commit():
    """Of what is checked; nothing without git, which is a seed as well."""
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return said.stdout.strip()


def pins_step(count):
    """Prove some requirements, picked by the commit; each counts."""
    def work(log):
        code = run(log, [sys.executable, "build-aux/pins.py", "prove",
                         "--sample", str(count), "--seed", commit()],
                   (5 + count) * MINUTE)
        log.flush()
        said = Path(log.name).read_text()

        def numbers(title):
            line = re.search(rf"^{title}: (.*)", said, re.M)
            return line.group(1).split() if line else []
        picked = numbers(r"seed \w*")
        bad = numbers("not proven at any pin")
        if code not in (0, 1) or not picked or (code == 1) != bool(bad):
            return [verdict("pins.py", 1 if code == 0 else code)]
        return [(n, FAILED if n in bad else PASSED, "no pin of it is proven")
                for n in picked]
    return work


CLANG_FUZZ = ("-Dfuzz=true", "-Db_lundef=false",
              "-Dc_args=-fsanitize=fuzzer-no-link",
              "-Db_sanitize=address,undefined")


def steps(nightly):
    """(name, work) in order; what is quick to fail stands first."""
    python = sys.executable
    lab_runs = int(os.environ.get("LAB_RUNS", "20")) if nightly else 1
    budget = int(os.environ.get("FUZZ_BUDGET", "3600"))
    # two targets run at a time
    fuzz_time = (lambda n: max(10, 2 * budget // n)) if nightly \
        else (lambda n: FUZZ_SHORT)
    yield "build", build_step(BUILD)
    yield "lint", command_step("lint", [python, "tests/lint.py", "--format"])
    yield "spec report", command_step(
        "spec report", [python, "build-aux/spec_report.py"])
    yield "unit tests", meson_step(BUILD, "unit", 5 * MINUTE)
    yield "pins", pins_step(30 if nightly else 3)
    yield "constant flow", flow_step(nightly)
    yield "integration tests", meson_step(BUILD, "integration", 10 * MINUTE)
    yield "documents and peers", meson_step(BUILD, "once", 10 * MINUTE)
    yield "sanitizer build", build_step(
        ASAN, ("-Db_sanitize=address,undefined",))
    yield "unit tests sanitized", meson_step(ASAN, "unit", 8 * MINUTE)
    yield "integration sanitized", meson_step(
        ASAN, "integration", 12 * MINUTE, "--timeout-multiplier", "2")
    yield "calls", meson_step(BUILD, "e2e", 10 * MINUTE)
    yield "calls sanitized", meson_step(
        ASAN, "e2e", 12 * MINUTE, "--timeout-multiplier", "2")
    yield "rings, threads sanitized", tsan_step
    yield "lab ipv4", lab_step("4", lab_runs)
    yield "lab ipv6", lab_step("6", lab_runs)
    yield "memory sanitizer", msan_step("yes" if nightly else "no")
    yield "big-endian, s390x", foreign_step("s390x")
    yield "32 bits, i386", foreign_step("i386")
    yield "fuzz coverage", coverage_step
    yield "fuzz build", build_step(FUZZ, CLANG_FUZZ, CC="clang")
    yield "fuzz", fuzz_step(fuzz_time)
    if nightly:
        yield "valgrind", valgrind_step
        yield "kill tests", kill_step(os.environ.get("KILL_RUNS", "20"))
        yield "a million users", command_step(
            "import of a million",
            [python, "tests/test_tesseractl.py", BUILD, "--million"],
            20 * MINUTE)
        yield "differential", command_step(
            "libmikey and the reference",
            [python, "tests/differential.py", BUILD, "--count", "100000",
             "--seed", commit() or "1"], 60 * MINUTE)
        yield "reply times", command_step(
            "reply times", [python, "tests/nightly_timing.py", BUILD],
            20 * MINUTE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nightly", action="store_true")
    args = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in LOGS.glob("*.log"):
        old.unlink()
    todo = list(steps(args.nightly))
    runner = Runner(len(todo))
    start = time.monotonic()
    for name, work in todo:
        runner.step(name, work)
    print(f"{(time.monotonic() - start) / MINUTE:.1f} minutes; "
          f"logs in {LOGS.relative_to(ROOT)}")
    return runner.end()


if __name__ == "__main__":
    sys.exit(main())
