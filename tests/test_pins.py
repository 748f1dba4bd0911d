#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tools of docs/conformance.md on a small project: each kind of statement
is disabled as it should be, a test that notices nothing is found out, and a
gap fails the report.

    python3 tests/test_pins.py
"""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build-aux"
SECONDS = 300

sys.path.insert(0, str(TOOLS))
import pin_text  # noqa: E402
import pins  # noqa: E402

# Kind, how it is disabled, a function F with the pin /* R */, and what its
# test, which names the number, asserts.
PROVEN = [
    ("if", "never", """
int F(int n)
{
    /* R: no more than three */
    if (n > 3)
        n = 3;
    return n;
}""", "assert_int_equal(F(5), 3);"),
    ("return", "never", """
enum ts_err F(int n)
{
    if (n > 3)
        return TS_E_RANGE; /* R */
    return TS_OK;
}""", "FAILS(TS_E_RANGE, F(5));"),
    ("return", "never", """
enum ts_err F(int n)
{
    if (n <= 3) {
        note(n);
    } else {
        note(0);
        return TS_E_RANGE; /* R */
    }
    return TS_OK;
}""", "FAILS(TS_E_RANGE, F(5));"),
    ("return", "returns no error", """
enum ts_err F(int n)
{
    return n > 3 ? TS_E_RANGE : TS_OK; /* R */
}""", "FAILS(TS_E_RANGE, F(5));"),
    ("return", "always true and always false", """
bool F(int n)
{
    return n > 3; /* R */
}""", "assert_true(F(5)); assert_false(F(3));"),
    ("operand", "operand true", """
bool F(int n)
{
    return n > 3 &&
           n < 9; /* R */
}""", "assert_false(F(10));"),
    ("operand", "operand false", """
enum ts_err F(int n)
{
    if (n < 0 || /* R */
        n > 9)
        return TS_E_RANGE;
    return TS_OK;
}""", "FAILS(TS_E_RANGE, F(-1));"),
    ("expression", "removed", """
int F(int n)
{
    note(n); /* R */
    return noted;
}""", "assert_int_equal(F(5), 5);"),
    ("expression", "another number", """
int F(int n)
{
    noted = 0;
    noted = n - n; /* R */
    return noted;
}""", "assert_int_equal(F(5), 0);"),
    ("element", "removed", """
int F(int n)
{
    struct pair p = {
        .a = n, /* R */
        .b = 1,
    };
    return p.a;
}""", "assert_int_equal(F(5), 5);"),
    ("element", "another number", """
int F(int n)
{
    struct pair p = {
        .a = 0, /* R */
        .b = n,
    };
    return p.a;
}""", "assert_int_equal(F(5), 0);"),
    ("element", "negated", """
bool F(int n)
{
    struct pair p = {.a = n,
                     .on = false}; /* R */
    return p.on;
}""", "assert_false(F(5));"),
    ("element", "without the mask", """
int F(int n)
{
    struct pair p = {
        .a = n & ~1, /* R */
    };
    return p.a;
}""", "assert_int_equal(F(5), 4);"),
    ("declaration", "always the second branch", """
int F(int n)
{
    int most = n > 3 ? 3 : 9; /* R */
    return most;
}""", "assert_int_equal(F(5), 3);"),
    ("declaration", "now 0", """
int F(int n)
{
    int least = 9; /* R */
    return n + least;
}""", "assert_int_equal(F(1), 10);"),
    ("declaration", ".a = n: removed and .b = 2: removed", """
int F(int n)
{
    /* R: both */
    const struct pair p = {.a = n, .b = 2};
    return p.a + p.b;
}""", "assert_int_equal(F(1), 3);"),
    ("declaration", "half as long", """
int F(int n)
{
    char room[16]; /* R */
    return n + (int)sizeof room;
}""", "assert_int_equal(F(0), 16);"),
    ("function", "returns 0 at once", """
/* R */
enum ts_err F(int n)
{
    if (n > 3)
        return TS_E_RANGE;
    return TS_OK;
}""", "FAILS(TS_E_RANGE, F(5));"),
    ("function", "returns true at once and returns false at once", """
/* R */
bool F(int n)
{
    return n > 3;
}""", "assert_true(F(5)); assert_false(F(3));"),
    ("function", "returns true at once", """
/* R: who asks says what forbids nothing */
static bool is_fit_F(int n)
{
    return n <= 3;
}

enum ts_err F(int n)
{
    if (n < 0 || !is_fit_F(n))
        return TS_E_RANGE;
    return TS_OK;
}""", "FAILS(TS_E_RANGE, F(5));"),
    ("function", "returns (struct pair){0} at once", """
