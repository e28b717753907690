#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run inside a namespace: sends TCP segments to port 179 as fast as the kernel takes them.

    flood.py INTERFACE ROUTER-MAC SOURCE DESTINATION PACKETS SECONDS

The segments are SYNs from PORTS different ports, in turn; whichever bound is reached first ends it.
Prints how many were sent, and how many a second.
"""

import json
import mmap
import socket
import struct
import sys
import time

PACKET_TX_RING = 13  # linux/if_packet.h, like the next
TP_STATUS_SEND_REQUEST = 1
SOL_PACKET = 263
FRAME, FRAMES = 256, 256
PORTS = FRAMES
DATA_AT = 32  # TPACKET_HDRLEN less sockaddr_ll, aligned to 16: where version 1 looks for the frame


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(macs: bytes, source: bytes, destination: bytes, port: int, window: int = 1024) -> bytes:
    tcp = struct.pack("!HHIIBBHHH", port, 179, 1, 0, 5 << 4, 2, window, 0, 0)
    pseudo = source + destination + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + destination
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return macs + struct.pack("!H", 0x0800) + ip + tcp


def ring_image(frames: list[bytes]) -> bytes:
    """All frames marked to be sent: struct tpacket_hdr of 64 bits, then the frame."""
    slots = (struct.pack("=QII", TP_STATUS_SEND_REQUEST, len(frame), len(frame)).ljust(
        DATA_AT, b"\0") + frame for frame in frames)
    return b"".join(slot.ljust(FRAME, b"\0") for slot in slots)


def flood(interface: str, frames: list[bytes], packets: int, seconds: float) -> tuple[int, float]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.setsockopt(SOL_PACKET, PACKET_TX_RING,
                        struct.pack("=IIII", FRAME * FRAMES, 1, FRAME, FRAMES))
        wire.bind((interface, 0))
        with mmap.mmap(wire.fileno(), FRAME * FRAMES) as ring:
            image = ring_image(frames)
            sent, begin = 0, time.monotonic()
            while sent < packets and time.monotonic() - begin < seconds:
                ring[:] = image
                wire.send(b"")  # waits until the ring is sent
                sent += FRAMES
            return sent, time.monotonic() - begin


def main() -> None:
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    interface, router, source, destination, packets, seconds = sys.argv[1:]
    ours = open(f"/sys/class/net/{interface}/address", encoding="ascii").read().strip()
    macs = bytes.fromhex(router.replace(":", "")) + bytes.fromhex(ours.replace(":", ""))
    frames = [syn(macs, socket.inet_aton(source), socket.inet_aton(destination), 20_000 + port)
              for port in range(PORTS)]
    sent, took = flood(interface, frames, int(packets), float(seconds))
    print(json.dumps({"sent": sent, "per_second": sent / took}))


if __name__ == "__main__":
    main()
