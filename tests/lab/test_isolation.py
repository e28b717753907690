# SPDX-License-Identifier: Apache-2.0
"""Two customers with the same addresses, subnets and C-tags never see each other."""

from lab_case import LabTest
from evidence import http_get, observe_isolation, ping
from scene import CUSTOMERS, SERVICE_HOST, VNET_HOST


class Isolation(LabTest):
    def test_the_same_address_is_another_host_for_each(self) -> None:
        for customer in CUSTOMERS:
            self.assertEqual(http_get(self.lab, customer, VNET_HOST),
                             f"This is {customer}'s virtual network.")

    def test_no_frame_and_no_message_of_one_reaches_the_other(self) -> None:
        seen = observe_isolation(self.lab)
        for customer, outcome in seen.outcomes.items():
            self.assertEqual(outcome.lost, 0, customer)
            # Each message crosses two of the router's wires.
            self.assertGreaterEqual(seen.own(customer), 2 * outcome.sent, customer)
        self.assertEqual(seen.foreign_frames, 0, seen.frames)
        self.assertEqual(seen.foreign_messages, 0)

    def test_a_customer_without_microsoft_peering_does_not_reach_the_service(self) -> None:
        self.lab.run("adatum", "ip", "route", "add", SERVICE_HOST, "via", "192.168.15.18")
        self.addCleanup(self.lab.run, "adatum", "ip", "route", "delete", SERVICE_HOST)
        pings = ping(self.lab, "adatum", SERVICE_HOST, "-I", "10.1.0.10", count=1)
        self.assertEqual(pings.errors, (("192.168.15.18", "Destination Net Unreachable"),))
