#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the fuzz targets of a build folder and print what they found.

Each target starts from a copy of fuzz/corpus/NAME, so that the tree stays as
it is. An input that breaks a target is kept in BUILD/findings.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
GRACE = 120  # seconds for start, minimising a finding, and the end
STATS = {"runs": r"stat::number_of_executed_units:\s*(\d+)",
         "new": r"stat::new_units_added:\s*(\d+)",
         "edges": r"\bcov: (\d+)"}


def built_targets(build, names):
    """Programs fuzz_NAME, all or those asked for."""
    found = {p.name.removeprefix("fuzz_"): p
             for p in sorted((build / "fuzz").glob("fuzz_*"))
             if p.is_file() and os.access(p, os.X_OK)}
    unknown = sorted(set(names) - set(found))
    if unknown:
        sys.exit("fuzz: no such target: " + ", ".join(unknown))
    return {n: found[n] for n in names} if names else found


def environment():
    env = dict(os.environ)
    env.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    return env


def run_target(name, program, seconds, keep):
    """One target; returns (figures, output, broken)."""
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as temp:
        corpus = Path(temp, "corpus")
        seeds = HERE / "corpus" / name
        if seeds.is_dir():
            shutil.copytree(seeds, corpus)
        else:
            corpus.mkdir()
        command = [program, f"-max_total_time={seconds}", "-timeout=10",
                   "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={keep}/{name}-", corpus]
        with open(keep / f"{name}.log", "w+", errors="replace") as log:
            try:
                code = subprocess.run(
                    command, stdout=log, stderr=subprocess.STDOUT, cwd=temp,
                    env=environment(), timeout=seconds + GRACE).returncode
            except subprocess.TimeoutExpired:
                code = -1
            log.seek(0)
            output = log.read()
    figures = {key: (re.findall(pattern, output) or ["-"])[-1]
               for key, pattern in STATS.items()}
    return figures, output, code != 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60,
                        help="for each target")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_intermixed_args()
    targets = built_targets(args.build, args.targets)
    if not targets:
        sys.exit(f"fuzz: no targets in {args.build}; build them first")
    keep = args.build.resolve() / "findings"
    broken = []
    row = "{:<20} {:>10} {:>8} {:>10} {:>9}"
    print(row.format("target", "runs", "edges", "new units", "findings"))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = {name: pool.submit(run_target, name, program.resolve(),
                                  args.seconds, keep)
                for name, program in targets.items()}
        for name, run in runs.items():
            figures, output, bad = run.result()
            print(row.format(name, figures["runs"], figures["edges"],
                             figures["new"], int(bad)), flush=True)
            if bad:
                broken.append(name)
                print("\n".join(output.splitlines()[-30:]))
    if broken:
        print(f"fuzz: findings in {', '.join(broken)}; inputs in {keep}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
