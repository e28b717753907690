# SPDX-License-Identifier: Apache-2.0
"""BFD with a customer's router, links that are drained, and a core that is gone."""

import time
from typing import Any

from lab_case import LabTest
from bfd_neighbour import BfdNeighbour
from evidence import other, ping, talk
from lab import PYTHON
from netns import ip_batch
from router_state import accounts, attachments, bfd_session, drain_state, is_used
from scene import (CUSTOMER_HOST, CUSTOMER_MTU, LINKS, PRIVATE_PEERS, VNET_HOST, interface_of)

DETECTION_S = 0.9
TOLERANCE_S = 0.1


class Bfd(LabTest):
    def peer(self, link: str) -> BfdNeighbour:
        peer = BfdNeighbour(self.lab, link)
        self.addCleanup(self.wait_for_usable)
        self.addCleanup(peer.end)
        self.addCleanup(peer.order, "admin-down")  # or the link would stay out of use
        self.addCleanup(peer.order, "speak")
        return peer

    def session(self, link: str) -> dict[str, Any]:
        return bfd_session(self.lab, link)

    def wait_for_usable(self) -> None:
        self.eventually(lambda: all(is_used(self.lab, link) for link in LINKS),
                        "a link stays out of use")

    def test_a_silent_neighbour_is_found_within_the_detection_time(self) -> None:
        peer = self.peer("primary")
        peer.saw("up")
        time.sleep(2.0)  # until the intervals of sessions that are up are agreed
        self.assertEqual(self.session("primary")["state"], "up")
        self.assertEqual(self.session("primary")["detection-us"], 900_000)
        peer.order("silence")
        self.assertAlmostEqual(peer.saw("down"), DETECTION_S, delta=TOLERANCE_S)
        self.assertTrue(self.session("primary")["failed"])
        self.assertEqual(self.session("primary")["diagnostic"], "detection time expired")
        self.assertFalse(is_used(self.lab, "primary"))
        self.assertTrue(is_used(self.lab, "secondary"))
        peer.order("speak")
        peer.saw("up")
        self.eventually(lambda: is_used(self.lab, "primary"), "the link is not used again")
        self.assertEqual(self.session("primary")["downs"], 1 + self.downs_before)

    def test_a_dead_way_moves_flows_within_the_detection_time(self) -> None:
        peer = self.peer("primary")
        peer.saw("up")
        time.sleep(2.0)
        stays = PRIVATE_PEERS["secondary"][0]
        running = talk(self.lab, "contoso", 4.0)
        pinned = talk(self.lab, "contoso", 4.0, source=stays, first_port=7100)
        running.wait_until(1.0)
        peer.order("silence")
        self.assertEqual(pinned.finish().lost, 0)
        # The way itself is good: what was sent over it before and after arrives.
        self.assertEqual(running.finish().lost, 0)
        self.assertFalse(is_used(self.lab, "primary"))

    def test_a_neighbour_without_bfd_is_used(self) -> None:
        self.assertEqual(self.session("secondary")["state"], "down")
        self.assertFalse(self.session("secondary")["failed"])
        self.assertTrue(is_used(self.lab, "secondary"))
        self.assertTrue(ping(self.lab, "contoso", VNET_HOST).all_answered)

    def test_a_neighbour_that_shuts_bfd_down_is_used(self) -> None:
        peer = self.peer("primary")
        peer.saw("up")
        peer.order("admin-down")
        self.eventually(lambda: self.session("primary")["state"] == "down", "stays up")
        time.sleep(1.2)
        self.assertFalse(self.session("primary")["failed"])
        self.assertTrue(is_used(self.lab, "primary"))

    def test_a_link_taken_down_by_hand_says_so(self) -> None:
        peer = self.peer("secondary")
        peer.saw("up")
        self.lab.causeway("link", "down", "secondary", "--circuit", "contoso")
        self.addCleanup(self.lab.causeway, "link", "up", "secondary", "--circuit", "contoso")
        self.assertLess(peer.saw("admin-down"), DETECTION_S)

    def test_packets_that_are_no_session_are_counted(self) -> None:
        name = "contoso/private/primary"
        before = accounts(self.lab)[name]
        self.send_udp(ttl=254)
        self.send_udp(ttl=255)
        self.eventually(lambda: self.lost(name, before.drops, "bfd_wrong_ttl") == 1, "not dropped")
        self.assertEqual(accounts(self.lab)[name].unaccounted, 0)
        self.eventually(lambda: self.discards("bfd_truncated") > 0, "not discarded")

    def lost(self, name: str, before: dict[str, int], reason: str) -> int:
        return accounts(self.lab)[name].drops.get(reason, 0) - before.get(reason, 0)

    def discards(self, reason: str) -> int:
        return next(row["packets"] for row in self.lab.show("drops") if row["reason"] == reason)

    def send_udp(self, ttl: int) -> None:
        local, remote = PRIVATE_PEERS["primary"]
        self.lab.run("contoso", PYTHON, "-c", "import socket\n"
                     "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                     f"s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, {ttl})\n"
                     f"s.bind(('{local}', 50000))\n"
                     f"s.sendto(b'no BFD', ('{remote}', 3784))")

    def setUp(self) -> None:
        super().setUp()
        self.downs_before = self.session("primary")["downs"]


