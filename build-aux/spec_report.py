#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which requirements of RFC 6043 are named at code and at tests.

Reads docs/requirements.tsv and looks for each number (R42) as a word.
    build-aux/spec_report.py [--all]     --all lists those that are covered too
"""

import argparse
import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("base", "mikey", "pki", "service", "kms", "ue", "tool")
TESTS = ("tests", "fuzz", "lab")
SUFFIXES = {".c", ".h", ".py", ".sql"}
BINDING = re.compile(r"\b(MUST|SHALL)\b")
# Bind the authors of other specifications, not a program.
NOT_OURS = {"Spec", "IANA"}


def named_in(folders):
    """Numbers named in the sources of these folders; R1-R4 names four."""
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            for first, last in re.findall(r"\bR(\d{1,3})(?:-R(\d{1,3}))?\b",
                                          text):
                found.update(range(int(first), int(last or first) + 1))
    return found


def read_table():
    with open(ROOT / "docs/requirements.tsv", encoding="utf-8",
              newline="") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [{**row, "n": int(row["number"][1:])} for row in rows]


def show(title, rows):
    print(f"\n{title} ({len(rows)}):")
    for row in rows:
        print(f"  {row['number']:<5} {row['clause']:<9} {row['level']:<16} "
              f"{row['role']:<12} {row['text']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    table = read_table()
    code, tests = named_in(CODE), named_in(TESTS)
    ours = [r for r in table if r["role"] not in NOT_OURS]
    must = [r for r in ours if BINDING.search(r["level"])]
    print(f"RFC 6043: {len(table)} requirements, {len(ours)} bind a program, "
          f"{len(must)} of those by MUST or SHALL")
    print(f"{'':14}{'all':>6}{'code':>6}{'test':>6}{'both':>6}{'none':>6}")
    for title, rows in (("bind", ours), ("MUST or SHALL", must)):
        n = {r["n"] for r in rows}
        print(f"{title:14}{len(n):6}{len(n & code):6}{len(n & tests):6}"
              f"{len(n & code & tests):6}{len(n - code - tests):6}")
    show("MUST or SHALL, named neither at code nor at a test",
         [r for r in must if r["n"] not in code | tests])
    show("MUST or SHALL, at code without a test",
         [r for r in must if r["n"] in code - tests])
    show("MUST or SHALL, at a test only",
         [r for r in must if r["n"] in tests - code])
    if args.all:
        show("at code and at a test",
             [r for r in ours if r["n"] in code & tests])
    unknown = sorted((code | tests) - {r["n"] for r in table})
    if unknown:
        print("\nnumbers that are not in the table:",
              ", ".join(f"R{n}" for n in unknown))
    print("\nThis is a report, not yet a gate: nothing here fails the build.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
