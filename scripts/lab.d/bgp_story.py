# SPDX-License-Identifier: Apache-2.0
"""The chapters of the demo in which the customers' routers are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidence import other, ping, talk
from lab import Lab
from outage_story import core_is_gone, crashes, drain, show, silence
from router_state import settle
from routers import ADATUM_PUBLIC, CONTOSO_IPV4, CONTOSO_IPV6_NETWORK, Routers, soon
from scene import LINKS, VNET_HOST

if TYPE_CHECKING:
    from story import Story

FAILOVER_MAX_MS = 50.0
PATH = ("contoso", "private", "primary")
TABLES = ("arp-table", "bgp-summary", "route-table")


def sessions(lab: Lab, routers: Routers, story: Story) -> None:
    states = routers.sessions()
    story.claim("a BGP session with MD5 on every attachment, all from one description",
                len(states) == 10 and set(states.values()) == {"Established"},
                f"{len(states)} sessions, AS 12076 on our side")
    story.claim("a private peering may have the default route, but no loopback network",
                soon(lambda: routers.learned("contoso") == {*CONTOSO_IPV4, CONTOSO_IPV6_NETWORK}))
    story.claim("the Microsoft peering takes public prefixes only, and of each customer his own",
                soon(lambda: routers.learned("microsoft") == {"198.51.100.0/24",
                                                                  ADATUM_PUBLIC}))
    for customer in ("contoso", "adatum"):
        answered = ping(lab, customer, VNET_HOST, "-I", "10.1.0.10").all_answered
        story.claim(f"{customer} reaches its virtual network by what BGP has told", answered)


def failover(lab: Lab, routers: Routers, story: Story) -> None:
    for link in LINKS:
        routers.wait_for_sessions()
        story.claim("BGP has told both links' ways to contoso", soon(routers.have_both_ways))
        running = talk(lab, "contoso", 3.0)
        running.wait_until(1.0)
        lab.cut(link)
        outcome = running.finish()
        story.claim(f"{link} is cut: {other(link)} takes over before BGP has noticed",
                    outcome.gap_ms < FAILOVER_MAX_MS, f"gap {outcome.gap_ms:.1f} ms")
        lab.restore(link)
        settle(lab)


def tables(lab: Lab) -> None:
    for table in TABLES:
        show(lab, table, *PATH)


def real_routers(lab: Lab, story: Story) -> None:
    story.heading("Real routers: FRR at contoso, BIRD at adatum, and FRR on our side")
    lab.stop_daemon()
    routers = Routers.with_bfd(lab)
    try:
        routers.start()
        settle(lab)
        sessions(lab, routers, story)
        tables(lab)
        story.heading("A link is cut under real routers")
        failover(lab, routers, story)
        drain(lab, routers, story, "primary")
        core_is_gone(lab, routers, story)
        crashes(lab, routers, story)
        silence(lab, routers, story, "secondary")
    finally:
        routers.stop()
        lab.start_daemon()
    settle(lab)
