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

from bfd_machine import ADMIN_DOWN, NAMES, Machine

PORT = 3784
SOURCE_PORT = 49152
IP_RECVTTL = 12  # linux/in.h; not in Python's socket module
OURS = 0x0BFD0001


class Peer:
    def __init__(self, options: argparse.Namespace):
        self.session = Machine(options.interval_ms * 1000, options.multiplier, OURS)
        self.is_silent = False
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

    def send(self, packet: bytes) -> None:
        if self.is_silent:
            return
        self.last_sent = time.monotonic()
        try:
            self.sender.send(packet)
        except OSError:  # a link without carrier: as good as lost
            pass

    def receive(self) -> None:
        while True:
            try:
                data, controls, _, _ = self.listener.recvmsg(256, 64)
            except BlockingIOError:
                return
            if struct.unpack("@i", controls[0][2])[0] != 255:
                continue
            before, after = self.session.remote_state, time.monotonic() - self.last_sent
            answers = self.session.hear(data)
            if self.session.remote_state != before:
                print(json.dumps({"remote": NAMES[self.session.remote_state],
                                  "after": round(after, 4)}), flush=True)
            for answer in answers:
                self.send(answer)

    def obey(self, orders: TextIO) -> bool:
        order = orders.readline().strip()
        if order in ("silence", "speak"):
            self.is_silent = order == "silence"
        elif order == "admin-down":
            self.session.state = ADMIN_DOWN
            self.send(self.session.packet())
        return bool(order)

    def due(self) -> float:
        return self.last_sent + self.session.period()


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
        wait = 1.0 if peer.is_silent else max(0.0, peer.due() - time.monotonic())
        for key, _ in selector.select(wait):
            if key.fileobj is peer.listener:
                peer.receive()
            elif not peer.obey(sys.stdin):
                return
        if not peer.is_silent and time.monotonic() >= peer.due():
            peer.send(peer.session.packet())


if __name__ == "__main__":
    main()
