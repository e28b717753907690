# SPDX-License-Identifier: Apache-2.0
"""FRR's bfdd, which leaves its sessions to causewayd, and bgpd, which follows it."""

import time
import unittest
from pathlib import Path
from typing import Any

from lab_case import LabTest
from lab import HERE
from netns import ip_batch
from routers import FRR, RUNTIME, Frr, Routers
from router_state import is_used
from scene import PRIVATE_PEERS

PEER, OURS = PRIVATE_PEERS["primary"]
DETECTION_S, TOLERANCE_S = 0.9, 0.2  # of FRR's words, which a shell asks for
SWITCH_PORT = "contoso"
NETWORK_BEFORE = "peer-asn: 65010\n        bgp: {password: contoso-key,"
NETWORK_AFTER = "peer-asn: 65010\n        bgp: {bfd: true, password: contoso-key,"


@unittest.skipUnless((FRR / "bfdd").exists(), "FRR is not installed (scripts/install-deps)")
class Bfdd(LabTest):
    DEVICES = ("af_xdp",)
    routers: Routers

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab.stop_daemon()
        cls.routers = Routers(cls.lab, cls.document(), {"contoso": cls.socket()})
        cls.routers.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.routers.stop()

    @classmethod
    def socket(cls) -> Path:
        """Where FRR's user may make one."""
        return RUNTIME / f"{cls.lab.vrf_prefix}contoso" / "bfdd.dplane"

    @classmethod
    def document(cls) -> str:
        """That of the lab with BGP, and bgpd of contoso's private peering follows BFD."""
        text = (HERE / "causewayd-bgp.yaml").read_text(encoding="utf-8")
        text = text.replace("daemon:\n", f"daemon:\n  bfdd-socket: {cls.socket()}\n", 1)
        assert NETWORK_BEFORE in text
        path = cls.lab.state / "bfdd.yaml"
        path.write_text(text.replace(NETWORK_BEFORE, NETWORK_AFTER, 1), encoding="utf-8")
        return str(path)

    def peers(self, frr: Frr) -> dict[str, Any]:
        return {row["peer"]: row for row in frr.show_list("bfd peers")}

    def is_up(self) -> bool:
        return all(self.peers(frr).get(peer, {}).get("status") == "up"
                   for frr, peer in ((self.routers.ours["contoso"], PEER),
                                     (self.routers.contoso, OURS)))

    def test_the_daemons_file_says_where_bfdd_listens(self) -> None:
        for vrf, frr in self.routers.ours.items():
            daemons = frr.configuration.with_name("daemons").read_text(encoding="utf-8")
            self.assertEqual(f'--dplaneaddr unix:{self.socket()}"' in daemons, vrf == "contoso")

    def test_a_session_comes_up_goes_down_and_bgpd_follows(self) -> None:
        ours = self.routers.ours["contoso"]
        self.eventually(self.is_up, "BFD does not come up", 20.0)
        self.assertEqual(ours.states()[PEER], "Established")
        time.sleep(2.0)  # until the intervals of sessions that are up are agreed
        switch = self.lab.namespace("provider-primary")
        ip_batch(switch, [f"link set {SWITCH_PORT} nomaster"])
        cut = time.monotonic()
        try:
            self.eventually(lambda: self.peers(ours)[PEER]["status"] == "down", "stays up")
            self.assertLess(time.monotonic() - cut, DETECTION_S + TOLERANCE_S)
            self.assertFalse(is_used(self.lab, "primary"))
            self.eventually(lambda: ours.states()[PEER] != "Established", "bgpd does not follow",
                            1.0)  # its hold time is ten seconds
        finally:
            ip_batch(switch, [f"link set {SWITCH_PORT} master switch"])
        self.eventually(self.is_up, "BFD does not come back", 20.0)
        self.routers.wait_for_sessions("contoso")
        self.assertTrue(is_used(self.lab, "primary"))
