#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/vectors/, the same octets on every run.

    reference/vectors.py            write all of it
    reference/vectors.py --check    only compare; 1 if something differs
"""

import argparse
import itertools
import json
import pathlib
import re
import sys

import page
import scenarios

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "vectors"
ROW = re.compile(r"\[\n +(\d+),\n +(\d+),\n +(\d+),\n +(\".*\"),\n +(\".*\")"
                 r"\n +\]")


def vectors():
    for scenario in scenarios.SCENARIOS:
        for suite in scenario.suites:
            yield scenario.story(suite).json()


def to_json(vector):
    """Indented, with a line for each field instead of seven."""
    text = json.dumps(vector, indent=1)
    return ROW.sub(r"[\1, \2, \3, \4, \5]", text) + "\n"


INDEX = pathlib.Path(__file__).resolve().parent / "vectors.md"


def _kinds(vector):
    """Names of the messages; the same one several times in a row is told
    once."""
    names = [m["name"] for m in vector["messages"]]
    runs = [(name, len(list(run))) for name, run in itertools.groupby(names)]
    return ", ".join(name + (f" ×{count}" if count > 1 else "")
                     for name, count in runs)


def index(made):
    """The text that explains the format, and a line for each scenario."""
    lines = ["| Vector, suites | What | Messages |", "|---|---|---|"]
    for scenario in scenarios.SCENARIOS:
        ours = [v for v in made if v["title"] == scenario.title]
        links = ", ".join(f"[{v['suite']['bits']}]({v['name']}.md)"
                          for v in ours)
        lines.append(f"| {scenario.name} {links} | {scenario.title} | "
                     f"{_kinds(ours[-1])} |")
    return INDEX.read_text(encoding="utf-8") + "\n".join(lines) + "\n"


def files():
    """Name and text of everything in the folder."""
    made = list(vectors())
    for vector in made:
        yield f"{vector['name']}.json", to_json(vector)
        yield f"{vector['name']}.md", page.page(vector)
    yield "README.md", index(made)


def differences(texts):
    """Names that are missing, changed or too many."""
    there = {p.name for p in FOLDER.iterdir()} if FOLDER.is_dir() else set()
    for name, text in texts.items():
        path = FOLDER / name
        if name not in there or path.read_text(encoding="utf-8") != text:
            yield name
    yield from sorted(there - set(texts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    texts = dict(files())
    if args.check:
        wrong = list(differences(texts))
        for name in wrong:
            print(f"docs/vectors/{name} is not what reference/vectors.py "
                  "makes")
        return 1 if wrong else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in {p.name for p in FOLDER.iterdir()} - set(texts):
        (FOLDER / name).unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
