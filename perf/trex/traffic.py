# SPDX-License-Identifier: Apache-2.0
"""What is sent to the router under test, as plain scapy: the same frames with TRex's scapy, which
sends them, and with Debian's, which tests them. causeway.yaml beside this is the router's side.

Ports come in pairs, an edge port and a core port, as trex_cfg.yaml lists them: 0 and 1 for the
primary link, 2 and 3 for the secondary one."""

import ipaddress
from dataclasses import dataclass

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

FCS_BYTES = 4
TAG_BYTES = 4
# RFC 2544 9.1; and 7 of 64, 4 of 594, 1 of 1,518 bytes. With FCS and as untagged frames are
# counted: tags come on top, as on a provider's wire.
SIZES = (64, 128, 256, 512, 1024, 1280, 1518)
IMIX = ((64, 7), (594, 4), (1518, 1))
SERVICE_PORT = 443


@dataclass(frozen=True)
class Field:
    """A field of the frame that takes all values from first to last."""

    name: str  # as scapy has it: LAYER.FIELD
    first: int
    last: int
    size_bytes: int
    is_random: bool = False


@dataclass(frozen=True)
class Peering:
    """Who speaks to whom. Tags are outer, inner; networks are the hosts' of each side."""

    name: str
    edge_tags: tuple[int, int]
    core_tag: int
    customer: ipaddress.IPv4Network
    cloud: ipaddress.IPv4Network
    source_ports: int  # of each host of the customer
    answers: bool  # whether the cloud can send first: not through a NAT
    # By port of TRex: its own address there, which it answers ARP for, and the router's.
    addresses: tuple[tuple[str, str], ...]

    def tags(self, port: int) -> tuple[int, ...]:
        return self.edge_tags if is_edge(port) else (self.core_tag,)


PRIVATE = Peering(
    "private", (10, 100), 1001, ipaddress.IPv4Network("10.1.0.0/16"),
    ipaddress.IPv4Network("10.2.0.0/16"), source_ports=1, answers=True,
    addresses=(("192.168.15.17", "192.168.15.18"), ("10.255.0.2", "10.255.0.1"),
               ("192.168.15.21", "192.168.15.22"), ("10.255.0.6", "10.255.0.5")),
)  # fmt: skip
# 2^14 hosts with 64 ports each: a million sessions of the NAT.
MICROSOFT = Peering(
    "microsoft", (10, 200), 1002, ipaddress.IPv4Network("10.3.0.0/18"),
    ipaddress.IPv4Network("198.18.0.0/16"), source_ports=64, answers=False,
    addresses=(("203.0.113.1", "203.0.113.2"), ("192.0.2.2", "192.0.2.1"),
               ("203.0.113.5", "203.0.113.6"), ("192.0.2.6", "192.0.2.5")),
)  # fmt: skip
PEERINGS = {peering.name: peering for peering in (PRIVATE, MICROSOFT)}


def is_edge(port: int) -> bool:
    return port % 2 == 0


def frame(peering: Peering, from_edge: bool, size: int, room: int = 0) -> Packet:
    """Of `size` bytes with FCS and without tags, or the least above that which has `room` bytes of
    payload. The checksum of UDP is none, so that fields may change."""
    tags = peering.edge_tags if from_edge else (peering.core_tag,)
    ends = (peering.customer, peering.cloud) if from_edge else (peering.cloud, peering.customer)
    ports = (1024, SERVICE_PORT) if from_edge else (SERVICE_PORT, 1024)
    packet = Ether()
    for tag in tags:
        packet = packet / Dot1Q(vlan=tag)
    packet = packet / IP(src=str(ends[0][1]), dst=str(ends[1][1]), ttl=64)
    packet = packet / UDP(sport=ports[0], dport=ports[1], chksum=0)
    wanted = size - FCS_BYTES + TAG_BYTES * len(tags)
    return packet / Raw(b"\0" * max(wanted - len(packet), room))


def fields(peering: Peering, from_edge: bool) -> list[Field]:
    """What changes from packet to packet: every host of one side, any of the other."""

    def hosts(name: str, network: ipaddress.IPv4Network, is_random: bool) -> Field:
        first, last = int(network[1]), int(network[-2])
        return Field(name, first, last, size_bytes=4, is_random=is_random)

    own, other = (
        (peering.customer, peering.cloud) if from_edge else (peering.cloud, peering.customer)
    )
    changing = [hosts("IP.src", own, False), hosts("IP.dst", other, True)]
    if from_edge and peering.source_ports > 1:
        last = 1024 + peering.source_ports - 1
        changing.append(Field("UDP.sport", 1024, last, size_bytes=2, is_random=True))
    return changing
