# SPDX-License-Identifier: Apache-2.0
"""Sections on what customers may ask for besides forwarding: access lists, policers, NAT, names."""

from report import plots
from report.model import Report, Section
from report.scenes import FULL_TABLE


def number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


POLICIES = ("rules", "policers", "sessions", "flows")
# What the scene has besides, and how many cycles more it may take than the scene without.
EXTRAS = (
    ("an access list of 1,000 rules, 50 % hits", {"rules": 1_000}, "40"),
    ("the same, IPv6", {"rules": 1_000, "ipv6": 100}, ""),
    ("policers, two levels", {"policers": 2}, ""),
    ("policers, two levels, 1,000 attachments", {"policers": 2, "attachments": 1_000}, ""),
    ("NAT, 1,000,000 sessions in random order", {"sessions": 1_000_000}, "60"),
    ("NAT, every packet begins a session, 1,000,000 live",
     {"sessions": 1_000_000, "flows": "new"}, ""),
    ("access list and policers, 940,000 routes",
     {"rules": 1_000, "policers": 2, "routes": FULL_TABLE}, ""),
    ("all of it", {"rules": 1_000, "policers": 2, "sessions": 1_000_000, "routes": FULL_TABLE}, ""),
)


def policies(report: Report) -> Section:
    """What a policy adds to the walk that has all else alike."""
    table = []
    for words, changes, limit in EXTRAS:
        without = {key: value for key, value in changes.items() if key not in POLICIES}
        row, bare = report.worker(**changes), report.worker(**without)
        if row is None:
            continue
        extra = row.low("net_min") - bare.low("net_min") if bare else None
        table.append([words, number(row.low("net_min")), number(row.middle("net_median")),
                      number(extra), limit])  # fmt: skip
    text = (
        "The whole walk with what a customer may ask for. `more` is what the same scene takes "
        "without, subtracted; minimum, net of the harness's floor, TSC cycles a packet."
    )
    new = report.worker(sessions=1_000_000, flows="new")
    mhz = report.machine.get("TSC, MHz", "")
    if new is not None and mhz:
        rate = float(mhz.replace(",", "")) / new.low("min")
        text += f" New sessions, the whole worker and the harness: {rate:.1f} million a second."
    header = ["scene", "net, minimum", "net, median", "more", "aim"]
    return Section("policies", "With policies", text, header, table)


def access_lists(report: Report) -> Section:
    table = []
    for row in report.of("acl_bench", "acl<"):
        keys = row.keys()
        family = row.name.removeprefix("acl<").partition(">")[0].replace("Ip", "IP")
        words = f"{family}, {int(keys['rules']):,} rules, {keys['hits']} % hits"
        table.append([words, number(row.low("bare")), number(row.low("stage"))])
    text = (
        "The stage alone (images, classification, counters, verdicts) beside bare `rte_acl` on the "
        "same rules and packets, in turns. TSC cycles a packet; the best round's median, of 10,000 "
        "rules the only one's. `perf/acl_bench`."
    )
    return Section("acl", "Access lists", text, ["list", "bare rte_acl", "stage"], table)


def swaps(report: Report) -> Section:
    table = []
    for row in report.of("swap_bench", "swap/"):
        [commit] = [f"{int(count):,} {what}" for what, count in row.keys().items()
                    if what in ("rules", "patterns")]  # fmt: skip
        table.append([
            commit,
            number(row.low("build_ms"), 0),
            number(row.middle("median")), number(row.middle("swap_median")),
            number(row.middle("longest_us"), 0), number(row.high("longest_us"), 0),
            number(row.middle("swap_longest_us"), 0), number(row.high("swap_longest_us"), 0),
            number(row.high("own_us"), 0), number(row.high("swap_own_us"), 0),
            number(row.high("swap_waits"), 0),
        ])  # fmt: skip
    text = (
        "The whole worker under full load while its access list is built anew on another core and "
        "swapped, or name patterns are compiled there, again and again, beside the same worker "
        "left alone. TSC cycles a packet with the harness. The longest turn of 64 packets is the "
        "middle one of the rounds, and the worst; what the machine itself does to the core is in "
        "it. The longest pass of 4,096 packets is the worst, by the thread's own clock, which "
        "stands still while the kernel gives the core to others; waits are how often the worker "
        "itself let go of it. A lost packet ends the program, so a row says that none was. "
        "`perf/swap_bench`."
    )
    header = ["commit", "a build, ms", "alone", "swapping", "longest turn alone, us", "worst",
              "longest turn swapping, us", "worst", "longest pass alone, us",
              "longest pass swapping, us", "waits"]  # fmt: skip
    return Section("swaps", "Commits under full load", text, header, table)


def policers(report: Report) -> Section:
    table = []
    for row in report.of("policer_bench", "police/"):
        attachments = f"{int(row.keys()['attachments']):,}"
        table.append([attachments, number(row.low("min")), number(row.middle("median"))])
    text = (
        "The stage alone, two levels, bursts of 64 that fit. TSC cycles a packet. "
        "`perf/policer_bench`."
    )
    return Section("policers", "Policers", text, ["attachments", "minimum", "median"], table)


def nat(report: Report) -> Section:
    table = [
        [row.name.removeprefix("nat/").replace("/", ", ").replace("_", " "), number(row.low("tsc"))]
        for row in report.of("nat_bench", "nat/") if "tsc" in row.values
    ]  # fmt: skip
    text = (
        "A million sessions in random order. TSC cycles a packet, of `create and expire` a "
        "session; the best round's median. `perf/nat_bench`."
    )
    plot = plots.bars("NAT, a million sessions: TSC cycles", [row[0] for row in table],
                      {"": [float(row[1].replace(",", "")) for row in table]})  # fmt: skip
    return Section("nat", "NAT", text, ["what", "cycles"], table, plot)


def names(report: Report) -> Section:
    rows = [row for row in report.rows if row.program == "names_bench" and "tsc_name" in row.values]
    if not rows:
        return Section("names", "Names", "Not measured: only the full report does.", [], [])
    table = [[row.name.replace("_", " ").replace("/", ", "), number(row.low("tsc_name"))]
             for row in rows]  # fmt: skip
    text = "Wildcards and suffixes against DNS names. TSC cycles a name. `perf/names_bench`."
    return Section("names", "Names", text, ["patterns", "cycles"], table)


def learned(report: Report) -> Section:
    rows = [row for row in report.rows
            if row.program == "names_bench" and "tsc_packet" in row.values]  # fmt: skip
    if not rows:
        return Section("learned", "Learned addresses", "Not measured: only the full report does.",
                       [], [])  # fmt: skip
    table = []
    for row in rows:
        family, known, met = row.name.removeprefix("learned<").replace("Address>", "").split("/")
        table.append([f"{family.replace('Ip', 'IP')}, {int(known):,} known, {met} % met",
                      number(row.low("tsc_packet"))])  # fmt: skip
    text = (
        "Whether a packet's destination was in a resolver's answer, drawn from all that are known "
        "at random, bursts of 64. TSC cycles a packet; the best round's median. "
        "`perf/names_bench`."
    )
    return Section("learned", "Learned addresses", text, ["addresses", "cycles"], table)
