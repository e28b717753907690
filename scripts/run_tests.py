#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs the tests, and counts what the runners report.

  build/            as shipped: unit, property, packet, fuzz corpora, and the house's own guards
  build-sanitize/   clang, ASan, UBSan: the same without the house, and libFuzzer for a while
  build-threads/    clang, TSan: the tables that are read while they change
  tests/lab         the real daemon between real kernels, in network namespaces; needs root

Every GoogleTest case counts as one test, and so does every build. The last line is
`N passed, N failed, N skipped`; exit code 1 if any failed.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

REPOSITORY = Path(__file__).resolve().parent.parent
LAB = REPOSITORY / "tests" / "lab" / "run.py"
LAB_SECONDS_MAX = 1800  # it takes 15 minutes
TAIL_LINES = 40

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
MESON_RESULT = re.compile(r"^ *\d+/\d+ (?:\S+ / )?(\S+) +([A-Z]+) +([\d.]+)s")
LAB_RESULT = re.compile(r"^(PASS|FAIL|SKIP) ")
SANITIZER_OPTIONS = "halt_on_error=1:abort_on_error=1:print_summary=1:print_stacktrace=1"


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def fail(self, name: str) -> None:
        self.failed += 1
        self.failures.append(name)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Build:
    folder: str
    setup: list[str]
    suites: list[str]  # empty: all
    targets: list[str] = field(default_factory=list)  # empty: all


SHIPPED = Build("build", [], [])
SANITIZED = Build(
    "build-sanitize",
    ["--native-file", "scripts/sanitize.ini"],
    ["unit", "property", "packet", "fuzz"],
)
THREADS = Build(
    "build-threads",
    ["--native-file", "scripts/threads.ini"],
    ["threads"],
    ["tests/fib/fib_readers_test", "tests/nat/host_table_test"],
)


def say(text: str) -> None:
    print(text, flush=True)


def tail(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-TAIL_LINES:])


def run(title: str, command: list[str], log: Path) -> bool:
    """Runs a command quietly; says how long it took, and shows the end of its log if it failed."""
    begun = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.run(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)
    verdict = "ok" if process.returncode == 0 else "FAILED"
    say(f"{title}: {verdict} ({time.monotonic() - begun:.0f} s)")
    if process.returncode != 0:
        say(f"{tail(log.read_text(errors='replace'))}\n    whole log: {log}")
    return process.returncode == 0


def follow(command: list[str], log: Path, show: Callable[[str], None], seconds_max: int) -> int:
    """Runs a command, hands each line of its output to `show` and to the log. One that takes too
    long is interrupted as by Ctrl-C, so that it can clean up."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process, log.open("w") as output:  # fmt: skip
        def give_up(*_: object) -> None:
            say(f"interrupted, as it takes more than {seconds_max} s")
            process.send_signal(signal.SIGINT)

        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(seconds_max)
        for line in process.stdout or ():
            output.write(line)
            show(line.rstrip("\n"))
        signal.alarm(0)
    return process.returncode


def build(what: Build) -> bool:
    """Configures where needed and builds. What a broken setup left behind is wiped."""
    folder = REPOSITORY / what.folder
    if not (folder / "build.ninja").exists():
        wipe = ["--wipe"] if (folder / "meson-private").exists() else []
        command = ["meson", "setup", *wipe, what.folder, *what.setup]
        if not run(f"configure {what.folder}", command, folder / "logs" / "setup.txt"):
            return False
    command = ["ninja", "-C", what.folder, *what.targets]
    return run(f"build {what.folder}", command, folder / "logs" / "build.txt")


def chosen_tests(what: Build, name: str) -> dict[str, dict]:
    """Tests of the build by name: those of its suites whose names contain `name`."""
    listed = subprocess.run(
        ["meson", "introspect", "--tests", what.folder],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return {
        test["name"]: test
        for test in json.loads(listed)
        if name in test["name"]
        and (not what.suites or {suite.split(":")[-1] for suite in test["suite"]} & {*what.suites})
    }


def count_gtest(report: Path) -> Tally:
    """The cases of one GoogleTest program; a disabled one is a skipped one."""
    tally = Tally()
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            tally.fail(f"{case.get('classname')}.{case.get('name')}")
        elif case.get("result") != "completed" or case.find("skipped") is not None:
            tally.skipped += 1
        else:
            tally.passed += 1
    return tally


def count_test(record: dict, report: Path) -> Tally:
    """One line of meson's log; `report` is where a GoogleTest program has written its cases."""
    tally = Tally()
    result = record["result"]
    if report.exists():
        try:
            tally = count_gtest(report)
        except ElementTree.ParseError:  # it died while writing
            pass
    elif result in ("OK", "EXPECTEDFAIL"):
        tally.passed = 1
    elif result == "SKIP":
        tally.skipped = 1
    is_bad = result not in ("OK", "EXPECTEDFAIL", "SKIP")
    if is_bad and not tally.failed or tally == Tally():
        tally.fail(f"{record['name'].split(' / ')[-1]} ({result.lower()})")
    return tally


