# SPDX-License-Identifier: Apache-2.0
"""A report: the rows that were measured, and the sections that are made of them."""

from dataclasses import dataclass, field

from report.rows import Row
from report.scenes import scene


class IncompleteReport(Exception):
    """A row that a section needs is not there."""


@dataclass
class Section:
    name: str  # of its file, too
    title: str
    text: str
    header: list[str]
    table: list[list[str]]
    plot: str = ""


@dataclass
class Report:
    rows: list[Row]
    machine: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # what, and why

    def find(self, program: str, name: str) -> Row | None:
        return next((row for row in self.rows if (row.program, row.name) == (program, name)), None)

    def need(self, program: str, name: str) -> Row:
        row = self.find(program, name)
        if row is None:
            raise IncompleteReport(f"{program} has no row {name}")
        return row

    def worker(self, **unusual: str | int) -> Row | None:
        return self.find("worker_bench", "worker/" + scene(**unusual))

    def of(self, program: str, prefix: str = "") -> list[Row]:
        found = [row for row in self.rows if row.program == program and row.name.startswith(prefix)]
        if not found:
            raise IncompleteReport(f"{program} has no rows {prefix}")
        return found
