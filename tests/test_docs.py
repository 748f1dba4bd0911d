#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documentation says what is so, and nothing is left out of it.

    python3 tests/test_docs.py BUILD

Names are compared with the sources, usage with what the programs print, and
the EXAMPLES of the manual pages are run.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
MAN = ROOT / "man"
FOLDERS = ("base", "mikey", "service", "kms", "ue", "tool")
PROGRAMS = {  # program: page, source with its getopt string
    "tessera-kmsd": ("tessera-kmsd.8", "kms/main.c"),
    "tesseractl": ("tesseractl.8", "tool/tesseractl.c"),
    "tessera-ue": ("tessera-ue.1", "ue/main.c"),
    "mikeytool": ("mikeytool.1", "tool/mikeytool.c"),
}
SECONDS = 60  # for one page's examples
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def run(*command, **options):
    return subprocess.run(command, text=True, timeout=SECONDS,
                          capture_output=True, **options)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


# ---- C sources ----

def split_arguments(text, start):
    """The arguments of a call whose "(" stands before start."""
    depth, quoted, parts, at = 0, False, [], start
    begin = at
    while True:
        c = text[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            if depth == 0:
                return parts + [text[begin:at]]
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1


def field_of(argument):
    """Name of a TS_...() field."""
    if "TS_ERR(" in argument:
        return "error"
    return LITERAL.search(argument)[1]


def logged_events():
    """Event: (levels, fields), from every call of ts_log()."""
    events = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.c")):
            text = without_comments(path.read_text(encoding="utf-8"))
            for call in re.finditer(r"\bts_log(_event)?\(", text):
                arguments = split_arguments(text, call.end())
                names = LITERAL.findall(arguments[1])
                if not names:
                    continue  # the function itself
                levels = re.findall(r"TS_(DEBUG|INFO|WARN|ERROR)",
                                    arguments[0])
                if call[1]:
                    fields = counters(text)
                else:
                    fields = [field_of(a) for a in arguments[2:]]
                for name in names:
                    known = events.setdefault(name, (set(), set()))
                    known[0].update(level.lower() for level in levels)
                    known[1].update(fields)
    return events


def counters(text):
    """Fields of front-counts: a table of verdicts, and one more."""
    return [*re.findall(r'\[KMS_V_\w+\] = \{\s*"([a-z-]+)"', text),
            "engine-refused"]


def number(text):
    """A constant of the tables, such as 366 * DAY or 1 << 28."""
    text = text.replace("DAY", "86400").strip()
    if not re.fullmatch(r"[\d *<()]+", text):
        raise ValueError(f"not a constant: {text}")
    return eval(text)  # pylint: disable=eval-used


def configuration_keys(path):
    """(section, key): (type, least, most, default), from a table."""
    text = without_comments(read(path))
    table = re.search(r"ts_conf_key keys\[\] = \{(.*?)\n\};", text, re.S)[1]
    keys = {}
    for entry in re.findall(r"\{([^{}]*)\}", table):
        named = dict(re.findall(r"\.(\w+) = ([^,]+)", entry))
        plain = [part.strip() for part in entry.split(",")]
        section = named.get("section", plain[0]).strip('" ')
        if section == "NULL":
            continue
        section = {"UE": "ue"}.get(section, section)
        if named:
            keys[section, named["key"].strip('" ')] = ("TEXT", 0, 0, None)
        else:
            default = LITERAL.search(plain[6])
            keys[section, plain[1].strip('"')] = (
                plain[2].removeprefix("TS_CONF_"), number(plain[4]),
                number(plain[5]), default[1] if default else None)
    return keys


# ---- manual pages ----

def plain(line):
    """Text of a literal line."""
    return (line.removeprefix(r"\&").replace(r"\e", "\\")
            .replace(r"\(dq", '"').replace(r"\-", "-"))


def sections(page):
    """Title: lines, for each .Sh of a page."""
    found, title = {}, ""
    for line in (MAN / page).read_text(encoding="utf-8").splitlines():
        if line.startswith(".Sh "):
            title = line[4:]
        found.setdefault(title, []).append(line)
    return found


def examples(page):
    """The literal blocks of EXAMPLES, joined."""
    lines, inside = [], False
    for line in sections(page)["EXAMPLES"]:
        if line.startswith(".Bd -literal"):
            inside = True
        elif line.startswith(".Ed"):
            inside = False
        elif inside:
            lines.append(plain(line))
    return "\n".join(lines) + "\n"


def page_keys(page):
    """(section, key): text of the item, in a page of a configuration."""
    keys, section, key = {}, "", None
    for line in sections(page)["DESCRIPTION"]:
        if line.startswith(".Ss "):
            section, key = line.removeprefix(".Ss Section "), None
        elif line.startswith(".It Cm "):
            key = section, line.split()[2]
            keys[key] = ""
        elif line.startswith(".El"):
            key = None
        if key:
            keys[key] += line + "\n"
    return keys


def page_options(page):
    """-c, --json ...: whatever stands behind a Fl."""
    text = "\n".join(sections(page)["SYNOPSIS"] +
                     sections(page)["DESCRIPTION"])
    return {"-" + name for name in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}


def usage(program):
    """Everything that a program says about its use."""
    text = run(BUILD / program, "-h").stdout
    text = text or run(BUILD / program, "--help").stdout
    if program == "tesseractl":
        for verb in verbs():
            text += run(BUILD / program, *verb.split(), "--help").stdout
    return text


def options_in(text):
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


def verbs():
    """Of tesseractl, as its help lists them."""
    text = run(BUILD / "tesseractl", "--help").stdout
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?) {2,}[a-z]", text, re.M)