/* R */
struct pair F(int n)
{
    return (struct pair){.a = n};
}""", "assert_int_equal(F(5).a, 5);"),
    ("case", "its statements left out", """
int F(int n)
{
    switch (n) {
    case 1: /* R */
        return 7;
    case 2:
        return 8;
    default:
        break;
    }
    return 9;
}""", "assert_int_equal(F(1), 7);"),
    ("case", "returns an error", """
enum ts_err F(int n)
{
    switch (n) {
    case 1:
        return TS_E_RANGE;
    default: /* R */
        return TS_OK;
    }
}""", "OK(F(2));"),
    ("else", "else nothing", """
int F(int n)
{
    if (n > 3) {
        n = 3;
    } else { /* R */
        n = 1;
    }
    return n;
}""", "assert_int_equal(F(2), 1);"),
    ("jump", "never", """
int F(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        if (i == 2)
            continue; /* R */
        sum += i;
    }
    return sum;
}""", "assert_int_equal(F(4), 4);"),
    ("loop", "removed", """
int F(int n)
{
    int sum = 0;
    /* R */
    for (int i = 0; i < n; i++)
        sum += i;
    return sum;
}""", "assert_int_equal(F(3), 3);"),
    ("macro", "now 0", """
#define MOST_F 9 /* R */

int F(int n)
{
    return n + MOST_F;
}""", "assert_int_equal(F(1), 10);"),
    ("argument", "now 0", """
int F(int n)
{
    note_both(7, /* R */
              n);
    return noted;
}""", "assert_int_equal(F(1), 8);"),
    ("if", "never", """
int F(int n)
{
    if (!n) /* R: the program dies without */
        return 1;
    if (!n)
        abort();
    return 0;
}""", "assert_int_equal(F(0), 1);"),
]

# Kind, verdict, function, test.
OTHERS = [
    ("if", "SURVIVED: never", """
int F(int n)
{
    if (n > 3) /* R */
        n = 3;
    return n;
}""", "assert_int_equal(F(2), 2);"),
    ("function", "SURVIVED: returns true at once", """
/* R: it is seen to say yes, never to say no */
bool F(int n)
{
    return n > 3;
}""", "assert_true(F(5));"),
    ("declaration", "SURVIVED: .b = 2: removed, .b = 2: another number", """
int F(int n)
{
    /* R: only one of the two is looked at */
    const struct pair p = {.a = n, .b = 2};
    return p.a;
}""", "assert_int_equal(F(1), 1);"),
    ("no statement", "NOT DISABLED", """
/* R: a type does nothing */
struct unused_F {
    int a;
};

int F(int n)
{
    return n;
}""", "assert_int_equal(F(1), 1);"),
]

HEADER = """\
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

struct pair {
    int a, b;
    bool on;
};
"""
HEAD = """\
/* R1: a banner pins nothing */
#include "mikey/demo.h"

static int noted;

static void note(int n)
{
    noted = n;
}

static void note_both(int a, int b)
{
    note(a + b);
}
"""
MAIN = """\
#include <stdio.h>
#include <stdlib.h>

static int twice(int n)
{
    return 2 * n; /* R901 */
}

static int untested(int n)
{
    n += 0 * twice(n); /* R1, in mid-line */ n += 0;
    n += 1; /* R902 */
    return n;
}

int main(int argc, char **argv)
{
    (void)argc;
    printf("%d\\n", twice(atoi(argv[1])) + 0 * untested(1));
    return 0;
}
"""
PYTHON_TEST = '''\
import subprocess
import sys
import unittest

class Twice(unittest.TestCase):
    # R901
    def test_it_doubles(self):
        out = subprocess.run([sys.argv[1] + "/demo", "4"], text=True,
                             capture_output=True).stdout
        self.assertEqual(out, "8\\n")

    def test_another(self):
        self.fail("was not asked for")

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
'''
MESON = """\
project('demo', 'c', default_options: ['c_std=gnu17'])
add_project_arguments('-D_GNU_SOURCE', language: 'c')
root = include_directories('.')
lib = static_library('demo', 'mikey/demo.c', 'base/err.c',
  include_directories: root)
executable('demo', 'tool/main.c')
subdir('tests')
"""
MESON_TESTS = """\
executable('test_demo', 'test_demo.c', 'oom.c', link_with: lib,
  include_directories: root, dependencies: dependency('cmocka'),
  link_args: ['-Wl,--wrap=malloc', '-Wl,--wrap=calloc', '-Wl,--wrap=realloc',
    '-Wl,--wrap=reallocarray', '-Wl,--wrap=strdup', '-Wl,--wrap=strndup'])
