# SPDX-License-Identifier: Apache-2.0
"""Build a copy of the project, change it, and see whether tests notice."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pin_disable
import pin_target
import pin_text

SETUP = ("-Dbuildtype=plain", "-Doptimization=0", "-Dwerror=false",
         "-Dc_args=-w")
BUILD_SECONDS = 600
MEMORY = 4 << 30  # what a changed program may take
# Run one test method of a file as its own __main__ would run all.
ONE_METHOD = """
import os, runpy, sys, unittest
program, build, name = sys.argv[1:]
sys.argv = [program, build, name]
sys.path.insert(0, os.path.dirname(program))
main = unittest.main
unittest.main = lambda *a, **k: main(module="__main__",
                                     argv=[program, "-v", name])
runpy.run_path(program, run_name="__main__")
"""

PASSES, FAILS, SKIPS = "passes", "fails", "skips"
PROVEN, SURVIVED = "PROVEN", "SURVIVED"
NOT_DISABLED, NO_TEST = "NOT DISABLED", "NO TEST"


class BrokenTree(Exception):
    """The unchanged copy does not build, or a test of it does not pass."""


def copy_tree(root, to):
    """All files that git knows or would take; without git, all files."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "-z", "--exclude-standard"], cwd=root,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if listed.returncode:
        shutil.copytree(root, to, dirs_exist_ok=True, symlinks=True,
                        ignore=shutil.ignore_patterns(
                            "build", "build-[!a]*", "__pycache__"))
        return
    for name in os.fsdecode(listed.stdout).split("\0"):
        source = root / name
        if name and source.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name, follow_symlinks=False)


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_group(process):
    """End a program and what it has started, gently first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        except ProcessLookupError:
            break
    process.wait()


def run(command, seconds, **options):
    """(exit code or None if it took too long, output)."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, start_new_session=True, **options)
    try:
        output = process.communicate(timeout=seconds)[0]
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        end_group(process)
        process.stdout.close()


class Tree:
    """The copy, its build folder, and what has been changed in it."""

    def __init__(self, root):
        self.root = Path(tempfile.mkdtemp(prefix="pins-")).resolve()
        self.build = self.root / "build-pins"
        left = self.root / "build-pins-left"  # what failing tests leave
        left.mkdir()
        self.env = {**os.environ, "UNIT_OOM": "no", "TMPDIR": str(left),
                    "PYTHONDONTWRITEBYTECODE": "1"}
        self.inputs = {}  # program: the files that it is made of
        self.usual = {}  # Test: seconds that it takes, None if it skips
        copy_tree(root, self.root)
        self.command("meson", "setup", str(self.build), *SETUP)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def command(self, *command):
        code, output = run(command, BUILD_SECONDS, cwd=self.root,
                           env=self.env)
        if code != 0:
            raise BrokenTree(f"{' '.join(command)}:\n{output}")

    def programs(self, test):
        """What ninja must make for a test; nothing means all."""
        if test.path.endswith(".py"):
            return []
        return [f"tests/{Path(test.path).stem}"]

    def make(self, test):
        """Whether what the test runs can be built."""
        code, _ = run(["ninja", "-C", str(self.build), *self.programs(test)],
                      BUILD_SECONDS, env=self.env)
        return code == 0

    def made_of(self, test, path):
        """Whether what the test runs is made of this file."""
        for program in self.programs(test):
            if program not in self.inputs:
                _, output = run(["ninja", "-C", str(self.build), "-t",
                                 "inputs", program], BUILD_SECONDS)
                self.inputs[program] = set(output.split())
            return f"../{path}" in self.inputs[program]
        return True  # of all

    def run_test(self, test, seconds):
        if test.path.endswith(".py"):
            command = [sys.executable, "-c", ONE_METHOD,
                       str(self.root / test.path), str(self.build), test.name]
            code, output = run(command, seconds, env=self.env, cwd=self.root)
            skips = "skipped=" in output
        else:
            code, output = run(
                [str(self.build / self.programs(test)[0])], seconds,
                env={**self.env, "UNIT_ONLY": test.name}, cwd=self.root,
                preexec_fn=limit_memory)
            skips = "[  SKIPPED ]" in output
        if code == 0:
            return SKIPS if skips else PASSES
        return FAILS

    def baseline(self, test):
        """Seconds that a test takes when nothing is changed; None if it is
        skipped here."""
        if test not in self.usual:
            built = self.make(test)
            start = time.monotonic()
            how = self.run_test(test, BUILD_SECONDS) if built else FAILS
            if how == FAILS:
                raise BrokenTree(f"{test.path}: {test.name} fails unchanged")
            self.usual[test] = None if how == SKIPS else \
                time.monotonic() - start
        return self.usual[test]

    def usable(self, tests):
        """Those that run here: C before Python, the test that names the
        number before those that use its helper, the quick before the slow."""
        able = [t for t in tests if self.baseline(t) is not None]
        return sorted(able, key=lambda t: (t.path.endswith(".py"),
                                           not t.direct, self.usual[t]))


