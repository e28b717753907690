# SPDX-License-Identifier: Apache-2.0
"""BFD while another customer sends more than the router can forward."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from bfd_neighbour import BfdNeighbour
from lab import PYTHON
from lab_case import LabTest
from router_state import accounts, is_used
from scene import CUSTOMER_HOST, VNET_HOST, interface_of

FLOOD = Path(__file__).resolve().parent / "flood.py"
PACKETS_MAX, SECONDS, FLOODS = 4_000_000, 3.0, 2
OVERLOAD = 2.0
# The worker's (causewayd.yaml): while they have it, its queue is full; BFD is sent from the other.
FLOODED_CORE = "1"


class BfdOverload(LabTest):
    # On AF_PACKET BFD shares the kernel's queue with the rest (docs/design/bfd.md).
    DEVICES = ("af_xdp",)

    def floods(self) -> "list[subprocess.Popen[str]]":
        mac = next(row["mac"] for row in self.lab.show("ports") if row["name"] == "edge-primary")
        return [self.lab.start("adatum", "taskset", "-c", FLOODED_CORE, PYTHON, str(FLOOD),
                               interface_of("primary"), mac, CUSTOMER_HOST, VNET_HOST,
                               str(PACKETS_MAX), str(SECONDS), stdout=subprocess.PIPE, text=True)
                for _ in range(FLOODS)]

    def session(self) -> dict[str, Any]:
        return next(row for row in self.lab.show("bfd")
                    if row["attachment"] == "contoso/private/primary")

    def past_the_queue(self) -> int:
        return next(row["tag-filter"]["bfd"] for row in self.lab.show("ports")
                    if row["name"] == "edge-primary")

    def test_a_session_lives_through_twice_what_can_be_forwarded(self) -> None:
        peer = BfdNeighbour(self.lab, "primary")
        self.addCleanup(self.eventually, lambda: is_used(self.lab, "primary"), "stays out of use")
        self.addCleanup(peer.end)
        self.addCleanup(peer.order, "admin-down")
        peer.saw("up")
        time.sleep(2.0)  # until the intervals of sessions that are up are agreed
        downs, heard = self.session()["downs"], self.past_the_queue()
        before = accounts(self.lab)["adatum/private/primary"].received
        sent = sum(json.loads(flood.communicate(timeout=30.0)[0])["sent"]
                   for flood in self.floods())
        taken = accounts(self.lab)["adatum/private/primary"].received - before
        self.assertGreater(sent, OVERLOAD * taken, "that was no overload")
        self.assertEqual((self.session()["state"], self.session()["downs"]), ("up", downs))
        self.assertGreater(self.past_the_queue() - heard, SECONDS / 0.3 * 0.9)
        self.assertTrue(is_used(self.lab, "primary"))