"""
FIRST = 101  # number of the first of PROVEN and OTHERS


def numbered(text, n):
    """F becomes a function of its own, R a number."""
    text = re.sub(r"\bR(?=[ :,])", f"R{n}", text)
    return re.sub(r"\bF\b|(?<=_)F\b", f"f{n}", text)


def prototype(code):
    return re.search(r"^[\w ]+\bf\d+\(int n\)$", code, re.M).group(0) + ";\n"


def make_project(root):
    """The small project: a library, its C tests, a program, its test."""
    header, code = HEADER, HEAD
    tests = '#include "mikey/demo.h"\n#include "tests/unit.h"\n'
    names = []
    for n, (_, _, function, asserts) in enumerate(PROVEN + OTHERS, FIRST):
        code += numbered(function, n) + "\n"
        header += prototype(numbered(function, n))
        named = f"/* R{n} */\n"
        if n == FIRST:  # named at a helper that the test calls
            tests += f"\n{named}static void help(void)\n{{\n    " \
                     f"{numbered(asserts, n)}\n}}\n"
            named, asserts = "", "help();"
        tests += f"\n{named}static void t{n}(void **state)\n{{\n    " \
                 f"(void)state;\n    {numbered(asserts, n)}\n}}\n"
        names.append(f"cmocka_unit_test(t{n})")
    tests += "\nUNIT_MAIN(" + ",\n          ".join(names) + ")\n"
    for name, text in (
            ("mikey/demo.c", code), ("mikey/demo.h", header),
            ("tests/test_demo.c", tests), ("tool/main.c", MAIN),
            ("tests/test_tool.py", PYTHON_TEST), ("meson.build", MESON),
            ("tests/meson.build", MESON_TESTS)):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (root / "base").mkdir()
    for name in ("base/err.c", "base/err.h", "base/bytes.h", "tests/unit.h",
                 "tests/oom.c"):
        shutil.copy(ROOT / name, root / name)


def tool(name, *args):
    """(exit code, what it prints)."""
    done = subprocess.run([sys.executable, str(TOOLS / name), *args],
                          text=True, timeout=SECONDS, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


class Prove(unittest.TestCase):
    """One run over all pins of the small project."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        make_project(cls.root)
        cls.before = (cls.root / "mikey/demo.c").read_text()
        cls.code, cls.output = tool("pins.py", "--root", str(cls.root),
                                    "prove", "--all")
        cls.verdicts = dict(re.findall(
            r"^\[ *\d+/\d+\] R(\d+) \S+:\d+ (.*) \([\d.]+ s\)$", cls.output,
            re.M))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_each_kind_is_disabled_and_noticed(self):
        for n, (kind, change, _, _) in enumerate(PROVEN, FIRST):
            with self.subTest(n=n, kind=kind):
                helper = " (by a helper)" if n == FIRST else ""
                self.assertEqual(
                    self.verdicts.get(str(n), self.output),
                    f"({kind}) PROVEN: {change}; test_demo: t{n}{helper}")

    def test_what_no_test_notices_survives(self):
        for n, (kind, verdict, _, _) in enumerate(OTHERS,
                                                  FIRST + len(PROVEN)):
            with self.subTest(n=n, kind=kind):
                self.assertEqual(self.verdicts.get(str(n), self.output),
                                 f"({kind}) {verdict}")
                self.assertRegex(self.output,
                                 rf"not proven at any pin: .*\bR{n}\b")

    def test_a_python_test_proves_too(self):
        self.assertEqual(self.verdicts["901"], "(return) PROVEN: now 0; "
                         "test_tool: Twice.test_it_doubles")

    def test_a_pin_without_a_test_is_told(self):
        self.assertTrue(self.verdicts["902"].startswith(
            "(expression) NO TEST"))

    def test_banners_and_comments_in_mid_line_pin_nothing(self):
        self.assertNotIn("1", self.verdicts)
        code, output = tool("pins.py", "--root", str(self.root), "list")
        self.assertEqual(code, 0, output)
        self.assertEqual(len(re.findall(
            r"^\S+: R1, no pin: a comment only", output, re.M)), 2, output)

    def test_the_exit_code_tells(self):
        self.assertEqual(self.code, 1, self.output)
        good, weak = f"R{FIRST}", f"R{FIRST + len(PROVEN)}"
        for args, wanted in (([good], 0), ([good, weak], 1), (["R7"], 1)):
            code, output = tool("pins.py", "--root", str(self.root), "prove",
                                *args)
            self.assertEqual(code, wanted, output)

    def test_the_project_itself_is_not_touched(self):
        self.assertEqual((self.root / "mikey/demo.c").read_text(),
                         self.before)
        self.assertFalse(list(self.root.glob("build*")))


