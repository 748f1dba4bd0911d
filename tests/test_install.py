#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libmikey as somebody else gets it: installed into a folder, found by
pkg-config, used by the examples from another folder.

    python3 tests/test_install.py BUILD
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
SECONDS = 120
TEXT_MAX = 150 * 1024
EXAMPLE_LINES = 100

# Library: its version script, the version there, other libraries, headers.
LIBRARIES = {
    "libmikey": ("mikey/mikey.map", "MIKEY_0", {"libnettle", "libc"},
                 ("base/bytes.h", "base/err.h", "mikey/code.h",
                  "mikey/look.h", "mikey/mikey.h", "mikey/mikey_kms.h",
                  "mikey/pk.h", "mikey/plain.h", "mikey/rtsp.h",
                  "mikey/sdp.h", "mikey/types.h")),
    "libmikey-gnutls": ("pki/mikey-gnutls.map", "MIKEY_GNUTLS_0",
                        {"libgnutls", "libnettle", "libc"},
                        ("mikey/gnutls.h",)),
}
# All that libmikey may ask of others, besides nettle's primitives: nothing
# that allocates, reads, writes, tells the time or a random number, or depends
# on the locale. assert() is there for broken contracts of its callers.
ASKED = set("""memchr memcmp memcpy memmove memset strlen explicit_bzero
    __explicit_bzero_chk __memcpy_chk __memmove_chk __memset_chk
    __stack_chk_fail __assert_fail __cxa_finalize __gmon_start__
    _ITM_registerTMCloneTable _ITM_deregisterTMCloneTable
    _GLOBAL_OFFSET_TABLE_""".split())
# Of the C compiler, in each shared library.
CRT = {"completed.0", "__dso_handle", "__TMC_END__"}
STANDARDS = (("gcc", "c99"), ("gcc", "c11"), ("gcc", "c17"),
             ("g++", "c++17"), ("clang", "c99"), ("clang++", "c++17"))