class Changed:
    """The tree with one change; remembers what tests said."""

    def __init__(self, tree, source, path, change):
        self.tree, self.path = tree, tree.root / path
        self.text = source.text
        self.new = pin_disable.apply(source.text, change.edits)
        self.verdicts = {}  # Test: whether it notices
        self.made = {}  # path of a test: whether it builds

    def __enter__(self):
        self.path.write_bytes(self.new.encode("latin-1"))
        return self

    def __exit__(self, *_):
        self.path.write_bytes(self.text.encode("latin-1"))

    def builds(self, test):
        if test.path not in self.made:
            self.made[test.path] = self.tree.make(test)
        return self.made[test.path]

    def notices(self, test):
        """Whether a test fails now."""
        if test not in self.verdicts:
            seconds = 10 + 5 * self.tree.baseline(test)
            how = self.tree.run_test(test, seconds)
            self.verdicts[test] = how == FAILS
        return self.verdicts[test]

    def first(self, tests):
        """(the first test that notices or None, whether it builds)."""
        built = False
        for test in tests:
            if not self.builds(test):
                return None, False
            built = True
            if self.notices(test):
                return test, True
        return None, built


class Verdict:
    """What became of one number at one pin."""

    def __init__(self, pin, number, role):
        self.pin, self.number, self.role = pin, number, role
        self.how = NOT_DISABLED
        self.change = self.test = None
        self.seconds = 0.0

    def __str__(self):
        text = f"R{self.number} {self.pin.path}:{self.pin.line} " \
               f"({self.role or 'no statement'}) {self.how}"
        if self.how == PROVEN:
            text += f": {self.change}; {Path(self.test.path).stem}: " \
                    f"{self.test.name}"
            if not self.test.direct:
                text += " (by a helper)"
        elif self.change:
            text += f": {self.change}"
        return text


def try_step(tree, source, pin, step, tests):
    """(PROVEN, SURVIVED or NOT DISABLED, in words, the test that noticed):
    one of these changes must be noticed; those that do not build count not."""
    survived = []
    for change in step:
        with Changed(tree, source, pin.path, change) as changed:
            test, built = changed.first(tests)
        if test:
            return PROVEN, change.what, test
        if built:
            survived.append(change.what)
    return SURVIVED if survived else NOT_DISABLED, ", ".join(survived), None


def try_group(tree, source, pin, group, tests):
    """As try_step(): all of these steps must be noticed."""
    words, noticed = [], None
    for step in group:
        how, what, test = try_step(tree, source, pin, step, tests)
        if how == SURVIVED:
            return how, what, None
        if how == PROVEN:
            words.append(what)
            noticed = test
    return PROVEN if words else NOT_DISABLED, " and ".join(words), noticed


def try_groups(tree, source, verdict, groups, tests):
    """Fill in the verdict: try the ways until a test notices one."""
    survived = []
    for group in groups:
        how, words, test = try_group(tree, source, verdict.pin, group, tests)
        if how == PROVEN:
            verdict.how, verdict.change, verdict.test = how, words, test
            return
        if how == SURVIVED:
            survived.append(words)
    if survived:
        verdict.how, verdict.change = SURVIVED, ", ".join(survived)


def prove(tree, source, role, groups, pin, number, tests):
    """The Verdict on a number of a pin. Python tests are slow: they are asked
    only when the C tests notice nothing."""
    start = time.monotonic()
    verdict = Verdict(pin, number, role)
    tests = [t for t in tests if tree.made_of(t, pin.path)]
    quick = tree.usable([t for t in tests if not t.path.endswith(".py")])
    if quick:
        try_groups(tree, source, verdict, groups, quick)
    if groups and verdict.how != PROVEN:
        usable = tree.usable(tests)
        if len(usable) > len(quick):
            try_groups(tree, source, verdict, groups, usable)
        elif not usable:
            verdict.how = NO_TEST
            verdict.change = "none that is made of this file names it"
    verdict.seconds = time.monotonic() - start
    return verdict


class Prover:
    """Proves pins in one copy of the project."""

    def __init__(self, root, tests):
        self.tree = Tree(root)
        self.tests = tests
        self.sources = {}
        self.args = pin_target.compile_args(self.tree.build)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return self.tree.__exit__(*exc)

    def parse(self, path):
        text = pin_text.read_c(self.tree.root / path)
        return pin_target.parse(self.tree.root, path, text,
                                pin_text.blank(text), self.args)

    def source(self, path):
        if path not in self.sources:
            try:
                self.sources[path] = self.parse(path)
            except pin_target.BadSource:  # for want of a file to be made
                self.tree.command("ninja", "-C", str(self.tree.build))
                self.sources[path] = self.parse(path)
        return self.sources[path]

    def prove(self, pin, number):
        """The Verdict on one number of one pin."""
        if pin.place is None:
            return Verdict(pin, number, None)
        source = self.source(pin.path)
        role, target = pin_target.target_of(source, pin)
        groups = pin_disable.groups_of(source, role, target)
        return prove(self.tree, source, role, groups, pin, number,
                     self.tests.get(number, []))
