#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs so many BFD sessions of 300 ms × 3 in causewayd, two links for each circuit, with neighbours
that this program plays all by itself, and measures: until all are up, whether one goes down while
all speak, what the thread of the sessions takes, and when all are found dead that fall silent at
once.

Makes two network namespaces, a veth pair between them and the frames with both tags; causewayd is
in one of them. Deletes them. Run as root.
"""

import argparse
import ctypes
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench_daemon import BenchDaemon
from many_circuits import TAGS_MAX, circuits, subnet_of

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts" / "lab.d"))
from bfd_machine import DOWN, UP, Machine  # noqa: E402

ROUTER, PEERS = "cwbfd-router", "cwbfd-peers"
INTERVAL_US, MULTIPLIER = 300_000, 3
PERIOD_MS = 255  # 85 % of the interval
SETTLE_S = 5.0  # until the intervals of sessions that are up are agreed
UP_MAX_S, DOWN_MAX_S = 120.0, 10.0
OUR_MAC = bytes.fromhex("020000000001")
ETH_ALL = 3
HEAD = """daemon: {{socket: {socket}, control-core: {control}, worker-cores: [{worker}],
  hugepages: false, memory-mib: 256, packet-buffers: 8192,
  eal-args: [--no-pci, "--file-prefix={prefix}"]}}
ports: [{{name: edge, device: "{device}:bfd0", role: edge}}]
circuits:
"""


def document(arguments: argparse.Namespace, folder: Path) -> str:
    control, worker = arguments.cores
    return HEAD.format(socket=folder / "socket", control=control, worker=worker,
                       prefix=folder.name, device=arguments.device) + circuits(
                           arguments.sessions // 2)


def checksum(header: bytes) -> int:
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Neighbour:
    """The customer's end of one link."""

    def __init__(self, number: int, router_mac: bytes):
        base = subnet_of(number // 2)
        first = base[3] + 4 * (number % 2)
        self.address, self.router = (base[:3] + bytes((first + end,)) for end in (1, 2))
        self.tags = struct.pack("!HHHH", 0x8100, number + 1, 0x8100, 1)
        self.session = Machine(INTERVAL_US, MULTIPLIER, number + 1)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0xC0, 52, 0, 0, 255, 17, 0, self.address,
                             self.router)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        self.head = router_mac + OUR_MAC + self.tags + b"\x08\x00" + header + struct.pack(
            "!HHHH", 49_152 + number, 3_784, 32, 0)
        self.last_sent = 0.0
        self.found_dead_s = 0.0  # after the last packet

    def arp_reply(self, router_mac: bytes) -> bytes:
        return (router_mac + OUR_MAC + self.tags + b"\x08\x06" +
                struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + OUR_MAC + self.address + router_mac +
                self.router)


class Neighbours:
    def __init__(self, sessions: int, router_mac: bytes):
        self.all = [Neighbour(number, router_mac) for number in range(sessions)]
        self.by_address = {each.address: each for each in self.all}
        self.router_mac = router_mac
        self.is_silent = False
        self.link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
        self.link.bind(("bfd1", 0))
        self.link.setblocking(False)
        self.slot = int(time.monotonic() * 1000)

    def run(self, until: Callable[[], bool], seconds: float) -> bool:
        """Plays all neighbours until something is so, which it says, or the time is over."""
        end = time.monotonic() + seconds
        checked = 0.0
        while (now := time.monotonic()) < end:
            if now - checked > 0.05:
                checked = now
                if until():
                    return True
            self._speak(int(now * 1000))
            self._listen()
            select.select([self.link], [], [], 0.001)
        return until()

    def play(self, seconds: float) -> None:
        self.run(lambda: False, seconds)

    def count(self, state: int) -> int:
        return sum(each.session.state == state for each in self.all)

    def _speak(self, now_ms: int) -> None:
        for slot in range(self.slot + 1, now_ms + 1):
            for each in self.all[slot % PERIOD_MS::PERIOD_MS]:
                self._send(each, each.session.packet())
        self.slot = now_ms

    def _send(self, neighbour: Neighbour, packet: bytes) -> None:
        if self.is_silent:
            return
        neighbour.last_sent = time.monotonic()
        self.link.send(neighbour.head + packet)

    def _listen(self) -> None:
        for _ in range(256):
            try:
                frame = self.link.recv(512)
            except BlockingIOError:
                return
            at = 12  # the kernel may have taken the outer tag off
            while frame[at:at + 2] == b"\x81\x00":
                at += 4
            if frame[at:at + 2] == b"\x08\x06":
                asked = self.by_address.get(frame[at + 26:at + 30])
                if asked is not None and frame[at + 8:at + 10] == b"\x00\x01":
                    self.link.send(asked.arp_reply(self.router_mac))
            elif frame[at + 11:at + 12] == b"\x11" and frame[at + 24:at + 26] == b"\x0e\xc8":
                self._hear(self.by_address.get(frame[at + 18:at + 22]), frame[at + 30:at + 54])

    def _hear(self, neighbour: Neighbour | None, packet: bytes) -> None:
        if neighbour is None:
            return
        before = neighbour.session.remote_state
        for answer in neighbour.session.hear(packet):
            self._send(neighbour, answer)
        if before == UP and neighbour.session.remote_state == DOWN:
            neighbour.found_dead_s = time.monotonic() - neighbour.last_sent


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    config = folder / "bfd.yaml"
    config.write_text(document(arguments, folder), encoding="ascii")
    daemon = BenchDaemon(arguments.build, config, str(folder / "socket"),
                         ["ip", "netns", "exec", ROUTER])
    try:
        os.sched_setaffinity(0, {arguments.cores[0]})  # the worker's core is the worker's
        mac = bytes.fromhex(daemon.show("ports")[0]["mac"].replace(":", ""))
        play(arguments, daemon, Neighbours(arguments.sessions, mac))
    finally:
        daemon.stop()


