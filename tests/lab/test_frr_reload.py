# SPDX-License-Identifier: Apache-2.0
"""`causeway frr-config --reload`: a new configuration reaches FRR that runs, and a session that it
does not concern does not notice."""

from pathlib import Path
from typing import Any

from evidence import talk
from routers import ADATUM_PUBLIC
from routers_case import RoutersTest
from scene import ADATUM_MICROSOFT_PEERS, MICROSOFT_PEERS, PRIVATE_PEERS

LIMIT, LIMIT_BEFORE = 50, 4000
TALK_S = 12.0
# Contoso's private peering gets a lower limit, and adatum's Microsoft peering goes.
LIMIT_AT = "peer-asn: 65010\n        bgp: {password: contoso-key,"
ADATUM_MICROSOFT = """\
      - type: microsoft
        c-tag: 200
        subnet: 203.0.113.8/29
        peer-asn: 65020
        advertised-public-prefixes: [203.0.113.128/25]
        advertised-public-prefixes-state: Configured
        bgp: {password: adatum-key, keepalive-seconds: 3, hold-seconds: 10,
              advertise: [192.0.2.0/24]}
"""


class FrrReload(RoutersTest):
    def changed(self) -> Path:
        text = self.lab.config.read_text(encoding="utf-8")
        for before, after in ((LIMIT_AT, LIMIT_AT + f" prefixes-max: {LIMIT},"),
                              (ADATUM_MICROSOFT, "")):
            self.assertIn(before, text)
            text = text.replace(before, after, 1)
        path = self.lab.state / "changed.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def reload(self, document: Path) -> None:
        self.lab.causeway("apply", str(document))
        told = self.lab.causeway("frr-config", "--directory", str(self.lab.state / "frr"),
                                 "--reload")
        for vrf, frr in self.routers.ours.items():
            self.assertIn(f"{frr.configuration}: written, and FRR follows it", told, vrf)
            # vtysh did not write what runs over it.
            wanted = self.lab.causeway("frr-config", "--vrf", vrf)
            self.assertEqual(frr.configuration.read_text(encoding="utf-8"),
                             wanted[wanted.index("\n") + 1:])

    def neighbours(self, vrf: str) -> dict[str, Any]:
        return dict(self.routers.ours[vrf].show("bgp neighbors"))

    def lives(self, vrf: str, names: list[str]) -> dict[str, tuple[str, int, int]]:
        rows = self.neighbours(vrf)
        return {name: (rows[name]["bgpState"], rows[name]["connectionsEstablished"],
                       rows[name]["connectionsDropped"]) for name in names}

    def limits(self) -> set[int]:
        rows = self.neighbours("contoso")
        return {rows[name]["addressFamilyInfo"]["ipv4Unicast"]["prefixAllowedMax"]
                for name, _ in PRIVATE_PEERS.values()}

    def stays(self) -> dict[str, Any]:
        """What no change of this test concerns."""
        private = [name for name, _ in PRIVATE_PEERS.values()]
        microsoft = [name for name, _ in MICROSOFT_PEERS.values()]
        zebras = {vrf: self.routers.fpm_events(vrf)["connected"] for vrf in self.routers.ours}
        return {"contoso": self.lives("contoso", private),
                "microsoft": self.lives("microsoft", microsoft),
                "adatum": self.lives("adatum", private), "zebras": zebras}

    def test_sessions_that_did_not_change_stay_up(self) -> None:
        adatum = {name for name, _ in ADATUM_MICROSOFT_PEERS.values()}
        self.eventually(lambda: all(self.lab.show("fpm", vrf)["state"] == "settled"
                                    for vrf in self.routers.ours), "zebra does not come", 30.0)
        before = self.stays()
        self.assertEqual(self.limits(), {LIMIT_BEFORE})
        running = talk(self.lab, "contoso", TALK_S, rate=100.0)
        running.wait_until(0.5)
        try:
            self.reload(self.changed())
            self.assertEqual(self.limits(), {LIMIT})
            self.assertFalse(adatum & set(self.neighbours("microsoft")))
            self.eventually(lambda: ADATUM_PUBLIC not in self.routers.learned("microsoft"),
                            "his routes stay", 15.0)
        finally:
            self.reload(self.lab.config)
        self.assertEqual(self.limits(), {LIMIT_BEFORE})
        self.routers.wait_for_sessions()
        self.eventually(lambda: ADATUM_PUBLIC in self.routers.learned("microsoft"),
                        "his routes do not come back", 15.0)
        self.assertEqual(self.stays(), before)
        self.assertEqual(running.finish().lost, 0)
