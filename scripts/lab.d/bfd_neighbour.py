# SPDX-License-Identifier: Apache-2.0
"""A scripted BFD neighbour (bfd_peer.py) on a link of contoso's private peering."""

import json
import selectors
import subprocess
import time
from typing import Any

from lab import HERE, PYTHON, Lab
from netns import LabError
from scene import PRIVATE_PEERS


class BfdNeighbour:
    def __init__(self, lab: Lab, link: str, *options: str):
        self._process = lab.start("contoso", PYTHON, str(HERE / "bfd_peer.py"),
                                  *PRIVATE_PEERS[link], *options, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, bufsize=1)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def order(self, what: str) -> None:
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()

    def saw(self, state: str, seconds: float = 8.0) -> float:
        """Waits until the router says that it is in this state; how long after our last packet."""
        deadline = time.monotonic() + seconds
        while self._selector.select(max(0.0, deadline - time.monotonic())):
            row: dict[str, Any] = json.loads(self._process.stdout.readline())
            if row["remote"] == state:
                return float(row["after"])
        raise LabError(f"the router is not {state} after {seconds} s")

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=5)
        self._process.stdout.close()