def show_meson_line(line: str) -> None:
    if match := MESON_RESULT.match(line):
        say(f"  {match[2]:8}{match[1]} ({match[3]} s)")


def run_meson_tests(what: Build, name: str) -> Tally:
    folder = REPOSITORY / what.folder
    tests = chosen_tests(what, name)
    if not tests:
        return Tally()
    reports = {test: folder / f"{test}.xml" for test in tests}
    for report in reports.values():
        report.unlink(missing_ok=True)
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)

    say(f"test {what.folder}")
    command = ["meson", "test", "-C", what.folder, "--no-rebuild", *tests]
    follow(command, folder / "logs" / "test.txt", show_meson_line, seconds_max=1800)

    tally = Tally()
    seen = set()
    for line in log.read_text().splitlines() if log.exists() else []:
        record = json.loads(line)
        test = record["name"].split(" / ")[-1]
        seen.add(test)
        one = count_test(record, reports[test])
        tally.add(one)
        if one.failed:
            say(f"  {test}: {', '.join(one.failures)}")
            say(tail(record.get("stdout", "") + record.get("stderr", "")))
    for test in tests.keys() - seen:
        tally.fail(f"{test} (never ran)")
    say(f"  {tally}")
    return tally


def lab_has(name: str) -> bool:
    """Whether a name of a test of the lab contains `name`."""
    words = []
    for file in LAB.parent.glob("test_*.py"):
        words += [file.stem, *re.findall(r"(?:class|def) (\w+)", file.read_text())]
    return any(name in word for word in words)


def run_lab(name: str) -> Tally:
    tally = Tally()
    last = ""

    def show(line: str) -> None:
        nonlocal last
        last = line or last
        if not SUMMARY.match(line):
            say(f"  {line}")

    say("test lab")
    command = [str(LAB), "--build", str(REPOSITORY / SHIPPED.folder), *([name] if name else [])]
    log = REPOSITORY / SHIPPED.folder / "logs" / "lab.txt"
    code = follow(command, log, show, LAB_SECONDS_MAX)
    summary = SUMMARY.match(last)
    if summary:
        tally.passed, tally.failed, tally.skipped = map(int, summary.groups())
        tally.failures = ["lab"] * bool(tally.failed)
    if code != 0 and not tally.failed or not summary:
        tally.fail(f"lab (exit code {code})")
    say(f"  {tally}")
    return tally


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/test", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="no sanitizers and no lab")
    parser.add_argument("--no-lab", action="store_true", help="everything but the lab")
    parser.add_argument("name", nargs="?", default="", help="only tests whose name contains this")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    os.environ.setdefault("CAUSEWAY_SEED", str(random.getrandbits(32)))
    os.environ.setdefault("ASAN_OPTIONS", SANITIZER_OPTIONS)
    os.environ.setdefault("UBSAN_OPTIONS", SANITIZER_OPTIONS)
    os.environ.setdefault("TSAN_OPTIONS", SANITIZER_OPTIONS)
    say(f"CAUSEWAY_SEED={os.environ['CAUSEWAY_SEED']} repeats the random numbers of this run")

    begun = time.monotonic()
    total = Tally()
    for what in [SHIPPED] if arguments.quick else [SHIPPED, SANITIZED, THREADS]:
        if not build(what):
            total.fail(f"build of {what.folder}")
            continue
        total.passed += 1
        total.add(run_meson_tests(what, arguments.name))
    if arguments.quick or arguments.no_lab:
        say(f"left out, as asked: {'sanitizers and lab' if arguments.quick else 'lab'}")
    elif not arguments.name or lab_has(arguments.name):
        total.add(run_lab(arguments.name))

    say(f"{time.monotonic() - begun:.0f} s")
    for failure in total.failures:
        say(f"FAILED {failure}")
    say(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
