#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the rules of CONTRIBUTING.md that no formatter knows.

    tests/lint.py                 our own rules
    tests/lint.py --format        and clang-format
    tests/lint.py --deep BUILD    and clang-tidy and cppcheck

A line that must break a rule says why, on itself or the line above:

    memset(key_ids, 0, n); /* lint: identifiers, public */
"""

import argparse
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COLUMNS = 80
FILE_LINES = 700
FUNCTION_LINES = 100
FUNCTION_USUAL = 45

# Folder: the folders whose headers it may include, besides its own.
LAYERS = {
    "base": "",
    "mikey": "base",
    "pki": "base mikey",
    "gba": "base",
    "service": "base",
    "diameter": "base gba service",
    "kms": "base mikey gba diameter service",
    "bsf": "base gba diameter service",
    "hss": "base gba diameter service",
    "nf": "base mikey service",
    "ue": "base mikey gba",
    "tool": "base mikey pki gba service kms",
}

# Who uses libmikey as others do: by the headers that are installed.
GUESTS = ("ue",)

BANNED = {
    "strcpy": "snprintf or a ts_writer", "strcat": "a ts_writer",
    "stpcpy": "snprintf or a ts_writer", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "strtok_r",
    "atoi": "a parser that checks", "atol": "a parser that checks",
    "system": "execve", "popen": "execve", "rand": "ts_random",
    "srand": "ts_random", "random": "ts_random", "alloca": "an array",
    "mktemp": "mkstemp", "tmpnam": "mkstemp",
}

# What the pure folders may not call: input, output, clocks, randomness, heap.
PURE = ("mikey", "gba")
IMPURE = ("malloc calloc realloc free strdup strndup asprintf fopen open read "
          "write printf fprintf puts perror time clock_gettime gettimeofday "
          "getrandom ts_random getenv setenv ts_log ts_log_event").split()

SECRET_WORDS = set("key keys psk secret mac tek tgk mpk tpk password passwd "
                   "otp".split())
# An identifier that ends so is about a secret, but none.
HARMLESS_ENDS = set("id ids idx len length size type kind n count name file "
                    "path".split())

SOURCE = re.compile(r"\.(c|h|lua|py|sh|sql)$|(^|/)(meson\.build|Makefile)$"
                    r"|^\.ci/run$")
ESCAPE = re.compile(r"/\* lint: (.*?)\s*\*/")


class Report:
    """Findings, printed as they come."""

    def __init__(self):
        self.count = 0

    def add(self, path, line, text):
        self.count += 1
        print(f"{path}:{line}: {text}")


def source_files():
    """Paths, relative to the root, of all sources of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:
        names = [os.path.relpath(os.path.join(base, f), ROOT)
                 for base, dirs, files in os.walk(ROOT)
                 if not os.path.relpath(base, ROOT).startswith("build")
                 for f in files]
    return sorted(n for n in names
                  if SOURCE.search(n) and (ROOT / n).is_file())


