#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long the KMS takes to refuse, by reason: what an outsider could learn.

    nightly_timing.py BUILD-FOLDER [--rounds N]

Rows of one group look alike from outside and must take equally long. The
rows are asked in turns, so that a slow minute of the machine hits all. Prints
the median and the quartiles of each in microseconds, and says which rows of a
group are further apart than their own spread; asserts nothing.
"""
import argparse
import os
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from kmsclient import (  # noqa: E402
    PATH, TYPE, Kms, User, harness, issue, request_init, resolve_init)


class Rows:
    """A fresh message for each question, by name; groups look alike."""

    def __init__(self, kms, other):
        self.alice, self.bob = kms.user("alice"), kms.user("bob")
        self.eve = kms.user("eve")
        self.nobody = User("sip:x@example.org", "bob-2", os.urandom(32))
        self.forger = User(self.bob.identity, self.bob.key_id, os.urandom(32))
        self.ticket, _ = issue(kms, self.alice, [self.bob.identity])
        there = other.user("carol")
        self.foreign, _ = issue(other, there, [self.bob.identity])
        self.groups = {
            "granted": {"resolve": self.resolve(self.bob, self.ticket)},
            "not authenticated": {
                "unknown key id": self.resolve(self.nobody, self.ticket),
                "wrong key": self.resolve(self.forger, self.ticket)},
            "refused": {
                "wrong receiver": self.resolve(self.eve, self.ticket),
                "foreign ticket": self.resolve(self.bob, self.foreign),
                "ticket altered": self.resolve(
                    self.bob, self.changed(len(self.ticket) - 120)),
                "initiator altered": self.resolve(
                    self.bob, self.changed(len(self.ticket) - 3))},
            "in the open": {
                "clock off": lambda: ("ticketrequest", request_init(
                    self.alice, [self.bob.identity], at=time.time() - 900))},
        }

    def changed(self, at):
        return (self.ticket[:at] + bytes([self.ticket[at] ^ 1])
                + self.ticket[at + 1:])

    @staticmethod
    def resolve(user, ticket):
        return lambda: ("ticketresolve", resolve_init(user, ticket))


def ask(connection, kind, init):
    """Microseconds from the first octet sent to the last received; None when
    the KMS had no time for it."""
    start = time.perf_counter()
    connection.request("POST", PATH + kind, init, TYPE)
    reply = connection.getresponse()
    reply.read()
    took = time.perf_counter() - start
    assert reply.status in (200, 503), reply.status
    return took * 1e6 if reply.status == 200 else None


def measure(kms, groups, rounds):
    """Times by (group, row)."""
    times = {(g, r): [] for g, rows in groups.items() for r in rows}
    connection = kms.connect()
    for nth in range(rounds + 10):
        order = list(times)
        random.shuffle(order)  # no row always stands behind the same one
        for group, row in order:
            took = ask(connection, *groups[group][row]())
            if nth >= 10 and took:  # the first ones fill caches
                times[group, row].append(took)
    connection.close()
    return times


def show(times):
    """The table, and what stands out in it."""
    middle = {}
    print(f"{'group':<20}{'row':<20}{'q1':>8}{'median':>8}{'q3':>8}  us")
    for (group, row), took in times.items():
        q1, median, q3 = statistics.quantiles(took, n=4)
        print(f"{group:<20}{row:<20}{q1:8.0f}{median:8.0f}{q3:8.0f}")
        middle.setdefault(group, []).append((median, q3 - q1))
    for group, rows in middle.items():
        apart = max(m for m, _ in rows) - min(m for m, _ in rows)
        spread = max(s for _, s in rows)
        verdict = "FURTHER APART THAN" if apart > spread else "within"
        if len(rows) > 1:
            print(f"{group}: medians {apart:.0f} us apart, {verdict} the "
                  f"spread of {spread:.0f} us")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000)
    options = parser.parse_args()
    with harness.Lab() as lab, harness.Lab() as elsewhere:
        kms, other = Kms(lab).start(), Kms(elsewhere).start()
        show(measure(kms, Rows(kms, other).groups, options.rounds))
        for line in kms.daemon.lines:
            if "level=error" in line:
                print(line)
    return 0


if __name__ == "__main__":
    harness.take_build(sys.argv)
    sys.exit(main())
