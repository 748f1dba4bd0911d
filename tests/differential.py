#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libmikey and the reference on the same random octets.

    tests/differential.py BUILD [--count N] [--seed S]
    tests/differential.py BUILD --only PART --first N --count 1

Parts, with how many cases there are for a count of N:

    read      N     random messages: every field, and encoded again
    changed   4 N   changed messages: both read them, or neither
    exchange  N/5   exchanges of the reference: libmikey verifies, decrypts,
                    derives the keys, builds each message again; and changed
                    messages of them with a right MAC: both take them, or
                    neither
    built     N/4   exchanges of libmikey: the reference does the same

Each case has its own seed, so that it can be run alone. Exit 1 if the two
differ anywhere but where differential_tolerated.py says why.
"""

import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "reference"), str(HERE)]

import differential_build as building  # noqa: E402
import differential_fields as fields  # noqa: E402
import differential_judge as judging  # noqa: E402
import differential_mutate as mutate  # noqa: E402
import differential_tolerated as tolerated  # noqa: E402
import mikeycheck  # noqa: E402
import mikeyread  # noqa: E402
import randommsg  # noqa: E402
from mikeyread import MikeyError  # noqa: E402

SHOWN = 5  # findings of one part that are printed
CHANGES = 2  # of each message of an exchange
LONG = 6000  # octets: seldom, and slow


class Difference(Exception):
    """The two do not say the same."""


class Program:
    """A program that answers each line with a line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args[0]} ended")
        return answer

    def end(self):
        self.process.stdin.close()
        return self.process.wait(timeout=30)


class Differential:
    def __init__(self, build):
        self.tools = {n: Program(build / "mikeytool", "--lines", n)
                      for n in ("decode", "encode")}
        self.differ = Program(build / "tests" / "differ")
        self.allowed = collections.Counter()
        self.public_keys = self.ask(op="hello")["why"] == "pk"

    def ask(self, **request):
        return json.loads(self.differ.ask(json.dumps(request)))

    def decode(self, raw):
        return json.loads(self.tools["decode"].ask(raw.hex()))

    def end(self):
        for program in (*self.tools.values(), self.differ):
            if program.end() != 0:
                raise RuntimeError(f"{program.process.args[0]} failed")

    # --- (1) messages ------------------------------------------------------

    def read(self, rng):
        raw = randommsg.message(rng)
        message, document = mikeyread.parse(raw), self.decode(raw)
        if self.differs(message, "", self.verdict(raw), raw,
                        tolerated.READING):
            return
        if "error" in document:
            raise Difference(f"mikeytool: {document['error']}")
        self.same_fields(message, document)
        again = self.tools["encode"].ask(json.dumps(document)).strip()
        if again != raw.hex():
            raise Difference(f"encoded to {again[:200]}")

    def same_fields(self, message, document):
        theirs = fields.of_reference(message)
        ours = fields.of_mikeytool(document)
        if theirs == ours:
            return
        if ("Type", 7) in theirs:
            self.allowed["K_PR in a KEMAC without encryption: libmikey "
                         "reads nothing of MIKEY-IBAKE (RFC 6267)"] += 1
            return
        pairs = [(a, b) for a, b in zip(theirs, ours) if a != b]
        raise Difference(f"fields: {pairs[:1] or (len(theirs), len(ours))}")

    def verdict(self, raw):
        answer = self.ask(op="read", octets=raw.hex())
        return "OK" if answer["ok"] else answer["error"]

    def differs(self, message, said, error, raw, table):
        """Whether they do, with reason; Difference if there is none."""
        if (said == "") == (error == "OK"):
            return False
        document = self.decode(raw)
        why = tolerated.reason(table, said, error, tolerated.Case(
            message, None if "error" in document else document))
        if why is None:
            raise Difference(f"reference: {said or 'OK'}; libmikey: {error}; "
                             f"{raw.hex()}")
        self.allowed[why] += 1
        return True

    # --- (4) changed messages ----------------------------------------------

    def changed(self, rng):
        raw = randommsg.message(rng)
        while len(raw) > LONG:
            raw = randommsg.message(rng)
        how = rng.random()
        if how < 0.4:
            raw = mutate.octets(rng, raw)
        elif how < 0.6:
            raw = mutate.fields(rng, mikeyread.parse(raw))
        else:
            raw = mutate.payloads(rng, mikeyread.parse(raw), mikeyread.parse(
                randommsg.message(rng)))
        said = judging.read(raw)
        message = None if said else mikeyread.parse(raw)
        self.differs(message, said or "", self.verdict(raw), raw,
                     tolerated.READING)

    # --- (2) exchanges of the reference ------------------------------------

    def exchange(self, rng):
        vector = randommsg.exchange(rng)
        answer = self.ask(op="vector", vector=vector)
        if not answer["ok"]:
            raise Difference(f"libmikey: {answer}")
        if vector["mode"] is None:
            return
        before = []
        for number, message in enumerate(vector["messages"]):
            one = mikeycheck.Checked(vector, number, list(before))
            if message["mac"]:
                for _ in range(CHANGES):
                    self.change(rng, vector, number, before, one)
            before.append(one)

    def change(self, rng, vector, number, before, one):
        raw = self.other(rng, one)
        if raw == one.raw or len(raw) > LONG:
            return
        self.refused(number, raw)
        try:
            raw = judging.Changed(vector, number, before, raw).proven()
        except MikeyError:
            return  # no message of this type, with a MAC
        if raw == one.raw:
            return
        said = judging.verdict(judging.Changed, vector, number, before, raw)
        error = self.open(number, raw)
        self.differs(mikeyread.parse(raw), said or "", error, raw,
                     tolerated.JUDGING)

    def other(self, rng, one):
        how = rng.random()
        if how < 0.2 and one.message.payloads.one("KEMAC"):
            return mutate.keys(rng, one)
        if how < 0.5:
            return mutate.fields(rng, one.message)
        if how < 0.7:
            return mutate.octets(rng, one.raw)
        return mutate.payloads(rng, one.message, mikeyread.parse(
            randommsg.message(rng)))

    def open(self, number, raw):
        answer = self.ask(op="open", message=number, octets=raw.hex())
        return "OK" if answer["ok"] else answer["error"]

    def refused(self, number, raw):
        """As it is, its MAC is wrong."""
        if self.open(number, raw) == "OK":
            raise Difference(f"message {number} taken without a right MAC: "
                             f"{raw.hex()}")

    # --- (3) exchanges of libmikey -------------------------------------------

    def built(self, rng):
        try:
            building.run(rng, lambda request: self.ask(**request),
                         self.public_keys)
        except building.Wrong as wrong:
            raise Difference(str(wrong)) from wrong


PARTS = {"read": 1, "changed": 4, "exchange": 0.2, "built": 0.25}


def run(differential, part, args):
    """Number of findings."""
    start, found = time.monotonic(), 0
    count = max(1, int(args.count * PARTS[part]))
    for number in range(args.first, args.first + count):
        rng = random.Random(f"{args.seed}/{part}/{number}")
        try:
            getattr(differential, part)(rng)
        except Difference as difference:
            found += 1
            if found <= SHOWN:
                print(f"{part} {number}: {str(difference)[:3000]}")
    print(f"{part}: {count} cases, {found} differences, "
          f"{time.monotonic() - start:.1f} s", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", choices=sorted(PARTS))
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    differential = Differential(args.build.resolve())
    found = sum(run(differential, part, args)
                for part in ([args.only] if args.only else PARTS))
    for why, count in differential.allowed.most_common():
        print(f"{count} tolerated: {why}")
    differential.end()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
