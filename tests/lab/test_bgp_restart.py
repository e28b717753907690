# SPDX-License-Identifier: Apache-2.0
"""causewayd ends and is started again under an FRR that runs on: with it go the TAPs, and so the
sessions; everything is back by itself."""

import os
import signal
import time

from evidence import talk
from routers import ADATUM_PUBLIC, CONTOSO_IPV4, CONTOSO_IPV6_NETWORK
from routers_case import RoutersTest
from scene import LINKS, PRIVATE_PEERS, ROUTER

LEARNED = {"contoso": CONTOSO_IPV4 | {CONTOSO_IPV6_NETWORK}, "adatum": {"10.1.0.0/24"},
           "microsoft": {"198.51.100.0/24", ADATUM_PUBLIC}}
# Seen: two to four. A zebra that has missed an address hears it again after one, five and thirty
# seconds, bgpd tries every ten, and zebra connects every three.
BACK_MAX_S = 30.0
TALK_S, ENDS_S = 10.0, 1.0
SLACK_S = 1.0  # of questions that a shell asks


class BgpRestart(RoutersTest):
    def is_whole(self) -> bool:
        both = {PRIVATE_PEERS[link][0] for link in LINKS}
        return (all(self.routers.learned(vrf) == routes for vrf, routes in LEARNED.items()) and
                all(self.routers.next_hops(vrf, "10.1.0.0/24") == both
                    for vrf in ("contoso", "adatum")) and
                set(self.routers.sessions().values()) == {"Established"})

    def test_routes_and_sessions_come_back(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how=how.name):
                self.eventually(self.is_whole, "FRR is not whole before", BACK_MAX_S)
                running = talk(self.lab, "contoso", TALK_S, rate=100.0)
                running.wait_until(ENDS_S)
                ended = time.monotonic()
                for pid in self.lab.pids(ROUTER):
                    os.kill(pid, how)
                self.lab.stop_daemon()
                self.lab.start_daemon()
                self.eventually(self.is_whole, "FRR does not come back", BACK_MAX_S)
                outage_s = time.monotonic() - ended
                outcome = running.finish()
                self.assertGreater(outcome.lost, 0)  # or nothing had ended
                # When all is back, packets pass.
                self.assertLess(outcome.gap_ms / 1000, outage_s + SLACK_S)
                self.assertEqual(talk(self.lab, "contoso", 2.0).finish().lost, 0)
