# SPDX-License-Identifier: Apache-2.0
"""Connections a second through the NAT of the Microsoft peering: TCP, 100 bytes there and back.

    start -f perf/trex/connections.py -m 100000 -d 60       # of a server started with --astf

TRex's TCP sets one tag at most: let the switch port between add the S-tag, as a provider does, and
give the edge port the C-tag (trex_cfg.yaml says where)."""

import sys
from pathlib import Path

from trex.astf.api import (
    ASTFIPGen,
    ASTFIPGenDist,
    ASTFIPGenGlobal,
    ASTFProfile,
    ASTFProgram,
    ASTFTCPClientTemplate,
    ASTFTCPServerTemplate,
    ASTFTemplate,
)

sys.path.insert(0, str(Path(__file__).parent))
import traffic  # noqa: E402

MESSAGE = b"x" * 100


class Profile:
    def get_profile(self, tunables: list[str], **_: object) -> ASTFProfile:
        peering = traffic.MICROSOFT

        def spread(network: object) -> ASTFIPGenDist:
            return ASTFIPGenDist(ip_range=[str(network[1]), str(network[-2])], distribution="seq")

        client = ASTFProgram()
        client.send(MESSAGE)
        client.recv(len(MESSAGE))
        server = ASTFProgram()
        server.recv(len(MESSAGE))
        server.send(MESSAGE)
        # Both links have the customer's hosts; the second pair of ports begins where they end.
        offset = str(traffic.ipaddress.IPv4Address(peering.customer.num_addresses))
        hosts = ASTFIPGen(
            glob=ASTFIPGenGlobal(ip_offset=offset),
            dist_client=spread(peering.customer),
            dist_server=spread(peering.cloud),
        )
        template = ASTFTemplate(
            client_template=ASTFTCPClientTemplate(
                program=client, ip_gen=hosts, port=traffic.SERVICE_PORT, cps=1
            ),
            server_template=ASTFTCPServerTemplate(program=server),
        )
        return ASTFProfile(default_ip_gen=hosts, templates=template)


def register() -> Profile:
    return Profile()
