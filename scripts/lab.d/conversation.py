# SPDX-License-Identifier: Apache-2.0
"""A conversation of two hosts over many flows (stream.py at both ends), and what it lost."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import PYTHON, Lab
from netns import LabError

STREAM = Path(__file__).resolve().parent / "stream.py"
START_DELAY_S = 0.1  # both ends must know when to begin before it is time


@dataclass(frozen=True)
class Direction:
    """One direction of one flow, as its receiver saw it."""

    receiver: str
    port: int
    sent: int
    received: int
    foreign: int  # messages with another conversation's mark
    gap_ms: float

    @property
    def lost(self) -> int:
        return self.sent - self.received


@dataclass(frozen=True)
class Outcome:
    directions: tuple[Direction, ...]

    @property
    def sent(self) -> int:
        return sum(one.sent for one in self.directions)

    @property
    def lost(self) -> int:
        return sum(one.lost for one in self.directions)

    @property
    def foreign(self) -> int:
        return sum(one.foreign for one in self.directions)

    @property
    def gap_ms(self) -> float:
        return max(one.gap_ms for one in self.directions)

    def towards(self, receiver: str) -> "Outcome":
        return Outcome(tuple(one for one in self.directions if one.receiver == receiver))

    def disturbed(self) -> int:
        """How many flows lost anything, in either direction."""
        return len({one.port for one in self.directions if one.lost})


class Conversation:
    """Begins at once; finish() waits for its end. `a` and `b` are (host, address)."""

    def __init__(self, lab: Lab, a: tuple[str, str], b: tuple[str, str], *, seconds: float,
                 flows: int = 8, rate: float = 500.0, first_port: int = 7000,
                 mark: str = ""):
        self.rate = rate
        self.hosts = (a[0], b[0])
        options = ("--first-port", str(first_port), "--flows", str(flows), "--rate", str(rate),
                   "--seconds", str(seconds), "--mark", mark)
        self._ends = [
            lab.start(host, PYTHON, str(STREAM), local, remote, *options, text=True,
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for (host, local), (_, remote) in ((a, b), (b, a))]
        for host, end in zip(self.hosts, self._ends):
            if end.stdout.readline() != "ready\n":
                raise LabError(f"stream.py on {host} does not begin")
        self.start = time.monotonic() + START_DELAY_S
        for end in self._ends:
            end.stdin.write(f"{self.start}\n")
            end.stdin.flush()
        self._patience_s = seconds + 10.0

    def wait_until(self, seconds: float) -> None:
        """Sleeps until that many seconds into the conversation."""
        time.sleep(max(0.0, self.start + seconds - time.monotonic()))

    def finish(self) -> Outcome:
        reports = []
        for host, end in zip(self.hosts, self._ends):
            text, _ = end.communicate(timeout=self._patience_s)
            if end.returncode != 0:
                raise LabError(f"stream.py on {host} ended with {end.returncode}")
            reports.append(json.loads(text))
        return Outcome(tuple(self._directions(self.hosts[0], reports[0], reports[1])) +
                       tuple(self._directions(self.hosts[1], reports[1], reports[0])))

    def _directions(self, receiver: str, report: list[dict], peer: list[dict]
                    ) -> Iterator[Direction]:
        for mine, theirs in zip(report, peer):
            # What is missing at the end was followed by no arrival that would show the silence.
            missing_at_end = theirs["sent"] - 1 - mine["highest"]
            gap_ms = max(mine["gap_ms"], missing_at_end * 1000 / self.rate)
            yield Direction(receiver, mine["port"], theirs["sent"], mine["received"],
                            mine["foreign"], gap_ms)
