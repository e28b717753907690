#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One end of a UDP conversation that knows exactly what it missed. Both ends run the same program:

    stream.py LOCAL REMOTE --first-port 7000 --flows 8 --rate 500 --seconds 6

It says "ready" when it listens, and waits for a line with the time to begin, by the monotonic clock
that all processes of a machine share: so neither end speaks before the other hears.

Each flow is a pair of equal port numbers, and both ends send on it, numbered and stamped, whatever
they receive: the two directions are measured apart. At the end it prints one JSON object, the
receiver's view: per flow what was sent to the peer, what came, and the longest gap.

`--mark` goes into every message, and a message with another mark counts as foreign.

A gap is the silence between two arrivals, as the kernel stamped them, less the time for which the
sender itself was late (a sender that the scheduler kept waiting is no outage); so without loss it
is about one sending period.
"""

import argparse
import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; not in the socket module
SO_TIMESTAMPNS = 35  # not in Python's socket module; see socket(7), SO_TIMESTAMP
MESSAGE = struct.Struct("!QQ")  # number, nanoseconds since the sender's previous message
TIMESPEC = struct.Struct("@qq")
LINGER_S = 0.3  # for what is still on its way when the last one is sent
# A sender that was kept waiting longer leaves out what it missed: all of it at once would be a
# burst that fills queues on the way, and no measure of the way.
LATE_MAX_S = 0.01


@dataclass
class Flow:
    port: int
    sent: int = 0
    received: int = 0
    refused: int = 0  # the local kernel had no way out at that moment
    highest: int = -1
    misordered: int = 0
    foreign: int = 0
    gap_ns: int = 0
    last_sent_ns: int = 0
    last_arrival_ns: int = 0

    def take(self, number: int, pause_ns: int, arrival_ns: int, period_ns: int) -> None:
        self.received += 1
        if number < self.highest:
            self.misordered += 1
            return
        self.highest = number
        if self.last_arrival_ns:
            late_ns = max(0, pause_ns - period_ns)
            self.gap_ns = max(self.gap_ns, arrival_ns - self.last_arrival_ns - late_ns)
        self.last_arrival_ns = arrival_ns

    def report(self) -> dict[str, float]:
        return {"port": self.port, "sent": self.sent, "refused": self.refused,
                "received": self.received, "highest": self.highest, "misordered": self.misordered,
                "foreign": self.foreign, "gap_ms": round(self.gap_ns / 1e6, 2)}


def open_flow(local: str, remote: str, port: int) -> socket.socket:
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    # Beyond net.core.rmem_max: on a busy machine the receiver may not run for a while, and what
    # gets lost then was not lost on the way.
    flow.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    flow.bind((local, port))
    flow.connect((remote, port))
    flow.setblocking(False)
    return flow


def send(sock: socket.socket, flow: Flow, mark: bytes) -> None:
    now = time.monotonic_ns()
    pause = now - flow.last_sent_ns if flow.last_sent_ns else 0
    flow.last_sent_ns = now
    try:
        sock.send(MESSAGE.pack(flow.sent, pause) + mark)
    except OSError:  # no way out: the receiver counts what is missing
        flow.refused += 1
    flow.sent += 1


def receive(sock: socket.socket, flow: Flow, mark: bytes, period_ns: int) -> None:
    while True:
        try:
            data, controls, _, _ = sock.recvmsg(256, 64)
        except BlockingIOError:
            return
        except OSError:
            continue
        if data[MESSAGE.size:] != mark:
            flow.foreign += 1
            continue
        seconds, nanoseconds = TIMESPEC.unpack(controls[0][2])
        flow.take(*MESSAGE.unpack_from(data), seconds * 1_000_000_000 + nanoseconds, period_ns)


def converse(sockets: list[socket.socket], flows: list[Flow], options: argparse.Namespace) -> None:
    period_ns = int(1e9 / options.rate)
    mark = options.mark.encode()
    selector = selectors.DefaultSelector()
    for sock, flow in zip(sockets, flows):
        selector.register(sock, selectors.EVENT_READ, flow)
    # The flows take turns, so that they do not all send in the same instant.
    turn_s = 1 / options.rate / len(flows)
    due, turn = options.start, 0
    end = due + options.seconds
    while (now := time.monotonic()) < end + LINGER_S:
        due = max(due, now - LATE_MAX_S)
        while due <= now and due < end:
            send(sockets[turn], flows[turn], mark)
            turn = (turn + 1) % len(flows)
            due += turn_s
        wait_s = LINGER_S if due >= end else max(0.0, due - time.monotonic())
        for key, _ in selector.select(wait_s):
            receive(key.fileobj, key.data, mark, period_ns)
    for sock, flow in zip(sockets, flows):  # what came while we were kept waiting at the end
        receive(sock, flow, mark, period_ns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("local")
    parser.add_argument("remote")
    parser.add_argument("--first-port", type=int, default=7000)
    parser.add_argument("--flows", type=int, default=8)
    parser.add_argument("--rate", type=float, default=500.0, help="packets a second of each flow")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--mark", default="")
    options = parser.parse_args()

    flows = [Flow(options.first_port + i) for i in range(options.flows)]
    sockets = [open_flow(options.local, options.remote, flow.port) for flow in flows]
    print("ready", flush=True)
    options.start = float(sys.stdin.readline())
    converse(sockets, flows, options)
    print(json.dumps([flow.report() for flow in flows]))


if __name__ == "__main__":
    main()
