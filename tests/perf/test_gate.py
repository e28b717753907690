#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/gate: what callgrind writes is read right, and no change gets by."""

import importlib.machinery
import importlib.util
import sys
import unittest
from pathlib import Path
from types import ModuleType

sys.dont_write_bytecode = True
GATE = Path(__file__).resolve().parents[2] / "scripts" / "gate"


def load() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("gate", str(GATE))
    spec = importlib.util.spec_from_loader("gate", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules["gate"] = module
    loader.exec_module(module)
    return module


gate = load()

PART = """# callgrind format
version: 1
pid: 7
part: 2
desc: Timerange: Basic block 1 - 2
desc: Trigger: Client Request: walk_ipv4/4096
positions: line
events: Ir
summary: 1310720
"""


class Parsing(unittest.TestCase):
    def test_instructions_are_divided_by_the_packets_of_the_name(self) -> None:
        self.assertEqual(gate.parse_part(PART), ("walk_ipv4", 320.0))

    def test_the_last_part_of_a_run_is_no_kernel(self) -> None:
        text = PART.replace("Client Request: walk_ipv4/4096", "Program termination")
        self.assertIsNone(gate.parse_part(text))


class Comparing(unittest.TestCase):
    def test_what_is_within_the_tolerance_is_fine(self) -> None:
        self.assertEqual(gate.compare({"a": 101.9, "b": 98.1}, {"a": 100, "b": 100}), [])

    def test_more_and_less_name_the_kernel_and_both_counts(self) -> None:
        more, less = gate.compare({"a": 110, "b": 90}, {"a": 100, "b": 100})
        self.assertEqual(
            more, "a: 110.0 instructions a packet, 100.0 in the baseline (+10.0%)"
        )
        self.assertIn("b: 90.0", less)

    def test_kernels_that_come_or_go_are_not_passed_over(self) -> None:
        self.assertEqual(
            gate.compare({"new": 1}, {"old": 1}),
            ["new: 1.0, but not in the baseline", "old: in the baseline, but not counted"],
        )


if __name__ == "__main__":
    unittest.main()
