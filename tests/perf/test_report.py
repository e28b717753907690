#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of perf/report: what programs print is read right, and nothing gets lost on the way to the
report. That real programs make a complete one is what the test `bench` shows."""

import json
import sys
import unittest
from pathlib import Path
from xml.etree import ElementTree

sys.dont_write_bytecode = True
PERF = Path(__file__).resolve().parents[2] / "perf"
sys.path[:0] = [str(PERF), str(PERF / "yardsticks")]
import build_l3fwd  # noqa: E402

from report import on_devices, plots, policy_sections, render, rows, sections, sizing  # noqa: E402
from report.measure import FULL, QUICK  # noqa: E402
from report.model import IncompleteReport, Report  # noqa: E402
from report.rows import Row  # noqa: E402
from report.scenes import in_words, scene  # noqa: E402


def benchmark_json(**row: object) -> str:
    usual = {"name": "worker/" + scene() + "/iterations:1", "iterations": 1, "real_time": 3.5}
    return json.dumps({"context": {}, "benchmarks": [usual | row]})


class Rows(unittest.TestCase):
    def test_counters_are_values_and_times_are_not(self) -> None:
        (row,) = rows.parse_benchmark("worker_bench", benchmark_json(min=44.5, label="4 KiB pages"))
        self.assertEqual(row.values, {"min": [44.5]})
        self.assertEqual((row.name, row.label), ("worker/" + scene(), "4 KiB pages"))

    def test_a_benchmark_that_failed_is_an_error(self) -> None:
        text = benchmark_json(error_occurred=True, error_message="fewer cores than workers")
        with self.assertRaisesRegex(ValueError, "fewer cores"):
            rows.parse_benchmark("worker_bench", text)

    def test_rounds_become_samples_of_one_row(self) -> None:
        a, b, other = (Row("p", "n", "", {"min": [value]}) for value in (3.0, 5.0, 9.0))
        other.name = "other"
        merged = rows.merge([a, other, b])
        self.assertEqual([row.name for row in merged], ["n", "other"])
        self.assertEqual(merged[0].values, {"min": [3.0, 5.0]})
        self.assertEqual((merged[0].low("min"), merged[0].middle("min")), (3.0, 4.0))

    def test_l3fwd_names_its_scene_as_we_do(self) -> None:
        row = rows.parse_l3fwd(f'{{"name": "l3fwd_lpm/{scene()}", "min": 9.5, "median": 10}}')
        self.assertEqual(row.name, "l3fwd_lpm/" + scene())
        self.assertEqual(row.low("min"), 9.5)


class Scenes(unittest.TestCase):
    def test_words_say_only_what_is_unusual(self) -> None:
        self.assertEqual(in_words(scene()), "as usual")
        self.assertEqual(in_words(scene(ipv6=100, routes=940_000)), "IPv6, 168,000 routes")

    def test_there_is_no_scene_of_unknown_things(self) -> None:
        with self.assertRaises(KeyError):
            scene(colour="red")


def sample_report() -> Report:
    """The fewest rows that make a report."""
    walk = {key: [value] for key, value in {
        "min": 48.0, "median": 50.0, "floor_min": 3.0, "floor_median": 4.0, "net_min": 45.0,
        "net_median": 46.0, "ipv4/find_route": 9.0, "ipv6/find_route": 1.0}.items()}  # fmt: skip
    spread = {"min": [1.0], "median": [2.0]}
    return Report([
        Row("worker_bench", "worker/" + scene(), "", walk),
        Row("worker_bench", "worker/" + scene(burst=32), "", walk),
        Row("worker_bench", "worker/" + scene(routes=1000), "", walk),
        Row("worker_bench", "worker/" + scene(workers=2), "", walk | {
            "net_median": [92.0], "alone_net_min": [45.0], "alone_net_median": [46.0],
            "gain": [1.0, 1.9, 1.8]}),
        Row("l3fwd_bench", "l3fwd_lpm/" + scene(burst=32), "", {"min": [12.0], "median": [13.0]}),
        Row("bare_loop_bench", "bare_loop", "", spread),
        Row("testpmd", "io", "", {"cycles": [2.0, 3.0]}),
        Row("fib_bench", "lookup/full/drawn/scalar/64", "", {"cycles": [9.0]}),
        Row("fib_bench", "link_loss/1000", "", {"cycles": [1300.0], "prefixes": [1000.0]}),
        Row("fib6_bench", "lookup6/full/drawn/scalar/64", "", {"cycles": [40.0]}),
        Row("fib6_bench", "link_loss6/1000", "", {"cycles": [1200.0], "prefixes": [1000.0]}),
        Row("worker_bench", "worker/" + scene(rules=1000), "", walk | {"net_min": [80.0]}),
        Row("acl_bench", "acl<Ipv4>/rules:1000/hits:100", "", {"bare": [33.0], "stage": [70.0]}),
        Row("swap_bench", "swap/rules:1000", "", {
            "build_ms": [80.0], "median": [90.0], "swap_median": [91.0], "longest_us": [20.0],
            "swap_longest_us": [21.0], "own_us": [300.0], "swap_own_us": [310.0],
            "swap_waits": [0.0]}),
        Row("policer_bench", "police/attachments:2", "", spread),
        Row("end_to_end", "af_xdp/rate", "", {"rate": [90_000.0]}),
        Row("end_to_end", "af_xdp/latency", "", {"p50": [30.0], "p99": [60.0], "p99.9": [90.0]}),
        Row("end_to_end", "af_xdp/gap", "", {
            "primary_in_ms": [9.0], "primary_out_ms": [8.0], "secondary_in_ms": [12.0],
            "secondary_out_ms": [7.0]}),
        Row("nat_bench", "nat/established/outbound", "", {"tsc": [60.0]}),
        Row("vrf_bench", "vrfs/scalar/1", "", {"cycles": [4.0]}),
        Row("vrf_bench", "vrfs/scalar/16", "", {"cycles": [5.0]}),
        Row("tag_bench", "find/burst:32/attachments:4/unknown_in_8:0", "",
            spread | {"KiB": [512.0]}),
        Row("memory_bench", "gather/kib:32/page_kib:4", "", spread),
        Row("memory_bench", "gather/kib:1024/page_kib:4", "", spread),
    ], {"processor": "a <fast> one", "TSC, MHz": "2000"})  # fmt: skip


class Sizing(unittest.TestCase):
    def test_line_rate_is_that_of_ieee_802_3(self) -> None:
        # 14.88 million untagged frames of 64 bytes a second fill 10 Gbit/s.
        rate = sizing.packets_a_second(1, 10, 64 - sizing.TAGS)
        self.assertAlmostEqual(rate / 1e6, 14.88, places=2)

    def test_a_core_does_what_it_has_cycles_for(self) -> None:
        hertz = (100 + sizing.DEVICE_CYCLES) * 1e6 / sizing.UTILISATION  # a million a second
        self.assertEqual(sizing.cores(0.99e6, 100, hertz), 1)
        self.assertEqual(sizing.cores(1.01e6, 100, hertz), 2)


class Sections(unittest.TestCase):
    def test_the_worse_link_is_what_counts(self) -> None:
        self.assertEqual(on_devices.on_devices(sample_report()).table, [
            ["af_xdp", "90,000", "30 µs", "60 µs", "90 µs", "12 ms", "8 ms"],
        ])  # fmt: skip

    def test_what_a_policy_adds_is_said(self) -> None:
        table = policy_sections.policies(sample_report()).table
        self.assertEqual([row[3] for row in table], ["35.0"])

    def test_every_row_but_one_is_needed(self) -> None:
        self.assertEqual(len(sections.all_sections(sample_report())), len(sections.SECTIONS))
        for program in ("worker_bench", "l3fwd_bench", "bare_loop_bench", "testpmd", "fib_bench",
                        "fib6_bench", "vrf_bench", "tag_bench", "memory_bench"):  # fmt: skip
            report = sample_report()
            report.rows = [row for row in report.rows if row.program != program]
            with self.assertRaises(IncompleteReport, msg=program):
                sections.all_sections(report)

    def test_what_could_not_be_had_is_said(self) -> None:
        report = sample_report()
        report.rows = [row for row in report.rows if row.program != "l3fwd_bench"]
        report.missing = {"l3fwd": "apt-get source: no"}
        text = render.as_html(sections.all_sections(report), "x")
        self.assertIn("Not measured: apt-get source: no", text)

    def test_ratios_are_of_what_is_net_of_the_floor(self) -> None:
        section = sections.beside_l3fwd(sample_report())
        self.assertEqual(section.table, [["16 routes", "45.0", "9.0", "", "5.00", ""]])

    def test_what_two_workers_gain_is_told_by_the_middle_round(self) -> None:
        (row,) = sections.workers(sample_report()).table
        self.assertEqual(row, ["16 routes", "45.0", "45.0", "46.0", "92.0", "1.80"])

    def test_stages_of_both_families_add_up(self) -> None:
        self.assertEqual(sections.stages(sample_report()).table[0], ["IPv4", "10.0"])


class Rendering(unittest.TestCase):
    def test_plots_are_xml_and_the_page_holds_them(self) -> None:
        made = sections.all_sections(sample_report())
        page = render.as_html(made, "Causeway")
        self.assertIn("a &lt;fast&gt; one", page)
        for section in made:
            if section.plot:
                ElementTree.fromstring(section.plot)
                self.assertIn(section.plot, page)

    def test_what_was_not_measured_is_said_in_every_form(self) -> None:
        made = sections.all_sections(sample_report())  # it has no rows of names_bench
        for text in (render.as_text(made), render.as_html(made, "x"), render.as_markdown(made, "")):
            self.assertRegex(text, "Names[^#]*Not measured")
            self.assertRegex(text, "Learned addresses[^#]*Not measured")

    def test_learned_addresses_are_said_in_words(self) -> None:
        report = sample_report()
        report.rows.append(
            Row("names_bench", "learned<Ipv4Address>/1000000/50", "", {"tsc_packet": [9.0]}))
        self.assertEqual(policy_sections.learned(report).table,
                         [["IPv4, 1,000,000 known, 50 % met", "9.0"]])

    def test_plots_show_every_series_however_many(self) -> None:
        for count in (1, 5, 20):
            series = {f"stage {i}": [10.0 + i] for i in range(count)}
            for plot in (plots.bars("x", ["one"], series), plots.stacked("x", ["one"], series)):
                for i in range(count):
                    self.assertIn(f"<title>one, stage {i}: {10 + i:.1f}</title>", plot)

    def test_axes_end_at_or_beyond_the_biggest_value(self) -> None:
        for biggest in (0.7, 9.99, 10, 161.3, 1326):
            end, step = plots.scale_of(biggest)
            self.assertGreaterEqual(end, biggest)
            self.assertLessEqual(end / step, 10)

    def test_tables_have_as_many_columns_as_their_headers(self) -> None:
        for section in sections.all_sections(sample_report()):
            for row in section.table:
                self.assertEqual(len(row), len(section.header), section.name)

    def test_only_what_is_between_the_marks_is_replaced(self) -> None:
        document = f"mine\n{render.BEGIN}\nold\n{render.END}\nmine, too\n"
        new = render.replace_generated(document, "new\n")
        self.assertEqual(new, f"mine\n{render.BEGIN}\n\nnew\n\n{render.END}\nmine, too\n")
        self.assertEqual(render.replace_generated(new, "new"), new)
        with self.assertRaises(ValueError):
            render.replace_generated("no marks", "new")


class Plans(unittest.TestCase):
    def test_both_measure_with_every_program(self) -> None:
        def programs(plan: object) -> set[str]:
            return {command[0] for command in plan.every_round}

        self.assertEqual(programs(QUICK), programs(FULL))


class SourcesOfDebian(unittest.TestCase):
    def test_both_formats_of_lists_are_asked_for_sources(self) -> None:
        of_822 = "Types: deb\nURIs: http://x/debian\nSuites: bookworm\n"
        self.assertIn("Types: deb-src\n", build_l3fwd.as_source_entries(of_822))
        self.assertEqual(
            build_l3fwd.as_source_entries("deb [a=b] http://x stable main\ndeb-src http://x s m\n"),
            "deb-src [a=b] http://x stable main\ndeb-src http://x s m\n",
        )


if __name__ == "__main__":
    unittest.main()