class Sample(unittest.TestCase):
    def test_the_seed_alone_decides(self):
        numbers = range(1, 306)
        first = pins.sample(numbers, 30, "86e6a1ef")
        self.assertEqual(first, pins.sample(reversed(numbers), 30,
                                            "86e6a1ef"))
        self.assertEqual(len(set(first)), 30)
        self.assertNotEqual(first, pins.sample(numbers, 30, "86e6a1f0"))


class Numbers(unittest.TestCase):
    def test_lists_and_ranges_are_read(self):
        self.assertEqual(pin_text.numbers("R1, R3-R5: see MPKr1; R4 (R300)"),
                         [1, 3, 4, 5, 300])


TABLE = ("number\tclause\tlevel\trole\ttext\n"
         "R1\t4.1\tMUST\tI\tdo <this>\n"
         "R2\t4.2\tSHOULD\tR\tdo that\n"
         "R3\t14\tMAY\tIANA\tassign\n")
REASONS = "number\treason\nR3\tbinds IANA\n"
CODE = "void f(void)\n{\n    g(); /* R1 */\n    h(); /* R2 */\n}\n"
TESTS = ("/* R1, R2 */\nstatic void t(void **state)\n{\n    f();\n}\n\n"
         "UNIT_MAIN(cmocka_unit_test(t))\n")


class Report(unittest.TestCase):
    def report(self, wanted, table=TABLE, reasons=REASONS, code=CODE,
               tests=TESTS, absences="number\treason\n"):
        """What is printed, then the page."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in (("docs/requirements.tsv", table),
                               ("docs/not-binding.tsv", reasons),
                               ("docs/by-absence.tsv", absences),
                               ("mikey/a.c", code), ("tests/test_a.c", tests)):
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
            code, output = tool("spec_report.py", "--root", folder)
            self.assertEqual(code, wanted, output)
            return output, (root / "build/spec-report.html").read_text()

    def test_a_full_table_passes(self):
        output, page = self.report(0)
        self.assertRegex(output, r"together +3 +2 +0 +1 +0")
        self.assertIn('<a href="../mikey/a.c#L3">mikey/a.c:3</a>', page)
        self.assertIn("test_a.c: t", page)
        self.assertIn("binds IANA", page)
        self.assertIn("do &lt;this&gt;", page)

    def test_a_gap_fails(self):
        for title, change in (
                ("at a test only", {"code": CODE.replace("R2", "AMB 2")}),
                ("at code only", {"tests": TESTS.replace(", R2", "")}),
                ("neither at code nor at a test",
                 {"reasons": "number\treason\n"})):
            with self.subTest(title):
                output, page = self.report(1, **change)
                self.assertRegex(output, rf"{title} \(1\):\n  R[23] ")
                self.assertEqual(page.count('class="gap"'), 1)

    def test_what_is_never_done_has_a_test_but_no_pin(self):
        absences = "number\treason\nR2\tnobody does it\n"
        unpinned = CODE.replace("R2", "AMB 2")
        output, page = self.report(0, code=unpinned, absences=absences)
        self.assertRegex(output, r"together +3 +1 +1 +1 +0")
        self.assertIn("nobody does it", page)
        output, _ = self.report(1, code=unpinned, absences=absences,
                                tests=TESTS.replace(", R2", ""))
        self.assertIn("neither at code nor at a test (1)", output)
        output, _ = self.report(1, absences=absences)
        self.assertIn("R2 is pinned, at mikey/a.c:4", output)

    def test_a_number_both_bound_and_excused_fails(self):
        output, _ = self.report(1, reasons=REASONS + "R2\tnot us\n")
        self.assertIn("R2 is excused, but bound at mikey/a.c:4", output)

    def test_a_number_that_is_in_no_table_fails(self):
        output, _ = self.report(1, code=CODE.replace("R2", "R2, R4"))
        self.assertIn("mikey/a.c:4: R4 is not in the table", output)
        output, _ = self.report(1, tests=TESTS.replace("R2", "R2-R4"))
        self.assertIn("tests/test_a.c: t: R4 is not in the table", output)
        output, _ = self.report(1, reasons=REASONS + "R9\tnobody\n")
        self.assertIn("R9 is not in the table", output)

    def test_a_reason_is_needed(self):
        output, _ = self.report(1, reasons="number\treason\nR3\t\n")
        self.assertIn("R3 has no reason", output)

    def test_only_a_comment_at_a_test_counts(self):
        self.report(1, tests=TESTS.replace("t))", "u))"))
        self.report(1, tests=TESTS.replace("*/\n", "*/\n\n", 1))
        self.report(1, code=CODE.replace("    g(); /* R1 */\n",
                                         "    /* R1 */\n\n    g();\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
