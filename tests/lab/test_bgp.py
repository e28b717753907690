# SPDX-License-Identifier: Apache-2.0
"""BGP with real routers: FRR on our side, FRR at contoso, BIRD at adatum."""

import signal
import subprocess
import time
from pathlib import Path

from cut_trial import Ends, Load, loss_of
from evidence import ping, talk
from router_state import drain_state
from routers import ADATUM_PUBLIC, CONTOSO_IPV4, CONTOSO_IPV6_NETWORK
from routers_case import RoutersTest
from scene import (ADATUM_MICROSOFT_PEERS, IPV6_PEERS, LINKS, MICROSOFT_PEERS, PRIVATE_PEERS,
                   ROUTER, VNET_HOST)

ADATUM_ROUTES = ["10.1.0.0/24", "127.1.0.0/16"]
RESTARTS_S = 36.0  # of which each restart takes three to six, and a sweep ten more
CLOUD = {"10.2.0.0/24", "2001:db8:2::/64"}  # contoso's virtual network
CONTOSO_LEARNED = CONTOSO_IPV4 | {CONTOSO_IPV6_NETWORK}
# From the virtual network to hosts behind contoso's router; the link drains where others are cut.
IPV6_LOAD = Load([f"2001:db8:1::{host:x}" for host in range(0x20, 0x106)], flows=1_000,
                 rate=2_000.0, cut_at_s=1.5, seconds=8.0, source="2001:db8:2::10")
PREFIXES_MAX = 4000  # of a private peering, unless its configuration says otherwise


def many(count: int) -> list[str]:
    """So many routes of adatum, 10.1.0.0/24 among them."""
    return ["10.1.0.0/24"] + [f"10.{128 + i // 65536}.{i // 256 % 256}.{i % 256}/32"
                              for i in range(count - 1)]


