# SPDX-License-Identifier: Apache-2.0
"""The report's sections, made from the rows: text, a table, a plot.

A section asks for the rows that it needs by name; one that is not there ends the report with
IncompleteReport, but for what could not be measured on this machine, which the report says.
"""

import statistics
from collections.abc import Callable

from report import plots
from report.model import IncompleteReport, Report, Section
from report.on_devices import on_devices
from report.policy_sections import (
    access_lists, learned, names, nat, policers, policies, swaps)  # fmt: skip
from report.rows import Row
from report.scenes import FULL_TABLE, USUAL, in_words, scene
from report.sizing import sizing


FAMILIES = {"IPv4": "0", "IPv6": "100"}  # per cent of IPv6


def unusual_in(row: Row) -> set[str]:
    """What a scene differs from the usual one in."""
    return {key for key, value in row.keys().items() if value != USUAL[key]}


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def kernels(report: Report, program: str, prefix: str, suffix: str) -> list[str]:
    """The part of the rows' names between prefix and suffix, in order."""
    names = [row.name for row in report.of(program, prefix) if row.name.endswith(suffix)]
    if not names:
        raise IncompleteReport(f"{program} has no rows {prefix}...{suffix}")
    return [name[len(prefix) : -len(suffix)] for name in names]


def machine(report: Report) -> Section:
    table = [[key, value] for key, value in report.machine.items()]
    for what, why in report.missing.items():
        table.append([f"not measured: {what}", why.splitlines()[-1]])
    return Section("machine", "Machine", "", ["", ""], table)


def floors(report: Report) -> Section:
    usual = report.need("worker_bench", "worker/" + scene())
    bare = report.need("bare_loop_bench", "bare_loop")
    table = [
        ["harness of worker_bench: packets moved from ring to ring, unseen",
         number(usual.low("floor_min")), number(usual.middle("floor_median"))],
        ["bare loop: parse two tags, two direct tables, one lookup, rewrite; nothing else",
         number(bare.low("min")), number(bare.middle("median"))],
    ]  # fmt: skip
    for row in report.of("testpmd"):
        table.append([f"dpdk-testpmd, {row.name}, on a ring that feeds itself",
                      number(row.low("cycles")), number(row.middle("cycles"))])  # fmt: skip
    text = "What the machine takes for less than a router does. TSC cycles a packet."
    plot = plots.bars(
        "Floors: TSC cycles a packet",
        ["harness", "bare loop", *(f"testpmd {row.name}" for row in report.of("testpmd"))],
        {"minimum": [float(row[1]) for row in table]},
    )
    return Section("floors", "Floors", text, ["floor", "minimum", "median"], table, plot)


def whole_walk(report: Report) -> Section:
    table = [
        [in_words(row.name.removeprefix("worker/")), number(row.low("min")),
         number(row.middle("median")), number(row.low("floor_min")), number(row.low("net_min")),
         number(row.middle("net_median"))]
        for row in report.of("worker_bench")
    ]  # fmt: skip
    text = (
        "The daemon's own worker over ring devices: polling, QinQ in, all checks and counters, "
        "route lookup, QinQ out, transmission. As usual: IPv4, 64 bytes, 16 routes, bursts of 64, "
        "one worker. TSC cycles a packet; `net` is less the floor of the harness. Half a million "
        "different packets, so no branch predictor knows what comes. `perf/worker_bench`."
    )
    header = ["scene", "minimum", "median", "floor", "net, minimum", "net, median"]
    return Section("walk", "The whole walk", text, header, table)


def middle_ratio(ours: Row, theirs: Row) -> float:
    rounds = zip(ours.values["net_min"], theirs.values["min"], ours.values["floor_min"])
    return statistics.median(net / (their_min - floor) for net, their_min, floor in rounds)


