#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run inside a namespace: speaks Ethernet as no honest host would.

    on_wire.py who-has INTERFACE OUR-ADDRESS ADDRESS    prints the MAC that answers, or "nobody"
    on_wire.py send INTERFACE COUNT HEX...              sends each frame COUNT times
"""

import socket
import sys
import time


def who_has(interface: str, source: str, address: str) -> str:
    from scapy.all import ARP, Ether, srp1  # takes half a second to load

    request = Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(psrc=source, pdst=address)
    answer = srp1(request, iface=interface, timeout=1, verbose=False, filter="arp")
    return answer.hwsrc if answer else "nobody"


def send(interface: str, count: int, frames: list[bytes]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        for _ in range(count):
            for frame in frames:
                wire.send(frame)
            time.sleep(0.001)  # no queue of the lab is shorter than one round


def main() -> None:
    match sys.argv[1:]:
        case ["who-has", interface, source, address]:
            print(who_has(interface, source, address))
        case ["send", interface, count, *frames]:
            send(interface, int(count), [bytes.fromhex(frame) for frame in frames])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
