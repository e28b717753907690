#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what TAPs cost: the start of causewayd with two links for each of so many circuits, with
and without TAPs, its descriptors, the control thread at rest, taking all TAPs away, and the end.

Makes the network namespaces, runs causewayd on a null device in one of them, and deletes them. Run
as root. With --per-vrf each circuit's TAPs lie in a namespace of their own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_daemon import BenchDaemon
from many_circuits import TAGS_MAX, circuits

HOME = "cwtaps-router"
PREFIX = "cwtaps-"
SHARED = "cwtaps-shared"
HEAD = """daemon: {{socket: {socket}, control-core: {control}, worker-cores: [{worker}],
  memory-mib: 128, packet-buffers: 4096, eal-args: [--no-pci, "--file-prefix={prefix}"]}}
control-plane: {{taps: {taps}, namespace-prefix: {namespaces}}}
ports: [{{name: edge, device: "net_null0,no-rx=1", role: edge}}]
circuits:
"""


def document(arguments: argparse.Namespace, socket: str, taps: str) -> str:
    control, worker = arguments.cores
    text = HEAD.format(socket=socket, control=control, worker=worker, taps=taps,
                       prefix=Path(socket).parent.name, namespaces=PREFIX)
    namespace = "" if arguments.per_vrf else f", tap-namespace: {SHARED}"
    return text + circuits(arguments.circuits, namespace)


def at_rest(daemon: BenchDaemon, seconds: float = 5.0) -> float:
    """The control thread's share of a core."""
    before, begin = daemon.control_seconds(), time.monotonic()
    time.sleep(seconds)
    return (daemon.control_seconds() - before) / (time.monotonic() - begin)


def apply(daemon: BenchDaemon, config: Path) -> float:
    begin = time.monotonic()
    daemon.causeway("apply", str(config))
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
        daemon = BenchDaemon(arguments.build, config, str(folder / "socket"),
                             ["ip", "netns", "exec", HOME])
        started = daemon.control_seconds()
        row = f"{taps:6} {daemon.start_s:8.2f} {started:9.2f} {daemon.descriptors():11,} " \
              f"{100 * at_rest(daemon):9.1f}"
        off, on = apply(daemon, configs["false"]), apply(daemon, config)
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
    names = [f"c{number}" for number in range(arguments.circuits)]
    namespaces = [HOME] + ([PREFIX + name for name in names] if arguments.per_vrf
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
