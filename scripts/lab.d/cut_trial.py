# SPDX-License-Identifier: Apache-2.0
"""One link of contoso's is cut under many numbered flows from its virtual network: what is lost."""

import subprocess
import time
from array import array
from bisect import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bfd_neighbour import BfdNeighbour
from lab import PYTHON, Lab
from netns import LabError, ip_batch
from router_state import is_used, settle
from scene import LINKS, ROUTER, VNET_HOST, interface_of

NUMBERED = Path(__file__).resolve().parent / "numbered.py"
START_DELAY_S, LINGER_S = 0.2, 0.3
TRIES = 5
# "port": the router's port loses its carrier. "silent": nothing does, see Lab.silence().
Way = Literal["port", "silent"]


@dataclass(frozen=True)
class Load:
    destinations: list[str]
    flows: int = 10_000
    rate: float = 10_000.0  # packets a second, of all flows
    cut_at_s: float = 2.0  # each flow has been heard by then
    seconds: float = 4.5
    source: str = VNET_HOST  # of the family of the destinations


@dataclass(frozen=True)
class Loss:
    """A flow belongs to the link that its packets took before the cut."""

    sent: int
    lost_before: int  # packets, before the cut: not 0, and the machine was too busy to measure on
    flows_cut: int
    flows_moved: int  # of these: came by the other link afterwards
    flows_kept: int
    lost: int  # packets of flows of the link that was cut
    lost_of_kept: int  # packets of the others
    moved_of_kept: int  # those of the others that did not keep their link
    outage_ms: float  # from the first packet that was lost to the last one
    # To the last one lost, since the kernel said that there is no carrier; none without either.
    after_detection_ms: float | None


