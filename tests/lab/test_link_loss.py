# SPDX-License-Identifier: Apache-2.0
"""What many flows lose when one of two links is cut; perf/link_loss.py is the same at full size."""

from dataclasses import replace
from typing import ClassVar

from cut_trial import BfdNeighbours, Load, Loss, Way, cut_under_load
from dual_stack_case import VNET_HOST, DualStackTest
from lab_case import LabTest
from scene import LINKS

# On a machine whose cores the generator, both kernels and the router share.
OUTAGE_MAX_MS = 50.0
DETECTION_MS = 900.0
LOAD = Load([f"10.1.0.{host}" for host in range(20, 250)], flows=2_000, rate=4_000.0,
            cut_at_s=1.0, seconds=3.0)  # fmt: skip


class LinkLoss(LabTest):
    LOAD: ClassVar[Load] = LOAD

    def cut(self, link: str, way: Way) -> Loss:
        loss = cut_under_load(self.lab, link, way, self.LOAD)
        self.assertEqual((loss.lost_of_kept, loss.moved_of_kept), (0, 0), loss)
        self.assertEqual(loss.flows_moved, loss.flows_cut, loss)
        for flows in (loss.flows_cut, loss.flows_kept):
            self.assertGreater(flows, LOAD.flows // 3, loss)
        return loss

    def test_a_port_without_carrier_costs_its_own_flows_a_moment(self) -> None:
        for link in LINKS:
            with self.subTest(cut=link):
                loss = self.cut(link, "port")
                self.assertLess(loss.outage_ms, OUTAGE_MAX_MS, loss)

    def test_a_silent_link_costs_its_own_flows_the_detection_time(self) -> None:
        with BfdNeighbours(self.lab):
            for link in LINKS:
                with self.subTest(cut=link):
                    loss = self.cut(link, "silent")
                    self.assertLess(loss.outage_ms, DETECTION_MS + OUTAGE_MAX_MS, loss)
                    self.assertGreater(loss.lost, 0, loss)


class LinkLossIpv6(DualStackTest, LinkLoss):
    LOAD = replace(LOAD, destinations=[f"2001:db8:1::{host:x}" for host in range(0x20, 0x106)],
                   source=VNET_HOST)