class Bgp(RoutersTest):
    def expect_routes(self, vrf: str, prefixes: set[str], seconds: float = 15.0) -> None:
        self.eventually(lambda: self.routers.learned(vrf) == prefixes,
                        f"{vrf}: {sorted(prefixes)} expected", seconds)

    def test_sessions_with_md5_are_up_on_every_attachment(self) -> None:
        states = self.routers.sessions()
        # Two circuits, two peerings each, two links; and contoso's private one in IPv6.
        self.assertEqual(len(states), 10)
        self.assertEqual(set(states.values()), {"Established"})
        for vrf in ("contoso", "adatum"):
            self.expect_next_hops(vrf, {PRIVATE_PEERS[link][0] for link in LINKS})

    def expect_next_hops(self, vrf: str, expected: set[str]) -> None:
        self.eventually(lambda: self.routers.next_hops(vrf, "10.1.0.0/24") == expected,
                        f"{vrf}: next hops {expected}", 10.0)

    def test_filters_let_through_what_each_peering_may_have(self) -> None:
        self.expect_routes("contoso", CONTOSO_LEARNED)
        self.expect_routes("microsoft", {"198.51.100.0/24", ADATUM_PUBLIC})
        self.expect_routes("adatum", {"10.1.0.0/24"})

    def test_what_a_customer_announces_comes_to_himself(self) -> None:
        hops = {ADATUM_MICROSOFT_PEERS[link][0] for link in LINKS}
        self.eventually(lambda: self.routers.next_hops("microsoft", ADATUM_PUBLIC) == hops,
                        f"next hops {hops}", 10.0)
        # Or this would prove nothing: he says that it is another's.
        told = self.routers.bird.ask("show", "route", "all", "export", "microsoft_primary")
        self.assertIn(f"BGP.next_hop: {MICROSOFT_PEERS['primary'][0]}", told)

    def test_ipv6_takes_both_links_too(self) -> None:
        self.expect_ipv6_next_hops({IPV6_PEERS[link][0] for link in LINKS})

    def test_customers_learn_the_cloud_and_reach_it(self) -> None:
        told = self.routers.contoso.show("bgp ipv4 unicast")["routes"]
        self.assertIn("10.2.0.0/24", told)
        self.assertIn("192.0.2.0/24", told)
        for customer in ("contoso", "adatum"):
            self.assertTrue(ping(self.lab, customer, VNET_HOST, "-I", "10.1.0.10").all_answered)

    def test_a_wrong_key_gives_no_session(self) -> None:
        self.routers.bird.announce(ADATUM_ROUTES, key="another key")
        try:
            self.routers.ours["adatum"].type("do clear bgp *")
            time.sleep(5.0)  # BIRD tries every second or two
            states = set(self.routers.ours["adatum"].states().values())
            self.assertNotIn("Established", states)
            self.assertEqual(set(self.routers.ours["contoso"].states().values()), {"Established"})
        finally:
            self.routers.bird.announce(ADATUM_ROUTES)
        self.routers.wait_for_sessions()
        self.expect_routes("adatum", {"10.1.0.0/24"}, 30.0)

    def test_one_prefix_too_many_ends_the_session_and_fewer_bring_it_back(self) -> None:
        ours = self.routers.ours["adatum"]
        self.routers.bird.announce(many(PREFIXES_MAX))
        self.expect_routes("adatum", set(many(PREFIXES_MAX)), 30.0)
        time.sleep(2.0)  # causewayd has asked bgpd to look at its limits
        self.assertEqual(set(ours.states().values()), {"Established"})
        self.routers.bird.announce(many(PREFIXES_MAX + 1))
        self.expect_routes("adatum", set(), 30.0)
        self.assertNotIn("Established", ours.states().values())
        self.assertEqual(set(self.routers.ours["contoso"].states().values()), {"Established"})
        self.routers.bird.announce(many(PREFIXES_MAX))
        # FRR tries again after restart-minutes, of which the least is one: an operator is faster.
        for customer, _ in PRIVATE_PEERS.values():
            waiting = ours.show(f"bgp neighbors {customer}")[customer]
            self.assertIn(waiting["restartInTimerMsec"], range(1, 60_001))
        ours.type("do clear bgp *")
        self.expect_routes("adatum", set(many(PREFIXES_MAX)), 30.0)
        self.routers.bird.announce(ADATUM_ROUTES)
        self.expect_routes("adatum", {"10.1.0.0/24"}, 30.0)
        self.routers.wait_for_sessions()

    def test_restarts_of_frr_lose_no_packet(self) -> None:
        ours = self.routers.ours["contoso"]
        self.expect_next_hops("contoso", {PRIVATE_PEERS[link][0] for link in LINKS})
        running = talk(self.lab, "contoso", RESTARTS_S, rate=100.0)
        running.wait_until(0.5)
        # bgpd after zebra: then zebra does not know that bgpd restarts gracefully (docs/bgp.md).
        for how, *daemons in ((signal.SIGKILL, "zebra"), (signal.SIGKILL, "bgpd"),
                              (signal.SIGKILL, "bgpd", "zebra"), (signal.SIGTERM, "zebra")):
            for daemon in daemons:
                ours.restart(daemon, how)
            self.routers.wait_for_sessions("contoso")
            self.eventually(self.routers.is_whole, f"FRR does not recover from {daemons}", 20.0)
        self.assertLess(time.monotonic(), running.start + RESTARTS_S, "sessions take too long")
        self.assertEqual(running.finish().lost, 0)
        self.expect_routes("contoso", CONTOSO_LEARNED)

    def test_draining_takes_the_traffic_to_the_other_link(self) -> None:
        both = {PRIVATE_PEERS[link][0] for link in LINKS}
        self.expect_next_hops("contoso", both)
        running = talk(self.lab, "contoso", 8.0, rate=200.0)
        running.wait_until(0.5)
        self.lab.causeway("link", "drain", "primary", "contoso", "--timeout", "30")
        try:
            self.expect_next_hops("contoso", {PRIVATE_PEERS["secondary"][0]})
            self.eventually(lambda: drain_state(self.lab, "primary")[0] == "drained", "still used",
                            10.0)
            self.assertLess(time.monotonic(), running.start + 8.0, "it drained when all was over")
        finally:
            self.lab.causeway("link", "undrain", "primary", "contoso")
        self.assertEqual(running.finish().lost, 0)
        self.routers.wait_for_sessions()
        self.expect_next_hops("contoso", both)

    def test_both_links_are_used_after_one_was_away(self) -> None:
        for link in LINKS * 3:  # each time another order of zebra's and the kernel's work
            with self.subTest(away=link):
                self.lab.cut(link)
                time.sleep(2.0)
                self.lab.restore(link)
                self.routers.wait_for_sessions()
                self.eventually(self.routers.have_both_ways, "one link is not used", 15.0)

    def test_draining_loses_no_packet_of_ipv6(self) -> None:
        hops = {link: customer for link, (customer, _) in IPV6_PEERS.items()}
        self.expect_ipv6_next_hops(set(hops.values()))
        ends = Ends(self.lab, IPV6_LOAD, "primary")
        ends.wait_until(IPV6_LOAD.cut_at_s)
        drained_ns = time.monotonic_ns()
        self.lab.causeway("link", "drain", "primary", "contoso", "--timeout", "30")
        try:
            self.expect_ipv6_next_hops({hops["secondary"]})
            ends.finish()
        finally:
            self.lab.causeway("link", "undrain", "primary", "contoso")
        loss = loss_of(ends, "primary", drained_ns)
        self.assertEqual((loss.lost, loss.lost_of_kept, loss.moved_of_kept), (0, 0, 0), loss)
        self.assertEqual(loss.flows_moved, loss.flows_cut, loss)
        self.assertGreater(loss.flows_cut, IPV6_LOAD.flows // 3, loss)
        self.routers.wait_for_sessions()
        self.expect_ipv6_next_hops(set(hops.values()))

    def expect_ipv6_next_hops(self, expected: set[str]) -> None:
        self.eventually(
            lambda: self.routers.next_hops("contoso", CONTOSO_IPV6_NETWORK) == expected,
            f"next hops {expected}", 10.0)

    def test_a_link_without_a_core_is_withdrawn(self) -> None:
        self.eventually(lambda: self.routers.told() >= CLOUD, "attracts no traffic", 10.0)
        self.addCleanup(self.lab.set_core, "up")
        self.lab.set_core("down")
        self.eventually(lambda: not self.routers.told() & CLOUD, "still attracts traffic")
        self.assertEqual(set(self.routers.sessions().values()), {"Established"})
        self.lab.set_core("up")
        self.eventually(lambda: self.routers.told() >= CLOUD, "attracts no traffic", 10.0)

    def test_tables_of_a_path(self) -> None:
        self.expect_next_hops("contoso", {PRIVATE_PEERS[link][0] for link in LINKS})
        self.expect_ipv6_next_hops({IPV6_PEERS[link][0] for link in LINKS})
        path = ("contoso", "private", "primary")
        customer, ours = PRIVATE_PEERS["primary"]
        arp = self.lab.show("arp-table", *path)
        properties = {row["address"]: row["interface-property"] for row in arp}
        self.assertEqual((properties[customer], properties[ours]), ("On-Prem", "Microsoft"))
        summary = self.lab.show("bgp-summary", *path)
        self.assertEqual([(row["neighbor"], row["v"], row["as"], row["state-pfx-rcd"])
                          for row in summary],
                         [(customer, 4, 65010, len(CONTOSO_IPV4)),
                          (IPV6_PEERS["primary"][0], 4, 65010, 1)])
        table = {row["network"]: row for row in self.lab.show("route-table", *path)}
        self.assertEqual(table["10.1.0.0/24"]["next-hop"], customer)
        self.assertEqual(table["10.1.0.0/24"]["path"], "65010")
        told = self.lab.show("route-table", *path, "--advertised")
        self.assertEqual({row["network"] for row in told}, CLOUD)

    def as_reader(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """As nobody, who may ask bgpd, too."""
        return subprocess.run(
            [self.lab.program("causeway"), "--socket", self.lab.socket, *words], user="nobody",
            group="nogroup", extra_groups=("frrvty",), capture_output=True, text=True, check=False)

    def test_readers_see_the_tables_and_no_passwords(self) -> None:
        for table in ("arp-table", "bgp-summary", "route-table"):
            done = self.as_reader("show", table, "contoso", "private", "primary")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(PRIVATE_PEERS["primary"][0], done.stdout)
        shown = self.as_reader("show", "config").stdout
        self.assertIn("adatum", shown)
        self.assertNotIn("contoso-key", shown)
        refused = self.as_reader("frr-config")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("passwords", refused.stderr)

    def test_a_stranger_at_the_fpm_port_changes_nothing(self) -> None:
        self.eventually(lambda: self.lab.show("fpm", "contoso")["state"] == "settled",
                        "zebra does not come", 30.0)
        self.expect_routes("contoso", CONTOSO_LEARNED)
        before = self.routers.fpm_events("contoso")
        for said in ("GET / HTTP/1.1\\r\\n\\r\\n", ""):
            script = ("import socket,time; s=socket.create_connection(('127.0.0.1',2620)); "
                      f"s.sendall(b'{said}'); time.sleep(1)")
            self.lab.run_in(f"{self.lab.vrf_prefix}contoso", "python3", "-c", script)
            self.assertEqual(self.routers.learned("contoso"), CONTOSO_LEARNED)
        self.assertTrue(self.lab.pids(ROUTER))
        after = self.routers.fpm_events("contoso")
        # The same zebra, over the same connection.
        for event, more in (("connected", 0), ("disconnected", 0), ("bad_version", 1),
                            ("silent_newcomer", 1)):
            self.assertEqual(after[event] - before[event], more, event)
        self.assertEqual(self.lab.show("fpm", "contoso")["state"], "settled")
        self.assertIn("bad_version", Path(self.lab.log).read_text(errors="replace"))