def play(arguments: argparse.Namespace, daemon: BenchDaemon, neighbours: Neighbours) -> None:
    with ThreadPoolExecutor(1) as pool:
        def ask() -> "list[dict[str, Any]]":
            asked = pool.submit(daemon.show, "bfd")
            neighbours.run(asked.done, 30.0)
            return asked.result()

        begun = time.monotonic()
        if not neighbours.run(lambda: neighbours.count(UP) == arguments.sessions, UP_MAX_S):
            sys.exit(f"{neighbours.count(UP)} of {arguments.sessions} sessions came up")
        up_s = time.monotonic() - begun
        neighbours.play(SETTLE_S)
        before, cpu = ask(), daemon.thread_seconds("bfd")
        begun = time.monotonic()
        neighbours.play(arguments.seconds)
        share = (daemon.thread_seconds("bfd") - cpu) / (time.monotonic() - begun)
        after = ask()
        fallen = sum(row["downs"] for row in after) - sum(row["downs"] for row in before)
        neighbours.is_silent = True
        neighbours.run(lambda: all(each.found_dead_s for each in neighbours.all), DOWN_MAX_S)
        found = sorted(each.found_dead_s for each in neighbours.all if each.found_dead_s)
        failed = sum(row["failed"] for row in ask())
    print(f"{arguments.device}: {arguments.sessions:,} sessions, all up after {up_s:.1f} s")
    print(f"{sum(row['state'] == 'up' for row in after):,} up and {fallen} times down in "
          f"{arguments.seconds:.0f} s, {100 * share:.1f} % of a core")
    if not found:
        sys.exit("no silence was found")
    print(f"silent all at once: {len(found):,} told and {failed:,} failed, found "
          f"{1000 * found[0]:.0f} to {1000 * found[-1]:.0f} ms after their last packet, median "
          f"{1000 * found[len(found) // 2]:.0f} ms")


def batch(namespace: str, *lines: str) -> None:
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines), text=True,
                   check=True)


def lay() -> None:
    for namespace in (ROUTER, PEERS):
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        subprocess.run(["ip", "netns", "exec", namespace, "sysctl", "-qw",
                        "net.ipv6.conf.default.disable_ipv6=1"], check=True)
    batch(ROUTER, f"link add bfd0 mtu 1508 type veth peer name bfd1 mtu 1508 netns {PEERS}",
          "link set bfd0 up")
    batch(PEERS, "link set bfd1 up")


def enter(namespace: str) -> None:
    with open(f"/run/netns/{namespace}", "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--device", choices=("af_xdp", "af_packet"), default="af_xdp")
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="control and worker")
    arguments = parser.parse_args()
    if arguments.sessions % 2 or not 2 <= arguments.sessions <= TAGS_MAX:
        sys.exit(f"give an even number of sessions from 2 to {TAGS_MAX:,}: one for each link")
    arguments.build = arguments.build.resolve()
    try:
        lay()
        enter(PEERS)
        with tempfile.TemporaryDirectory(prefix="cwbfd") as folder:
            measure(arguments, Path(folder))
    finally:
        for name in (ROUTER, PEERS):
            subprocess.run(["ip", "netns", "delete", name], check=False)


if __name__ == "__main__":
    main()
