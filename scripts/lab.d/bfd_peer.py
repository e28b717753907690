#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A customer's router that speaks BFD (RFC 5880, 5881), and does as it is told.

    bfd_peer.py LOCAL REMOTE [--interval-ms 300] [--multiplier 3]

Each line of its input is an order: "silence" (send nothing any more, but listen), "speak" again,
"admin-down". Each line of its output is what it saw: {"remote": STATE, "after": SECONDS}, the state
of the other end as its packets say, whenever that is another, and how long before it we sent last.
"""

import argparse
import json
import selectors
import socket
import struct
import sys
import time
from typing import TextIO

PORT = 3784
SOURCE_PORT = 49152
IP_RECVTTL = 12  # linux/in.h; not in Python's socket module
PACKET = struct.Struct("!BBBBIIIII")  # RFC 5880 4.1
VERSION_1 = 1 << 5
ADMIN_DOWN, DOWN, INIT, UP = range(4)
NAMES = ("admin-down", "down", "init", "up")
POLL, FINAL = 0x20, 0x10
SLOW_US = 1_000_000  # RFC 5880 6.8.3
OURS = 0x0BFD0001
JITTER = 0.85  # RFC 5880 6.8.7 wants 75 to 100 %


class Peer:
    def __init__(self, options: argparse.Namespace):
        self.interval_us = options.interval_ms * 1000
        self.multiplier = options.multiplier
        self.state = DOWN
        self.remote_state = DOWN
        self.remote = 0
        self.remote_min_rx_us = SLOW_US
        self.is_silent = False
        self.is_polling = False
        self.last_sent = time.monotonic()
        self.listener = self._open(options.local, PORT)
        self.listener.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        self.sender = self._open(options.local, SOURCE_PORT)
        self.sender.connect((options.remote, PORT))

    @staticmethod
    def _open(address: str, port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        opened.bind((address, port))
        opened.setblocking(False)
        return opened

    def wanted_us(self) -> int:
        return self.interval_us if self.state == UP else max(SLOW_US, self.interval_us)

    def period(self) -> float:
        return max(self.wanted_us(), self.remote_min_rx_us) / 1e6 * JITTER

    def send(self, flags: int) -> None:
        if self.is_silent:
            return
        self.last_sent = time.monotonic()
        packet = PACKET.pack(VERSION_1, self.state << 6 | flags, self.multiplier, PACKET.size,
                             OURS, self.remote, self.wanted_us(), self.interval_us, 0)
        try:
            self.sender.send(packet)
        except OSError:  # a link without carrier: as good as lost
            pass

    def send_periodic(self) -> None:
        self.send(POLL if self.is_polling else 0)

    def receive(self) -> None:
        while True:
            try:
                data, controls, _, _ = self.listener.recvmsg(256, 64)
            except BlockingIOError:
                return
            ttl = struct.unpack("@i", controls[0][2])[0]
            if len(data) < PACKET.size or ttl != 255:
                continue
            _, flags, _, _, mine, yours, _, min_rx_us, _ = PACKET.unpack_from(data)
            if yours not in (0, OURS):
                continue
            self.remote, self.remote_min_rx_us = mine, min_rx_us
            self.follow(flags >> 6)
            if flags & FINAL:
                self.is_polling = False
            if flags & POLL:
                self.send(FINAL)

    def follow(self, remote_state: int) -> None:
        """RFC 5880 6.2."""
        if remote_state != self.remote_state:
            after = time.monotonic() - self.last_sent
            print(json.dumps({"remote": NAMES[remote_state], "after": round(after, 4)}),
                  flush=True)
        self.remote_state = remote_state
        if self.state == ADMIN_DOWN:
            return
        before = self.state
        if remote_state == ADMIN_DOWN or (remote_state == DOWN and self.state == UP):
            self.state = DOWN
        elif remote_state == DOWN and self.state == DOWN:
            self.state = INIT
        elif remote_state in (INIT, UP) and (self.state == INIT or remote_state == INIT):
            self.state = UP
        if self.state != before:
            self.is_polling = self.state == UP
            self.send_periodic()

    def obey(self, orders: TextIO) -> bool:
        order = orders.readline().strip()
        if order in ("silence", "speak"):
            self.is_silent = order == "silence"
        elif order == "admin-down":
            self.state = ADMIN_DOWN
            self.send_periodic()
        return bool(order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("local")
    parser.add_argument("remote")
    parser.add_argument("--interval-ms", type=int, default=300)
    parser.add_argument("--multiplier", type=int, default=3)
    peer = Peer(parser.parse_args())
    selector = selectors.DefaultSelector()
    selector.register(peer.listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        due = peer.last_sent + peer.period()
        wait = 1.0 if peer.is_silent else max(0.0, due - time.monotonic())
        for key, _ in selector.select(wait):
            if key.fileobj is peer.listener:
                peer.receive()
            elif not peer.obey(sys.stdin):
                return
        if not peer.is_silent and time.monotonic() >= peer.last_sent + peer.period():
            peer.send_periodic()


if __name__ == "__main__":
    main()
