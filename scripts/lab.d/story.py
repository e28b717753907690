# SPDX-License-Identifier: Apache-2.0
"""The story that scripts/demo tells: each claim is measured while you watch."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from bgp_story import real_routers
from evidence import Download, http_get, observe_isolation, other, ping, talk
from lab import Lab, LabError
from router_state import accounts, link_packets, settle
from scene import (CONTOSO_PUBLIC, CUSTOMERS, LINKS, MICROSOFT_PEERS, PRIVATE_PEERS, SERVICE_HOST,
                   VNET_HOST)

GAP_MAX_MS = 50.0
TCP_STREAMS = 16
TCP_SECONDS = 2
# With 16 streams and a fair coin a link gets fewer than this share once in four thousand runs.
SHARE_MIN = 0.1
# One direction of one of eight flows, for a third of the conversation, is a 48th of it.
FLOW_SHARE = 60
TABLES = ("circuits", "attachments", "neighbours", "routes", "groups", "drops", "stages")

PICTURE = """
  contoso ─┬─ primary ───── edge ┐            ┌─ contoso-vnet  10.2.0.10
           │                     │  causeway ─┼─ adatum-vnet   10.2.0.10
  adatum  ─┴─ secondary ─── edge ┘            └─ service       192.0.2.10

  Both customers are 10.1.0.10, use the same subnets and the same C-tag 100; contoso's S-tag is
  10, adatum's 20. Every line is a real kernel's Ethernet, double-tagged to the left of causeway.
