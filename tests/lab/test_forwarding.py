# SPDX-License-Identifier: Apache-2.0
"""What a customer and the cloud see of each other through the router."""

import subprocess
import time

from lab_case import LabTest
from evidence import http_get, ping
from scene import (CLOUD_MTU, CONTOSO_PUBLIC, CUSTOMERS, LINKS, MICROSOFT_PEERS, PRIVATE_PEERS,
                   ROUTER, SERVICE_HOST, VNET_HOST, interface_of)

ICMP_AND_IPV4_BYTES = 28


class Forwarding(LabTest):
    def test_the_router_answers_on_every_leg(self) -> None:
        legs = [(customer, ours) for customer in CUSTOMERS for _, ours in PRIVATE_PEERS.values()]
        legs += [("contoso", ours) for _, ours in MICROSOFT_PEERS.values()]
        for customer, ours in legs:
            with self.subTest(customer=customer, address=ours):
                self.assertTrue(ping(self.lab, customer, ours).all_answered)

    def test_the_router_answers_the_cloud(self) -> None:
        for host, address in (("contoso-vnet", "10.2.0.1"), ("adatum-vnet", "10.2.0.1"),
                              ("service", "192.0.2.1")):
            with self.subTest(host=host):
                self.assertTrue(ping(self.lab, host, address).all_answered)

    def test_each_link_carries_pings_to_the_virtual_network(self) -> None:
        for customer in CUSTOMERS:
            for link in LINKS:
                with self.subTest(customer=customer, link=link):
                    source = PRIVATE_PEERS[link][0]
                    self.assertTrue(
                        ping(self.lab, customer, VNET_HOST, "-I", source).all_answered)

    def test_the_microsoft_peering_reaches_the_service(self) -> None:
        self.assertEqual(http_get(self.lab, "contoso", SERVICE_HOST),
                         "This is a Microsoft service.")
        log = self.lab.web_log("service").read_text()
        self.assertIn(CONTOSO_PUBLIC, log)

    def test_the_largest_packet_passes_and_is_not_changed_in_size(self) -> None:
        size = str(CLOUD_MTU - ICMP_AND_IPV4_BYTES)
        pings = ping(self.lab, "contoso", VNET_HOST, "-M", "do", "-s", size)
        self.assertTrue(pings.all_answered)

    def test_full_customer_frames_reach_the_router_itself(self) -> None:
        for link in LINKS:
            pings = ping(self.lab, "contoso", PRIVATE_PEERS[link][1], "-M", "do", "-s", "1472")
            self.assertTrue(pings.all_answered, link)

    def test_too_big_is_answered_with_the_mtu_of_the_way_out(self) -> None:
        self.lab.run("contoso", "ip", "route", "flush", "cache")
        pings = ping(self.lab, "contoso", VNET_HOST, "-M", "do", "-s", "1450", count=1)
        self.assertEqual(pings.received, 0)
        self.assertEqual(len(pings.errors), 1, pings)
        sender, text = pings.errors[0]
        self.assertIn(sender, [ours for _, ours in PRIVATE_PEERS.values()])
        self.assertIn(f"mtu = {CLOUD_MTU}", text)

    def test_ttl_expired_is_answered_by_the_leg_it_came_on(self) -> None:
        for link in LINKS:
            customer, ours = PRIVATE_PEERS[link]
            pings = ping(self.lab, "contoso", VNET_HOST, "-I", customer, "-t", "1", count=1)
            self.assertEqual(pings.errors, ((ours, "Time to live exceeded"),), link)
            # One hop more, and the host itself answers: the router takes exactly one.
            self.assertTrue(
                ping(self.lab, "contoso", VNET_HOST, "-I", customer, "-t", "2").all_answered)

    def test_no_route_is_answered_with_network_unreachable(self) -> None:
        pings = ping(self.lab, "contoso-vnet", "10.77.0.1", count=1)
        self.assertEqual(pings.errors, (("10.2.0.1", "Destination Net Unreachable"),))


class PathMtuDiscovery(LabTest):
    def setUp(self) -> None:
        super().setUp()
        # As if the virtual network believed in 1,500 bytes: the customer will send such segments.
        self._set_mss("advmss 1460")
        self.addCleanup(self._set_mss, "")

    def _set_mss(self, option: str) -> None:
        self.lab.run("contoso-vnet", "ip", "route", "replace", "default", "via", "10.2.0.1", "dev",
                     "eth0", "mtu", str(CLOUD_MTU), *option.split())
        self.lab.run("contoso", "ip", "route", "flush", "cache")

    def test_tcp_learns_the_mtu_and_delivers(self) -> None:
        server = self.lab.start("contoso-vnet", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            self.lab.run("contoso", "timeout", "15", "iperf3", "-c", VNET_HOST, "-n", "8M")
        finally:
            server.terminate()
            server.wait()
        self.assertIn(f"mtu {CLOUD_MTU}",
                      self.lab.run("contoso", "ip", "route", "show", "cache"))


class Arp(LabTest):
    def router_mac(self, link: str) -> str:
        device = f"edge{LINKS.index(link)}"
        return self.lab.run(ROUTER, "cat", f"/sys/class/net/{device}/address").strip()

    def test_customers_learn_our_mac(self) -> None:
        for customer in CUSTOMERS:
            for link, (_, ours) in PRIVATE_PEERS.items():
                with self.subTest(customer=customer, link=link):
                    device = interface_of(link)
                    self.lab.run(customer, "ip", "neighbour", "flush", "dev", device)
                    self.assertTrue(ping(self.lab, customer, ours).all_answered)
                    seen = self.lab.run(customer, "ip", "neighbour", "show", ours, "dev", device)
                    self.assertIn(self.router_mac(link), seen)

    def test_only_our_own_address_is_answered(self) -> None:
        # Another customer's address, an address behind the router, and a stranger's.
        for address in ("192.168.15.22", VNET_HOST, "192.0.2.77"):
            with self.subTest(address=address):
                self.assertEqual(self.who_has(address), "nobody")
        self.assertEqual(self.who_has("192.168.15.18"), self.router_mac("primary"))

    def who_has(self, address: str) -> str:
        return self.on_wire("contoso", "who-has", interface_of("primary"),
                            PRIVATE_PEERS["primary"][0], address)
