# SPDX-License-Identifier: Apache-2.0
"""DualStackTest: contoso's private peering and its virtual network speak IPv6 as well.

The scene is of IPv4, so that no chatter disturbs its counters; IPv6 stops when the test ends.
"""

from pathlib import Path

import netns
from evidence import ping
from lab_case import LabTest
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


class DualStackTest(LabTest):
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
        # The router has asked for its neighbours before they had addresses, and asks again; a link
        # whose neighbour it does not know yet carries none of the flows.
        for link in LINKS:
            _, router = PEERS[link]
            self.eventually(lambda router=router: self._answers(router),
                            f"the router does not answer on the {link} link")
        self.eventually(lambda: self._answers(VNET_HOST), "the virtual network does not answer")

    def _answers(self, address: str) -> bool:
        return ping(self.lab, "contoso", address, count=1).received == 1

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
