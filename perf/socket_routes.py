#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures routes through the control socket, end to end: loads, saves and changes of a full table.

Starts a causewayd of its own, with a null port and its socket in a temporary folder, and ends it.
The table is that of make_routes (one seed, one table), or a file in its format. Wall time is of use
on an idle machine only; processor time, of the daemon's control thread and the client together,
says what one core needs. Meanwhile a bystander asks for the ports every millisecond: how long it
had to wait at most says how long the control thread was busy at a stretch.
"""

import argparse
import json
import random
import resource
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_daemon import TICKS, BenchDaemon

NEXT_HOPS = [f"10.9.0.{host}" for host in range(1, 51)]
VRF = "microsoft"
CONFIG = """
daemon: {{socket: {socket}, control-core: {control}, worker-cores: [{worker}], memory-mib: 128,
         packet-buffers: 4096, eal-args: [--no-pci, "--file-prefix={prefix}"]}}
ports: [{{name: core, device: "net_null0,no-rx=1", role: core}}]
core-attachments: [{{name: net, port: core, vrf: microsoft, vlan: 300, address: 10.9.0.254/24}}]
"""
BATCH = 10_000


class Bystander(threading.Thread):
    """Another client of the same socket, for whom nothing should change."""

    CALL = b'{"jsonrpc":"2.0","id":1,"method":"port.list"}\n'

    def __init__(self, daemon: BenchDaemon) -> None:
        super().__init__()
        self.path = daemon.socket
        self.is_over = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path)
            answers = connection.makefile("rb")
            while not self.is_over.wait(0.001):
                asked = time.monotonic()
                connection.sendall(self.CALL)
                answers.readline()
                self.longest = max(self.longest, time.monotonic() - asked)

    def stop(self) -> float:
        """How long it waited at most, in seconds."""
        self.is_over.set()
        self.join()
        return self.longest


@contextmanager
def measured(daemon: BenchDaemon, what: str, count: int) -> Iterator[None]:
    def client_seconds() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF,
                                                    resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)
    bystander = Bystander(daemon)
    bystander.start()
    client, control, wall = client_seconds(), daemon.control_seconds(), time.monotonic()
    yield
    waited = bystander.stop()
    wall = time.monotonic() - wall
    control = daemon.control_seconds() - control
    client = client_seconds() - client
    print(f"{what:22} {count:9,} {wall:7.2f} {control:8.2f} {client:7.2f} "
          f"{count / max(control + client, 1 / TICKS):14,.0f} {1_000 * waited:10.1f}", flush=True)


def batches(edits: "list[dict[str, object]]") -> "list[bytes]":
    """Calls of route.batch, as they go over the socket."""
    calls = []
    for first in range(0, len(edits), BATCH):
        params = {"vrf": VRF, "routes": edits[first:first + BATCH]}
        call = {"jsonrpc": "2.0", "id": first, "method": "route.batch", "params": params}
        calls.append(json.dumps(call, separators=(",", ":")).encode() + b"\n")
    return calls


def send(daemon: BenchDaemon, calls: "list[bytes]") -> None:
    """One call after the other, as a feeder does that wants to know what became of each."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(daemon.socket)
        answers = connection.makefile("rb")
        for call in calls:
            connection.sendall(call)
            answer = json.loads(answers.readline())
            if "error" in answer:
                raise SystemExit(answer["error"]["message"])


def changes(prefixes: "list[str]", count: int, dice: random.Random) -> "list[dict[str, object]]":
    return [{"op": "replace", "prefix": dice.choice(prefixes), "via": [dice.choice(NEXT_HOPS)]}
            for _ in range(count)]


def flaps(prefixes: "list[str]", count: int, dice: random.Random) -> "list[dict[str, object]]":
    """Deletes, and later adds, each of a random prefix."""
    edits: "list[dict[str, object]]" = []
    while len(edits) < count:
        gone = dice.sample(prefixes, min(1_000, len(prefixes)))
        edits += [{"op": "delete", "prefix": prefix} for prefix in gone]
        edits += [{"op": "add", "prefix": prefix, "via": [dice.choice(NEXT_HOPS)]}
                  for prefix in gone]
    return edits[:count - count % 2]


def measure(daemon: BenchDaemon, table: Path, updates: int, dice: random.Random) -> None:
    prefixes = [line.split()[0] for line in table.read_text(encoding="ascii").splitlines()]
    ways = [word for hop in NEXT_HOPS for word in ("--via", hop)]
    print(f"{'':22} {'routes':>9} {'wall s':>7} {'daemon s':>8} {'client s':>7} "
          f"{'routes/CPU s':>14} {'waited ms':>10}")
    with measured(daemon, "route load", len(prefixes)):
        daemon.causeway("route", "load", str(table), "--vrf", VRF, *ways)
    with measured(daemon, "route sync, the same", len(prefixes)):
        daemon.causeway("route", "sync", str(table), "--vrf", VRF, *ways)
    with measured(daemon, "route save", len(prefixes)):
        daemon.causeway("route", "save", str(table.parent / "saved"), "--vrf", VRF)
    for what, edits in (("next-hop changes", changes(prefixes, updates, dice)),
                        ("deletes and adds", flaps(prefixes, updates, dice))):
        calls = batches(edits)
        with measured(daemon, what, len(edits)):
            send(daemon, calls)
    with measured(daemon, "route sync, of nothing", len(prefixes)):
        daemon.causeway("route", "sync", "/dev/null", "--vrf", VRF)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="the build folder")
    parser.add_argument("--table", type=Path, help="lines of PREFIX NUMBER; else make_routes' own")
    parser.add_argument("--routes", type=int, default=940_000, help="of make_routes")
    parser.add_argument("--updates", type=int, default=600_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="control and worker")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="causeway-") as name:
        folder = Path(name)
        table = folder / "table"
        if words.table:
            table.write_bytes(words.table.read_bytes())
        else:
            with open(table, "wb") as output:
                subprocess.run([str(words.build / "perf" / "make_routes"), "--seed",
                                str(words.seed), "--routes", str(words.routes)],
                               stdout=output, check=True)
        path, config = str(folder / "socket"), folder / "config.yaml"
        config.write_text(CONFIG.format(socket=path, control=words.cores[0], worker=words.cores[1],
                                        prefix=folder.name), encoding="ascii")
        daemon = BenchDaemon(words.build, config, path)
        try:
            measure(daemon, table, words.updates, random.Random(words.seed))
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