# ---- tables of docs ----

def rows(path, columns):
    """Rows of those tables of a page that have so many columns."""
    for line in read(path).splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == columns:
            yield cells


def names_in(cell):
    return set(re.findall(r"`([a-z][a-z0-9-]*)`", cell))


def documents():
    """Every page of the project in Markdown."""
    for path in sorted(ROOT.rglob("*.md")):
        parts = path.relative_to(ROOT).parts
        if not parts[0].startswith(("build", ".")):
            yield path


class Events(unittest.TestCase):
    def test_events_page_names_what_the_sources_log(self):
        said = {}
        for event, level, fields, *_ in rows("docs/events.md", 5):
            said[event.strip("`")] = (set(level.split(", ")),
                                      names_in(fields))
        self.assertEqual(said, logged_events())

    def test_results_and_reasons_are_those_of_the_engine(self):
        page = read("docs/events.md")
        names = re.search(r"result_names\[\] = \{(.*?)\}",
                          read("kms/engine.c"), re.S)[1]
        for name in LITERAL.findall(names):
            self.assertIn(f"| `{name}` |", page)
        reasons = set()
        for path in (ROOT / "kms").glob("*.c"):
            text = without_comments(path.read_text(encoding="utf-8"))
            for call in re.finditer(
                    r"\b(?:invalid|refuse|job_fail|kms_reply_error)\(", text):
                arguments = split_arguments(text, call.end())
                reasons.update(n for a in arguments if " " in a
                               for n in LITERAL.findall(a))
            for line in re.findall(r"reason = ([^;]*);", text):
                reasons.update(LITERAL.findall(line))
        reasons.discard("")
        page = " ".join((page + read("docs/threats.md")).split())
        missing = [r for r in sorted(reasons) if f"`{r}`" not in page]
        self.assertEqual(missing, [])
        self.assertGreater(len(reasons), 20)


class Records(unittest.TestCase):
    def test_audit_page_names_the_members_of_a_record(self):
        text = without_comments(read("kms/record.c"))
        members = set(re.findall(r'put_(?:member|hex)\(\w*&?l, "([a-z-]+)"',
                                 text))
        members |= set(re.findall(r'\\"([a-z-]+)\\":', text))
        said = {cells[0].strip("`")
                for cells in rows("docs/audit.md", 3)}
        self.assertEqual(said, members)

    def test_rings_page_has_the_layout_of_each_header(self):
        constants = dict(re.findall(r"#define (KMS_\w+) +(\d+)",
                                    read("kms/msg.h")))
        sizes = {"uint64_t": 8, "uint32_t": 4, "uint16_t": 2, "uint8_t": 1}
        text = without_comments(read("kms/msg.h") + read("service/audit.h"))
        page = re.split(r"^`((?:kms|ts)_\w+)`", read("docs/rings.md"),
                        flags=re.M)
        said = dict(zip(page[1::2], page[2::2]))
        for name in ("kms_ask", "kms_reply", "kms_query", "kms_found",
                     "kms_user_rec", "kms_key_rec", "ts_audit_entry",
                     "ts_audit_done"):
            body = re.search(rf"struct {name} \{{(.*?)\}};", text, re.S)[1]
            layout, at = [], 0
            for kind, field, length in re.findall(
                    r"(uint\d+_t) (\w+)(?:\[([^]]+)\])?;", body):
                for constant, value in constants.items():
                    length = length.replace(constant, value)
                count = sum(int(n) for n in length.split("+")) if length else 1
                at += -at % sizes[kind]
                layout.append((field, str(at), str(sizes[kind] * count)))
                at += sizes[kind] * count
            table = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|",
                               said[name], re.M)
            self.assertEqual(table, layout, name)


