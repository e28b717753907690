#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a router between the ports of a TRex server: the highest rate without loss for each
frame size (RFC 2544 26.1), and the latency of a link under that rate (RFC 8219 7.2). Prints the
tables and writes report.json and report.html, as scripts/bench does.

    perf/trex/measure.py --server 192.0.2.10 --peering private --output /tmp/trex"""

import argparse
import datetime
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from report import bench, machine, render  # noqa: E402
from report.model import Report, Section  # noqa: E402
from report.rows import Row  # noqa: E402
from search import Throughput, Trial, find_throughput, percentile  # noqa: E402

LIBRARY = Path("automation/trex_control_plane/interactive")
MISSING = """trex: no Python library of TRex{where}.
TRex is no package of Debian: unpack a release (https://trex-tgn.cisco.com, 3.04 or later) on this
machine and say where it is, e.g.  TREX=/opt/trex/v3.06 perf/trex/measure.py ...
The server itself runs on the machine with the NICs: ./t-rex-64 -i --cfg perf/trex/trex_cfg.yaml"""
SETTLE_SECONDS = 2  # RFC 2544 23: what is still on its way arrives


def find_library() -> str:
    """Puts TRex's library on the path. Empty, or what is wrong."""
    root = os.environ.get("TREX")
    if root is None:
        return MISSING.format(where=": TREX is not set")
    library = Path(root) / LIBRARY
    if not library.is_dir():
        return MISSING.format(where=f" in {library}")
    os.environ.setdefault("TREX_EXT_LIBS", str(Path(root) / "external_libs"))
    sys.path.insert(0, str(library))
    return ""


class Generator:
    """The ports of a TRex server with one kind of traffic on them."""

    def __init__(self, client: object, ports: list[int], seconds: float) -> None:
        self.client = client
        self.ports = ports
        self.seconds = seconds
        self.senders: list[int] = []
        self.latency: dict = {}

    def meet(self, peering: object) -> None:
        """Has each port answer ARP for its address, and learn the router's MAC address."""
        self.client.reset(ports=self.ports)
        self.client.set_service_mode(ports=self.ports, enabled=True)
        for port in self.ports:
            own, router = peering.addresses[port]
            self.client.set_l3_mode(port, own, router, vlan=list(peering.tags(port)))
        self.client.set_service_mode(ports=self.ports, enabled=False)

    def load(self, streams_of_port: object) -> None:
        self.client.remove_all_streams(ports=self.ports)
        self.senders = []
        for port in self.ports:
            if some := streams_of_port(port):
                self.client.add_streams(some, ports=[port])
                self.senders.append(port)

    def trial(self, percent: float) -> Trial:
        self.client.clear_stats(ports=self.ports)
        self.client.start(ports=self.senders, mult=f"{percent}%", duration=self.seconds)
        self.client.wait_on_traffic(
            ports=self.senders, timeout=self.seconds + 30, rx_delay_ms=SETTLE_SECONDS * 1000
        )
        stats = self.client.get_stats(ports=self.ports)
        self.latency = stats.get("latency", {})
        counts = [sum(stats[port][what] for port in self.ports)
                  for what in ("opackets", "ipackets")]  # fmt: skip
        print(f"  {percent:7.3f} %: {counts[0]:,} sent, {counts[1]:,} received", file=sys.stderr)
        return Trial(percent, *counts)


def throughput_row(name: str, found: Throughput, seconds: float) -> Row:
    best = found.best
    rate = best.received / seconds / 1e6 if best else 0.0
    return Row("trex", f"throughput/{name}", f"{len(found.trials)} trials of {seconds:g} s",
               {"percent": [found.percent], "mpps": [rate]})  # fmt: skip


def latency_rows(name: str, stats: dict) -> list[Row]:
    rows = []
    for group, one in stats.items():
        if group == "global":
            continue
        bins = {int(least): count for least, count in one["latency"]["histogram"].items()}
        if not bins:
            raise RuntimeError(f"no latency packet of port {int(group) - 1} came back")
        rows.append(Row("trex", f"latency/{name}/port:{int(group) - 1}", "", {
            "typical_us": [percentile(bins, 0.5)],  # RFC 8219 7.2: TL and WCL
            "worst_us": [percentile(bins, 0.999)],
            "most_us": [float(one["latency"]["total_max"])],
            "lost": [float(one["err_cntrs"]["dropped"])],
        }))  # fmt: skip
    return rows


def sections(report: Report) -> list[Section]:
    rates = [[row.name.removeprefix("throughput/"), f"{row.low('percent'):.2f}",
              f"{row.low('mpps'):.2f}", row.label]
             for row in report.rows if row.name.startswith("throughput/")]  # fmt: skip
    waits = [[row.name.removeprefix("latency/"),
              *(f"{row.low(key):,.0f}" for key in ("typical_us", "worst_us", "most_us", "lost"))]
             for row in report.rows if row.name.startswith("latency/")]  # fmt: skip
    known = [list(one) for one in report.machine.items()]
    return [
        Section("machine", "Machine", "", ["", ""], known),
        Section("throughput", "Throughput", "The highest rate without loss (RFC 2544 26.1).",
                ["frames", "% of the line", "million a second", "searched by"], rates),
        Section("latency", "Latency", "Under that rate, of 1,000 packets a second of each link; "
                "typical is the median, worst the 99.9th percentile (RFC 8219 7.2). Microseconds.",
                ["frames", "typical", "worst", "most", "lost"], waits),
    ]  # fmt: skip


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", default="127.0.0.1", help="where t-rex-64 -i runs")
    parser.add_argument("--ports", default="0,1,2,3", help="edge, core, edge, core")
    parser.add_argument("--peering", default="private", choices=["private", "microsoft"])
    parser.add_argument("--sizes", default="64,128,256,512,1024,1280,1518,imix")
    parser.add_argument("--seconds", type=float, default=60, help="of a trial")
    parser.add_argument("--resolution", type=float, default=0.1, help="in %% of the line")
    parser.add_argument("--output", type=Path, default=Path("trex-report"), metavar="FOLDER")
    return parser.parse_args()


def measure(client: object, arguments: argparse.Namespace) -> list[Row]:
    import streams
    import traffic

    peering = traffic.PEERINGS[arguments.peering]
    ports = [int(port) for port in arguments.ports.split(",")]
    generator = Generator(client, ports, arguments.seconds)
    generator.meet(peering)
    rows = []
    for size in arguments.sizes.split(","):
        name = f"peering:{peering.name}/bytes:{size}"
        print(name, file=sys.stderr)
        generator.load(lambda port: streams.load(peering, port, size))
        found = find_throughput(generator.trial, arguments.resolution)
        rows.append(throughput_row(name, found, arguments.seconds))
        if found.percent == 0:
            continue
        generator.load(lambda port: streams.load(peering, port, size)
                       + streams.latency(peering, port, size))  # fmt: skip
        generator.trial(found.percent)
        rows += latency_rows(name, generator.latency)
    return rows


def main() -> int:
    arguments = parse()
    if reason := find_library():
        print(reason, file=sys.stderr)
        return 2
    from trex.stl.api import STLClient

    client = STLClient(server=arguments.server)
    client.connect()
    try:
        begun = time.monotonic()
        rows = measure(client, arguments)
    finally:
        client.disconnect()
    now = datetime.datetime.now(datetime.UTC)
    about = machine.describe() | {
        "measured": f"{now:%Y-%m-%d}, {time.monotonic() - begun:.0f} s, by TRex at "
        f"{arguments.server}",
        "version": bench.version(),
    }
    report = Report(rows, about)
    arguments.output.mkdir(parents=True, exist_ok=True)
    bench.write_json(arguments.output, report)
    made = sections(report)
    page = render.as_html(made, "Causeway: a router between TRex's ports")
    (arguments.output / "report.html").write_text(page)
    print(render.as_text(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
