# SPDX-License-Identifier: Apache-2.0
"""Circuits in numbers on a port "edge", each with both links and a private peering of its own."""

import socket

TAGS_MAX = 4_094  # two a circuit
CIRCUIT = """- service-key: {number:08x}-0000-4000-8000-000000000000
  name: c{number}
  bandwidth: 1 Gbps
  provider-state: Provisioned
  primary: {{port: edge, s-tag: {primary}}}
  secondary: {{port: edge, s-tag: {secondary}}}
  peerings:
  - {{type: private, c-tag: 1, subnet: {subnet}/29, peer-asn: 65010{more}}}
"""


def subnet_of(number: int) -> bytes:
    """The address of a circuit's /29, whose first half is the primary link's."""
    return bytes((10, number // 8_192, number // 32 % 256, number % 32 * 8))


def circuits(count: int, more: str = "") -> str:
    """Their rows; `more` is what each peering says besides."""
    return "".join(CIRCUIT.format(number=number, primary=2 * number + 1, secondary=2 * number + 2,
                                  subnet=socket.inet_ntoa(subnet_of(number)), more=more)
                   for number in range(count))
