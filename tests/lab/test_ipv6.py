# SPDX-License-Identifier: Apache-2.0
"""IPv6 beside IPv4 on one customer's legs: what the customer and the cloud see of each other."""

from pathlib import Path

import netns
from dual_stack_case import OURS_IN_VNET, VNET_HOST, DualStackTest
from evidence import ping
from router_state import accounts, is_used
from tcp_sessions import session
from scene import CLOUD_MTU, LINKS, interface_of
from scene import IPV6_PEERS as PEERS


class DualStack(DualStackTest):
    def test_the_router_answers_on_every_leg(self) -> None:
        for link in LINKS:
            self.assertTrue(ping(self.lab, "contoso", PEERS[link][1]).all_answered, link)
        self.assertTrue(ping(self.lab, "contoso-vnet", OURS_IN_VNET).all_answered)

    def test_each_link_carries_pings(self) -> None:
        for link in LINKS:
            source = PEERS[link][0]
            self.assertTrue(ping(self.lab, "contoso", VNET_HOST, "-I", source).all_answered, link)

    def test_the_hop_limit_expires_on_the_leg_it_came_on(self) -> None:
        for link in LINKS:
            customer, ours = PEERS[link]
            pings = ping(self.lab, "contoso", VNET_HOST, "-I", customer, "-t", "1", count=1)
            self.assertEqual(pings.errors, ((ours, "Time exceeded: Hop limit"),), link)
            self.assertTrue(
                ping(self.lab, "contoso", VNET_HOST, "-I", customer, "-t", "2").all_answered)

    def test_too_big_is_answered_with_the_mtu_of_the_way_out(self) -> None:
        self.lab.run("contoso", "ip", "-6", "route", "flush", "cache")
        source, ours = PEERS["primary"]
        pings = ping(self.lab, "contoso", VNET_HOST, "-I", source, "-M", "do", "-s", "1440",
                     count=1)
        self.assertEqual(pings.errors, ((ours, f"Packet too big: mtu={CLOUD_MTU}"),))

    def test_no_route_is_answered(self) -> None:
        pings = ping(self.lab, "contoso-vnet", "2001:db8:77::1", count=1)
        self.assertEqual(pings.errors, ((OURS_IN_VNET, "Destination unreachable: No route"),))

    def test_flows_survive_the_loss_of_either_link(self) -> None:
        for link in LINKS:
            self.lab.cut(link)
            self.eventually(lambda: not self.lab.has_carrier("contoso", interface_of(link)),
                            f"contoso does not see that {link} is cut")
            self.eventually(lambda: not is_used(self.lab, link), f"{link} is used")
            self.assertTrue(ping(self.lab, "contoso", VNET_HOST, count=5).all_answered, link)
            self.lab.restore(link)
            self.eventually(lambda: all(
                ping(self.lab, "contoso", VNET_HOST, "-I", PEERS[each][0], count=1).received == 1
                for each in LINKS), f"{link} does not come back")

    def test_our_kernel_speaks_over_its_taps(self) -> None:
        prefix = f"cw{self.lab.instance}-six-"
        vrfs = ("contoso", "adatum", "microsoft")
        for vrf in vrfs:
            netns.create(prefix + vrf, {"ipv6/conf/all/disable_ipv6": 0,
                                        "ipv6/conf/default/disable_ipv6": 0})
            self.addCleanup(netns.delete, prefix + vrf)
        self.addCleanup(self.lab.causeway, "apply", str(self.lab.config))
        document = Path(self.lab.state) / "dual-stack.yaml"
        document.write_text(f"control-plane: {{taps: true, namespace-prefix: {prefix}}}\n" +
                            document.read_text(encoding="utf-8"), encoding="utf-8")
        self.lab.causeway("apply", str(document))
        kernel = prefix + "contoso"
        for link in LINKS:
            customer, ours = PEERS[link]
            self.assertGreater(session([self.lab.namespace("contoso"), customer, ours],
                                       [kernel, ours, customer])["words"], 5, link)
            self.assertGreater(session([kernel, ours, customer],
                                       [self.lab.namespace("contoso"), customer, ours])["words"],
                               5, link)
        passed = {row["class"]: row["passed"]
                  for row in self.lab.show("punts", "contoso/private/primary")}
        self.assertGreater(passed["bgp"], 20)

    def test_neighbours_of_both_families_are_told(self) -> None:
        for link in LINKS:
            self.assertTrue(ping(self.lab, "contoso", PEERS[link][1]).all_answered, link)
        addresses = {row["address"] for row in self.lab.show("neighbours")}
        for link in LINKS:
            self.assertLessEqual(set(PEERS[link]), addresses)

    def test_who_has_no_ipv6_gets_no_answer_and_is_counted(self) -> None:
        """Adatum has the tags, but no address of IPv6."""
        name = "adatum/private/primary"
        before = accounts(self.lab)[name].drops.get("no_ipv6", 0)
        interface = interface_of("primary")
        customer, ours = PEERS["primary"]
        self.lab.run("adatum", "sysctl", "-qw", f"net/ipv6/conf/{interface}/disable_ipv6=0")
        self.addCleanup(self.lab.run, "adatum", "sysctl", "-qw",
                        f"net/ipv6/conf/{interface}/disable_ipv6=1")
        netns.ip_batch(self.lab.namespace("adatum"),
                       [f"address replace {customer}/126 dev {interface} nodad"])
        self.assertEqual(ping(self.lab, "adatum", ours, count=2).received, 0)
        # What it asks for its neighbour by Neighbour Discovery.
        self.assertGreater(accounts(self.lab)[name].drops.get("no_ipv6", 0), before)
