# SPDX-License-Identifier: Apache-2.0
"""What an operator changes while packets flow: configurations, links, routes."""

import subprocess
from pathlib import Path

from lab_case import LabTest
from evidence import ping
from router_state import accounts, link_packets
from scene import PRIVATE_PEERS, ROUTER, VNET_HOST


class Changes(LabTest):
    def tearDown(self) -> None:
        self.assertEqual(self.causeway("apply", str(self.lab.config)).returncode, 0)
        super().tearDown()

    def causeway(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.lab.command(ROUTER, "causeway", *words), text=True,
                              capture_output=True, env=self.lab.environment(), check=False)

    def apply(self, before: str, after: str) -> "subprocess.CompletedProcess[str]":
        text = self.lab.config.read_text(encoding="utf-8")
        self.assertIn(before, text)
        document = Path(self.lab.state) / "changed.yaml"
        document.write_text(text.replace(before, after), encoding="utf-8")
        return self.causeway("apply", str(document))

    def answers(self, customer: str = "contoso") -> bool:
        return ping(self.lab, customer, VNET_HOST, count=2).all_answered

    def test_a_circuit_forwards_only_when_enabled_and_provisioned(self) -> None:
        for before, after in (("provider-state: Provisioned", "provider-state: Provisioning"),
                              ("status: Enabled", "status: Disabled")):
            self.assertEqual(self.apply(before, after).returncode, 0)
            before_ping = accounts(self.lab)["contoso/private/primary"]
            source = PRIVATE_PEERS["primary"][0]
            self.assertEqual(ping(self.lab, "contoso", VNET_HOST, "-I", source, count=2).received,
                             0, after)
            after_ping = accounts(self.lab)["contoso/private/primary"]
            # All that came, and the customer's kernel may have had more to say than two pings.
            came = after_ping.received - before_ping.received
            self.assertGreaterEqual(came, 2)
            self.assertEqual(after_ping.drops["circuit_not_provisioned"] -
                             before_ping.drops.get("circuit_not_provisioned", 0), came)
            self.assertEqual(self.apply(before, before).returncode, 0)
            self.eventually(self.answers, f"does not forward again after {after}")

    def test_a_wrong_configuration_changes_nothing(self) -> None:
        refused = self.apply("s-tag: 20", "s-tag: 10")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("circuits[1].peerings[0].c-tag", refused.stderr)
        self.assertTrue(self.answers("contoso"))
        self.assertTrue(self.answers("adatum"))

    def test_other_customers_do_not_notice_a_change(self) -> None:
        adatum = "primary: {port: edge-primary, s-tag: 20}"
        removed = self.apply(f"provider-state: Provisioned\n    {adatum}",
                             f"provider-state: NotProvisioned\n    {adatum}")
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertEqual(ping(self.lab, "adatum", VNET_HOST, count=2).received, 0)
        self.assertTrue(self.answers("contoso"))

    def test_a_link_taken_down_by_hand_moves_its_flows(self) -> None:
        primary = ("primary", "--circuit", "contoso")
        self.assertEqual(self.causeway("link", "down", *primary).returncode, 0)
        before = link_packets(self.lab, "contoso")
        source = PRIVATE_PEERS["secondary"][0]
        self.assertTrue(ping(self.lab, "contoso", VNET_HOST, "-I", source).all_answered)
        sent = accounts(self.lab)["contoso/private/primary"].sent
        after = link_packets(self.lab, "contoso")
        self.assertGreater(after["secondary"], before["secondary"])
        self.assertEqual(accounts(self.lab)["contoso/private/primary"].sent, sent)
        self.assertEqual(self.causeway("link", "up", *primary).returncode, 0)
        self.eventually(self.answers, "does not forward again")

    def test_a_blackhole_route_is_added_and_deleted(self) -> None:
        self.assertEqual(self.causeway("route", "add", f"{VNET_HOST}/32", "--vrf", "contoso",
                                       "--blackhole").returncode, 0)
        # The host is a neighbour, and what is connected comes before what is static.
        self.assertTrue(self.answers())
        self.assertEqual(self.causeway("route", "delete", f"{VNET_HOST}/32", "--vrf",
                                       "contoso").returncode, 0)
        self.assertEqual(self.causeway("route", "delete", f"{VNET_HOST}/32", "--vrf",
                                       "contoso").returncode, 1)
