# SPDX-License-Identifier: Apache-2.0
"""IPv6 beside IPv4 on one customer's legs: what the customer and the cloud see of each other.

The scene is of IPv4, so that no chatter disturbs its counters; here contoso's private peering and
its virtual network speak IPv6 as well, and stop when the tests end.
"""

import time
from pathlib import Path

import netns
from evidence import ping
from lab_case import LabTest
from router_state import accounts
from tcp_sessions import session
from scene import CLOUD_MTU, CUSTOMER_MTU, LINKS, interface_of
from scene import IPV6_PEERS as PEERS

CUSTOMER_HOST = "2001:db8:1::10"
VNET_HOST = "2001:db8:2::10"
OURS_IN_VNET = "2001:db8:2::1"
# What the configuration of the lab says, and what it says besides while these tests run.
DUAL_STACK = (
    ("        secondary-subnet: 192.168.15.20/30\n        peer-asn: 65010\n"
     "        prefixes: [10.1.0.0/24]\n",
     "        secondary-subnet: 192.168.15.20/30\n        ipv6-subnet: 2001:db8:15::/125\n"
     "        peer-asn: 65010\n        prefixes: [10.1.0.0/24, '2001:db8:1::/48']\n"),
    ("vlan: 1001, address: 10.2.0.1/24,",
     f"vlan: 1001, address: 10.2.0.1/24, ipv6-address: '{OURS_IN_VNET}/64',"),
)
INTERFACES = {"contoso": ("lo", *map(interface_of, LINKS)), "contoso-vnet": ("lo", "eth0")}
IPV6_ON = ("all.ignore_routes_with_linkdown=1", "all.accept_ra=0")


class DualStack(LabTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self._end)
        self._switch_ipv6(0)
        document = self.lab.config.read_text(encoding="utf-8")
        for before, after in DUAL_STACK:
            self.assertIn(before, document)
            document = document.replace(before, after)
        path = Path(self.lab.state) / "dual-stack.yaml"
        path.write_text(document, encoding="utf-8")
        self.lab.causeway("apply", str(path))
        self._address_hosts()
        self.eventually(lambda: ping(self.lab, "contoso", VNET_HOST, count=1).received == 1,
                        "the virtual network does not answer")

    def _end(self) -> None:
        self.lab.causeway("apply", str(self.lab.config))
        self._switch_ipv6(1)

    def _switch_ipv6(self, off: int) -> None:
        for host, interfaces in INTERFACES.items():
            settings = [f"net.ipv6.conf.{setting}" for setting in IPV6_ON]
            for interface in interfaces:
                # A name may have a dot in it: sysctl takes slashes, then.
                settings += [f"net/ipv6/conf/{interface}/{setting}" for setting in
                             ("accept_dad=0", "autoconf=0", f"disable_ipv6={off}")]
            self.lab.run(host, "sysctl", "-qw", *settings)

    def _address_hosts(self) -> None:
        """Both links share the flows of the customer's own address; that of a link keeps to it."""
        to_vnet = "2001:db8:2::/64"
        lines = [f"address replace {CUSTOMER_HOST}/128 dev lo nodad"]
        hops = []
        for table, link in enumerate(LINKS, start=600):
            ours, router = PEERS[link]
            hop = f"via {router} dev {interface_of(link)}"
            hops.append(f"nexthop {hop}")
            lines += [f"address replace {ours}/126 dev {interface_of(link)} nodad",
                      f"route replace {to_vnet} {hop} mtu {CUSTOMER_MTU} table {table}"]
            if ours not in self.lab.run("contoso", "ip", "-6", "rule"):
                self.lab.run("contoso", "ip", "-6", "rule", "add", "from", ours, "lookup",
                             str(table))
        lines.append(f"route replace {to_vnet} src {CUSTOMER_HOST} mtu {CUSTOMER_MTU} "
                     + " ".join(hops))
        netns.ip_batch(self.lab.namespace("contoso"), lines)
        netns.ip_batch(self.lab.namespace("contoso-vnet"), [
            f"address replace {VNET_HOST}/64 dev eth0 nodad",
            f"route replace default via {OURS_IN_VNET} dev eth0 mtu {CLOUD_MTU}"])

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
            time.sleep(0.3)  # until the customer's own routes have moved
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
