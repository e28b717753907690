# SPDX-License-Identifier: Apache-2.0
"""Policy on a circuit, end to end: access lists, sources, bandwidth, DSCP."""

import json
import re
import subprocess
import time
from pathlib import Path

from lab_case import LabTest, ON_WIRE
from evidence import http_get, ping
from lab import PYTHON
from router_state import accounts
from scene import (CONTOSO_PUBLIC, MICROSOFT_PEERS, PRIVATE_PEERS, ROUTER, SERVICE_HOST,
                   VNET_HOST)

PRIVATE = "        peer-asn: 65010\n        prefixes: [10.1.0.0/24]\n"
PUBLIC = "        advertised-public-prefixes: [198.51.100.0/24, 203.0.113.0/29]\n"
CIRCUIT = "    bandwidth: 1 Gbps\n"


class Policy(LabTest):
    def tearDown(self) -> None:
        self.apply("", "")
        super().tearDown()

    def apply(self, before: str, after: str, sections: str = "") -> str:
        text = self.lab.config.read_text(encoding="utf-8")
        self.assertIn(before, text)
        document = Path(self.lab.state) / "policy.yaml"
        document.write_text((text.replace(before, after) if before else text) + sections,
                            encoding="utf-8")
        done = subprocess.run(self.lab.command(ROUTER, "causeway", "apply", str(document)),
                              text=True, capture_output=True, env=self.lab.environment(),
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def drops(self, attachment: str, reason: str) -> int:
        return accounts(self.lab)[attachment].drops.get(reason, 0)

    def test_a_list_denies_with_icmp_and_counts(self) -> None:
        rules = f"""acls:
  - name: guard
    otherwise: permit
    rules:
      - {{name: no-ping, action: reject, protocol: icmp, icmp-type: 8,
         destination: [{VNET_HOST}/32], log-one-in: 1}}
      - {{name: never, action: deny, protocol: icmp, icmp-type: 8, destination: [{VNET_HOST}/32]}}
"""
        said = self.apply(PRIVATE, PRIVATE + "        acl-in: guard\n", rules)
        self.assertIn("no packet reaches rule never", said)
        self.eventually(lambda: self.lab.show("acl")[0]["state"] == "active", "is not in force")
        for link, (customer, ours) in PRIVATE_PEERS.items():
            pings = ping(self.lab, "contoso", VNET_HOST, "-I", customer, count=1)
            self.assertEqual(pings.errors, ((ours, "Packet filtered"),), link)
        self.assertTrue(ping(self.lab, "contoso", PRIVATE_PEERS["primary"][1]).all_answered)
        self.assertTrue(ping(self.lab, "adatum", VNET_HOST).all_answered, "is another customer")
        rows = {row["name"]: row for row in self.lab.show("acl", "guard")}
        self.assertEqual(rows["no-ping"]["packets"], 2)
        self.assertEqual(rows["never"]["remark"], "shadowed by no-ping")
        self.assertIn("access list guard, rule no-ping: in contoso/private/primary: icmp",
                      self.lab.log_tail())
        explained = self.lab.causeway("acl", "explain", "guard", "10.1.0.10", VNET_HOST,
                                      "--protocol", "icmp", "--icmp-type", "8")
        self.assertIn("rule no-ping matches: reject", explained)

    def test_only_validated_sources_pass_the_microsoft_peering(self) -> None:
        customer = MICROSOFT_PEERS["primary"][0]
        self.assertTrue(ping(self.lab, "contoso", SERVICE_HOST, "-I", customer).all_answered)
        dropped = self.drops("contoso/microsoft/primary", "source_not_advertised")
        self.apply(PUBLIC, "        advertised-public-prefixes: [198.51.100.0/24]\n")
        self.assertEqual(ping(self.lab, "contoso", SERVICE_HOST, "-I", customer,
                              count=2).received, 0)
        self.assertEqual(self.drops("contoso/microsoft/primary", "source_not_advertised"),
                         dropped + 2)
        self.assertTrue(http_get(self.lab, "contoso", SERVICE_HOST))
        self.apply("prefixes-state: Configured", "prefixes-state: ValidationNeeded")
        self.assertEqual(http_get(self.lab, "contoso", SERVICE_HOST), "")

    def test_the_dscp_contract_holds_on_the_microsoft_peering(self) -> None:
        for sent, arrives in ((46, 46), (34, 34), (26, 0), (8, 0)):
            receiver = self.lab.start("service", PYTHON, str(ON_WIRE), "receive-tos", "5300",
                                      stdout=subprocess.PIPE, text=True)
            try:
                time.sleep(0.5)
                self.on_wire("contoso", "send-tos", CONTOSO_PUBLIC, SERVICE_HOST, "5300",
                             str(sent << 2 | 1))
                output, _ = receiver.communicate(timeout=10)
            finally:
                receiver.kill()
                receiver.wait()
            self.assertEqual(int(output), arrives << 2 | 1, f"DSCP {sent}, with ECT(1)")

    def test_a_policer_is_exact_to_a_hundredth(self) -> None:
        self.apply(CIRCUIT, "    bandwidth: 50 Mbps\n    policing: {burst: 100 ms}\n")
        frame_bytes, payload_bytes, seconds = 1350, 1300, 5
        server = self.lab.start("contoso-vnet", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            report = json.loads(self.lab.run(
                "contoso", "timeout", "30", "iperf3", "-c", VNET_HOST, "-u", "-b", "100M", "-l",
                str(payload_bytes), "-t", str(seconds), "--json", "--get-server-output"))
        finally:
            server.terminate()
            server.wait()
        # The server's own seconds; the first has the burst, the last may be short.
        intervals = re.findall(r"(\d+\.\d+)-(\d+\.\d+) +sec .* (\d+(?:\.\d+)?) Mbits/sec",
                               report["server_output_text"])
        rates = [float(rate) * frame_bytes / payload_bytes
                 for begin, end, rate in intervals[1:seconds - 1] if float(end) > float(begin)]
        self.assertEqual(len(rates), seconds - 2, report["server_output_text"])
        mean = sum(rates) / len(rates)
        self.assertAlmostEqual(mean, 50.0, delta=0.5, msg=report["server_output_text"])
        held = {row["name"]: row for row in self.lab.show("policer")}
        dropped = sum(held[f"contoso/{link} in"]["dropped-packets"] for link in PRIVATE_PEERS)
        self.assertGreater(dropped, 1_000)
        peaks = {row["name"]: row for row in self.lab.show("peaks")}
        most = max(peaks[f"contoso/private/{link}"]["rx-10ms-bps"] for link in PRIVATE_PEERS)
        self.assertGreater(most, 80_000_000)
