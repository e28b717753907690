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
# Seen: two to four, and twelve where zebra slept for eight. A zebra that has missed an address
# hears it again five times within thirty seconds, bgpd tries every ten, and zebra connects every
# three.
BACK_MAX_S = 30.0
TALK_S, ENDS_S = 10.0, 1.0
SLACK_S = 1.0  # of questions that a shell asks


class BgpRestart(RoutersTest):
    def missing(self) -> list[str]:
        """What differs from a router that has all sessions and routes."""
        both = {PRIVATE_PEERS[link][0] for link in LINKS}
        sessions = self.routers.sessions()
        wrong = [f"{session} is {state}" for session, state in sessions.items()
                 if state != "Established"]
        if not sessions:
            wrong.append("bgpd knows no session")
        for vrf, routes in LEARNED.items():
            if learned := self.routers.learned(vrf) ^ routes:
                wrong.append(f"{vrf} lacks, or has too many: {learned}")
        for vrf in ("contoso", "adatum"):
            if (hops := self.routers.next_hops(vrf, "10.1.0.0/24")) != both:
                wrong.append(f"{vrf} has 10.1.0.0/24 over {hops}")
        return wrong

    def wait_until_whole(self, message: str) -> None:
        deadline = time.monotonic() + BACK_MAX_S
        while wrong := self.missing():
            if time.monotonic() >= deadline:
                self.fail(f"{message}: {wrong}\n{self.interfaces()}")
            time.sleep(0.05)

    def interfaces(self) -> str:
        """As our zebras know them: they may have missed a TAP, or an address of it."""
        return "\n".join(f"{vrf}: {frr.show('interface')}"
                         for vrf, frr in self.routers.ours.items())

    def test_routes_and_sessions_come_back(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how=how.name):
                self.wait_until_whole("FRR is not whole before")
                running = talk(self.lab, "contoso", TALK_S, rate=100.0)
                running.wait_until(ENDS_S)
                ended = time.monotonic()
                for pid in self.lab.pids(ROUTER):
                    os.kill(pid, how)
                self.lab.stop_daemon()
                self.lab.start_daemon()
                self.wait_until_whole("FRR does not come back")
                outage_s = time.monotonic() - ended
                outcome = running.finish()
                self.assertGreater(outcome.lost, 0)  # or nothing had ended
                # When all is back, packets pass.
                self.assertLess(outcome.gap_ms / 1000, outage_s + SLACK_S)
                self.assertEqual(talk(self.lab, "contoso", 2.0).finish().lost, 0)