class Drain(LabTest):
    def tearDown(self) -> None:
        for link in LINKS:
            self.lab.causeway("link", "undrain", link)
            self.share_flows(LINKS)
        super().tearDown()

    def share_flows(self, links: tuple[str, ...]) -> None:
        """What the customer's router does when it hears that a link is better or worse."""
        hops = "".join(f" nexthop via {PRIVATE_PEERS[link][1]} dev {interface_of(link)}"
                       for link in links)
        ip_batch(self.lab.namespace("contoso"), [f"route replace 10.2.0.0/16 mtu {CUSTOMER_MTU} "
                                                 f"src {CUSTOMER_HOST}{hops}"])

    def drain_state(self, link: str) -> tuple[str, str, str]:
        return drain_state(self.lab, link)

    def test_a_link_is_emptied_and_used_again_without_loss(self) -> None:
        for link in LINKS:
            with self.subTest(drained=link):
                running = talk(self.lab, "contoso", 8.0)
                running.wait_until(1.0)
                self.lab.causeway("link", "drain", link, "contoso")
                self.assertEqual(self.drain_state(link), ("draining", "prepended", "up"))
                running.wait_until(2.0)
                self.assertEqual(self.drain_state(link)[0], "draining", "while it is used")
                self.share_flows((other(link),))
                self.eventually(lambda: self.drain_state(link)[0] == "drained", "is not drained")
                self.assertEqual(self.drain_state(link), ("drained", "prepended", "down"))
                self.lab.causeway("link", "undrain", link, "contoso")
                self.assertEqual(self.drain_state(link), ("none", "normal", "up"))
                self.share_flows(LINKS)
                self.assertEqual(running.finish().lost, 0)

    def test_time_runs_out(self) -> None:
        running = talk(self.lab, "contoso", 3.0)
        running.wait_until(0.5)
        self.lab.causeway("link", "drain", "primary", "contoso", "--timeout", "1")
        self.eventually(lambda: self.drain_state("primary")[0] == "drained", "is not drained")
        self.assertGreater(running.finish().lost, 0)  # its customer had not moved

    def test_a_drained_link_is_the_last_resort(self) -> None:
        self.lab.causeway("link", "drain", "primary", "contoso", "--timeout", "30")
        self.lab.cut("secondary")
        time.sleep(0.3)
        self.assertTrue(ping(self.lab, "contoso", VNET_HOST).all_answered)


class Core(LabTest):
    def appeals(self) -> set[str]:
        return {row["appeal"] for row in attachments(self.lab).values() if row["link"]}

    def test_links_without_a_core_attract_nothing(self) -> None:
        self.addCleanup(self.lab.set_core, "up")
        self.assertEqual(self.appeals(), {"normal"})
        self.lab.set_core("down")
        self.eventually(lambda: self.appeals() == {"withdrawn"}, "still attracts traffic")
        self.lab.set_core("up")
        self.eventually(lambda: self.appeals() == {"normal"}, "attracts no traffic")