def beside_l3fwd(report: Report) -> Section:
    text = (
        "DPDK's own example forwarder (l3fwd, from Debian's sources) over the same rings, same "
        "routes, same packets less their tags, in the same minutes. It terminates no tag, keeps no "
        "counter of a customer and checks little. Both take bursts of 32, as l3fwd always does. "
        "Net of the harness's floor; minimum. Ratios are of the minima of one round, the middle of "
        "all rounds. Built and run by `perf/yardsticks/build_l3fwd.py`."
    )
    scenes = [
        scene(burst=32), scene(routes=FULL_TABLE, burst=32),
        scene(routes=FULL_TABLE, destinations="uniform", burst=32),
    ]  # fmt: skip
    header = ["scene", "Causeway", "l3fwd LPM", "l3fwd FIB", "ratio to LPM", "ratio to FIB"]
    table = []
    series: plots.Series = {"Causeway": [], "l3fwd LPM": [], "l3fwd FIB": []}
    labels = []
    for name in scenes:
        ours = report.find("worker_bench", "worker/" + name)
        theirs = [report.find("l3fwd_bench", f"l3fwd_{lookup}/{name}") for lookup in ("lpm", "fib")]
        if ours is None or not any(theirs):
            continue
        nets = [row.low("min") - ours.low("floor_min") if row else None for row in theirs]
        ratios = [f"{middle_ratio(ours, row):.2f}" if row else "" for row in theirs]
        words = in_words(name).removesuffix("bursts of 32").removesuffix(", ") or "16 routes"
        table.append([words, number(ours.low("net_min")), *map(number, nets), *ratios])
        labels.append(words)
        for key, value in zip(series, [ours.low("net_min"), *nets]):
            series[key] = [*series[key], value]
    if not table:
        reasons = [why for what, why in report.missing.items() if what.startswith("l3fwd")]
        if not reasons:
            raise IncompleteReport("l3fwd_bench has no rows")
        return Section("l3fwd", "Beside l3fwd", "Not measured: " + reasons[0], header, [])
    plot = plots.bars("The whole walk beside l3fwd: TSC cycles a packet, net", labels, series)
    return Section("l3fwd", "Beside l3fwd", text, header, table, plot)


# In the order of the walk; one that is not here comes last.
STAGES = ["parse_ethernet", "find_attachment", "check_ipv4", "check_ipv6", "find_route",
          "decrement_ttl", "rewrite_ethernet"]  # fmt: skip


def stage_cycles(row: Row, stage: str) -> float | None:
    keys = [key for key in (f"ipv4/{stage}", f"ipv6/{stage}") if key in row.values]
    return sum(row.middle(key) for key in keys) if keys else None


def stages(report: Report) -> Section:
    rows = [(words, row) for words, row in (
        ("IPv4", report.worker()),
        ("IPv4, 2 next hops a route", report.worker(ways=2)),
        ("IPv4, 940,000 routes", report.worker(routes=FULL_TABLE)),
        ("IPv4, 16,000 attachments", report.worker(attachments=16_000)),
        ("IPv4, 1,000 rules", report.worker(rules=1_000)),
        ("IPv4, policers", report.worker(policers=2)),
        ("IPv4, 1,000,000 NAT sessions", report.worker(sessions=1_000_000)),
        ("IPv6", report.worker(ipv6=100)),
        ("IPv6, 168,000 routes", report.worker(ipv6=100, routes=FULL_TABLE)),
    ) if row]  # fmt: skip
    if not rows:
        raise IncompleteReport("worker_bench has no rows to show the stages of")
    found = {key.split("/")[1] for _, row in rows for key in row.values if "/" in key}
    known = [stage for stage in STAGES if stage in found] + sorted(found - set(STAGES))
    series: plots.Series = {
        stage: [stage_cycles(row, stage) for _, row in rows] for stage in known
    }
    table = [[words, *(number(values[i]) for values in series.values())]
             for i, (words, _) in enumerate(rows)]  # fmt: skip
    text = (
        "Each stage in a loop of its own, as the daemon times one burst in 32 "
        "(`causeway show stages`); in company they cost less. The first to touch a packet pays for "
        "where its lines were. Median, TSC cycles a packet."
    )
    plot = plots.stacked("Stages: TSC cycles a packet", [words for words, _ in rows], series)
    return Section("stages", "Stages", text, ["scene", *known], table, plot)


