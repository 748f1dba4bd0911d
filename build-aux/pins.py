#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pins: requirements of RFC 6043 at code, and whether their tests fail
when the statement they stand at is disabled (docs/conformance.md).

    build-aux/pins.py list                     every pin and what it stands at
    build-aux/pins.py prove R42 R13            these requirements
    build-aux/pins.py prove --all              all that have a pin
    build-aux/pins.py prove --sample 30 --seed COMMIT

Exit 1 if a requirement is not proven at one pin at least; with --strict, if
any of its pins is not proven.
"""

import argparse
import collections
import hashlib
import signal
import sys
import time
from pathlib import Path

import pin_prove
import pin_target
import pin_text
from pin_prove import NO_TEST, NOT_DISABLED, PROVEN, SURVIVED

ROOT = Path(__file__).resolve().parent.parent


def pinned(pins):
    """{number: [Pin]} of what stands at a statement."""
    found = collections.defaultdict(list)
    for pin in pins:
        if pin.place:
            for n in pin.numbers:
                found[n].append(pin)
    return found


def sample(numbers, count, seed):
    """As many of the numbers, the same for the same seed everywhere."""
    def rank(n):
        return hashlib.sha256(f"{seed}:{n}".encode()).digest()
    return sorted(sorted(numbers, key=rank)[:count])


def names(tests):
    return ", ".join(f"{Path(t.path).stem}: {t.name}" for t in tests)


# ---- list ----

def command_list(args):
    known = pin_target.compile_args(args.build)
    tests = pin_text.all_tests(args.root)
    sources = {}
    pins = pin_text.all_pins(args.root)
    for pin in sorted(pins, key=lambda p: (p.path, p.line)):
        role = "no pin: a comment only"
        if pin.place:
            if pin.path not in sources:
                text = pin_text.read_c(args.root / pin.path)
                sources[pin.path] = pin_target.parse(
                    args.root, pin.path, text, pin_text.blank(text), known)
            role = pin_target.target_of(sources[pin.path], pin)[0] or \
                "no statement found"
        for n in pin.numbers:
            direct = [t for t in tests[n] if t.direct]
            more = len(tests[n]) - len(direct)
            print(f"{pin.path}:{pin.line}: R{n}, {role}; "
                  f"{names(direct) or 'no test'}" +
                  (f"; {more} by helpers" if more else ""))
    return 0


# ---- prove ----

def chosen(args, pins, tests):
    """The numbers to prove."""
    if args.sample:
        bound = [n for n in pins if tests.get(n)]
        return sample(bound, args.sample, args.seed)
    if args.all:
        return sorted(pins)
    return sorted(set(pin_text.numbers(" ".join(args.numbers))))


def prove_all(root, numbers, pins, tests):
    """The Verdicts, printed as they come, file by file."""
    todo = sorted(((pin.path, pin.line, n, pin)
                   for n in numbers for pin in pins.get(n, [])),
                  key=lambda t: t[:3])
    verdicts = []
    with pin_prove.Prover(root, tests) as prover:
        for i, (_, _, n, pin) in enumerate(todo, 1):
            verdict = prover.prove(pin, n)
            verdicts.append(verdict)
            print(f"[{i:3}/{len(todo)}] {verdict} "
                  f"({verdict.seconds:.1f} s)", flush=True)
    return verdicts


def show(title, lines):
    if lines:
        print(f"\n{title} ({len(lines)}):")
        for line in lines:
            print("  " + str(line))


def summary(numbers, verdicts, strict):
    """What came of it; the exit code."""
    how = collections.defaultdict(list)
    for verdict in verdicts:
        how[verdict.how].append(verdict)
    proven = {v.number for v in how[PROVEN]}
    unproven = [f"R{n}" for n in numbers if n not in proven]
    show("SURVIVED: no test noticed; a weak pin", how[SURVIVED])
    show("NOT DISABLED: no change could be made", how[NOT_DISABLED])
    show("NO TEST: none that is made of the file, and runs here, names it",
         how[NO_TEST])
    show("proven by emptying a whole function only; better at a statement",
         sorted({f"R{v.number}" for v in how[PROVEN]
                 if v.role == "function"} -
                {f"R{v.number}" for v in how[PROVEN]
                 if v.role != "function"}, key=lambda r: int(r[1:])))
    if unproven:
        print(f"\nnot proven at any pin: {' '.join(unproven)}")
    seconds = sum(v.seconds for v in verdicts)
    print(f"\n{len(verdicts)} pins: " + ", ".join(
        f"{len(how[h])} {h.lower()}"
        for h in (PROVEN, SURVIVED, NOT_DISABLED, NO_TEST)) +
        f"; {seconds / max(1, len(verdicts)):.1f} s a pin")
    print(f"{len(numbers)} requirements: {len(proven)} proven, "
          f"{len(unproven)} not")
    weak = len(verdicts) - len(how[PROVEN])
    return 1 if unproven or strict and weak or not numbers else 0


def command_prove(args):
    pins = pinned(pin_text.all_pins(args.root))
    tests = pin_text.all_tests(args.root)
    numbers = chosen(args, pins, tests)
    if args.sample:
        print(f"seed {args.seed}: "
              f"{' '.join(f'R{n}' for n in numbers)}", flush=True)
    start = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # and clean up
    verdicts = prove_all(args.root, numbers, pins, tests)
    code = summary(numbers, verdicts, args.strict)
    print(f"{time.monotonic() - start:.0f} s in all")
    return code


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT,
                        help="the project; the one this file is of")
    commands = parser.add_subparsers(required=True)
    lists = commands.add_parser("list")
    lists.add_argument("--build", default=ROOT / "build",
                       help="a build folder, for the arguments of the compiler")
    lists.set_defaults(run=command_list)
    prove = commands.add_parser("prove")
    prove.add_argument("numbers", nargs="*", metavar="R42")
    prove.add_argument("--all", action="store_true")
    prove.add_argument("--sample", type=int, metavar="N")
    prove.add_argument("--seed", default="", metavar="COMMIT")
    prove.add_argument("--strict", action="store_true")
    prove.set_defaults(run=command_prove)
    args = parser.parse_args()
    args.root = args.root.resolve()
    try:
        return args.run(args)
    except pin_target.BadSource as bad:
        print(f"pins: {bad}\nrun make programs first", file=sys.stderr)
    except pin_prove.BrokenTree as broken:
        print(f"pins: {broken}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
