# SPDX-License-Identifier: Apache-2.0
"""A link dies and comes back under traffic in both directions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab_case import LabTest
from evidence import Download, other, talk
from router_state import link_packets, settle
from scene import LINKS, PRIVATE_PEERS, SERVICE_HOST, VNET_HOST

GAP_MAX_MS = 50.0
# One direction of one of the eight flows, while half of the conversation, is a 32nd of it.
FLOW_SHARE = 50


class Failover(LabTest):
    @contextmanager
    def trial(self, **what: str) -> Iterator[None]:
        """A subtest that begins with both links on, whatever the one before has left."""
        with self.subTest(**what):
            self.restore_links()
            settle(self.lab)
            yield

    def test_cutting_a_link_moves_its_flows_within_the_limit(self) -> None:
        for link in LINKS:
            with self.trial(cut=link):
                before = link_packets(self.lab, "contoso")[link]
                running = talk(self.lab, "contoso", 2.5)
                running.wait_until(1.0)
                used = link_packets(self.lab, "contoso")[link] - before
                self.lab.cut(link)
                outcome = running.finish()
                for receiver in running.hosts:
                    self.assertLess(outcome.towards(receiver).gap_ms, GAP_MAX_MS, receiver)
                # The link carried at least one direction of one flow, or this has shown nothing.
                self.assertGreater(used, outcome.sent // FLOW_SHARE)

    def test_flows_of_the_other_link_lose_nothing(self) -> None:
        # The address of a link keeps to it, in both directions.
        for link in LINKS:
            with self.trial(cut=link):
                stays = PRIVATE_PEERS[other(link)][0]
                running = talk(self.lab, "contoso", 2.0, source=stays)
                running.wait_until(1.0)
                self.lab.cut(link)
                self.assertEqual(running.finish().lost, 0)

    def test_a_restored_link_takes_flows_again_without_a_gap(self) -> None:
        for link in LINKS:
            with self.trial(restored=link):
                self.lab.cut(link)
                time.sleep(0.3)
                before = link_packets(self.lab, "contoso")[link]
                running = talk(self.lab, "contoso", 2.5)
                running.wait_until(1.0)
                self.lab.restore(link)
                outcome = running.finish()
                self.assertLess(outcome.gap_ms, GAP_MAX_MS)
                carried = link_packets(self.lab, "contoso")[link] - before
                self.assertGreater(carried, outcome.sent // FLOW_SHARE)

    def test_tcp_survives_the_cut(self) -> None:
        for customer, server, address in (("contoso", "contoso-vnet", VNET_HOST),
                                          ("contoso", "service", SERVICE_HOST)):
            with self.trial(server=server):
                download = Download(self.lab, customer, server, address)
                time.sleep(1.0)
                self.assertTrue(download.is_under_way())
                self.lab.cut("primary")
                time.sleep(0.7)
                self.lab.restore("primary")
                self.lab.cut("secondary")
                self.assertTrue(download.arrived_whole())

    def test_both_links_lost_and_found(self) -> None:
        for link in LINKS:
            self.lab.cut(link)
        time.sleep(0.3)
        self.restore_links()
        settle(self.lab)
        self.assertEqual(talk(self.lab, "contoso", 1.0).finish().lost, 0)
