# SPDX-License-Identifier: Apache-2.0
"""The chapters of the demo in which something is taken away from real routers, under traffic."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import netns
from cut_trial import Load, Loss, cut_once
from evidence import other, talk
from lab import Lab
from router_state import bfd_session, drain_state, is_used, link_packets
from routers import Routers, soon
from scene import CUSTOMER_HOST, LINKS, PRIVATE_PEERS

if TYPE_CHECKING:
    from story import Story

# 300 ms three times; the rest is for a machine whose cores all of the lab shares.
DETECTION_MS, TOLERANCE_MS = 900.0, 100.0
# contoso's FRR has to tell its kernel, too; without BFD it would be the hold time, ten seconds.
CUSTOMER_GAP_MAX_MS = 2000.0
# Our bgpd waits a second for more of such news. The sessions stay, so no timer would help.
CORE_GAP_MAX_S = 4.0
SHARE_MIN, SHARE_MAX = 0.05, 0.01
BFD_AGREE_S = 2.0  # until the intervals of sessions that are up are agreed
TRIES = 3  # on a machine that is too busy to measure on
NUMBERED = Load([f"10.1.0.{host}" for host in range(20, 250)], flows=2_000, rate=4_000.0,
                cut_at_s=1.0, seconds=4.0)  # fmt: skip
BACKUP = ("192.168.15.25", "192.168.15.26")  # contoso's end and its cloud's
TOLD, STATIC = "10.2.0.0/24", "10.2.0.0/16"
DRAIN_S = 12.0
# Both recoveries, restart-seconds after which causewayd asks zebra for everything, and as many
# again until it sweeps.
CRASHES_S = 38.0


def told_by(link: str) -> tuple[str, ...]:
    """What `causeway show` is asked for: what contoso hears of us there."""
    return ("route-table", "contoso", "private", link, "--advertised")


def print_table(text: str, *words: str, when: str = "") -> None:
    print(f"\n$ causeway show {' '.join(words)}{when and f'  # {when}'}\n{text.rstrip()}")


def show(lab: Lab, *words: str) -> None:
    print_table(lab.causeway("show", *words), *words)


def share(lab: Lab, link: str) -> float:
    """Of contoso's packets, those that the link carries now."""
    before = link_packets(lab, "contoso")
    time.sleep(0.5)
    after = link_packets(lab, "contoso")
    moved = {name: after[name] - before[name] for name in LINKS}
    return moved[link] / max(1, sum(moved.values()))


def wait_for_both(lab: Lab, routers: Routers) -> None:
    routers.wait_for_sessions()
    if not soon(routers.have_both_ways):
        raise netns.LabError(f"contoso's ways are {routers.customer_ways()}; ours are "
                             f"{routers.next_hops('contoso', '10.1.0.0/24')}, in use: "
                             f"{[link for link in LINKS if is_used(lab, link)]}")


def drain(lab: Lab, routers: Routers, story: Story, link: str) -> None:
    story.heading(f"The {link} link is drained for maintenance, and used again")
    wait_for_both(lab, routers)
    running = talk(lab, "contoso", DRAIN_S, rate=200.0)
    running.wait_until(0.5)
    before = share(lab, link)
    begun = time.monotonic()
    lab.causeway("link", "drain", link, "contoso", "--timeout", "30")
    try:
        leaves = soon(lambda: routers.customer_ways() == {PRIVATE_PEERS[other(link)][1]})
        told = lab.causeway("show", *told_by(link))
        is_drained = soon(lambda: drain_state(lab, link) == ("drained", "prepended", "down"))
        took_s = time.monotonic() - begun
        drained = share(lab, link)
    finally:
        lab.causeway("link", "undrain", link, "contoso")
    has_both = soon(routers.have_both_ways)
    after = share(lab, link)
    in_time = time.monotonic() < running.start + DRAIN_S
    outcome = running.finish()
    story.claim(f"our AS number is prepended, contoso leaves {link}, and then it is closed",
                leaves and is_drained, f"{took_s:.1f} s")
    story.claim(f"{link} carried flows, none while it was drained, and carries them again",
                has_both and in_time and min(before, after) > SHARE_MIN and drained < SHARE_MAX,
                f"{before:.0%}, {drained:.0%}, {after:.0%} of contoso's packets")
    story.claim("no packet is lost", outcome.lost == 0, f"lost {outcome.lost} of {outcome.sent:,}")
    print_table(told, *told_by(link), when="while it drained")


@contextmanager
def backup_circuit(lab: Lab) -> Iterator[None]:
    """contoso's way to its cloud past our edge, for what BGP does not tell."""
    ends = [lab.namespace(host) for host in ("contoso", "contoso-vnet")]
    netns.veth(*(netns.End(name, "backup", 60 + number, 1500)
                 for number, name in enumerate(ends)))
    for name, address in zip(ends, BACKUP):
        netns.ip_batch(name, [f"address add {address}/30 dev backup", "link set backup up"])
    before = netns.run("ip", "-n", ends[0], "route", "show", "exact", STATIC)
    netns.ip_batch(ends[0], [f"route replace {STATIC} via {BACKUP[1]} dev backup "
                             f"src {CUSTOMER_HOST}"])
    try:
        yield
    finally:
        netns.ip_batch(ends[0], [f"route replace {' '.join(before.split())}",
                                 "link delete backup"])