def blank(match):
    """Spaces in place of a comment or the inside of a string."""
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[-1]
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """C code with comments and string contents blanked, lines kept."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
                  r"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def escaped(lines, number):
    """Whether the line, or the one above, gives a reason to be left alone."""
    for line in lines[max(0, number - 2):number]:
        reason = ESCAPE.search(line)
        if reason and len(reason.group(1)) >= 8:
            return True
    return False


def check_text(path, lines, report):
    # A plugin of Wireshark is one file, under the licence of Wireshark.
    plugin = path.endswith(".lua")
    licence = "GPL-2.0-or-later" if plugin else "Apache-2.0"
    if not any(f"SPDX-License-Identifier: {licence}" in line
               for line in lines[:3]):
        report.add(path, 1, f"no SPDX-License-Identifier: {licence}")
    if len(lines) > FILE_LINES and not plugin:
        report.add(path, len(lines), f"file over {FILE_LINES} lines")
    makefile = path.split("/")[-1] == "Makefile"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            report.add(path, number, f"line over {COLUMNS} columns")
        if line != line.rstrip() or "\t" in line and not makefile:
            report.add(path, number, "tab or blank at the end of the line")


def function_lengths(code):
    """(line, length) of each function; clang-format puts its braces first."""
    start = None
    for number, line in enumerate(code.splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number - start - 1
            start = None


def check_calls(path, lines, code, report):
    folder = path.split("/")[0]
    banned = dict(BANNED)
    if folder in PURE:
        banned.update(dict.fromkeys(IMPURE, "an argument of the caller"))
    pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(banned))
    for number, line in enumerate(code.splitlines(), 1):
        for name in pattern.findall(line):
            if not escaped(lines, number):
                report.add(path, number,
                           f"{name}() is banned here; use {banned[name]}")


def call_arguments(code, start):
    """The text between the parenthesis at start and its partner."""
    depth = 0
    for i in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return code[start + 1:i]
    return code[start + 1:]


def is_secret(identifier):
    words = identifier.lower().split("_")
    return words[-1] not in HARMLESS_ENDS and bool(SECRET_WORDS & set(words))


def check_secrets(path, lines, code, report):
    """memcmp and memset on what is named like a secret. Of a.b.c the last
    name counts; sizeof is about no content."""
    for call in re.finditer(r"\b(memcmp|memset|bzero)\s*\(", code):
        arguments = re.sub(r"\bsizeof\b\s*(\([^()]*\)|[\w.>*-]+)", "",
                           call_arguments(code, call.end() - 1))
        names = re.findall(r"\b([A-Za-z_]\w*)\b(?!\s*(?:\.|->|\())", arguments)
        number = code.count("\n", 0, call.start()) + 1
        if any(map(is_secret, names)) and not escaped(lines, number):
            right = "ts_equal" if "cmp" in call.group(1) else "ts_wipe"
            report.add(path, number,
                       f"{call.group(1)}() on a secret; use {right}(), or say "
                       "/* lint: why not */")


@functools.cache
def installed_headers():
    """What mikey/meson.build installs, as it is included."""
    text = (ROOT / "mikey/meson.build").read_text()
    lists = re.findall(r"install_headers\((.*?)\)", text, re.S)
    names = re.findall(r"'(\w+\.h)'", "".join(lists))
    return {f"mikey/{name}" for name in names}


def check_layers(path, lines, report):
    folder = path.split("/")[0]
    if folder not in LAYERS:
        return
    allowed = LAYERS[folder].split() + [folder]
    for number, line in enumerate(lines, 1):
        include = re.match(r'#include "([a-z]+)/', line)
        if include and include.group(1) not in allowed:
            report.add(path, number,
                       f"{folder}/ may not include {include.group(1)}/")
        header = re.match(r'#include "(mikey/[^"]+)"', line)
        if (header and folder in GUESTS and
                header.group(1) not in installed_headers()):
            report.add(path, number,
                       f"{folder}/ may include installed headers of libmikey, "
                       f"but not {header.group(1)}")


def check_contracts(path, lines, code, report):
    """Each prototype and inline function has a comment directly above, or is
    one of a group without a gap under such a comment."""
    depth = 0
    fresh = True  # at the start of a declaration
    covered = False  # the line above belongs to a contract
    macro = False
    for number, line in enumerate(code.splitlines(), 1):
        stripped = line.strip()
        if not stripped:
            covered = lines[number - 1].rstrip().endswith("*/")
            continue
        if macro or stripped.startswith("#"):
            macro = stripped.endswith("\\")
            covered = False
            continue
        begins = fresh and depth == 0 and line[0].isalpha()
        if begins and not covered and re.match(r"[\w\s*]+\b\w+\(", line):
            report.add(path, number, "prototype without its contract above")
        fresh = stripped[-1] in ";}"
        depth += line.count("{") - line.count("}")


def check_c(path, lines, text, report):
    code = without_comments(text)
    for number, length in function_lengths(code):
        if length > FUNCTION_LINES:
            report.add(path, number, f"function of {length} lines, at most "
                       f"{FUNCTION_LINES} are allowed")
    check_calls(path, lines, code, report)
    check_secrets(path, lines, code, report)
    check_layers(path, lines, report)
    if path.endswith(".h"):
        check_contracts(path, lines, code, report)
    return [length for _, length in function_lengths(code)]


def own_rules(files, report):
    lengths = []
    for path in files:
        text = (ROOT / path).read_text(encoding="utf-8")
        lines = text.splitlines()
        check_text(path, lines, report)
        if path.endswith((".c", ".h")):
            lengths += check_c(path, lines, text, report)
    usual = sum(n <= FUNCTION_USUAL for n in lengths)
    print(f"lint: {len(files)} files, {len(lengths)} functions, of which "
          f"{len(lengths) - usual} over {FUNCTION_USUAL} lines; "
          f"{report.count} findings")


def tool(report, *command):
    """Run a checker whose non-zero exit is a finding; a missing one, too."""
    print("lint:", command[0], flush=True)
    try:
        code = subprocess.run(command, cwd=ROOT).returncode
    except FileNotFoundError:
        report.add(command[0], 0, "not installed; run make deps")
        return
    if code != 0:
        report.add(command[0], 0, "has findings")


def deep_rules(files, build, report):
    programs = [f for f in files if f.endswith(".c") and
                f.split("/")[0] in {*LAYERS, "bench", "examples", "tests"}]
    tool(report, "clang-tidy", "--quiet", "-p", build, *programs)
    tool(report, "cppcheck", "--quiet", "--error-exitcode=1", "--std=c11",
         "--enable=warning,portability,performance", "--inline-suppr",
         "--suppress=missingIncludeSystem", "--suppress=unknownMacro",
         "--suppress=normalCheckLevelMaxBranches", "-j2", "-I.",
         *[f for f in programs if not f.startswith("tests/")])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--format", action="store_true")
    parser.add_argument("--deep", metavar="BUILD")
    args = parser.parse_args()
    report = Report()
    files = source_files()
    own_rules(files, report)
    if args.format or args.deep:
        tool(report, "clang-format", "--dry-run", "-Werror",
             *[f for f in files if f.endswith((".c", ".h"))])
    if args.deep:
        deep_rules(files, args.deep, report)
    return 1 if report.count else 0


if __name__ == "__main__":
    sys.exit(main())
