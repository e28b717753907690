# SPDX-License-Identifier: Apache-2.0
"""An operator restarts FRR (systemctl restart, frrinit.sh restart): its daemons are told to end,
and bgpd withdraws its routes from zebra before it does."""

import signal
from collections.abc import Callable

from evidence import talk
from routers import CONTOSO_IPV4, CONTOSO_IPV6_NETWORK
from routers_case import RoutersTest
from test_bgp import ADATUM_ROUTES, PREFIXES_MAX, many

TALK_S, ENDS_S = 9.0, 1.0
WHOLE_S = 30.0


class PlannedRestart(RoutersTest):
    def expect_no_loss(self, vrf: str, routes: set[str], restart: Callable[[], None]) -> None:
        """While the FRR of the VRF, which has these routes, is restarted."""
        ours = self.routers.ours[vrf]
        families = [family for family, mark in (("ip", "."), ("ipv6", ":"))
                    if any(mark in route for route in routes)]
        # Of zebra, for causewayd has kept what zebra may not have again yet.
        self.eventually(lambda: routes == {route for family in families
                                           for route in ours.show(f"{family} route bgp")},
                        f"{vrf}: FRR is not whole", WHOLE_S)
        self.eventually(lambda: self.lab.show("fpm", vrf)["state"] != "away",
                        f"{vrf}: zebra has not found causewayd", WHOLE_S)
        held = self.routers.fpm_events(vrf)["deletion_held"]
        running = talk(self.lab, vrf, TALK_S, rate=100.0)
        running.wait_until(ENDS_S)
        restart()
        self.routers.wait_for_sessions(vrf)
        self.assertEqual(running.finish().lost, 0)
        # Or zebra had not deleted anything.
        self.assertGreater(self.routers.fpm_events(vrf)["deletion_held"], held)
        self.assertEqual(self.routers.learned(vrf), routes)

    def expect_lossless_restarts(self, vrf: str, routes: set[str]) -> None:
        ours = self.routers.ours[vrf]
        # bgpd after zebra: then zebra does not know that bgpd restarts gracefully (docs/bgp.md).
        for name, restart in (("bgpd", lambda: ours.restart("bgpd", signal.SIGTERM)),
                              ("all", lambda: ours.restart_all(signal.SIGINT)),
                              ("bgpd again", lambda: ours.restart("bgpd", signal.SIGTERM))):
            with self.subTest(restart=name):
                self.expect_no_loss(vrf, routes, restart)

    def test_none_is_lost_with_frr_as_customer(self) -> None:
        self.expect_lossless_restarts("contoso", CONTOSO_IPV4 | {CONTOSO_IPV6_NETWORK})

    def test_none_is_lost_with_bird_as_customer_and_many_routes(self) -> None:
        """So many that zebra deletes the first before bgpd has ended."""
        self.routers.bird.announce(many(PREFIXES_MAX))
        self.addCleanup(self.routers.bird.announce, ADATUM_ROUTES)
        self.expect_lossless_restarts("adatum", set(many(PREFIXES_MAX)))
