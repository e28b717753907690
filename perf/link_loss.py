#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts one of a customer's two links under 10,000 numbered flows from its virtual network, and
prints as a table what was lost: by the port's carrier and by BFD alone, with one prefix behind the
links and with as many as asked for. Needs root; everything runs in network namespaces.

"After detection" counts from when another program on our side heard the kernel say that the port
has no carrier. Less than 0: causewayd had moved the flows before that program woke up.

The table of prefixes is that of make_routes (one seed, one table), or a file in its format.
"""

import argparse
import ipaddress
import os
import random
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "lab.d"))
from cut_trial import BfdNeighbours, Load, Loss, Way, cut_under_load  # noqa: E402
from lab import Lab  # noqa: E402
from router_state import settle  # noqa: E402
from scene import LINKS, PRIVATE_PEERS  # noqa: E402

FLOWS = 10_000
VRF = "contoso"
DETECTION_MS = 900.0  # of BFD: 300 ms, three times
EXTRA_MS = 10.0
ONE_PREFIX = [f"10.1.0.{host}" for host in range(20, 250)]  # of 10.1.0.0/24
HEADER = ["detected by", "prefixes", "cut", "flows there", "moved", "packets lost", "outage",
          "after detection", "flows of the other link", "packets lost there"]


def is_public(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not address.is_multicast


def destinations(table: Path, seed: int) -> list[str]:
    """An address in each of so many of the table's prefixes."""
    prefixes = [line.split()[0] for line in table.read_text(encoding="ascii").splitlines()]
    random.Random(seed).shuffle(prefixes)
    found = []
    for prefix in prefixes:
        address = ipaddress.IPv4Address(prefix.split("/")[0]) + (not prefix.endswith("/32"))
        if is_public(address):
            found.append(str(address))
        if len(found) == FLOWS:
            break
    return found


def make_table(build: Path, folder: Path, options: argparse.Namespace) -> Path:
    if options.table:
        return options.table
    table = folder / "table"
    with open(table, "wb") as output:
        subprocess.run([str(build / "perf" / "make_routes"), "--seed", str(options.seed),
                        "--routes", str(options.routes)], stdout=output, check=True)
    return table


def is_within_limits(way: Way, loss: Loss) -> bool:
    if loss.lost_of_kept or loss.moved_of_kept or loss.flows_moved < loss.flows_cut:
        return False
    if way == "silent":
        return 0.0 < loss.outage_ms <= DETECTION_MS + EXTRA_MS
    return loss.lost == 0 or (loss.after_detection_ms or EXTRA_MS) < EXTRA_MS


def row(way: Way, prefixes: int, link: str, loss: Loss) -> str:
    after = "" if loss.after_detection_ms is None else f"{loss.after_detection_ms:.1f} ms"
    detector = {"port": "port down", "silent": "BFD, 300 ms × 3"}[way]
    cells = [detector, f"{prefixes:,}", link, f"{loss.flows_cut:,}",
             f"{loss.flows_moved:,}", f"{loss.lost:,}", f"{loss.outage_ms:.1f} ms", after,
             f"{loss.flows_kept:,}", str(loss.lost_of_kept)]
    return f"| {' | '.join(cells)} |"


def trials(lab: Lab, way: Way, prefixes: int, load: Load, repeat: int) -> bool:
    is_good = True
    for _ in range(repeat):
        for link in LINKS:
            loss = cut_under_load(lab, link, way, load)
            print(row(way, prefixes, link, loss), flush=True)
            is_good &= is_within_limits(way, loss)
    return is_good


def measure(lab: Lab, table: Path, options: argparse.Namespace) -> bool:
    settle(lab)
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    is_good = True
    for is_full in (False, True):
        addresses = destinations(table, options.seed) if is_full else ONE_PREFIX
        if is_full:
            ways = ",".join(PRIVATE_PEERS[link][0] for link in LINKS)
            lab.causeway("route", "load", str(table), "--vrf", VRF, "--via", ways)
        prefixes = len(table.read_bytes().splitlines()) if is_full else 1
        load = Load(addresses, FLOWS, options.rate)
        is_good &= trials(lab, "port", prefixes, load, options.repeat)
        with BfdNeighbours(lab):
            is_good &= trials(lab, "silent", prefixes, load, options.repeat)
    return is_good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--device", choices=("af_xdp", "af_packet"), default="af_xdp")
    parser.add_argument("--table", type=Path, help="lines of PREFIX NUMBER; else make_routes' own")
    parser.add_argument("--routes", type=int, default=940_000, help="of make_routes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=20_000.0, help="packets a second in all")
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    lab = Lab(os.environ.get("CAUSEWAY_LAB", "loss"), options.device, options.build)
    lab.up()
    try:
        is_good = measure(lab, make_table(options.build, lab.state, options), options)
    finally:
        lab.down()
        lab.unlock()
    if not is_good:
        print("a limit was not kept: 10 ms after detection, or a flow of the other link",
              file=sys.stderr)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