def introspect(what):
    done = subprocess.run(["meson", "introspect", "--" + what, BUILD],
                          check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


OPTIONS = {o["name"]: o["value"] for o in introspect("buildoptions")}
SANITIZE = OPTIONS["b_sanitize"]


def run(*command, **options):
    """Output of a command that must succeed."""
    done = subprocess.run(command, text=True, timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    if done.returncode:
        raise AssertionError(f"{command}\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def installing(folder):
    """Install; what `make uninstall` goes by is as before in the end."""
    log = BUILD / "meson-logs/install-log.txt"
    kept = log.read_bytes() if log.exists() else None
    try:
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir",
            folder)
        yield
    finally:
        if kept is None:
            log.unlink(missing_ok=True)
        else:
            log.write_bytes(kept)


class Installed:
    """An installation in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tessera-install.")
        self.top = Path(self.folder.name)
        with installing(self.top / "dest"):
            pass
        self.prefix = self.top / "dest" / OPTIONS["prefix"].lstrip("/")
        self.lib = self.prefix / OPTIONS["libdir"]
        self.include = self.prefix / OPTIONS["includedir"] / "tessera"
        self.examples = self.prefix / OPTIONS["datadir"] / "tessera/examples"
        self.env = {**os.environ, "LC_ALL": "C",
                    "PKG_CONFIG_PATH": str(self.lib / "pkgconfig"),
                    "LD_LIBRARY_PATH": str(self.lib)}
        self.pkg_config = f"pkg-config --define-variable=prefix={self.prefix}"

    def headers(self):
        return sorted(str(p.relative_to(self.include))
                      for p in self.include.rglob("*.h"))

    def flags(self, option, package="mikey"):
        return run(*self.pkg_config.split(), option, package,
                   env=self.env).split()


def setUpModule():  # pylint: disable=invalid-name
    global installed  # pylint: disable=global-statement
    installed = Installed()
    unittest.addModuleCleanup(installed.folder.cleanup)


def declared(path):
    """Functions that a header declares."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    text = re.sub(r"^static inline .*?^}", "", text, flags=re.S | re.M)
    return re.findall(r"^(?:[A-Za-z][\w\s*]*?[\s*])?((?:mikey|ts)_\w+)\(",
                      text, re.M)


def mapped(library):
    """Names of a version script."""
    text = (ROOT / library).read_text()
    return re.findall(r"^\s+((?:mikey|ts)_\w+);$", text, re.M)


class Uninstall(unittest.TestCase):
    def test_it_takes_everything_away(self):
        with tempfile.TemporaryDirectory() as folder:
            with installing(folder):
                self.assertGreater(len(list(Path(folder).rglob("*.so*"))), 5)
                run("ninja", "-C", BUILD, "uninstall")
            left = [p for p in Path(folder).rglob("*") if not p.is_dir()]
            self.assertEqual(left, [])


class Headers(unittest.TestCase):
    def test_each_one_stands_alone(self):
        for header in installed.headers():
            for compiler, standard in STANDARDS:
                with self.subTest(header=header, standard=standard):
                    language = "c++" if "++" in compiler else "c"
                    run(compiler, f"-std={standard}", "-Wall", "-Wextra",
                        "-Wpedantic", "-Werror", "-fsyntax-only", "-x",
                        language, "-", *installed.flags("--cflags"),
                        input=f"#include <{header}>\n" * 2)

    def test_none_is_missing_or_internal(self):
        self.assertEqual(installed.headers(), sorted(
            h for *_, headers in LIBRARIES.values() for h in headers))

    def test_a_program_in_cxx_links(self):
        program = installed.top / "cxx"
        run("g++", "-std=c++17", "-x", "c++", "-", "-o", program,
            *sanitizers(), *installed.flags("--cflags"),
            *installed.flags("--libs"), input="""
                #include <mikey/mikey.h>
                int main() { return ts_strerror(TS_OK) ? 0 : 1; }""")
        run(program, env=installed.env)


class Version(unittest.TestCase):
    def test_it_is_the_same_everywhere(self):
        version = introspect("projectinfo")["version"]
        program = installed.top / "version"
        run("cc", "-x", "c", "-", "-o", program, *sanitizers(),
            *installed.flags("--cflags"), *installed.flags("--libs"), input="""
                #include <stdio.h>
                #include <mikey/mikey.h>
                int main(void) { return puts(mikey_version()) < 0; }""")
        self.assertEqual(run(program, env=installed.env).strip(), version)
        for library in LIBRARIES:
            package = library.removeprefix("lib")
            self.assertEqual(installed.flags("--modversion", package),
                             [version])
            self.assertTrue((installed.lib / f"{library}.so.{version}"
                             ).exists())


def sanitizers():
    return [] if SANITIZE == "none" else ["-fsanitize=" + SANITIZE]


class Examples(unittest.TestCase):
    def make(self, folder, pkg_config):
        shutil.copytree(installed.examples, folder)
        flags = " ".join(sanitizers())
        run("make", "-C", folder, f"PKG_CONFIG={pkg_config}",
            f"CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror {flags}",
            f"LDFLAGS={flags}", env=installed.env)

    def play(self, folder):
        said = run("sh", "call.sh", cwd=folder, env=installed.env)
        self.assertRegex(said, "the same keys for 2 sessions\n$")
        for program in ("./peers", "./rfc3830"):
            lines = run(program, cwd=folder, env=installed.env).splitlines()
            half = len(lines) // 2
            self.assertIn("crypto session 1", lines[0])
            self.assertEqual(lines[:half], lines[half:])

    def needed(self, program):
        return re.findall(r"\(NEEDED\).*\[(.*)\]",
                          run("readelf", "-d", program))

    def test_they_run_with_the_shared_library(self):
        folder = installed.top / "shared"
        self.make(folder, installed.pkg_config)
        self.assertIn("libmikey.so.0", self.needed(folder / "caller"))
        self.play(folder)

    def test_they_run_with_the_static_library(self):
        only = installed.top / "archive"
        only.mkdir()
        shutil.copy(installed.lib / "libmikey.a", only)
        folder = installed.top / "static"
        self.make(folder, installed.pkg_config +
                  f" --define-variable=libdir={only} --static")
        self.assertNotIn("libmikey.so.0", self.needed(folder / "caller"))
        self.play(folder)

    def test_look_tells_what_is_wrong_and_where(self):
        folder = installed.top / "look"
        self.make(folder, installed.pkg_config)
        # TRANSFER_RESP without payloads, then one octet too many
        good, bad = "010f0000000000070001", "010f000000000007000100"
        said = run(folder / "look", env=installed.env, input=good + "\n")
        self.assertIn("TRANSFER_RESP (15), CSB ID 00000007", said)
        done = subprocess.run([folder / "look"], env=installed.env, text=True,
                              input=bad + "\n", stdout=subprocess.PIPE,
                              timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("wrong at offset 10", done.stdout)
        self.assertIn("E_TRAILING", done.stdout)

    def test_each_one_is_short(self):
        for path in (ROOT / "examples").glob("*.c"):
            lines = path.read_text().count("\n")
            self.assertLess(lines, EXAMPLE_LINES, path.name)


class Symbols(unittest.TestCase):
    """What stands in the libraries. A sanitizer adds its own to them."""

    def each(self):
        for library, about in LIBRARIES.items():
            with self.subTest(library):
                yield library, *about

    def test_the_version_script_names_what_the_headers_declare(self):
        for _, script, _, _, headers in self.each():
            names = []
            for header in headers:
                names += declared(installed.include / header)
            self.assertGreater(len(names), 10)
            self.assertEqual(sorted(mapped(script)), sorted(names))

    def test_these_names_can_be_seen_and_no_others(self):
        for library, script, version, _, _ in self.each():
            names = sorted(mapped(script))
            said = run("nm", "-D", "--defined-only",
                       installed.lib / f"{library}.so")
            found = re.findall(r" (\w \S+)$", said, re.M)
            self.assertEqual(sorted(found), [f"A {version}"] + [
                f"T {n}@@{version}" for n in names])
            said = run("nm", "-g", "--defined-only",
                       installed.lib / f"{library}.a")
            found = re.findall(r"^\S+ \w (\S+)$", said, re.M)
            self.assertEqual(sorted(found), names)

    def test_they_need_no_more_than_they_should(self):
        for library, _, _, others, _ in self.each():
            said = run("readelf", "-d", installed.lib / f"{library}.so")
            self.assertIn(f"soname: [{library}.so.0]", said)
            needed = {n.split(".")[0] for n in
                      re.findall(r"\(NEEDED\).*\[(.*)\]", said)}
            self.assertEqual(needed, others)

    def test_it_asks_for_nothing_from_outside(self):
        for library, options in (("libmikey.so", ["-D"]), ("libmikey.a", [])):
            said = run("nm", *options, "-u", installed.lib / library)
            asked = {n.split("@")[0] for n in
                     re.findall(r"^ +[Uw] (\S+)$", said, re.M)}
            asked = {n for n in asked if not n.startswith("nettle_")}
            self.assertEqual(asked - ASKED, set(), library)
            self.assertIn("memcpy", asked)

    def test_they_keep_no_state(self):
        for library in ("libmikey.so", "libmikey.a", "libmikey-gnutls.so",
                        "libmikey-gnutls.a"):
            said = run("objdump", "-t", installed.lib / library)
            found = re.findall(r"^\w+ .{7} (\S+)\s+\w+ +(\S+)$", said, re.M)
            self.assertGreater(len(found), 50)
            writable = {name for section, name in found
                        if re.match(r"\.(t?data|t?bss)(?!\.rel\.ro)", section)
                        or section == "*COM*"}
            writable = {n for n in writable if not n.startswith(".")}
            self.assertEqual(writable - CRT, set(), library)

    def test_a_program_may_have_the_names_of_internal_functions(self):
        program = installed.top / "names"
        run("cc", "-x", "c", "-", "-x", "none", "-o", program,
            *installed.flags("--cflags"), installed.lib / "libmikey.a",
            "-lnettle", input="""
                #include <mikey/mikey.h>
                int ts_wipe, mikey_msg_read;
                void mikey_prf(void) {}
                int main(void)
                {
                    struct mikey_glance g;
                    return mikey_look(ts_span("", 1), &g) == TS_OK;
                }""")
        run(program)

    def test_it_is_small(self):
        said = run("size", installed.lib / "libmikey.so").splitlines()
        self.assertLess(int(said[1].split()[0]), TEXT_MAX)


if SANITIZE != "none":
    del Symbols

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