def scaling(report: Report) -> Section:
    """Those scenes that differ from the usual one in one thing alone."""
    series: dict[str, list[tuple[float, float]]] = {}
    for family, ipv6 in FAMILIES.items():
        for words, key, differing in (("routes", "routes", {"routes"}),
                                      ("VRFs", "vrfs", {"vrfs", "attachments"}),
                                      ("attachments", "attachments", {"attachments"}),
                                      ("rules", "rules", {"rules"}),
                                      ("NAT sessions", "sessions", {"sessions"})):  # fmt: skip
            points = [
                (float(row.keys()[key]), row.low("net_min"))
                for row in report.of("worker_bench", "worker/")
                if row.keys()["ipv6"] == ipv6 and unusual_in(row) - {"ipv6"} in (set(), differing)
                and row.keys()[key] != "0"
            ]
            if len(points) > 1:
                series[f"{family}, {words}"] = sorted(points)
    if not series:
        raise IncompleteReport("worker_bench has no rows that differ in one thing alone")
    table = [[name, f"{count:,.0f}", number(net)]
             for name, points in series.items() for count, net in points]  # fmt: skip
    text = ("All else as usual; VRFs come with as many attachments and 16 routes each. Net of the "
            "floor, minimum, TSC cycles a packet. IPv6 has 168 routes for each 940.")  # fmt: skip
    plot = plots.lines("Scaling: TSC cycles a packet, net", "how many", series)
    return Section("scaling", "Scaling", text, ["of", "how many", "net, minimum"], table, plot)


def sizes(report: Report) -> Section:
    order = ["64", "128", "256", "512", "1024", "1518", "imix"]
    rows = {
        family: {size: row for size in order if (row := report.worker(ipv6=ipv6, bytes=size))}
        for family, ipv6 in FAMILIES.items()
    }
    shown = [size for size in order if any(size in of_family for of_family in rows.values())]
    series: plots.Series = {
        family: [found[size].low("net_min") if size in found else None for size in shown]
        for family, found in rows.items()
    }
    labels = ["IMIX" if size == "imix" else f"{int(size):,} bytes" for size in shown]
    table = [[label, *(number(values[i]) for values in series.values())]
             for i, label in enumerate(labels)]  # fmt: skip
    text = (
        "Frames with FCS; IMIX is 7 of 64, 4 of 594 and 1 of 1,518 bytes. The walk reads headers "
        "only, so sizes must not matter. Net, minimum, TSC cycles a packet."
    )
    plot = plots.bars("Frame sizes: TSC cycles a packet, net", labels, series)
    return Section("sizes", "Frame sizes", text, ["frame", *rows], table, plot)


def workers(report: Report) -> Section:
    table = []
    for words, changes in (("16 routes", {}), ("940,000 routes", {"routes": FULL_TABLE})):
        two = report.worker(workers=2, **changes)
        if two is None:
            continue
        best = two.low("alone_net_min"), two.low("net_min")
        middle = two.middle("alone_net_median"), two.middle("net_median")
        table.append([words, *map(number, best), *map(number, middle), f"{two.middle('gain'):.2f}"])
    text = (
        "Two workers on two cores, each with its own rings, the same tables: what each takes while "
        "the other rests, and while both work, in blocks of 20 passes by turns. Net, TSC cycles a "
        "packet of one worker; times one is the middle of what neighbouring blocks gave."
    )
    header = ["scene", "one, minimum", "two, minimum", "one, median", "two, median", "times one"]
    return Section("workers", "Two workers", text, header, table)


TABLES = {
    "scalar": "Causeway, scalar", "avx512": "Causeway, AVX-512", "rte_fib_2b": "rte_fib, 2 B",
    "rte_fib_4b": "rte_fib, 4 B", "rte_lpm": "rte_lpm", "raw_gather": "raw gather",
    "rte_fib6": "rte_fib6",
}  # fmt: skip


def route_lookups(report: Report) -> Section:
    labels: list[str] = []
    series: dict[str, list[float | None]] = {"drawn": [], "uniform": [], "zipf": []}
    for family, program, prefix in (("IPv4", "fib_bench", "lookup/full"),
                                    ("IPv6", "fib6_bench", "lookup6/full")):  # fmt: skip
        for kernel in kernels(report, program, prefix + "/drawn/", "/64"):
            labels.append(f"{family}: {TABLES.get(kernel, kernel)}")
            for traffic, values in series.items():
                row = report.find(program, f"{prefix}/{traffic}/{kernel}/64")
                values.append(row.low("cycles") if row else None)
    series = {traffic: values for traffic, values in series.items() if any(values)}
    table = [[label, *(number(values[i]) for values in series.values())]
             for i, label in enumerate(labels)]  # fmt: skip
    text = ("Bulk of 64, 940,000 IPv4 and 168,000 IPv6 routes, beside DPDK's tables with the same "
            "routes and addresses. TSC cycles a lookup; the best round's median. `raw gather` is "
            "the loads of a flat table alone. `perf/fib_bench`, `perf/fib6_bench`.")  # fmt: skip
    plot = plots.bars("Route lookups: TSC cycles", labels, dict(series))
    return Section("lookups", "Route lookups", text, ["table", *series], table, plot)


