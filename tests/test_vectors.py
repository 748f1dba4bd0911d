#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/vectors/ is what reference/vectors.py makes, and it is true.

Every vector is checked again from its JSON alone, by code that had no part
in making it.
"""

import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import harness  # noqa: E402
import mikeycheck  # noqa: E402
import vectors  # noqa: E402
from mikeyread import MikeyError  # noqa: E402

PUBLISHED = HERE / "vectors"


def load(name):
    path = vectors.FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


class Vectors(unittest.TestCase):
    def test_nothing_differs_from_what_is_made(self):
        self.assertEqual(list(vectors.differences(dict(vectors.files()))), [])

    def test_every_vector_holds(self):
        paths = sorted(vectors.FOLDER.glob("*.json"))
        self.assertGreater(len(paths), 40)
        for path in paths:
            with self.subTest(path.stem):
                mikeycheck.check_vector(json.loads(path.read_text()))

    def test_the_first_is_the_example_of_the_specification(self):
        for suite in ("128", "256"):
            ours = load(f"mode1-fork-{suite}")
            theirs = json.loads(
                (PUBLISHED / f"exchange-{suite}.json").read_text())
            self.assertEqual([m["octets"] for m in ours["messages"]],
                             list(theirs["messages"].values()))
            for name, value in theirs["derived"].items():
                self.assertEqual(ours["derived"][name], value, name)
            for name, value in theirs["inputs"].items():
                self.assertEqual(ours["inputs"][name], value, name)

    def test_a_changed_octet_in_a_vector_is_found(self):
        for name in ("mode1-fork-128", "rfc3830-pk-256"):
            vector = load(name)
            for number, message in enumerate(vector["messages"]):
                right = message["octets"]
                for at in range(0, len(right), 194):
                    with self.subTest(name, message=number, digit=at):
                        digit = format(int(right[at], 16) ^ 4, "x")
                        message["octets"] = (right[:at] + digit
                                             + right[at + 1:])
                        with self.assertRaises(MikeyError):
                            mikeycheck.check_vector(vector)
                message["octets"] = right


if __name__ == "__main__":
    harness.take_build(sys.argv)
    unittest.main()
