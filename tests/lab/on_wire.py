#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run inside a namespace: speaks Ethernet as no honest host would.

    on_wire.py who-has INTERFACE OUR-ADDRESS ADDRESS    prints the MAC that answers, or "nobody"
    on_wire.py send INTERFACE COUNT HEX...              sends each frame COUNT times
    on_wire.py send-tos SOURCE ADDRESS PORT TOS         sends a datagram with this TOS byte
    on_wire.py receive-tos PORT                         prints the TOS byte of the first datagram
"""

import socket
import struct
import sys
import time


ETH_P_ARP = 0x0806
ARP_FIXED = struct.Struct("!HHBBH")  # RFC 826: hardware, protocol, their lengths, operation
REQUEST, REPLY = 1, 2
PATIENCE_S = 1.0


def who_has(interface: str, source: str, address: str) -> str:
    ours, asked = socket.inet_aton(source), socket.inet_aton(address)
    # Bound to one protocol, the socket sees a frame after the tags were taken off.
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ARP)) as wire:
        wire.bind((interface, ETH_P_ARP))
        mac = wire.getsockname()[4]
        wire.sendto(ARP_FIXED.pack(1, 0x0800, 6, 4, REQUEST) + mac + ours + bytes(6) + asked,
                    (interface, ETH_P_ARP, 0, 0, b"\xff" * 6))
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                packet = wire.recv(256)
            except TimeoutError:
                break
            operation = ARP_FIXED.unpack_from(packet)[4]
            if operation == REPLY and packet[14:18] == asked:
                return packet[8:14].hex(":")
    return "nobody"


def send(interface: str, count: int, frames: list[bytes]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        for _ in range(count):
            for frame in frames:
                wire.send(frame)
            time.sleep(0.001)  # no queue of the lab is shorter than one round


def send_tos(source: str, address: str, port: int, tos: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        datagram.bind((source, 0))
        for _ in range(3):  # the first may wait for ARP
            datagram.sendto(b"tos", (address, port))
            time.sleep(0.1)


def receive_tos(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        datagram.bind(("", port))
        datagram.settimeout(8)
        ancillary = datagram.recvmsg(64, socket.CMSG_SPACE(4))[1]
    return ancillary[0][2][0]


def main() -> None:
    match sys.argv[1:]:
        case ["who-has", interface, source, address]:
            print(who_has(interface, source, address))
        case ["send", interface, count, *frames]:
            send(interface, int(count), [bytes.fromhex(frame) for frame in frames])
        case ["send-tos", source, address, port, tos]:
            send_tos(source, address, int(port), int(tos))
        case ["receive-tos", port]:
            print(receive_tos(int(port)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