"""


@dataclass
class Story:
    colour: bool = field(default_factory=sys.stdout.isatty)
    false_claims: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        print(f"\n{self._paint('1', text)}", flush=True)

    def claim(self, text: str, is_true: bool, detail: str = "") -> None:
        mark = self._paint("32", "✓") if is_true else self._paint("31", "✗ NOT TRUE:")
        print(f"  {mark} {text}" + (f"  ({detail})" if detail else ""), flush=True)
        if not is_true:
            self.false_claims.append(text)

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text


def pings(lab: Lab, story: Story) -> None:
    story.heading("Pings over both links, both customers")
    for customer in CUSTOMERS:
        for link, (source, ours) in PRIVATE_PEERS.items():
            router = ping(lab, customer, ours)
            vnet = ping(lab, customer, VNET_HOST, "-I", source)
            story.claim(f"{customer}, {link}: router and virtual network answer",
                        router.all_answered and vnet.all_answered, f"{vnet.average_ms:.2f} ms")


def transfer(lab: Lab, story: Story) -> None:
    story.heading(f"TCP, {TCP_STREAMS} streams at once, {TCP_SECONDS} s a direction")
    for reverse, direction in (((), "to the cloud"), (("-R",), "from the cloud")):
        before = link_packets(lab, "contoso")
        server = lab.start("contoso-vnet", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            report = json.loads(lab.run("contoso", "timeout", "30", "iperf3", "-c", VNET_HOST, "-J",
                                        "-P", str(TCP_STREAMS), "-t", str(TCP_SECONDS), *reverse))
        finally:
            server.terminate()
            server.wait()
        rate = report["end"]["sum_received"]["bits_per_second"] / 1e9
        after = link_packets(lab, "contoso")
        moved = {link: after[link] - before[link] for link in LINKS}
        shares = {link: moved[link] / max(1, sum(moved.values())) for link in LINKS}
        story.claim(f"both links carry it {direction}", min(shares.values()) > SHARE_MIN,
                    f"{rate:.2f} Gbit/s; " +
                    ", ".join(f"{link} {moved[link]:,} packets, {shares[link]:.0%}"
                              for link in LINKS))


def isolation(lab: Lab, story: Story) -> None:
    story.heading("Same addresses, two worlds")
    for customer in CUSTOMERS:
        answer = http_get(lab, customer, VNET_HOST)
        story.claim(f'http://{VNET_HOST}/ asked by {customer}: "{answer}"',
                    answer == f"This is {customer}'s virtual network.")
    seen = observe_isolation(lab)
    for customer in CUSTOMERS:
        # A message crosses two of the router's wires, so there are two frames to look at.
        story.claim(f"every frame of {customer} on the router's wires bears {customer}'s tags",
                    seen.own(customer) >= 2 * seen.outcomes[customer].sent > 0,
                    f"{seen.own(customer):,} frames looked at")
    story.claim("no frame of one customer under the tags of the other",
                seen.foreign_frames == 0, f"{seen.foreign_frames} found")
    story.claim("no message of one customer at the other's hosts", seen.foreign_messages == 0,
                f"{seen.foreign_messages} of {sum(o.sent for o in seen.outcomes.values()):,}")


def service(lab: Lab, story: Story) -> None:
    story.heading("Microsoft peering: a public service over the same two links")
    answer = http_get(lab, "contoso", SERVICE_HOST)
    story.claim(f'http://{SERVICE_HOST}/ asked by contoso: "{answer}"',
                answer == "This is a Microsoft service.")
    log = lab.web_log("service").read_text(encoding="utf-8")
    story.claim("the service saw contoso's public address", CONTOSO_PUBLIC in log, CONTOSO_PUBLIC)
    for link, (source, _) in MICROSOFT_PEERS.items():
        story.claim(f"{link} carries it", ping(lab, "contoso", SERVICE_HOST, "-I", source)
                    .all_answered)


def cut(lab: Lab, story: Story, link: str) -> None:
    story.heading(f"The {link} link is cut mid-transfer")
    running = talk(lab, "contoso", 3.0)
    stays = talk(lab, "contoso", 3.0, source=PRIVATE_PEERS[other(link)][0], first_port=7100)
    before = link_packets(lab, "contoso")[link]
    running.wait_until(1.0)
    used = link_packets(lab, "contoso")[link] - before
    lab.cut(link)
    outcome, kept = running.finish(), stays.finish()
    up, down = (outcome.towards(host).gap_ms for host in ("contoso-vnet", "contoso"))
    packets = f"{running.rate * len(outcome.directions) / 2:,.0f} packets/s each way"
    story.claim(f"the gap is under {GAP_MAX_MS:.0f} ms in both directions",
                max(up, down) < GAP_MAX_MS,
                f"to the cloud {up:.1f} ms, from the cloud {down:.1f} ms, at {packets}")
    story.claim("the link was in use, and its flows moved",
                used > outcome.sent // FLOW_SHARE,
                f"{used:,} packets before the cut; {outcome.disturbed()} of "
                f"{len(outcome.directions) // 2} flows lost {outcome.lost} of {outcome.sent:,}")
    story.claim(f"flows of the {other(link)} link lost nothing", kept.lost == 0,
                f"{kept.lost} of {kept.sent:,} packets")
    # On its own: a download that catches up fills the kernel's short queues, and what a
    # conversation beside it loses there says nothing of the links.
    lab.restore(link)
    settle(lab)
    download = Download(lab, "contoso", "contoso-vnet", VNET_HOST)
    time.sleep(1.0)
    under_way = download.is_under_way()
    lab.cut(link)
    story.claim("a TCP download survives a second cut, byte for byte",
                under_way and download.arrived_whole())


def restore(lab: Lab, story: Story, link: str) -> None:
    story.heading(f"The {link} link comes back under traffic")
    before = link_packets(lab, "contoso")[link]
    running = talk(lab, "contoso", 3.0)
    running.wait_until(1.0)
    lab.restore(link)
    outcome = running.finish()
    moved = link_packets(lab, "contoso")[link] - before
    story.claim(f"no gap of {GAP_MAX_MS:.0f} ms while flows move back",
                outcome.gap_ms < GAP_MAX_MS,
                f"{outcome.gap_ms:.1f} ms, lost {outcome.lost} of {outcome.sent:,}")
    story.claim(f"{link} carries flows again", moved > outcome.sent // FLOW_SHARE,
                f"{moved:,} packets")


def tables(lab: Lab, story: Story) -> None:
    story.heading("The tables, as `causeway show …` prints them")
    for table in TABLES:
        print(f"\n$ causeway show {table}")
        print(lab.causeway("show", table).rstrip())
    time.sleep(0.2)  # let the last packets leave
    rows = accounts(lab)
    story.heading("The books")
    story.claim("in = out + drops + handed to the control thread, on every attachment",
                all(row.unaccounted == 0 for row in rows.values()),
                f"{sum(row.received for row in rows.values()):,} packets")


def tell(lab: Lab, story: Story) -> None:
    print(PICTURE)
    settle(lab)
    pings(lab, story)
    transfer(lab, story)
    isolation(lab, story)
    service(lab, story)
    for link in LINKS:
        cut(lab, story, link)
        restore(lab, story, link)
        settle(lab)
    real_routers(lab, story)
    tables(lab, story)


def hints(lab: Lab) -> str:
    call = f"CAUSEWAY_LAB={lab.instance} scripts/lab"
    return f"""
The lab is still up. Try:
  {call} status
  {call} exec contoso ping {VNET_HOST}
  {call} exec contoso curl http://{SERVICE_HOST}/
  {call} cut primary; {call} restore primary
  {call} exec causeway causeway show attachments
  {call} down"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--device", choices=("af_xdp", "af_packet"), default="af_xdp")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the lab is taken down

    lab = Lab(os.environ.get("CAUSEWAY_LAB", "demo"), options.device)
    story = Story()
    is_done = False
    try:
        lab.up()
        tell(lab, story)
        is_done = True
    except KeyboardInterrupt:
        return 130
    except LabError as error:
        story.claim(str(error), False)
    finally:
        if options.keep and is_done:
            print(hints(lab))
        else:
            lab.down()
    if story.false_claims:
        print(f"\n{len(story.false_claims)} claims were not true.")
        return 1
    print("\nEvery claim was found true.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
