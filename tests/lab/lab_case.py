# SPDX-License-Identifier: Apache-2.0
"""LabTest: a test that finds the lab up, both links on and the daemon running, and leaves it so."""

import sys
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "lab.d"))
from router_state import settle  # noqa: E402
from lab import PYTHON, Lab  # noqa: E402
from scene import LINKS, ROUTER  # noqa: E402

DEVICES = ("af_xdp", "af_packet")
ON_WIRE = Path(__file__).resolve().parent / "on_wire.py"


class LabTest(unittest.TestCase):
    # On which the class runs: one is enough for what the kind of device has no part in.
    DEVICES: ClassVar[tuple[str, ...]] = DEVICES
    lab: Lab  # given by run.py, one per device kind

    def setUp(self) -> None:
        if not self.lab.pids(ROUTER):
            self.lab.start_daemon()
        self.restore_links()
        settle(self.lab)

    def tearDown(self) -> None:
        self.restore_links()
        self.assertTrue(self.lab.pids(ROUTER), "causewayd has died")

    def restore_links(self) -> None:
        for link in LINKS:
            self.lab.restore(link)

    def on_wire(self, host: str, *words: str) -> str:
        return self.lab.run(host, PYTHON, str(ON_WIRE), *words).strip()

    def eventually(self, is_true: Callable[[], bool], message: str, seconds: float = 3.0) -> None:
        deadline = time.monotonic() + seconds
        while not is_true():
            self.assertLess(time.monotonic(), deadline, message)
            time.sleep(0.05)
