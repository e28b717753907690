#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the real daemon in the lab, once for each kind of device.

Prints a line a test and, last, "N passed, N failed, N skipped"; exit code 1 if any
failed or none ran.
"""

import argparse
import os
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from lab_case import DEVICES, LabTest  # noqa: E402
from lab import Lab, LabError  # noqa: E402


class DeviceLoader(unittest.TestLoader):
    """Finds the tests that are to run on one kind of device."""

    def __init__(self, device: str):
        super().__init__()
        self.device = device

    def loadTestsFromTestCase(self, testCaseClass: type[unittest.TestCase]) -> unittest.TestSuite:
        if self.device not in getattr(testCaseClass, "DEVICES", DEVICES):
            return self.suiteClass()
        return super().loadTestsFromTestCase(testCaseClass)


class Lines(unittest.TestResult):
    """A line a test, and for those that failed what was wrong and the daemon's last words."""

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.passed = 0
        self.failed = 0
        self._begun = 0.0
        self._complaint = ""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._begun = time.monotonic()
        self._complaint = ""

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        if any(test is skipped for skipped, _ in self.skipped):
            self._line("SKIP", test)
        elif self._complaint:
            self.failed += 1
            self._line("FAIL", test)
            print(self._complaint, "causewayd's log ends with:", self.lab.log_tail(), sep="\n")
        else:
            self.passed += 1
            self._line("PASS", test)

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        if isinstance(test, unittest.TestCase):
            self._complaint += self._exc_info_to_string(err, test)
            return
        self.failed += 1  # what a class does before its first test, or after its last
        print(f"FAIL lab/{self.lab.device} {test.id()}", self._exc_info_to_string(err, test),
              self.lab.log_tail(), sep="\n", flush=True)

    addError = addFailure

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: object) -> None:
        if err is not None:
            self._complaint += f"{subtest.id()}\n{self._exc_info_to_string(err, test)}"

    def _line(self, verdict: str, test: unittest.TestCase) -> None:
        print(f"{verdict} lab/{self.lab.device} {test.id()} "
              f"({time.monotonic() - self._begun:.2f} s)", flush=True)


def run(device: str, arguments: argparse.Namespace) -> Lines:
    loader = DeviceLoader(device)
    if arguments.match:
        loader.testNamePatterns = [f"*{arguments.match}*"]
    lab = Lab(os.environ.get("CAUSEWAY_LAB", "test"), device, arguments.build)
    result = Lines(lab)
    try:
        lab.up()
        LabTest.lab = lab
        loader.discover(str(HERE)).run(result)
    except LabError as error:
        print(f"FAIL lab/{device} bring-up: {error}", flush=True)
        result.failed += 1
    finally:
        if arguments.keep:
            lab.unlock()
        else:
            lab.down()
            lab.unlock()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=DEVICES, action="append", help="default: both")
    parser.add_argument("--build", type=Path, help="the build folder (default: build)")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    parser.add_argument("match", nargs="?", help="only tests whose name contains this")
    arguments = parser.parse_args()
    results = [run(device, arguments) for device in arguments.device or DEVICES]
    print(f"{sum(r.passed for r in results)} passed, {sum(r.failed for r in results)} failed, "
          f"{sum(len(r.skipped) for r in results)} skipped")
    return 0 if any(r.passed for r in results) and not any(r.failed for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
