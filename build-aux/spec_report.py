#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every requirement of RFC 6043 at code and at a test, or why it does not
bind us (docs/conformance.md).

    build-aux/spec_report.py [--page FILE]

Writes the table as a page, build/spec-report.html. Exit 1 if a requirement has
neither a pin with a test nor a reason, or both, or a number is not in the
table.
"""

import argparse
import html
import os
import sys
from collections import defaultdict
from pathlib import Path

import pin_text

ROOT = Path(__file__).resolve().parent.parent
BOUND, ABSENT, EXCUSED, GAP = "bound", "absent", "excused", "gap"
STATES = (BOUND, ABSENT, EXCUSED, GAP)
TESTS_SHOWN = 3

STYLE = """
body { font: 15px/1.4 sans-serif; margin: 2em; max-width: 85em }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left;
         vertical-align: top }
th { position: sticky; top: 0; background: #fff }
tr.gap { background: #fde8e6 } tr.excused { color: #666 }
tr.absent { background: #f4f4ec }
td.where { font: 13px/1.5 monospace; overflow-wrap: anywhere }
"""


class Requirement:
    """One row of the table with what was found for it."""

    def __init__(self, n, row):
        self.n, self.row = n, row
        self.sites = []  # Pins
        self.tests = []
        self.reason = ""  # why it does not bind us
        self.absence = ""  # what is not done, where nothing can be pinned

    def state(self):
        if self.reason:
            return EXCUSED
        if self.absence and self.tests:
            return ABSENT
        return BOUND if self.sites and self.tests else GAP

    def __str__(self):
        row = self.row
        return f"R{self.n:<4} {row['clause']:<8} {row['level']:<15} " \
               f"{row['role']:<9} {row['text']}"


def collect(root):
    """({number: Requirement}, [what is wrong besides gaps])."""
    table = {n: Requirement(n, row)
             for n, row in pin_text.read_table(root).items()}
    wrong = []
    for pin in pin_text.all_pins(root):
        for n in pin.numbers:
            if n not in table:
                wrong.append(f"{pin.path}:{pin.line}: R{n} is not in the table")
            elif pin.place:
                table[n].sites.append(pin)
    for n, tests in pin_text.all_tests(root).items():
        if n in table:
            table[n].tests = tests
        else:
            wrong.append(f"{tests[0].path}: {tests[0].name}: R{n} is not in "
                         "the table")
    wrong += excuse(table, pin_text.read_reasons(root))
    wrong += enter_absences(table, pin_text.read_reasons(root, "by-absence"))
    return table, wrong


def enter_absences(table, reasons):
    """What is kept by not doing something: it binds us, and has its tests, but
    there is no statement to pin. Returns what is wrong with the entries."""
    wrong = []
    for n, reason in reasons:
        where = f"docs/by-absence.tsv: R{n}"
        if n not in table:
            wrong.append(f"{where} is not in the table")
            continue
        if not reason or table[n].absence or table[n].reason:
            wrong.append(f"{where} has no reason, or one too many")
        table[n].absence = reason
        if table[n].sites:
            pin = table[n].sites[0]
            wrong.append(f"{where} is pinned, at {pin.path}:{pin.line}")
    return wrong


def excuse(table, reasons):
    """Enter the reasons; returns what is wrong with them."""
    wrong = []
    for n, reason in reasons:
        where = f"docs/not-binding.tsv: R{n}"
        if n not in table:
            wrong.append(f"{where} is not in the table")
            continue
        if not reason:
            wrong.append(f"{where} has no reason")
        if table[n].reason:
            wrong.append(f"{where} stands there twice")
        table[n].reason = reason
        if table[n].sites:
            pin = table[n].sites[0]
            wrong.append(f"{where} is excused, but bound at "
                         f"{pin.path}:{pin.line}")
        elif table[n].tests:
            test = table[n].tests[0]
            wrong.append(f"{where} is excused, but tested by {test.path}: "
                         f"{test.name}")
    return wrong


# ---- the page ----

def link(base, path, line, words):
    target = os.path.relpath(path, base)
    return f'<a href="{html.escape(target)}#L{line}">{html.escape(words)}</a>'


def tests_cell(tests):
    """The tests that name the number; of those by helpers the count."""
    direct = [f"{Path(t.path).name}: {t.name}" for t in tests if t.direct]
    cells = [html.escape(words) for words in direct]
    if len(cells) > TESTS_SHOWN:
        cells = cells[:TESTS_SHOWN] + [
            f"<details><summary>{len(cells) - TESTS_SHOWN} more</summary>" +
            "<br>".join(cells[TESTS_SHOWN:]) + "</details>"]
    helped = len(tests) - len(direct)
    if helped:
        cells.append(f"{helped} by helpers")
    return "<br>".join(cells)


def row_of(root, base, requirement):
    row = requirement.row
    sites = [link(base, root / p.path, p.line, f"{p.path}:{p.line}")
             for p in requirement.sites]
    cells = [f"R{requirement.n}", row["clause"], row["level"], row["role"],
             row["text"]]
    text = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    if requirement.reason:
        text += f'<td colspan="2">{html.escape(requirement.reason)}</td>'
    elif requirement.absence:
        text += f'<td>{html.escape(requirement.absence)}</td>' \
                f'<td class="where">{tests_cell(requirement.tests)}</td>'
    else:
        text += f'<td class="where">{"<br>".join(sites)}</td>' \
                f'<td class="where">{tests_cell(requirement.tests)}</td>'
    return f'<tr id="R{requirement.n}" class="{requirement.state()}">' \
           f"{text}</tr>\n"


def page(root, base, table):
    counts = count(table)
    head = "".join(f"<th>{h}</th>" for h in (
        "No.", "Clause", "Level", "Role", "Requirement", "At code",
        "At tests"))
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>RFC 6043: what is kept where</title><style>{STYLE}</style></head><body>
<h1>RFC 6043: what is kept where</h1>
<p>{len(table)} requirements: {counts[BOUND]} are pinned at code and tested,
{counts[ABSENT]} are kept by what is not done, and tested, {counts[EXCUSED]} do
not bind this project, {counts[GAP]} are gaps. What a pin
is: <code>docs/conformance.md</code>.</p>
<table><thead><tr>{head}</tr></thead><tbody>
{"".join(row_of(root, base, table[n]) for n in sorted(table))}</tbody></table>
</body></html>
"""


# ---- what is said ----

def count(table):
    counts = dict.fromkeys(STATES, 0)
    for requirement in table.values():
        counts[requirement.state()] += 1
    return counts


def show(title, lines):
    if lines:
        print(f"\n{title} ({len(lines)}):")
        for line in lines:
            print("  " + str(line))


def summary(table):
    """Counts by level, in the order of how hard they bind."""
    levels = defaultdict(dict)
    for n, requirement in table.items():
        level = requirement.row["level"]
        hard = any(w in level for w in ("MUST", "SHALL"))
        soft = any(w in level for w in ("SHOULD", "RECOMMENDED"))
        name = "MUST, SHALL" if hard else "SHOULD" if soft else "MAY, other"
        levels[name][n] = requirement
    print(f"{'RFC 6043':14}{'all':>6}" +
          "".join(f"{s:>9}" for s in STATES))
    for name, part in [*sorted(levels.items(), key=lambda i: i[0] == "SHOULD"
                               and 1 or i[0] == "MAY, other" and 2 or 0),
                       ("together", table)]:
        print(f"{name:14}{len(part):6}" +
              "".join(f"{c:9}" for c in count(part).values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT,
                        help="the project; the one this file is of")
    parser.add_argument("--page", type=Path, metavar="FILE")
    args = parser.parse_args()
    root = args.root.resolve()
    path = (args.page or root / "build/spec-report.html").resolve()
    table, wrong = collect(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(root, path.parent, table), encoding="utf-8")
    summary(table)
    gaps = [r for r in table.values() if r.state() == GAP]
    show("neither at code nor at a test",
         [r for r in gaps if not r.sites and not r.tests])
    show("at a test only", [r for r in gaps if not r.sites and r.tests])
    show("at code only", [r for r in gaps if r.sites and not r.tests])
    show("wrong", wrong)
    print(f"\nthe whole table: {os.path.relpath(path)}")
    if gaps or wrong:
        print(f"{len(gaps)} gaps, {len(wrong)} other findings: what to do "
              "stands in docs/conformance.md")
    return 1 if gaps or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