def vrf_lookups(report: Report) -> Section:
    series: dict[str, list[tuple[float, float]]] = {}
    for row in report.of("vrf_bench", "vrfs/"):
        _, kernel, count = row.name.split("/")
        series.setdefault(kernel, []).append((float(count), row.low("cycles")))
    table = [[kernel, f"{count:,.0f}", number(tsc)]
             for kernel, points in series.items() for count, tsc in points]  # fmt: skip
    text = ("4,000 private routes a VRF, VRFs at random in each burst of 64. TSC cycles a lookup. "
            "`perf/vrf_bench`.")  # fmt: skip
    plot = plots.lines("Lookups in many VRFs: TSC cycles", "VRFs", series)
    return Section("vrfs", "Many VRFs", text, ["kernel", "VRFs", "cycles"], table, plot)


def link_loss(report: Report) -> Section:
    rows = [*report.of("fib_bench", "link_loss/"), *report.of("fib6_bench", "link_loss6/")]
    labels = [f"{row.low('prefixes'):,.0f} prefixes of IPv{'6' if '6/' in row.name else '4'}"
              for row in rows]  # fmt: skip
    table = [[label, f"{row.low('cycles'):,.0f}"] for label, row in zip(labels, rows)]
    text = ("From the word that a link is gone until its last packet takes the other way: buckets "
            "change, no prefix does. TSC cycles.")  # fmt: skip
    cycles = [row.low("cycles") for row in rows]
    plot = plots.bars("A link is lost: TSC cycles", labels, {"": cycles})
    return Section("link_loss", "Link loss", text, ["behind the link", "cycles"], table, plot)


def tags(report: Report) -> Section:
    table = []
    for row in report.of("tag_bench", "find/"):
        keys = row.keys()
        words = f"{int(keys['attachments']):,} attachments, bursts of {keys['burst']}"
        if keys["unknown_in_8"] != "0":
            words += ", half of the keys unknown"
        table.append([words, number(row.low("min")), number(row.middle("median")),
                      f"{row.low('KiB'):,.0f} KiB"])  # fmt: skip
    text = "(port, outer, inner) to attachment in bulk, keys at random. `perf/tag_bench`."
    return Section("tags", "Tags", text, ["on a port pair", "minimum", "median", "table"], table)


def memory(report: Report) -> Section:
    series: dict[str, list[tuple[float, float]]] = {}
    for row in report.of("memory_bench"):
        kind = row.name.split("/")[0]
        keys = row.keys()
        pages = "2 MiB" if keys["page_kib"] == "2048" else "4 KiB"
        series.setdefault(f"{kind}, {pages} pages", []).append((float(keys["kib"]), row.low("min")))
    sizes_kib = sorted({kib for points in series.values() for kib, _ in points})
    table = [[f"{kib:,.0f} KiB", *(number(dict(points).get(kib)) for points in series.values())]
             for kib in sizes_kib]  # fmt: skip
    text = (
        "A chain of loads, each naming the next; and bursts of 32 independent, prefetched ones. "
        "TSC cycles a load, minimum. `perf/memory_bench`."
    )
    gathers = {name: points for name, points in series.items() if name.startswith("gather")}
    plot = plots.lines("Independent loads, prefetched: TSC cycles", "working set, KiB", gathers)
    return Section("memory", "Memory", text, ["working set", *series], table, plot)


SECTIONS: list[Callable[[Report], Section]] = [
    machine, floors, whole_walk, beside_l3fwd, stages, scaling, sizes, policies, workers,
    route_lookups, vrf_lookups, link_loss, access_lists, swaps, policers, nat, names, learned,
    tags, memory, on_devices, sizing,
]  # fmt: skip


def all_sections(report: Report) -> list[Section]:
    return [make(report) for make in SECTIONS]