class Configuration(unittest.TestCase):
    def check(self, page, source):
        said, known = page_keys(page), configuration_keys(source)
        self.assertEqual(set(said), set(known))
        for key, (kind, least, most, default) in known.items():
            text = said[key]
            words = set(re.findall(r"[\w-]+", text))
            if kind == "UINT" and most != 256:  # suite is one of two
                self.assertIn(f"{least} to {most}", text, key)
            if default:
                self.assertRegex(text, rf"[Dd]efault {default}[.,\n]", key)
            if kind == "BOOL":
                self.assertLessEqual({"yes", "no"}, words, key)

    def test_page_of_the_kms_lists_every_key(self):
        self.check("tessera-kmsd.conf.5", "kms/conf.c")

    def test_page_of_the_ue_lists_every_key(self):
        self.check("tessera-ue.conf.5", "ue/conf.c")

    def test_keys_that_must_be_given_are_marked(self):
        text = read("ue/conf.c")
        required = re.findall(r'\{UE, "([a-z-]+)",[^}]*TS_CONF_REQUIRED',
                              text)
        said = [key for (_, key), item in page_keys(
            "tessera-ue.conf.5").items() if "\nRequired.\n" in item]
        self.assertEqual(sorted(said), sorted(required))


class Usage(unittest.TestCase):
    def test_pages_list_the_options(self):
        for program, (page, source) in PROGRAMS.items():
            with self.subTest(program):
                said, told = page_options(page), options_in(usage(program))
                self.assertEqual(told - said, set())
                letters = re.search(r'getopt(?:_long)?\([^"]*"([a-z:]*)"',
                                    read(source))[1]
                also = {"-" + c for c in letters if c != ":"}
                self.assertEqual(said - told - also, set())

    def test_page_of_tesseractl_lists_the_verbs(self):
        said = []
        for line in sections("tesseractl.8")["DESCRIPTION"]:
            if line.startswith(".It Ic "):
                said.append(re.match(r"\.It Ic ((?:[a-z]+ ?)+)",
                                     line)[1].strip())
        self.assertEqual(sorted(said), sorted(verbs()))
        self.assertGreater(len(said), 5)

    def test_json_page_of_tesseractl_lists_the_verbs(self):
        said = {cells[0].strip("`")
                for cells in rows("docs/tesseractl-json.md", 3)}
        self.assertEqual(said, set(verbs()))


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    @staticmethod
    def ports(n):
        """Free ports; all held until the last one is found."""
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(n)]
            for s in sockets:
                s.bind(("127.0.0.1", 0))
            return [s.getsockname()[1] for s in sockets]

    def move(self, text):
        """The text with ports that are free."""
        used = sorted(set(re.findall(r":(\d{4})\b", text)))
        for old, new in zip(used, self.ports(len(used))):
            text = re.sub(rf"\b{old}\b", f"@{new}@", text)
        return re.sub(r"@(\d+)@", r"\1", text)

    def script(self, page):
        text = self.move(examples(page))
        log = open(self.folder / "output", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        shell = subprocess.Popen(
            ["sh", "-eu", "-c", text], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"},
            start_new_session=True)
        try:
            code = shell.wait(SECONDS)
        except subprocess.TimeoutExpired:
            code = "no end"
        finally:  # a daemon that the script left behind
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        log.seek(0)
        output = log.read()
        logs = "".join(p.read_text() for p in self.folder.glob("*.log"))
        self.assertEqual(code, 0, f"{page}\n{text}\n{output}\n{logs}")
        return output

    @unittest.skipUnless(shutil.which("curl"), "curl is missing")
    def test_examples_of_tessera_kmsd_run(self):
        output = self.script("tessera-kmsd.8")
        self.assertIn("use POST", output)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is missing")
    def test_examples_of_tesseractl_run(self):
        output = self.script("tesseractl.8")
        self.assertIn("sip:alice@example.org  2 credentials", output)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is missing")
    def test_examples_of_tessera_ue_run(self):
        self.assertIn("ended, protected", self.script("tessera-ue.1"))

    def test_examples_of_mikeytool_run(self):
        self.assertIn("REQUEST_INIT_PSK", self.script("mikeytool.1"))

    def test_example_of_libmikey_runs(self):
        source = examples("libmikey.3").split("}\n")[0] + "}\n"
        program = self.folder / "look"
        done = run("cc", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}", "-x", "c",
                   "-", "-x", "none", BUILD / "mikey/libmikey.so",
                   f"-Wl,-rpath,{BUILD}/mikey", "-o", program, input=source)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run(program).stdout, "type 15, CSB ID 7\n")

    def test_example_of_the_kms_configuration_is_accepted(self):
        conf = self.folder / "kms.conf"
        conf.write_text(examples("tessera-kmsd.conf.5"))
        for folder in ("store", "keys", "audit"):
            (self.folder / folder).mkdir()
        done = run(BUILD / "tesseractl", "-c", conf, "init")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "store/kms.db").exists())
        given = set(re.findall(r"^(?:\[(.*)\]|([a-z-]+) =)",
                               conf.read_text(), re.M))
        wanted = configuration_keys("kms/conf.c")
        self.assertEqual({k for _, k in given if k}, {k for _, k in wanted})
        self.assertEqual({s for s, _ in given if s}, {s for s, _ in wanted})

    def test_example_of_the_ue_configuration_is_accepted(self):
        conf = self.folder / "ue.conf"
        conf.write_text(examples("tessera-ue.conf.5"))
        (self.folder / "alice.psk").write_text("5a" * 16 + "\n")
        done = run(BUILD / "tessera-ue", "-c", conf, "call",
                   "urn:service:sos", cwd=self.folder)
        self.assertIn("emergency", done.stderr)
        self.assertEqual(done.returncode, 1, done.stderr)


