#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What causewayd makes of routes when zebra costs nothing: a peer of FPM that has all its messages
ready, and sends them as fast as they are taken.

Starts a causewayd of its own on a null port, in a network namespace without a name, and ends it.
Run as root. Prints when the last byte was taken, when all routes were in the FIB, and the processor
time of the control thread; the second time, the same routes are told again.
"""

import argparse
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_daemon import TICKS, BenchDaemon

PORT = 2620
INSIDE = "CAUSEWAY_FPM_REPLAY_INSIDE"  # in a network namespace of its own
PERIOD_S = 0.02
CONFIG = """
daemon: {{socket: {socket}, control-core: {control}, worker-cores: [{worker}], memory-mib: 128,
         packet-buffers: 4096, eal-args: [--no-pci, "--file-prefix={prefix}"]}}
ports: [{{name: core, device: "net_null0,no-rx=1", role: core}}]
core-attachments: [{{name: net, port: core, vrf: microsoft, vlan: 300, address: 10.9.0.254/24}}]
fpm: [{{name: replay, vrf: microsoft}}]
"""
GATEWAYS = ("10.9.0.1", "10.9.0.2")
MAIN_TABLE, RTPROT_BGP, RTPROT_ZEBRA = 254, 186, 11
RTM_NEWROUTE, RTM_NEWNEXTHOP, NLM_F_CREATE_REPLACE = 24, 104, 0x501
RTA_DST, RTA_PRIORITY, RTA_NH_ID = 1, 6, 30
NHA_ID, NHA_GROUP, NHA_OIF, NHA_GATEWAY = 1, 2, 5, 6
AF_INET, UNICAST = 2, 1


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value


def frame(kind: int, body: bytes) -> bytes:
    """A netlink message in a frame of FPM."""
    length = 16 + len(body)
    message = struct.pack("=IHHII", length, kind, NLM_F_CREATE_REPLACE, 0, 0) + body
    return struct.pack("!BBH", 1, 1, 4 + length) + message


def next_hops() -> bytes:
    told, numbers = b"", range(1, 1 + len(GATEWAYS))
    header = struct.pack("=BBBBI", AF_INET, 0, RTPROT_ZEBRA, 0, 0)
    for number, gateway in zip(numbers, GATEWAYS):
        told += frame(RTM_NEWNEXTHOP, header + attribute(NHA_ID, struct.pack("=I", number)) +
                      attribute(NHA_GATEWAY, socket.inet_aton(gateway)) +
                      attribute(NHA_OIF, struct.pack("=I", 7)))
    members = b"".join(struct.pack("=IBBH", number, 0, 0, 0) for number in numbers)
    group = attribute(NHA_ID, struct.pack("=I", 1 + len(GATEWAYS))) + attribute(NHA_GROUP, members)
    return told + frame(RTM_NEWNEXTHOP, struct.pack("=BBBBI", 0, 0, RTPROT_ZEBRA, 0, 0) + group)


def routes(prefixes: "list[str]") -> bytes:
    tail = attribute(RTA_PRIORITY, struct.pack("=I", 20))
    tail += attribute(RTA_NH_ID, struct.pack("=I", 1 + len(GATEWAYS)))
    told = []
    for prefix in prefixes:
        address, length = prefix.split("/")
        header = struct.pack("=BBBBBBBBI", AF_INET, int(length), 0, 0, MAIN_TABLE, RTPROT_BGP, 0,
                             UNICAST, 0)
        told.append(frame(RTM_NEWROUTE,
                          header + attribute(RTA_DST, socket.inet_aton(address)) + tail))
    return b"".join(told)


def in_fib(daemon: BenchDaemon) -> int:
    return next(row["routes"] for row in daemon.show("vrfs") if row["name"] == "microsoft")


def heard(daemon: BenchDaemon) -> int:
    """Routes that it was told, the same one again included."""
    events = daemon.show("fpm", "replay")["events"]
    return next(row["count"] for row in events if row["event"] == "route_set")


def measure(daemon: BenchDaemon, told: bytes, count: int, name: str) -> None:
    heard_before, used, begin = heard(daemon), daemon.control_seconds(), time.monotonic()
    with socket.create_connection(("127.0.0.1", PORT)) as zebra:
        zebra.sendall(told)
        taken = time.monotonic() - begin
        while heard(daemon) < heard_before + count or in_fib(daemon) < count:
            time.sleep(PERIOD_S)
        whole = time.monotonic() - begin
    used = daemon.control_seconds() - used
    print(f"{name:12} {count:9,} {taken:8.2f} {whole:10.2f} {used:10.2f} "
          f"{count / max(used, 1 / TICKS):14,.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="the build folder")
    parser.add_argument("--routes", type=int, default=940_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="control and worker")
    words = parser.parse_args()
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "-",
                              sys.executable, *sys.argv])
    table = subprocess.run([str(words.build / "perf/make_routes"), "--seed", str(words.seed),
                            "--routes", str(words.routes)], check=True, capture_output=True)
    prefixes = [line.split()[0].decode() for line in table.stdout.splitlines()]
    told = next_hops() + routes(prefixes)
    with tempfile.TemporaryDirectory(prefix="causeway-") as name:
        socket_path, config = name + "/socket", Path(name) / "config.yaml"
        config.write_text(CONFIG.format(socket=socket_path, control=words.cores[0],
                                        worker=words.cores[1], prefix=Path(name).name),
                          encoding="ascii")
        daemon = BenchDaemon(words.build, config, socket_path)
        try:
            print(f"{'':12} {'routes':>9} {'taken s':>8} {'in FIB s':>10} {'control s':>10} "
                  f"{'routes/CPU s':>14}")
            measure(daemon, told, len(prefixes), "new")
            measure(daemon, told, len(prefixes), "told again")
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
