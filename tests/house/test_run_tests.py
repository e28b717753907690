#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/run_tests.py: no failure may get lost in counting."""

import contextlib
import io
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import run_tests  # noqa: E402

CASES = """<testsuites><testsuite name="Fib">
  <testcase name="A" classname="Fib" status="run" result="completed"/>
  <testcase name="B" classname="Fib" status="run" result="completed">{inside}</testcase>
  <testcase name="DISABLED_C" classname="Fib" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""


class Counting(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def count(self, result: str, report: str = "") -> str:
        file = self.folder / "fib.xml"
        if report:
            file.write_text(report)
        record = {"name": "causeway:unit / fib", "result": result}
        return str(run_tests.count_test(record, file))

    def test_programs_without_cases_are_one_test(self) -> None:
        self.assertEqual(self.count("OK"), "1 passed, 0 failed, 0 skipped")
        self.assertEqual(self.count("FAIL"), "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.count("TIMEOUT"), "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.count("ERROR"), "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.count("SKIP"), "0 passed, 0 failed, 1 skipped")

    def test_cases_count_singly_and_disabled_ones_as_skipped(self) -> None:
        self.assertEqual(self.count("OK", CASES.format(inside="")), "2 passed, 0 failed, 1 skipped")
        failed = CASES.format(inside='<failure message="no"/>')
        self.assertEqual(self.count("FAIL", failed), "1 passed, 1 failed, 1 skipped")

    def test_a_program_that_fails_after_its_cases_fails(self) -> None:
        """As a leak found at its end does."""
        self.assertEqual(
            self.count("FAIL", CASES.format(inside="")), "2 passed, 1 failed, 1 skipped"
        )

    def test_a_report_cut_short_is_a_failure(self) -> None:
        self.assertEqual(self.count("FAIL", CASES[:80]), "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.count("OK", CASES[:80]), "0 passed, 1 failed, 0 skipped")


class Lab(unittest.TestCase):
    def run_lab(self, script: str) -> str:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        lab = folder / "run.py"
        lab.write_text(f"#!/bin/sh\n{script}\n")
        lab.chmod(0o755)
        (folder / "build" / "logs").mkdir(parents=True)
        self.enterContext(unittest.mock.patch.object(run_tests, "LAB", lab))
        self.enterContext(unittest.mock.patch.object(run_tests, "REPOSITORY", folder))
        with contextlib.redirect_stdout(io.StringIO()):
            return str(run_tests.run_lab(""))

    def test_its_summary_counts(self) -> None:
        self.assertEqual(
            self.run_lab("echo PASS a; echo '3 passed, 0 failed, 1 skipped'"),
            "3 passed, 0 failed, 1 skipped",
        )

    def test_an_exit_code_without_a_failure_is_one(self) -> None:
        self.assertEqual(
            self.run_lab("echo '3 passed, 0 failed, 0 skipped'; exit 1"),
            "3 passed, 1 failed, 0 skipped",
        )

    def test_no_summary_is_a_failure(self) -> None:
        self.assertEqual(self.run_lab("echo '3 passed'"), "0 passed, 1 failed, 0 skipped")


class Builds(unittest.TestCase):
    def test_one_that_fails_says_so_with_its_last_words(self) -> None:
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(output):
            log = Path(folder) / "log.txt"
            self.assertFalse(run_tests.run("build x", ["sh", "-c", "echo alas; exit 3"], log))
            self.assertTrue(run_tests.run("build y", ["true"], log))
        self.assertIn("build x: FAILED", output.getvalue())
        self.assertIn("alas", output.getvalue())
        self.assertIn("build y: ok", output.getvalue())


if __name__ == "__main__":
    unittest.main()