class Ends:
    """numbered.py on the virtual network's host, on the customer's router and on ours."""

    def __init__(self, lab: Lab, load: Load, link: str):
        self.lab = lab
        self.load = load
        self.file = lab.state / "numbered"
        interfaces = [interface_of(link) for link in LINKS]
        mac = next(row["mac"] for row in lab.show("ports") if row["name"] == "core")
        family = "6" if ":" in load.source else "4"
        self.receiver = self._start("contoso", "see", str(self.file), family, *interfaces)
        self.watcher = self._start(ROUTER, "watch", f"edge{LINKS.index(link)}")
        self.sender = self._start(
            "contoso-vnet", "send", "eth0", mac, load.source, str(self.file), "--flows",
            str(load.flows), "--rate", str(load.rate), "--seconds", str(load.seconds),
            tell=" ".join(load.destinations))
        self.begin = time.monotonic() + START_DELAY_S
        self._tell(self.sender, str(self.begin))

    @staticmethod
    def _tell(process: "subprocess.Popen[Any]", line: str) -> None:
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def _start(self, host: str, *words: str, tell: str = "") -> "subprocess.Popen[Any]":
        process = self.lab.start(host, PYTHON, str(NUMBERED), *words, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if tell:
            self._tell(process, tell)
        if process.stdout.readline() != "ready\n":
            raise LabError(f"numbered.py {words[0]} on {host} does not begin")
        return process

    def wait_until(self, seconds: float) -> None:
        time.sleep(max(0.0, self.begin + seconds - time.monotonic()))

    def finish(self) -> None:
        """Of the packets; what they were is read by the methods below."""
        self.sender.communicate(timeout=self.load.seconds + 20.0)
        time.sleep(LINGER_S)
        missed, _ = self.receiver.communicate(timeout=20.0)
        if self.sender.returncode != 0 or self.receiver.returncode != 0 or int(missed) != 0:
            raise LabError(f"the measurement failed: {missed.strip()} packets not taken down")

    def sent_at(self) -> "array[int]":
        return self._numbers(self.file)

    def seen(self, link: str) -> "array[int]":
        return self._numbers(Path(f"{self.file}.{interface_of(link)}"))

    @staticmethod
    def _numbers(path: Path) -> "array[int]":
        numbers = array("Q")
        numbers.frombytes(path.read_bytes())
        return numbers

    def carrier_lost_at(self) -> int | None:
        self.watcher.terminate()
        told, _ = self.watcher.communicate(timeout=5.0)
        return int(told.split()[0]) if told else None


def loss_of(ends: Ends, link: str, cut_ns: int) -> Loss:
    times, flows = ends.sent_at(), ends.load.flows
    came_by = bytearray(len(times))  # of each packet, as LINKS counts, from 1; 0: it was lost
    for number, name in enumerate(LINKS, 1):
        for packet in ends.seen(name):
            came_by[packet] = number
    gone = 1 + LINKS.index(link)
    first_after = bisect(times, cut_ns)
    cut_flows = {packet % flows for packet in range(first_after) if came_by[packet] == gone}
    lost = [packet for packet, by in enumerate(came_by) if by == 0]
    lost_after = [packet for packet in lost if packet >= first_after]
    lost_of_cut = [packet for packet in lost_after if packet % flows in cut_flows]
    by_the_other = {packet % flows for packet in range(first_after, len(times))
                    if came_by[packet] not in (0, gone)}
    by_this = {packet % flows for packet in ends.seen(link)}
    at = [times[packet] for packet in lost_of_cut] or [0]
    detected = ends.carrier_lost_at()
    return Loss(sent=len(times), lost_before=len(lost) - len(lost_after),
                flows_cut=len(cut_flows), flows_moved=len(cut_flows & by_the_other),
                flows_kept=flows - len(cut_flows), lost=len(lost_of_cut),
                lost_of_kept=len(lost_after) - len(lost_of_cut),
                moved_of_kept=len(by_this - cut_flows), outage_ms=(at[-1] - at[0]) / 1e6,
                after_detection_ms=(at[-1] - detected) / 1e6 if detected and at[0] else None)


def set_port(lab: Lab, link: str, state: str) -> None:
    ip_batch(lab.namespace(f"provider-{link}"), [f"link set {ROUTER} {state}"])


def cut(lab: Lab, link: str, way: Way) -> None:
    if way == "silent":
        lab.silence(link)
    else:
        set_port(lab, link, "down")


def mend(lab: Lab, link: str, way: Way) -> None:
    if way == "silent":
        lab.speak(link)
    else:
        set_port(lab, link, "up")


def wait_for(lab: Lab, link: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_used(lab, link):
        if time.monotonic() > deadline:
            raise LabError(f"{link} is not used again")
        time.sleep(0.05)


def cut_once(lab: Lab, link: str, way: Way, load: Load) -> Loss:
    ends = Ends(lab, load, link)
    try:
        ends.wait_until(load.cut_at_s)
        cut_ns = time.monotonic_ns()
        cut(lab, link, way)
        ends.finish()
    finally:
        mend(lab, link, way)
    loss = loss_of(ends, link, cut_ns)
    wait_for(lab, link)
    settle(lab)
    return loss


def cut_under_load(lab: Lab, link: str, way: Way, load: Load) -> Loss:
    """Cuts, measures, and mends; again where the machine lost packets before the cut. For "silent"
    a BFD session must be up on the link.
    """
    for _ in range(TRIES):
        loss = cut_once(lab, link, way, load)
        if loss.lost_before == 0:
            return loss
    raise LabError(f"this machine cannot carry {load.rate:,.0f} packets/s: {loss}")


class BfdNeighbours:
    """Sessions on both links, up, for as long as the `with` lasts."""

    AGREE_S = 2.0  # until the intervals of sessions that are up are agreed

    def __init__(self, lab: Lab, *options: str):
        self.peers = [BfdNeighbour(lab, link, *options) for link in LINKS]

    def __enter__(self) -> "BfdNeighbours":
        for peer in self.peers:
            peer.saw("up")
        time.sleep(self.AGREE_S)
        return self

    def __exit__(self, *_: object) -> None:
        for peer in self.peers:
            peer.order("admin-down")  # or the link would stay out of use
            peer.end()
