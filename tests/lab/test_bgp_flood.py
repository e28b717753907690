# SPDX-License-Identifier: Apache-2.0
"""A million junk packets a second at TCP port 179 do not shake a session of real routers."""

import json
import subprocess
from pathlib import Path
from typing import Any

import netns
from lab import PYTHON
from routers_case import RoutersTest
from scene import CUSTOMER_HOST, CUSTOMERS, PRIVATE_C_TAG, PRIVATE_PEERS, ROUTER

HERE = Path(__file__).resolve().parent
SWITCH = "provider-primary"
# For longer than the hold time of ten seconds, or no session could end of it; and slower than the
# bandwidth of the circuit, 1 Gbps, or that would take most of it away. Seen to arrive, of two
# cores: 1,250,000 to 1,310,000 a second of these, and 5,500,000 without rate and gap.
RATE, SECONDS = 1_500_000, 14.0
GAP_NS = 300  # so that they come evenly, but for 25 ms that each call takes to end
ARRIVES_MIN = 1_000_000  # a second
TRIES = 3
# Where the control thread and FRR are, too; on the worker's own it would take the worker's time.
FLOOD_CORE = "0"
SLACK_S = 3.0  # of the questions before and after
KEEPALIVES_MIN = 4


class BgpFlood(RoutersTest):
    def flood(self, source: str) -> "subprocess.Popen[str]":
        """As if contoso sent it on his primary link."""
        index = self.lab.run(SWITCH, "cat", f"/sys/class/net/{ROUTER}/ifindex").strip()
        program = self.lab.state / "xdp_flood.o"
        netns.compile_bpf(HERE / "xdp_flood.bpf.c", program, {
            "OUT_IFINDEX": int(index), "GAP_NS": GAP_NS})
        return self.lab.start(SWITCH, "taskset", "-c", FLOOD_CORE, PYTHON,
                              str(HERE / "xdp_flood.py"), str(program), str(CUSTOMERS["contoso"]),
                              str(PRIVATE_C_TAG), self.port()["mac"], source,
                              PRIVATE_PEERS["primary"][1], str(RATE), str(SECONDS),
                              stdout=subprocess.PIPE, text=True)

    def port(self) -> Any:
        return next(row for row in self.lab.show("ports") if row["name"] == "edge-primary")

    def punts(self) -> dict[str, Any]:
        return {row["class"]: row for row in self.lab.show("punts", "contoso/private/primary")}

    def ends_of_sessions(self) -> dict[str, int]:
        """How often each session of ours has ended."""
        return {f"{vrf} {name}": peer["connectionsDropped"]
                for vrf, frr in self.routers.ours.items()
                for family in frr.show("bgp summary").values() if isinstance(family, dict)
                for name, peer in family.get("peers", {}).items()}

    def flood_fast_enough(self, source: str) -> tuple[float, dict[str, Any]]:
        """Seconds, and what happened to each class of punts, of a flood that arrived at the rate.

        A neighbour of the machine may take the rate away for a while; then it is tried again."""
        rates = []
        for _ in range(TRIES):
            punts, arrived = self.punts(), self.port()["rx"]["packets"]
            said = json.loads(self.flood(source).communicate(timeout=60.0)[0])
            rates.append((self.port()["rx"]["packets"] - arrived) / said["seconds"])
            if rates[-1] > ARRIVES_MIN:
                after = self.punts()
                return said["seconds"], {
                    name: {what: after[name][what] - punts[name][what]
                           for what in ("passed", "over-attachment")} for name in punts}
        self.fail(f"floods arrived at {rates} packets a second")

    def test_a_million_packets_a_second_end_no_session(self) -> None:
        """Neither from a stranger nor from who forges the peer's own address."""
        for source, taken_for in ((PRIVATE_PEERS["primary"][0], "bgp-new"),
                                  (CUSTOMER_HOST, "rest")):
            with self.subTest(source=source):
                self.routers.wait_for_sessions()
                ended = self.ends_of_sessions()
                seconds, change = self.flood_fast_enough(source)
                self.assertEqual(self.ends_of_sessions(), ended)
                self.assertEqual(set(self.routers.sessions().values()), {"Established"})
                self.assertGreater(change[taken_for]["over-attachment"] / seconds,
                                   ARRIVES_MIN, change)
                bucket = self.punts()[taken_for]
                self.assertLess(change[taken_for]["passed"],
                                bucket["burst"] + bucket["rate"] * (seconds + SLACK_S))
                self.assertGreater(change["bgp"]["passed"], KEEPALIVES_MIN)
                self.assertEqual(change["bgp"]["over-attachment"], 0)
