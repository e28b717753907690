#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures everything in perf/ and beside it what users would pick instead, and reports.

Writes report.json, report.html and the plots, and prints the tables. `scripts/bench` installs,
builds and calls this.
"""

import argparse
import dataclasses
import datetime
import json
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
PERF = Path(__file__).resolve().parents[1]
REPOSITORY = PERF.parent
sys.path.insert(0, str(PERF))

from report import machine, render  # noqa: E402
from report.measure import FULL, QUICK, Measurement, Plan  # noqa: E402
from report.model import Report, Section  # noqa: E402
from report.rows import Row  # noqa: E402
from report.sections import all_sections  # noqa: E402


def version() -> str:
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def write_json(folder: Path, report: Report) -> None:
    """A line a row."""
    rows = ",\n  ".join(json.dumps(dataclasses.asdict(row)) for row in report.rows)
    about = json.dumps({"machine": report.machine, "missing": report.missing}, indent=1)
    text = f'{about[:-2]},\n "rows": [\n  {rows}\n ]\n}}\n'
    (folder / "report.json").write_text(text)


def write(folder: Path, sections: list[Section]) -> None:
    (folder / "report.html").write_text(render.as_html(sections, "Causeway: performance"))
    write_plots(folder, sections)


def write_plots(folder: Path, sections: list[Section]) -> None:
    for section in sections:
        if section.plot:
            (folder / f"{section.name}.svg").write_text(section.plot + "\n")


def write_docs(report: Report, sections: list[Section]) -> None:
    folder = REPOSITORY / "docs" / "performance"
    folder.mkdir(exist_ok=True)
    write_json(folder, report)
    write_plots(folder, sections)
    sizes = [section for section in sections if section.name == "sizing"]
    for name, some in (("performance.md", sections), ("deployment.md", sizes)):
        page = REPOSITORY / "docs" / name
        generated = render.as_markdown(some, folder.name)
        page.write_text(render.replace_generated(page.read_text(), generated))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="two minutes instead of fifteen")
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build", metavar="FOLDER")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: BUILD/bench")
    parser.add_argument("--docs", action="store_true", help="also write docs/performance.md")
    parser.add_argument("--from", type=Path, dest="earlier", metavar="REPORT.JSON",
                        help="of an earlier run: write its report again, measure nothing")
    return parser.parse_args()


def measure(build: Path, plan: Plan) -> Report:
    begun = time.monotonic()
    described = machine.describe()
    with machine.huge_pages():
        result = Measurement(build, plan).measure()
    now = datetime.datetime.now(datetime.UTC)
    described |= {
        "measured": f"{now:%Y-%m-%d}, {result.rounds} rounds, {time.monotonic() - begun:.0f} s",
        "version": version(),
    }
    return Report(result.rows, described, result.missing)


def load(file: Path) -> Report:
    report = json.loads(file.read_text())
    return Report([Row(**row) for row in report["rows"]], report["machine"], report["missing"])


def main() -> int:
    arguments = parse()
    if arguments.earlier:
        report = load(arguments.earlier)
    else:
        report = measure(arguments.build, QUICK if arguments.quick else FULL)
    output = arguments.output or arguments.build / "bench"
    output.mkdir(parents=True, exist_ok=True)
    write_json(output, report)  # first, so that what was measured outlives a section that fails
    sections = all_sections(report)
    write(output, sections)
    if arguments.docs:
        write_docs(report, sections)
    print(render.as_text(sections))
    print(f"\n{output}/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
