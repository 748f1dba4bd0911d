#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Show with valgrind that no branch and no address depends on a secret.

    tests/constant_flow.py BUILD

Runs BUILD/tests/constant_flow, whose secrets are undefined for valgrind, and
then what must be found, so that silence means something: AES by tables, as it
is done on a processor without instructions for it, and the key schedule. Prints
"ok NAME" or "not ok NAME: why" a case; exit 1 if any is not ok.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT = 120  # seconds for one run
KNOWN = HERE / "constant_flow.supp"


def run(program, *cases, known=True, **env):
    """(lines of the cases, all that valgrind said)"""
    command = ["valgrind", "-q", "--error-limit=no"]
    if known:
        command.append(f"--suppressions={KNOWN}")
    done = subprocess.run([*command, program, *cases], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, **env}, timeout=LIMIT)
    return done.stdout.splitlines(), done.stderr


def found_in(text, *functions):
    """Whether an error stands in one of the functions."""
    return any(re.search(rf" at 0x\w+: {f} ", text) for f in functions)


def say(good, name, why):
    print(f"ok {name}" if good else f"not ok {name}: {why}", flush=True)
    return good


def controls(program):
    """What must be found, in nettle's own code."""
    _, said = run(program, "nettle_aes", NETTLE_FAT_OVERRIDE="none")
    good = say(found_in(said, r"_nettle_aes_(en|de)crypt\w*"),
               "aes_by_tables_is_found",
               "nettle has no tables, or valgrind does not see them")
    _, said = run(program, "nettle_aes", known=False)
    if found_in(said, "_nettle_aes_set_key", "_nettle_aes_invert"):
        print("note: nettle makes AES round keys with a table that octets of "
              "the key are an index of; see docs/hardness.md")
    else:
        good = say(False, "the_key_schedule_is_known",
                   f"nettle has mended it: take it out of {KNOWN.name}")
    return good


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = Path(sys.argv[1]).resolve() / "tests/constant_flow"
    if not shutil.which("valgrind"):
        sys.exit("constant_flow: apt-get install valgrind first")
    if not program.exists():
        sys.exit(f"constant_flow: no {program}; build it, with valgrind there")
    lines, said = run(program)
    print(said, end="")
    bad = [line for line in lines if not line.startswith("ok ")]
    for line in lines:
        print(line)
    if found_in(said, r"_nettle_aes_(en|de)crypt\w*"):
        print("note: this processor has no instructions for AES; nettle uses "
              "tables, which are no constant flow")
    complete = say(any("a_whole_call" in line for line in lines), "all_cases",
                   "the program ended early")
    return 0 if controls(program) and complete and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
