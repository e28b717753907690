# SPDX-License-Identifier: Apache-2.0
"""IPv6 beside IPv4 on one customer's legs: what the customer and the cloud see of each other."""

from pathlib import Path

import netns
from dual_stack_case import CUSTOMER_HOST, OURS_IN_VNET, VNET_HOST, DualStackTest
from evidence import ping
from router_state import accounts, is_used
from scapy.layers.dns import DNS, DNSQR, DNSRR
from tcp_sessions import session
from scene import CLOUD_MTU, LINKS, interface_of
from scene import IPV6_PEERS as PEERS

PREFIXES = "        prefixes: [10.1.0.0/24, '2001:db8:1::/48']\n"
NAMES = f"""resolvers: ["{VNET_HOST}"]
name-sets: [{{name: cdn, names: ["*.cdn.example"]}}]
name-policies: [{{name: seen, rules: [{{name: cdn, sets: [cdn], action: deny}}]}}]
"""
# Sends bytes in a datagram: from, its port, to, its port.
SEND = """import socket, sys
link = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
link.bind((sys.argv[1], int(sys.argv[2])))
link.sendto(bytes.fromhex(sys.argv[5]), (sys.argv[3], int(sys.argv[4])))
"""


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

    def test_the_first_packet_to_an_address_of_a_name_is_denied(self) -> None:
        path = Path(self.lab.state) / "dual-stack.yaml"
        document = path.read_text(encoding="utf-8")
        self.assertIn(PREFIXES, document)
        document = document.replace(PREFIXES, PREFIXES + "        name-policy: seen\n") + NAMES
        path.write_text(document, encoding="utf-8")
        self.lab.causeway("apply", str(path))
        self.eventually(lambda: self.lab.show("names")[0]["state"] == "active", "is not in force")
        name, address = "img.cdn.example", "2001:db8:2::99"
        answer = DNS(qr=1, qd=DNSQR(qname=name, qtype="AAAA"),
                     an=DNSRR(rrname=name, type="AAAA", ttl=600, rdata=address))

        def denied() -> int:
            return int(self.lab.show("names", "rules")[0]["packets"])

        def is_learned() -> bool:
            self.send("contoso-vnet", VNET_HOST, 53, CUSTOMER_HOST, bytes(answer))
            return [row["address"] for row in self.lab.show("names", "addresses")] == [address]

        self.eventually(is_learned, "is not heard")  # the first may wait for its neighbour
        self.assertEqual(denied(), 0)
        self.send("contoso", CUSTOMER_HOST, 4000, address, b"first")
        self.eventually(lambda: denied() == 1, "was not denied")
        self.assertTrue(ping(self.lab, "contoso", VNET_HOST, count=1).all_answered)
        self.assertEqual(denied(), 1)

    def send(self, host: str, source: str, port: int, to: str, payload: bytes) -> None:
        self.lab.run(host, "python3", "-c", SEND, source, str(port), to, "4000", payload.hex())

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
