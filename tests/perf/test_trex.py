#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of perf/trex: the frames are what the router expects, a search finds the rate that a router
takes, and, where TREX names a release of TRex, its library takes the profiles."""

import json
import os
import re
import struct
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TREX = Path(__file__).resolve().parents[2] / "perf" / "trex"
sys.path[:0] = [str(TREX.parent), str(TREX)]
import measure  # noqa: E402
import search  # noqa: E402
import traffic  # noqa: E402
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.l2 import Dot1Q, Ether  # noqa: E402

PORTS = range(4)


class Frames(unittest.TestCase):
    def test_sizes_are_with_fcs_and_without_tags(self) -> None:
        for peering in traffic.PEERINGS.values():
            for port in PORTS:
                for size in traffic.SIZES:
                    frame = bytes(traffic.frame(peering, traffic.is_edge(port), size))
                    tags = len(peering.tags(port))
                    self.assertEqual(len(frame), size - 4 + 4 * tags, (peering.name, port))

    def test_a_router_reads_what_was_meant(self) -> None:
        frame = Ether(bytes(traffic.frame(traffic.PRIVATE, True, 64)))
        outer = frame[Dot1Q]
        inner = outer.payload
        self.assertEqual((frame.type, outer.vlan, outer.type), (0x8100, 10, 0x8100))
        self.assertEqual((inner.vlan, inner.type), (100, 0x0800))
        packet = frame[IP]
        self.assertEqual((packet.src, packet.dst, packet.ttl), ("10.1.0.1", "10.2.0.1", 64))
        words = struct.unpack("!10H", bytes(packet)[:20])
        self.assertEqual(sum(words) % 0xFFFF, 0)  # RFC 1071 1 (3)
        self.assertEqual((packet[UDP].dport, packet[UDP].chksum), (443, 0))
        self.assertEqual(packet.len, len(bytes(packet)))

    def test_the_core_has_one_tag_and_the_other_direction(self) -> None:
        frame = Ether(bytes(traffic.frame(traffic.PRIVATE, False, 64)))
        self.assertEqual((frame[Dot1Q].vlan, frame[Dot1Q].type), (1001, 0x0800))
        self.assertEqual((frame[IP].src, frame[IP].dst), ("10.2.0.1", "10.1.0.1"))

    def test_latency_packets_have_room_for_their_time(self) -> None:
        frame = traffic.frame(traffic.PRIVATE, True, 64, room=16)
        self.assertGreaterEqual(len(frame[UDP].payload), 16)

    def test_fields_stay_within_the_networks(self) -> None:
        for peering in traffic.PEERINGS.values():
            for from_edge in (True, False):
                for field in traffic.fields(peering, from_edge):
                    self.assertLess(field.first, field.last)
                    self.assertLess(field.last, 1 << 8 * field.size_bytes)
        fields = traffic.fields(traffic.MICROSOFT, True)
        sessions = 1
        for field in fields:
            if not field.name.endswith("dst"):
                sessions *= field.last - field.first + 1
        self.assertGreater(sessions, 1_000_000)


class Configuration(unittest.TestCase):
    """What traffic.py says of the router is what causeway.yaml makes of it."""

    def setUp(self) -> None:
        self.text = (TREX / "causeway.yaml").read_text()

    def test_tags_and_next_hops_are_the_routers(self) -> None:
        for peering in traffic.PEERINGS.values():
            self.assertIn(f"s-tag: {peering.edge_tags[0]}", self.text)
            self.assertIn(f"c-tag: {peering.edge_tags[1]}", self.text)
            self.assertIn(f"vlan: {peering.core_tag}", self.text)
            for own, router in peering.addresses:
                self.assertRegex(self.text, rf"via: \[.*\b{re.escape(own)}\b")
                last = int(router.rsplit(".", 1)[1])
                self.assertEqual(abs(last - int(own.rsplit(".", 1)[1])), 1)

    def test_every_host_has_a_route(self) -> None:
        routes = [traffic.ipaddress.IPv4Network(text)
                  for text in re.findall(r"prefix: ([\d./]+)", self.text)]  # fmt: skip
        for peering in traffic.PEERINGS.values():
            for network in (peering.customer, peering.cloud):
                self.assertTrue(any(network.subnet_of(route) for route in routes), network)


class Router:
    """Takes so much of the line, and loses what is beyond."""

    def __init__(self, percent: float) -> None:
        self.percent = percent

    def trial(self, percent: float) -> search.Trial:
        sent = round(percent * 1_000_000)
        return search.Trial(percent, sent, min(sent, round(self.percent * 1_000_000)))


class Search(unittest.TestCase):
    def test_finds_what_a_router_takes(self) -> None:
        for percent in (3.7, 50.0, 61.25, 99.9):
            found = search.find_throughput(Router(percent).trial, 0.1)
            self.assertLessEqual(found.percent, percent)
            self.assertGreater(found.percent, percent - 0.1)
            self.assertEqual(found.best.percent, found.percent)

    def test_full_rate_needs_one_trial(self) -> None:
        found = search.find_throughput(Router(100).trial, 0.1)
        self.assertEqual((found.percent, len(found.trials)), (100.0, 1))

    def test_a_dead_router_takes_nothing(self) -> None:
        found = search.find_throughput(Router(0).trial, 0.1)
        self.assertEqual(found.percent, 0.0)
        self.assertIsNone(found.best)

    def test_a_silent_generator_is_no_clean_trial(self) -> None:
        self.assertFalse(search.Trial(1.0, 0, 0).is_clean)

    def test_percentiles_are_of_the_bins_upper_ends(self) -> None:
        histogram = {0: 500, 10: 300, 200: 199, 3000: 1}
        self.assertEqual(search.percentile(histogram, 0.5), 10)
        self.assertEqual(search.percentile(histogram, 0.8), 20)
        self.assertEqual(search.percentile(histogram, 0.999), 300)
        self.assertEqual(search.percentile(histogram, 1.0), 4000)
        with self.assertRaises(ValueError):
            search.percentile({}, 0.5)


class Runner(unittest.TestCase):
    def test_says_what_to_install(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "TREX"}
        done = subprocess.run([sys.executable, str(TREX / "measure.py")], env=environment,
                              capture_output=True, text=True)  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("unpack a release", done.stderr)
        done = subprocess.run([sys.executable, str(TREX / "measure.py")],
                              env=environment | {"TREX": "/nonexistent"},
                              capture_output=True, text=True)  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent", done.stderr)

    def test_what_trex_says_becomes_rows(self) -> None:
        found = search.find_throughput(Router(50.0).trial, 1.0)
        row = measure.throughput_row("bytes:64", found, 60.0)
        self.assertEqual(row.values["percent"], [50.0])
        stats = {"global": {}, 1: {
            "latency": {"histogram": {"0": 999, "10": 1}, "total_max": 17},
            "err_cntrs": {"dropped": 0},
        }}  # fmt: skip
        (latency,) = measure.latency_rows("bytes:64", stats)
        self.assertEqual(latency.name, "latency/bytes:64/port:0")
        self.assertEqual(latency.values["most_us"], [17.0])
        report = measure.Report([row, latency], {"cores": "2"})
        text = measure.render.as_text(measure.sections(report))
        self.assertIn("50.00", text)


# In a process of its own: TRex brings a scapy of its own, too.
LOAD = """
import json, sys
profiles, library = sys.argv[1:]
sys.path.insert(0, library)
from trex.stl.api import STLProfile
from trex.astf.trex_astf_profile import ASTFProfile
said = []
for name, tunables in (("private_peering", ["--size", "imix"]), ("microsoft_peering", []),
                       ("latency", [])):
    for port in range(4):
        profile = STLProfile.load_py(f"{profiles}/{name}.py", direction=port % 2, port_id=port,
                                     tunables=tunables)
        for stream in profile.get_streams():
            stream.to_json()
            said.append([name, port, len(stream.pkt)])
connections = ASTFProfile.load_py(f"{profiles}/connections.py", tunables=[])
said.append(["connections", -1, len(connections.to_json_str())])
print(json.dumps(said))
"""


@unittest.skipUnless(os.environ.get("TREX"), "TREX names no release of TRex")
class Library(unittest.TestCase):
    def test_takes_the_profiles(self) -> None:
        self.assertEqual(measure.find_library(), "")
        library = Path(os.environ["TREX"]) / measure.LIBRARY
        command = [sys.executable, "-W", "ignore", "-c", LOAD, str(TREX), str(library)]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout.splitlines()[-1])
        names = {name for name, _, _ in said}
        self.assertEqual(names, {"private_peering", "microsoft_peering", "latency", "connections"})
        sizes = [size for name, port, size in said if (name, port) == ("private_peering", 0)]
        self.assertEqual(sizes, [size - 4 + 8 for size, _ in traffic.IMIX])
        self.assertNotIn(("microsoft_peering", 1), {(name, port) for name, port, _ in said})


if __name__ == "__main__":
    unittest.main()
