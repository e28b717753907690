# SPDX-License-Identifier: Apache-2.0
"""Facts about a lab, gathered from its hosts and its wires. The demo tells them, the tests assert
them."""

import hashlib
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture import Capture
from conversation import Conversation, Outcome
from lab import Lab
from scene import (CORE_VLANS, CUSTOMER_HOST, CUSTOMERS, LINKS, MICROSOFT_PEERS, PRIVATE_PEERS,
                   ROUTER, SCENE, SERVICE_HOST, VNET_HOST)

FILE_MIB = 48
FILE_SECONDS = 3.0  # the pace of a download, so that it is under way when a link is cut


@dataclass(frozen=True)
class Pings:
    sent: int
    received: int
    average_ms: float
    errors: tuple[tuple[str, str], ...]  # who sent an ICMP error, and its text

    @property
    def all_answered(self) -> bool:
        return self.sent == self.received > 0


def ping(lab: Lab, host: str, address: str, *options: str, count: int = 3) -> Pings:
    done = subprocess.run(
        lab.command(host, "ping", "-n", "-c", str(count), "-i", "0.05", "-W", "1", *options,
                    address), capture_output=True, text=True, check=False)
    numbers = re.search(r"(\d+) packets transmitted, (\d+) received", done.stdout)
    average = re.search(r"rtt [^=]*= [\d.]+/([\d.]+)/", done.stdout)
    errors = re.findall(r"^From (\S+) icmp_seq=\d+ (.+)$", done.stdout, re.MULTILINE)
    return Pings(int(numbers[1]) if numbers else 0, int(numbers[2]) if numbers else 0,
                 float(average[1]) if average else 0.0, tuple(errors))


def warm_up(lab: Lab) -> None:
    """Every neighbour has answered ARP, so that a measurement does not begin with waiting."""
    for link in LINKS:
        for customer in CUSTOMERS:
            ping(lab, customer, VNET_HOST, "-I", PRIVATE_PEERS[link][0], count=2)
        ping(lab, "contoso", SERVICE_HOST, "-I", MICROSOFT_PEERS[link][0], count=2)


def http_get(lab: Lab, host: str, address: str) -> str:
    """The answer's text; empty where there is none."""
    done = subprocess.run(
        lab.command(host, "curl", "--silent", "--fail", "--connect-timeout", "2", "--max-time",
                    "5", f"http://{address}/"), capture_output=True, text=True, check=False)
    return done.stdout.strip()


class Download:
    """A file that a host fetches at a bounded pace, under way until finish()."""

    def __init__(self, lab: Lab, host: str, server: str, address: str, *options: str):
        content = Path("/dev/urandom").open("rb").read(FILE_MIB << 20)
        self._digest = hashlib.sha256(content).hexdigest()
        (lab.web_root(server) / "file").write_bytes(content)
        self._target = lab.state / f"download-{host}"
        self._curl = lab.start(host, "curl", "--silent", "--fail", "--max-time", "30",
                               "--limit-rate", str(int((FILE_MIB << 20) / FILE_SECONDS)),
                               "--output", str(self._target), *options, f"http://{address}/file")

    def is_under_way(self) -> bool:
        return self._curl.poll() is None

    def arrived_whole(self) -> bool:
        if self._curl.wait(timeout=100) != 0:
            return False
        return hashlib.sha256(self._target.read_bytes()).hexdigest() == self._digest


def owner_of(tags: tuple[int, ...]) -> str:
    """Whose frames bear these tags."""
    for customer, s_tag in CUSTOMERS.items():
        if tags[:1] == (s_tag,) and len(tags) == 2:
            return customer
        if tags == (CORE_VLANS[f"{customer}-vnet"],):
            return customer
    return "nobody"


def talk(lab: Lab, customer: str, seconds: float, source: str = CUSTOMER_HOST,
         **options: Any) -> Conversation:
    """A customer's host and its virtual network, many flows, both directions."""
    return Conversation(lab, (customer, source), (f"{customer}-vnet", VNET_HOST),
                        seconds=seconds, **options)


@dataclass(frozen=True)
class Isolation:
    """Both customers speak at once, with the same addresses and ports."""

    outcomes: dict[str, Outcome]
    # Frames on the router's three wires: (who wrote the payload, whose tags it bears).
    frames: Counter[tuple[str, str]]

    def own(self, customer: str) -> int:
        return self.frames[customer, customer]

    @property
    def foreign_frames(self) -> int:
        return sum(n for (writer, owner), n in self.frames.items() if writer != owner)

    @property
    def foreign_messages(self) -> int:
        return sum(outcome.foreign for outcome in self.outcomes.values())


def observe_isolation(lab: Lab, seconds: float = 2.0) -> Isolation:
    marks = {customer: f"these bytes are {customer}'s" for customer in CUSTOMERS}
    captures = [Capture(lab, switch, ROUTER) for switch in SCENE.switches]
    talks = {customer: talk(lab, customer, seconds, rate=100.0, mark=mark)
             for customer, mark in marks.items()}
    outcomes = {customer: running.finish() for customer, running in talks.items()}
    frames: Counter[tuple[str, str]] = Counter()
    for capture in captures:
        for frame in capture.frames():
            for customer, mark in marks.items():
                if mark.encode() in frame.payload:
                    frames[customer, owner_of(frame.tags)] += 1
    return Isolation(outcomes, frames)


def other(link: str) -> str:
    """The link that stays when this one is cut."""
    return LINKS[1 - LINKS.index(link)]
