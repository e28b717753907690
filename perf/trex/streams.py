# SPDX-License-Identifier: Apache-2.0
"""Streams of TRex for the traffic of traffic.py. Needs TRex's library."""

import argparse

import traffic
from trex.stl.api import (
    STLVM,
    STLFlowLatencyStats,
    STLPktBuilder,
    STLStream,
    STLTXCont,
)

LATENCY_PPS = 1_000  # of a link: RFC 8219 7.2 wants 500 tagged frames at least
LATENCY_BYTES = 16  # of payload, which TRex writes its time and number to


def builder(
    peering: traffic.Peering, from_edge: bool, size: int, room: int = 0
) -> STLPktBuilder:
    engine = STLVM()
    for number, field in enumerate(traffic.fields(peering, from_edge)):
        name = f"field{number}"
        engine.var(name=name, min_value=field.first, max_value=field.last, size=field.size_bytes,
                   op="random" if field.is_random else "inc")  # fmt: skip
        engine.write(fv_name=name, pkt_offset=field.name)
    engine.fix_chksum()
    return STLPktBuilder(pkt=traffic.frame(peering, from_edge, size, room), vm=engine)


def load(peering: traffic.Peering, port: int, size: str) -> list[STLStream]:
    """What fills a link; a rate of so many packets a second is set by the multiplier."""
    from_edge = traffic.is_edge(port)
    if not from_edge and not peering.answers:
        return []
    mixture = traffic.IMIX if size == "imix" else ((int(size), 1),)
    return [
        STLStream(packet=builder(peering, from_edge, one), mode=STLTXCont(pps=parts),
                  isg=number * 10.0)
        for number, (one, parts) in enumerate(mixture)
    ]  # fmt: skip


def latency(peering: traffic.Peering, port: int, size: str) -> list[STLStream]:
    """Beside the load, and not scaled with it. A latency stream has a flow of its own."""
    from_edge = traffic.is_edge(port)
    if not from_edge and not peering.answers:
        return []
    one = 64 if size == "imix" else int(size)
    packet = STLPktBuilder(pkt=traffic.frame(peering, from_edge, one, room=LATENCY_BYTES))
    return [
        STLStream(packet=packet, mode=STLTXCont(pps=LATENCY_PPS),
                  flow_stats=STLFlowLatencyStats(pg_id=1 + port))
    ]  # fmt: skip


def size_of(tunables: list[str]) -> str:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="64", help="bytes with FCS and without tags, or imix")
    return parser.parse_args(tunables).size
