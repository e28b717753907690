# SPDX-License-Identifier: Apache-2.0
"""What was on the wire, tags and all: tcpdump at one end of a veth pair."""

import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import Lab
from netns import LabError

TPIDS = (0x8100, 0x88A8)
SNAP_BYTES = 192
LAST_FRAMES_MAX = 2
SETTLE_ROUNDS = 25
PCAP_HEADER_BYTES = 24
PCAP_RECORD = struct.Struct("=IIII")  # tcpdump writes in the machine's own byte order


@dataclass(frozen=True)
class Frame:
    tags: tuple[int, ...]  # VLAN identifiers, outermost first
    ethertype: int
    payload: bytes  # from layer 3 on


def parse_frame(data: bytes) -> Frame:
    tags: list[int] = []
    at = 12
    ethertype = int.from_bytes(data[at:at + 2], "big")
    while ethertype in TPIDS:
        tags.append(int.from_bytes(data[at + 2:at + 4], "big") & 0xFFF)
        at += 4
        ethertype = int.from_bytes(data[at:at + 2], "big")
    return Frame(tuple(tags), ethertype, data[at + 2:])


class Capture:
    """Runs from its making until frames(); misses nothing before, or says so."""

    def __init__(self, lab: Lab, host: str, interface: str):
        self.path: Path = lab.state / f"{host}-{interface}.pcap"
        self._tcpdump = lab.start(host, "tcpdump", "-i", interface, "-w", str(self.path), "-Z",
                                  "root", "-s", str(SNAP_BYTES), "-B", "16384", "-U",
                                  "--immediate-mode", stderr=subprocess.PIPE, text=True)
        for line in self._tcpdump.stderr:
            if "listening on" in line:
                return
        raise LabError(f"tcpdump does not listen on {interface} of {host}")

    def _settle(self) -> None:
        """Waits for what is still between the wire and the file."""
        size = -1
        for _ in range(SETTLE_ROUNDS):
            before, size = size, self.path.stat().st_size
            if size == before:
                return
            time.sleep(0.2)

    def frames(self) -> Iterator[Frame]:
        self._settle()
        self._tcpdump.send_signal(signal.SIGINT)
        _, said = self._tcpdump.communicate(timeout=10)
        # "N packets captured", "N packets received by filter", "N packets dropped by kernel"
        counts = re.findall(r"(\d+) packets? (?:captured|received|dropped)", said)
        # What comes while tcpdump ends is received by its filter, and not captured.
        if (len(counts) != 3 or int(counts[1]) - int(counts[0]) > LAST_FRAMES_MAX
                or counts[2] != "0"):
            raise LabError(f"tcpdump missed frames, or broke: {said.strip()}")
        data = self.path.read_bytes()
        self.path.unlink()
        at = PCAP_HEADER_BYTES
        while at < len(data):
            _, _, captured, _ = PCAP_RECORD.unpack_from(data, at)
            at += PCAP_RECORD.size
            yield parse_frame(data[at:at + captured])
            at += captured
