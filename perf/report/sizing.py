# SPDX-License-Identifier: Apache-2.0
"""How many cores a router needs, computed from the measured cycles of a packet."""

import math

from report.model import Report, Section
from report.scenes import FULL_TABLE

PREAMBLE_AND_GAP = 20  # bytes a frame on the wire besides its own (IEEE 802.3 4.2.3.2, 7.2.2)
TAGS = 8
IMIX_BYTES = (7 * 64 + 4 * 594 + 1 * 1_518) / 12
UTILISATION = 0.7  # of a core: the rest is for what was not measured (see DEVICE) and for bursts
# An allowance, not measured: for a NIC's driver, which the rings of the harness stand for. It
# writes and reads descriptors, takes mbufs from the pool and gives them back.
DEVICE_CYCLES = 30
LINKS = ((2, 10), (2, 25), (2, 100))  # how many, and Gbit/s of each
SCENES = (
    ("16 routes", {}),
    ("940,000 routes", {"routes": FULL_TABLE}),
    ("940,000 routes, access list, policers, NAT", {"routes": FULL_TABLE, "rules": 1_000,
                                                   "policers": 2, "sessions": 1_000_000}),
    ("940,000 routes, access list, policers", {"routes": FULL_TABLE, "rules": 1_000,
                                              "policers": 2}),
)  # fmt: skip


def packets_a_second(links: int, gbits: int, frame_bytes: float) -> float:
    """At line rate, all links in one direction: what comes in by them, or what goes out."""
    return links * gbits * 1e9 / 8 / (frame_bytes + TAGS + PREAMBLE_AND_GAP)


def cores(packets: float, cycles: float, hertz: float) -> int:
    return math.ceil(packets * (cycles + DEVICE_CYCLES) / (hertz * UTILISATION))


def sizing(report: Report) -> Section:
    hertz = float(report.machine["TSC, MHz"]) * 1e6
    table = []
    for words, changes in SCENES:
        row = report.worker(**changes)
        if row is None:
            continue
        cycles = row.middle("median")
        counts = [
            # Both directions: what comes in by the customers' links, and what goes out by them.
            cores(2 * packets_a_second(links, gbits, size), cycles, hertz)
            for links, gbits in LINKS
            for size in (64.0, IMIX_BYTES)
        ]
        table.append([words, f"{cycles:.0f}", *map(str, counts)])
    header = ["walk", "cycles"]
    for links, gbits in LINKS:
        header += [f"{links} × {gbits}G, 64 B", f"{links} × {gbits}G, IMIX"]
    text = (
        f"Cores for workers, computed and not measured: packets of full links in both directions, "
        f"times the cycles of a packet (median of the whole walk on this machine, bursts of 64) "
        f"and {DEVICE_CYCLES} for a NIC's driver, over {UTILISATION:.0%} of "
        f"{hertz / 1e9:.1f} GHz. Frames are of 64 bytes with FCS, and 8 of tags; IMIX is "
        f"{IMIX_BYTES:.0f} bytes on average. One more core is the control thread's."
    )
    return Section("sizing", "Sizing", text, header, table)