def elsewhere(lab: Lab) -> int:
    """Packets that the cloud has got by the backup circuit, in half a second."""
    def received() -> int:
        link = netns.run("ip", "-n", lab.namespace("contoso-vnet"), "-s", "-json", "link", "show",
                         "backup")
        return int(json.loads(link)[0]["stats64"]["rx"]["packets"])

    before = received()
    time.sleep(0.5)
    return received() - before


def core_is_gone(lab: Lab, routers: Routers, story: Story) -> None:
    story.heading("The core behind both links is lost; contoso has a circuit elsewhere, too")
    wait_for_both(lab, routers)
    with backup_circuit(lab):
        running = talk(lab, "contoso", 6.0, rate=200.0)
        running.wait_until(1.0)
        lab.set_core("down")
        try:
            is_withdrawn = soon(lambda: TOLD not in routers.told())
            appeals = {drain_state(lab, link)[1] for link in LINKS}
            states = set(routers.sessions().values())
            leaves = soon(lambda: elsewhere(lab) > 0)
            lost = running.finish().towards("contoso-vnet")
            back = talk(lab, "contoso", 7.0, rate=200.0)
            back.wait_until(1.0)
        finally:
            lab.set_core("up")
        returns = soon(lambda: TOLD in routers.told() and elsewhere(lab) == 0)
        in_time = time.monotonic() < back.start + 7.0
        kept = back.finish().towards("contoso-vnet")
    story.claim("both links' routes are withdrawn, and every session stays",
                is_withdrawn and appeals == {"withdrawn"} and states == {"Established"})
    story.claim(f"contoso sends to its other circuit within {CORE_GAP_MAX_S:.0f} s",
                leaves and lost.gap_ms < CORE_GAP_MAX_S * 1000, f"gap {lost.gap_ms / 1000:.1f} s")
    story.claim("the core is back: contoso returns, and nothing it sends is lost",
                returns and in_time and kept.lost == 0, f"lost {kept.lost} of {kept.sent:,}")


def crashes(lab: Lab, routers: Routers, story: Story) -> None:
    story.heading("FRR on our side crashes, and is started again")
    wait_for_both(lab, routers)
    running = talk(lab, "contoso", CRASHES_S, rate=100.0)
    running.wait_until(1.0)
    for daemon in ("zebra", "bgpd"):
        begun = time.monotonic()
        routers.ours["contoso"].restart(daemon, signal.SIGKILL)
        is_whole = soon(lambda: set(routers.sessions().values()) == {"Established"} and
                        routers.is_whole())
        story.claim(f"{daemon} is killed: every session and route is there again", is_whole,
                    f"{time.monotonic() - begun:.1f} s")
    is_swept = soon(lambda: lab.show("fpm", "contoso")["state"] == "settled")
    in_time = time.monotonic() < running.start + CRASHES_S
    outcome = running.finish()
    story.claim("no packet is lost, nor when causewayd has compared all routes",
                is_swept and in_time and outcome.lost == 0,
                f"lost {outcome.lost} of {outcome.sent:,}")


def cut_in_silence(lab: Lab, routers: Routers, link: str) -> tuple[Loss, float]:
    """What it cost from the cloud, and the gap to the cloud in milliseconds."""
    for _ in range(TRIES):
        wait_for_both(lab, routers)
        running = talk(lab, "contoso", 6.0, rate=100.0)
        loss = cut_once(lab, link, "silent", NUMBERED)
        gap_ms = running.finish().towards("contoso-vnet").gap_ms
        if loss.lost_before == 0:
            break
    return loss, gap_ms


def silence(lab: Lab, routers: Routers, story: Story, link: str) -> None:
    story.heading(f"The {link} link dies in silence: only BFD can tell")
    routers.begin_bfd()
    story.claim("contoso begins with BFD on both links",
                soon(lambda: all(map(routers.bfd_is_up, LINKS))))
    time.sleep(BFD_AGREE_S)
    downs = bfd_session(lab, link)["downs"]
    loss, customer_ms = cut_in_silence(lab, routers, link)
    session = bfd_session(lab, link)
    limit_ms = DETECTION_MS + TOLERANCE_MS
    story.claim("the router's port keeps its carrier, and BFD's detection time expires",
                loss.after_detection_ms is None and session["downs"] > downs and
                session["diagnostic"] == "detection time expired",
                f"{session['detection-us'] / 1000:.0f} ms")
    story.claim(f"from the cloud, its flows are at {other(link)} within {limit_ms:.0f} ms",
                0 < loss.outage_ms < limit_ms and loss.flows_moved == loss.flows_cut > 0,
                f"gap {loss.outage_ms:.0f} ms, {loss.flows_moved:,} of {loss.flows_cut:,} flows")
    story.claim(f"flows of the {other(link)} link lost nothing",
                loss.flows_kept > 0 == loss.lost_of_kept,
                f"{loss.lost_of_kept} packets of {loss.flows_kept:,} flows")
    story.claim("to the cloud, contoso's FRR does so by BFD, too",
                customer_ms < CUSTOMER_GAP_MAX_MS, f"gap {customer_ms:.0f} ms")
    story.claim("the link speaks again, and both are in use",
                soon(lambda: routers.bfd_is_up(link)) and soon(routers.have_both_ways))
    show(lab, "bfd", f"contoso/private/{link}")
