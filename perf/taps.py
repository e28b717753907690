#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what TAPs cost: the start of causewayd with two links for each of so many circuits, with
and without TAPs, its descriptors, the control thread at rest, taking all TAPs away, and the end.

Makes the network namespaces, runs causewayd on a null device in one of them, and deletes them. Run
as root. With --per-vrf each circuit's TAPs lie in a namespace of their own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
HOME = "cwtaps-router"
PREFIX = "cwtaps-"
SHARED = "cwtaps-shared"
TAGS_MAX = 4_094
HEAD = """daemon: {{socket: {socket}, control-core: {control}, worker-cores: [{worker}],
  memory-mib: 128, packet-buffers: 4096, eal-args: [--no-pci, "--file-prefix={prefix}"]}}
control-plane: {{taps: {taps}, namespace-prefix: {namespaces}}}
ports: [{{name: edge, device: "net_null0,no-rx=1", role: edge}}]
circuits:
"""
CIRCUIT = """- service-key: {number:08x}-0000-4000-8000-000000000000
  name: c{number}
  bandwidth: 1 Gbps
  provider-state: Provisioned
  primary: {{port: edge, s-tag: {primary}}}
  secondary: {{port: edge, s-tag: {secondary}}}
  peerings:
  - {{type: private, c-tag: 1, subnet: 10.{high}.{low}.{last}/29, peer-asn: 65010{namespace}}}
"""


def document(arguments: argparse.Namespace, socket: str, taps: str) -> str:
    control, worker = arguments.cores
    text = HEAD.format(socket=socket, control=control, worker=worker, taps=taps,
                       prefix=Path(socket).parent.name, namespaces=PREFIX)
    namespace = "" if arguments.per_vrf else f", tap-namespace: {SHARED}"
    for number in range(arguments.circuits):
        text += CIRCUIT.format(number=number, primary=2 * number + 1, secondary=2 * number + 2,
                               high=number // 8_192, low=number // 32 % 256,
                               last=number % 32 * 8, namespace=namespace)
    return text


class Daemon:
    def __init__(self, build: Path, config: Path, socket: str) -> None:
        self.socket, self.client = socket, build / "control/cli/causeway"
        self.log = config.with_suffix(".log")
        begin = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", HOME, str(build / "control/causewayd"), "--config",
                 str(config)], stdout=log, stderr=log)
        while not os.path.exists(socket):
            if self.process.poll() is not None or time.monotonic() - begin > 300:
                raise SystemExit(self.log.read_text(encoding="utf-8"))
            time.sleep(0.01)
        self.start_s = time.monotonic() - begin

    def control_seconds(self) -> float:
        pid = self.process.pid
        stat = Path(f"/proc/{pid}/task/{pid}/stat").read_text(encoding="ascii")
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / TICKS

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def at_rest(self, seconds: float = 5.0) -> float:
        """The control thread's share of a core."""
        before, begin = self.control_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.control_seconds() - before) / (time.monotonic() - begin)

    def apply(self, config: Path) -> float:
        begin = time.monotonic()
        subprocess.run([self.client, "--socket", self.socket, "apply", str(config)], check=True,
                       stdout=subprocess.DEVNULL)
        return time.monotonic() - begin

    def stop(self) -> float:
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=300)
        return time.monotonic() - begin


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    print(f"{'taps':6} {'start s':>8} {'control s':>9} {'descriptors':>11} {'at rest %':>9} "
          f"{'off s':>7} {'on s':>7} {'stop s':>7}")
    configs = {}
    for taps in ("false", "true"):
        configs[taps] = folder / f"{taps}.yaml"
        configs[taps].write_text(document(arguments, str(folder / "socket"), taps),
                                 encoding="ascii")
    for taps, config in configs.items():
        daemon = Daemon(arguments.build, config, str(folder / "socket"))
        started = daemon.control_seconds()
        row = f"{taps:6} {daemon.start_s:8.2f} {started:9.2f} {daemon.descriptors():11,} " \
              f"{100 * daemon.at_rest():9.1f}"
        off, on = daemon.apply(configs["false"]), daemon.apply(config)
        print(f"{row} {off:7.2f} {on:7.2f} {daemon.stop():7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--circuits", type=int, default=1_000)
    parser.add_argument("--per-vrf", action="store_true", help="a namespace for each circuit")
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="control and worker")
    arguments = parser.parse_args()
    if 2 * arguments.circuits > TAGS_MAX:
        sys.exit("one port has tags for 2,047 circuits")
    circuits = [f"c{number}" for number in range(arguments.circuits)]
    namespaces = [HOME] + ([PREFIX + name for name in circuits] if arguments.per_vrf
                           else [SHARED])
    commands = "\n".join(f"netns add {name}" for name in namespaces)
    try:
        subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True)
        with tempfile.TemporaryDirectory(prefix="cwtaps") as folder:
            measure(arguments, Path(folder))
    finally:
        for name in namespaces:
            subprocess.run(["ip", "netns", "delete", name], check=False)


if __name__ == "__main__":
    main()
