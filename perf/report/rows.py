# SPDX-License-Identifier: Apache-2.0
"""What programs of perf/ print, as rows; and the rows of several rounds as one."""

import json
import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

# Google Benchmark's own fields of a row; the rest are counters.
NOT_COUNTERS = {
    "family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads",
    "iterations", "real_time", "cpu_time", "items_per_second",
}  # fmt: skip


@dataclass
class Row:
    """One benchmark. Each value has a sample a round."""

    program: str
    name: str
    label: str = ""
    values: dict[str, list[float]] = field(default_factory=dict)

    def low(self, key: str) -> float:
        return min(self.values[key])

    def high(self, key: str) -> float:
        return max(self.values[key])

    def middle(self, key: str) -> float:
        return statistics.median(self.values[key])

    def keys(self) -> dict[str, str]:
        return dict(part.split(":", 1) for part in self.name.split("/") if ":" in part)


def parse_benchmark(program: str, text: str) -> list[Row]:
    """Google Benchmark's JSON. A row that failed is an error, not a row less."""
    rows = []
    for one in json.loads(text)["benchmarks"]:
        if one.get("error_occurred"):
            raise ValueError(f"{program}: {one['name']}: {one.get('error_message', '')}")
        name = re.sub(r"/iterations:\d+$", "", one["name"])
        values = {
            key: [float(value)]
            for key, value in one.items()
            if isinstance(value, (int, float)) and key not in NOT_COUNTERS
        }
        rows.append(Row(program, name, one.get("label", ""), values))
    return rows


def parse_l3fwd(text: str) -> Row:
    one = json.loads(text)
    return Row("l3fwd_bench", one["name"], "", {"min": [one["min"]], "median": [one["median"]]})


def merge(rows: Iterable[Row]) -> list[Row]:
    """One row a benchmark, with the samples of all rounds, in the order of first appearance."""
    merged: dict[tuple[str, str], Row] = {}
    for row in rows:
        one = merged.setdefault((row.program, row.name), Row(row.program, row.name, row.label))
        for key, samples in row.values.items():
            one.values.setdefault(key, []).extend(samples)
    return list(merged.values())
