#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Packets that are numbered through, over many flows, one way: who sends them, who sees them
arrive, and who sees a port lose its carrier.

    numbered.py send INTERFACE ROUTER_MAC SOURCE FILE --flows 10000 --rate 10000 --seconds 4
    numbered.py see FILE FAMILY INTERFACE...
    numbered.py watch INTERFACE

Each says "ready" when it is. `send` reads a line of destinations before, in which its flows take
turns, and one with the time to begin after, by the monotonic clock that all processes of a machine
share; packet n is of flow n modulo their number, and FILE says when each was sent (nanoseconds, 64
bits each).
SOURCE says whether they are of IPv4 or IPv6, and so does FAMILY, 4 or 6.
`see` takes down what arrives until its input ends; FILE.INTERFACE are the numbers seen there, 64
bits each, in their order. It prints how many the kernel had no room for: if any, it proves nothing.
`watch` prints the time each time that the carrier is gone.
"""

import argparse
import selectors
import socket
import struct
import sys
import time
from array import array
from pathlib import Path

ETHERTYPES = {4: 0x0800, 6: 0x86DD}  # by IP version
IP_BYTES = {4: 20, 6: 40}
UDP, UDP_BYTES = 17, 8
SOL_PACKET, PACKET_STATISTICS = 263, 6  # linux/if_packet.h; not in the socket module
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; likewise
RTMGRP_LINK, RTM_NEWLINK, IFF_LOWER_UP = 1, 16, 1 << 16  # linux/rtnetlink.h, linux/if.h
NETLINK_HEADER, LINK_INFO = struct.Struct("=IHHII"), struct.Struct("=BxHiII")
PORT, FIRST_PORT = 7000, 10_000
MAGIC = b"numbered"
# The number and its complement, whose sum is nothing to a checksum: that of a flow is always the
# same.
MESSAGE = struct.Struct("!8sQQ")
RECEIVE_BUFFER = 1 << 26
PAUSE_S = 0.0005
# A sender that was kept waiting longer leaves out what it missed: all of it at once would be a
# burst that fills queues on the way, and no measure of the way.
LATE_MAX_S = 0.005


def checksum(header: bytes) -> int:
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def message(number: int) -> bytes:
    return MESSAGE.pack(MAGIC, number, ~number & 0xFFFF_FFFF_FFFF_FFFF)


def version_of(address: str) -> int:
    return 6 if ":" in address else 4


def ip_header(version: int, addresses: bytes, length: int) -> bytes:
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, length, UDP, 64) + addresses
    header = struct.pack("!BBHHHBBH", 0x45, 0, IP_BYTES[4] + length, 0, 0, 64, UDP, 0) + addresses
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def frame(macs: bytes, source: str, destination: str, port: int) -> bytearray:
    version = version_of(source)
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    length = UDP_BYTES + MESSAGE.size
    udp = struct.pack("!HHHH", port, PORT, length, 0) + message(0)
    sum_of_udp = checksum(addresses + struct.pack("!HH", UDP, length) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", sum_of_udp) + udp[8:]
    return bytearray(macs + struct.pack("!H", ETHERTYPES[version]) +
                     ip_header(version, addresses, length) + udp)


def send(options: argparse.Namespace) -> None:
    path = Path(f"/sys/class/net/{options.interface}/address")
    macs = bytes.fromhex((options.router_mac + path.read_text(encoding="ascii").strip())
                         .replace(":", ""))
    destinations = sys.stdin.readline().split()
    frames = [frame(macs, options.source, destinations[flow % len(destinations)],
                    FIRST_PORT + flow) for flow in range(options.flows)]
    print("ready", flush=True)
    due = float(sys.stdin.readline())
    end = due + options.seconds
    times = array("Q")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((options.interface, 0))
        while (now := time.monotonic()) < end:
            due = max(due, now - LATE_MAX_S)
            while due <= now:
                packet = frames[len(times) % len(frames)]
                packet[-MESSAGE.size:] = message(len(times))
                times.append(time.monotonic_ns())
                wire.send(packet)
                due += 1 / options.rate
            time.sleep(PAUSE_S)
    Path(options.file).write_bytes(times.tobytes())


def take_down(wire: socket.socket, numbers: "array[int]", headers: int) -> None:
    while True:
        try:
            packet = wire.recv(256)
        except BlockingIOError:
            return
        except OSError:  # the interface went down; what comes when it is up again is read
            continue
        if packet[headers:headers + len(MAGIC)] == MAGIC:
            numbers.append(MESSAGE.unpack_from(packet, headers)[1])


def see(options: argparse.Namespace) -> None:
    seen = {name: array("Q") for name in options.interfaces}
    selector = selectors.DefaultSelector()
    wires = {}
    for name in seen:
        # Incoming only, and after its tags were taken off.
        wires[name] = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        wires[name].setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        wires[name].bind((name, ETHERTYPES[options.family]))
        wires[name].setblocking(False)
        selector.register(wires[name], selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    is_over = False
    while not is_over:
        is_over = any(key.fileobj is sys.stdin for key, _ in selector.select())
        for name, wire in wires.items():
            take_down(wire, seen[name], IP_BYTES[options.family] + UDP_BYTES)
    for name, numbers in seen.items():
        Path(f"{options.file}.{name}").write_bytes(numbers.tobytes())
    print(sum(struct.unpack("=II", wire.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
              for wire in wires.values()))


def watch(options: argparse.Namespace) -> None:
    index = socket.if_nametoindex(options.interface)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as wire:
        wire.bind((0, RTMGRP_LINK))
        print("ready", flush=True)
        while True:
            data = wire.recv(1 << 16)
            now = time.monotonic_ns()
            _, kind, _, _, _ = NETLINK_HEADER.unpack_from(data)
            family, _, which, flags, _ = LINK_INFO.unpack_from(data, NETLINK_HEADER.size)
            if (kind, family, which) == (RTM_NEWLINK, 0, index) and not flags & IFF_LOWER_UP:
                print(now, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = parser.add_subparsers(required=True)
    sender = roles.add_parser("send")
    for name in ("interface", "router_mac", "source", "file"):
        sender.add_argument(name)
    sender.add_argument("--flows", type=int, required=True)
    sender.add_argument("--rate", type=float, required=True, help="packets a second, of all flows")
    sender.add_argument("--seconds", type=float, required=True)
    sender.set_defaults(act=send)
    receiver = roles.add_parser("see")
    receiver.add_argument("file")
    receiver.add_argument("family", type=int, choices=ETHERTYPES)
    receiver.add_argument("interfaces", nargs="+")
    receiver.set_defaults(act=see)
    watcher = roles.add_parser("watch")
    watcher.add_argument("interface")
    watcher.set_defaults(act=watch)
    options = parser.parse_args()
    options.act(options)


if __name__ == "__main__":
    main()
