#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/check_layers.py: arrows that it must refuse, and some that it must not."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import check_layers  # noqa: E402


def complaints(path: str, *lines: str) -> list[str]:
    return check_layers.check(path, "\n".join(lines))


class Layers(unittest.TestCase):
    def test_downward_arrows_are_fine(self) -> None:
        for path, header in (
            ("fib/rib.cc", "fib/rib.h"),
            ("fib/rib.h", "base/types.h"),
            ("dataplane/stages/find_route.h", "fib/fib4.h"),
            ("control/main.cc", "dataplane/worker.h"),
            ("tests/fib/rib_test.cc", "control/config/config.h"),
            ("perf/worker_bench.cc", "tests/support/frame_builder.h"),
        ):
            self.assertEqual(complaints(path, f'#include "{header}"'), [], path)

    def test_upward_and_sideward_arrows_are_not(self) -> None:
        for path, header in (
            ("base/types.h", "vlan/tag_stack.h"),
            ("vlan/tag_stack.h", "fib/fib4.h"),
            ("fib/fib4.cc", "dataplane/burst.h"),
            ("dataplane/worker.cc", "control/config/config.h"),
            ("control/main.cc", "tests/support/frame_builder.h"),
        ):
            (complaint,) = complaints(path, "#pragma once", f'#include "{header}"')
            self.assertIn(f"{path}:2: ", complaint)
            self.assertIn("may not know", complaint)

    def test_only_the_dataplane_knows_dpdk(self) -> None:
        for path in ("base/a.h", "fib/a.cc", "vlan/a.h", "control/a.cc"):
            for header in ("<rte_mbuf.h>", '"rte_mbuf.h"', "<dpdk/rte_mbuf.h>"):
                self.assertIn("knows DPDK", complaints(path, f"# include {header}")[0])
        for path in ("dataplane/a.cc", "tests/dataplane/a.cc", "perf/a.cc"):
            self.assertEqual(complaints(path, "#include <rte_mbuf.h>"), [])

    def test_our_headers_have_a_path_and_quotes(self) -> None:
        self.assertTrue(complaints("fib/rib.cc", '#include "rib.h"'))
        self.assertTrue(complaints("fib/rib.cc", '#include "../base/types.h"'))
        self.assertTrue(complaints("fib/rib.cc", "#include <base/types.h>"))
        self.assertEqual(complaints("fib/rib.cc", "#include <vector>", "#include <sys/mman.h>"), [])
        self.assertEqual(complaints("dataplane/xdp/a.bpf.c", '#include "a.h"'), [])

    def test_a_new_folder_must_be_drawn(self) -> None:
        self.assertIn("not in the picture", complaints("utility/a.h")[0])

    def test_what_is_no_include_is_no_arrow(self) -> None:
        self.assertEqual(complaints("base/a.h", '// #include "control/config/config.h"'), [])


if __name__ == "__main__":
    unittest.main()