class Library(unittest.TestCase):
    def test_page_names_every_function(self):
        page = (MAN / "libmikey.3").read_text()
        said = re.findall(r"^\.Fn (\w+)", page, re.M)
        names = []
        for script in ("mikey/mikey.map", "pki/mikey-gnutls.map"):
            names += re.findall(r"^ +((?:mikey|ts)_\w+);", read(script), re.M)
        self.assertEqual(set(names) - set(said), set())
        self.assertEqual(set(said) - set(names), set())

    def test_tutorial_shows_what_the_examples_have(self):
        blocks = re.findall(r"^```c\n(.*?)^```", read("docs/libmikey.md"),
                            re.M | re.S)
        self.assertGreater(len(blocks), 3)
        sources = " ".join((ROOT / "examples").joinpath(name).read_text()
                           for name in os.listdir(ROOT / "examples")
                           if name.endswith((".c", ".h")))
        sources = " ".join(sources.split())
        for block in blocks:
            self.assertIn(" ".join(block.split()), sources)

    @unittest.skipUnless(shutil.which("doxygen"), "doxygen is missing")
    def test_reference_is_made_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("doxygen", "-", cwd=ROOT, input=read("docs/Doxyfile") +
                       f"\nOUTPUT_DIRECTORY = {folder}\n")
            self.assertEqual(done.stderr, "")
            self.assertEqual(done.returncode, 0)
            pages = "".join(p.read_text(encoding="utf-8")
                            for p in Path(folder).glob("html/*.html"))
        for name in ("mikey_initiator_request", "mikey_sdp_scan",
                     "mikey_gnutls_signer", "ts_strerror"):
            self.assertIn(name, pages)


class Pages(unittest.TestCase):
    def test_relative_links_lead_somewhere(self):
        link = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
        ours = re.compile(r"`((?:[a-z]+/)[\w./-]*)`")
        missing = []
        for path in documents():
            text = path.read_text(encoding="utf-8")
            for target in link.findall(text):
                if not (path.parent / target).exists():
                    missing.append((path.name, target))
            for target in ours.findall(text):
                top = target.split("/")[0]
                if (ROOT / top).is_dir() and not top.startswith("build") \
                        and not (ROOT / target).exists():
                    missing.append((path.name, target))
        self.assertEqual(missing, [])

    def test_readme_starts_with_exactly_two_commands(self):
        text = read("README.md").split("## Try it", 1)[1].split("\n## ")[0]
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
        self.assertEqual(len(blocks), 1)
        commands = blocks[0].strip().splitlines()
        self.assertEqual(len(commands), 2, commands)
        self.assertRegex(commands[0], r"^git clone \S+$")
        self.assertRegex(commands[1], r"^make -C \w+ demo$")

    def test_every_page_is_installed(self):
        pages = {p.name for p in MAN.glob("*.[1-8]")}
        self.assertEqual(
            set(re.findall(r"'([\w.-]+\.[1-8])'", read("man/meson.build"))),
            pages)
        for program, (page, _) in PROGRAMS.items():
            self.assertIn(page, pages, program)

    def test_pages_refer_to_pages_that_exist(self):
        elsewhere = {("ps", "1"), ("malloc", "3"), ("assert", "3")}
        for page in MAN.glob("*.[1-8]"):
            for name, part in re.findall(r"^\.Xr (\S+) (\d)",
                                         page.read_text(), re.M):
                if (name, part) not in elsewhere:
                    self.assertTrue((MAN / f"{name}.{part}").exists(),
                                    f"{page.name}: {name}({part})")
            for path in re.findall(r"^\.Pa (docs/\S+)", page.read_text(),
                                   re.M):
                self.assertTrue((ROOT / path).exists(), path)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is missing")
    def test_pages_are_good_mdoc(self):
        for page in sorted(MAN.glob("*.[1-8]")):
            found = run("mandoc", "-T", "lint", page).stdout.splitlines()
            # our own pages are not installed here
            self.assertEqual([line for line in found if "referenced manual "
                              "not found" not in line], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
