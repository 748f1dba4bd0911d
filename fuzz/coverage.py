#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Say how much of mikey/ the start inputs of the fuzz targets reach.

    CC=clang meson setup build-cover -Dfuzz_coverage=true --buildtype=debug
    ninja -C build-cover fuzz/cover
    fuzz/coverage.py build-cover

Each target runs over fuzz/corpus/NAME in a process of its own, and what they
reach is united. Counted are edges, as clang finds them without optimising:
both ways of each branch, the parts of && and || too. Exit 1 below the floor.
"""

import argparse
import concurrent.futures
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FLOOR = 90  # percent of all edges of mikey/
LIMIT = 120  # seconds for one target


def output_of(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True, **options).stdout


def places(program):
    """(file, line, function, number in it) of each edge; file as in the tree.
    An inline function in a header has the same edges in all sources."""
    listed = output_of(program, "--edges").splitlines()
    addresses, enters = zip(*(line.split() for line in listed))
    said = output_of("llvm-symbolizer", f"--obj={program}", "--no-inlines",
                     input="\n".join(addresses)).split("\n\n")
    found = []
    nth = 0
    for edge, enter in zip(said, enters):
        function, place = edge.split("\n")
        path, line, _ = place.rsplit(":", 2)
        path = Path(path).resolve()
        if path.is_relative_to(ROOT):
            path = path.relative_to(ROOT)
        nth = 0 if enter == "1" else nth + 1
        found.append((path.as_posix(), int(line), function, nth))
    return found


def run_target(program, name, corpus, temp):
    """The counters of one target, an octet an edge; (None, why) if it broke."""
    inputs = sorted((corpus / name).glob("*"))
    counters = Path(temp, name)
    try:
        done = subprocess.run([program, name, counters, *inputs], text=True,
                              stderr=subprocess.PIPE, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return None, f"not done after {LIMIT} s"
    if done.returncode != 0:
        return None, done.stderr.strip() or f"exit code {done.returncode}"
    return counters.read_bytes(), len(inputs)


def reached(program, names, corpus):
    """Which edges any target reaches, as one octet each; ends on a failure."""
    union = 0
    size = 0
    with tempfile.TemporaryDirectory(prefix="coverage-") as temp, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = {name: pool.submit(run_target, program, name, corpus, temp)
                for name in names}
        for name, run in runs.items():
            counters, said = run.result()
            if counters is None:
                sys.exit(f"coverage: {name} broke on its corpus: {said}")
            size = len(counters)
            union |= int.from_bytes(counters, "big")
            print(f"  {name:<20} {said:>5} inputs {sum(counters):>6} edges")
    return union.to_bytes(size, "big")


def ranges(numbers):
    """[3, 4, 5, 9] as "3-5 9"."""
    out = []
    for n in sorted(set(numbers)):
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(f"{a}-{b}" if b > a else str(a) for a, b in out)


def count(edges, hit):
    """File: [covered, edges, lines of what is not covered]. Without the inline
    functions of base/, which have tests of their own."""
    once = defaultdict(int)
    for edge, there in zip(edges, hit):
        if edge[0].startswith("mikey/"):
            once[edge] |= there
    files = defaultdict(lambda: [0, 0, []])
    for (path, line, _, _), there in once.items():
        files[path][0] += there
        files[path][1] += 1
        if not there:
            files[path][2].append(line)
    return files


def report(files, missing):
    """Print the table; gives percent in total."""
    row = "{:<28} {:>7} {:>7} {:>6}"
    print(row.format("file", "covered", "edges", "%"))
    total = [0, 0]
    for path, (covered, edges, lines) in sorted(files.items()):
        total[0] += covered
        total[1] += edges
        print(row.format(path, covered, edges,
                         f"{100 * covered / edges:.1f}"))
        if missing and lines:
            print("    not reached: " + ranges(lines))
    percent = 100 * total[0] / total[1]
    print(row.format("mikey/", *total, f"{percent:.1f}"))
    return percent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--corpus", type=Path, default=HERE / "corpus")
    parser.add_argument("--missing", action="store_true",
                        help="name the lines that are not reached")
    args = parser.parse_args()
    program = args.build.resolve() / "fuzz/cover"
    if not program.exists():
        sys.exit(f"coverage: no {program}; build it first")
    names = output_of(program).split()
    hit = reached(program, names, args.corpus)
    percent = report(count(places(program), hit), args.missing)
    if percent < FLOOR:
        print(f"coverage: below the floor of {FLOOR} %")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
