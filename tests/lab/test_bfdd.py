# SPDX-License-Identifier: Apache-2.0
"""FRR's bfdd, which leaves its sessions to causewayd, and bgpd, which follows it."""

import re
import time
import unittest
from pathlib import Path

from routers import FRR, Routers
from routers_case import RoutersTest
from router_state import is_used
from scene import PRIVATE_PEERS

PEER = PRIVATE_PEERS["primary"][0]
DETECTION_S, TOLERANCE_S = 0.9, 0.2  # of FRR's words, which a shell asks for


@unittest.skipUnless((FRR / "bfdd").exists(), "FRR is not installed (scripts/install-deps)")
class Bfdd(RoutersTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.lab.stop_daemon()
        cls.routers = Routers.with_bfd(cls.lab)
        cls.routers.start()
        cls.routers.begin_bfd()

    def is_up(self) -> bool:
        return self.routers.bfd_is_up("primary")

    def test_the_daemons_file_says_where_bfdd_listens(self) -> None:
        for vrf, frr in self.routers.ours.items():
            daemons = frr.configuration.with_name("daemons").read_text(encoding="utf-8")
            listens = re.search(r'bfdd_options=".* --dplaneaddr unix:(\S+)"', daemons)
            self.assertEqual(listens and Path(listens[1]), self.routers.bfdd.get(vrf), vrf)

    def test_a_session_comes_up_goes_down_and_bgpd_follows(self) -> None:
        ours = self.routers.ours["contoso"]
        self.eventually(self.is_up, "BFD does not come up", 20.0)
        self.assertEqual(ours.states()[PEER], "Established")
        time.sleep(2.0)  # until the intervals of sessions that are up are agreed
        self.lab.silence("primary")
        cut = time.monotonic()
        try:
            self.eventually(lambda: ours.bfd_states()[PEER] == "down", "stays up")
            self.assertLess(time.monotonic() - cut, DETECTION_S + TOLERANCE_S)
            self.assertFalse(is_used(self.lab, "primary"))
            self.eventually(lambda: ours.states()[PEER] != "Established", "bgpd does not follow",
                            1.0)  # its hold time is ten seconds
        finally:
            self.lab.speak("primary")
        self.eventually(self.is_up, "BFD does not come back", 20.0)
        self.routers.wait_for_sessions("contoso")
        self.assertTrue(is_used(self.lab, "primary"))
