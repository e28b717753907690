# SPDX-License-Identifier: Apache-2.0
"""The scene: two customers, two links, one router, a cloud of three hosts.

    contoso --+-- provider-primary ----- edge0 +-----------+            +-- contoso-vnet
              |                                |  causeway | core0 -- core -- adatum-vnet
    adatum  --+-- provider-secondary --- edge1 +-----------+            +-- service

Every name on this picture is a network namespace. The two customers use the same addresses, subnets
and C-tags; only the S-tag tells them apart. This file is data; lab.py makes it real.
"""

from dataclasses import dataclass, field

LINKS = ("primary", "secondary")

CUSTOMER_MTU = 1500
CLOUD_MTU = 1400
# A device's MTU does not count its tags, but veth drops what exceeds the MTU by more than one tag.
DEVICE_MTU = 1508


@dataclass(frozen=True)
class Wire:
    """A veth pair: a host's interface, plugged into a switch's port."""

    host: str
    interface: str
    switch: str
    port: str
    tags: tuple[int, ...] = ()  # outermost first: what the host's kernel adds and takes off
    address: str = ""
    mtu: int = DEVICE_MTU


@dataclass(frozen=True)
class Route:
    destination: str
    paths: tuple[tuple[str, str], ...]  # gateway and interface; several share the flows
    mtu: int
    source: str = ""  # what the host calls itself there; "": the interface's address
    only_from: str = ""  # for packets with this source address alone


@dataclass(frozen=True)
class Host:
    loopback: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    greeting: str = ""  # what its web server answers; "": it has none


@dataclass(frozen=True)
class Scene:
    switches: tuple[str, ...]
    hosts: dict[str, Host]
    wires: tuple[Wire, ...] = field(default=())

    @property
    def namespaces(self) -> tuple[str, ...]:
        return self.switches + tuple(self.hosts)


ROUTER = "causeway"
CUSTOMERS = {"contoso": 10, "adatum": 20}  # name and S-tag
PRIVATE_C_TAG = 100
MICROSOFT_C_TAG = 200
CUSTOMER_HOST = "10.1.0.10"
CONTOSO_PUBLIC = "198.51.100.10"
VNET_HOST = "10.2.0.10"
SERVICE_HOST = "192.0.2.10"
# The customer's and our side of each private /30; the same for both customers.
PRIVATE_PEERS = {
    "primary": ("192.168.15.17", "192.168.15.18"),
    "secondary": ("192.168.15.21", "192.168.15.22"),
}
MICROSOFT_PEERS = {
    "primary": ("203.0.113.1", "203.0.113.2"),
    "secondary": ("203.0.113.5", "203.0.113.6"),
}
ADATUM_MICROSOFT_PEERS = {
    "primary": ("203.0.113.9", "203.0.113.10"),
    "secondary": ("203.0.113.13", "203.0.113.14"),
}
# Of contoso's private peering, where a test has switched IPv6 on.
IPV6_PEERS = {"primary": ("2001:db8:15::1", "2001:db8:15::2"),
              "secondary": ("2001:db8:15::5", "2001:db8:15::6")}
CORE_VLANS = {"contoso-vnet": 1001, "adatum-vnet": 1002, "service": 1003}
# An untagged neighbour of the router's primary edge port: traffic that is the kernel's, not ours.
MANAGEMENT = {"provider-primary": "198.18.0.1", ROUTER: "198.18.0.2"}


def interface_of(link: str, c_tag: int = PRIVATE_C_TAG) -> str:
    """A customer's interface, named as a VLAN interface would be."""
    return f"{link}.{c_tag}"


def _customer_routes(destination: str, source: str, peers: dict[str, tuple[str, str]],
                     c_tag: int) -> tuple[Route, ...]:
    """Both links share the flows of the host's own address; the address of a link keeps to it."""
    paths = tuple((peers[link][1], interface_of(link, c_tag)) for link in LINKS)
    shared = Route(destination, paths, CUSTOMER_MTU, source)
    pinned = (Route(destination, (path,), CUSTOMER_MTU, only_from=peers[link][0])
              for link, path in zip(LINKS, paths))
    return (shared, *pinned)


def _wires() -> list[Wire]:
    wires = []
    for link in LINKS:
        switch = f"provider-{link}"
        for customer, s_tag in CUSTOMERS.items():
            wires.append(Wire(customer, interface_of(link), switch, customer,
                              (s_tag, PRIVATE_C_TAG), PRIVATE_PEERS[link][0] + "/30"))
        for customer, peers in (("contoso", MICROSOFT_PEERS), ("adatum", ADATUM_MICROSOFT_PEERS)):
            wires.append(Wire(customer, interface_of(link, MICROSOFT_C_TAG), switch,
                              f"{customer}-ms", (CUSTOMERS[customer], MICROSOFT_C_TAG),
                              peers[link][0] + "/30"))
        wires.append(Wire(ROUTER, f"edge{LINKS.index(link)}", switch, ROUTER))
    wires.append(Wire(ROUTER, "core0", "core", ROUTER))
    for host, vlan in CORE_VLANS.items():
        address = (SERVICE_HOST if host == "service" else VNET_HOST) + "/24"
        wires.append(Wire(host, "eth0", "core", host, (vlan,), address, CLOUD_MTU))
    return wires


def _hosts() -> dict[str, Host]:
    to_vnet = _customer_routes("10.2.0.0/16", CUSTOMER_HOST, PRIVATE_PEERS, PRIVATE_C_TAG)
    to_service = _customer_routes("192.0.2.0/24", CONTOSO_PUBLIC, MICROSOFT_PEERS,
                                  MICROSOFT_C_TAG)
    from_vnet = (Route("0.0.0.0/0", (("10.2.0.1", "eth0"),), CLOUD_MTU),)
    from_service = (Route("0.0.0.0/0", (("192.0.2.1", "eth0"),), CLOUD_MTU),)
    return {
        "contoso": Host((CUSTOMER_HOST, CONTOSO_PUBLIC), (*to_vnet, *to_service)),
        "adatum": Host((CUSTOMER_HOST,), to_vnet),
        ROUTER: Host(),
        "contoso-vnet": Host((), from_vnet, "contoso's virtual network"),
        "adatum-vnet": Host((), from_vnet, "adatum's virtual network"),
        "service": Host((), from_service, "a Microsoft service"),
    }


SCENE = Scene(("provider-primary", "provider-secondary", "core"), _hosts(), tuple(_wires()))
