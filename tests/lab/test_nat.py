# SPDX-License-Identifier: Apache-2.0
"""NAT on contoso's Microsoft peering: real kernels' TCP, UDP and ICMP through it, over both links.

A host of contoso with a private address talks to the service, which sees a public one of the pool;
and a web server of that host is published under the pool's first address.
"""

import json
import re
import subprocess
import time

from lab import PYTHON
from nat_case import GREETING, INSIDE, POOL, POOL_ADDRESSES, PUBLISHED, NatTest
from router_state import accounts
from scene import CLOUD_MTU, LINKS, MICROSOFT_PEERS, SERVICE_HOST

SECOND_SERVICE = "192.0.2.11"
ROUTERS = {peers[1] for peers in MICROSOFT_PEERS.values()}


class Nat(NatTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.lab.causeway, "apply", str(self.lab.config))
        self.lab.causeway("apply", str(self.document_with()))
        self.eventually(self.answers, "nobody answers through the NAT")

    def test_the_service_sees_a_public_address(self) -> None:
        log = self.lab.web_log("service")
        before = len(log.read_text(encoding="utf-8"))
        self.assertEqual(self.curl("contoso", SERVICE_HOST, "--interface", INSIDE), GREETING)
        clients = re.findall(r"^(\S+) - - ", log.read_text(encoding="utf-8")[before:], re.M)
        self.assertEqual(len(clients), 1)
        self.assertIn(clients[0], POOL_ADDRESSES)
        self.assertTrue(self.ping().all_answered)
        for link in LINKS:
            self.assertEqual(accounts(self.lab)[f"contoso/microsoft/{link}"].unaccounted, 0)

    def test_a_download_keeps_its_public_endpoint_when_each_link_dies_in_turn(self) -> None:
        download = self.download()
        before = self.established()
        for link in LINKS:
            self.lab.cut(link)
            time.sleep(0.7)
            self.assertTrue(download.is_under_way(), f"ended before the {link} link was on again")
            self.assertEqual(self.established(), before)
            self.lab.restore(link)
        self.assertTrue(download.arrived_whole())

    def test_a_published_web_server_is_reached_over_either_link(self) -> None:
        root = self.lab.web_root("contoso")
        root.mkdir(exist_ok=True)
        (root / "index.html").write_text("published\n", encoding="utf-8")
        server = self.lab.start("contoso", PYTHON, "-m", "http.server", "8080", "--bind", INSIDE,
                                "--directory", str(root), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, server)
        for cut in ((), *((link,) for link in LINKS)):
            for link in cut:
                self.lab.cut(link)
            self.eventually(lambda: self.curl("service", PUBLISHED) == "published",
                            f"not reached without {cut}", seconds=6)
            self.restore_links()

    def test_the_path_mtu_is_found(self) -> None:
        errors = self.ping("-M", "do", "-s", str(CLOUD_MTU), count=1).errors
        self.assertTrue(errors, "no ICMP error came back")
        self.assertIn(errors[0][0], ROUTERS)
        self.assertRegex(errors[0][1], rf"mtu ?= ?{CLOUD_MTU}")
        self.lab.run("contoso", "ip", "route", "flush", "cache")
        # What may be fragmented, is; and both ways round through the NAT. Not by AF_PACKET, where
        # the kernel joins fragments before we see them (docs/ports.md).
        if self.lab.device == "af_xdp":
            self.assertTrue(self.ping("-M", "dont", "-s", "4000").all_answered)

    def test_the_way_is_traced(self) -> None:
        for option in ("-I", "-U"):
            traced = self.lab.run("contoso", "traceroute", "-n", option, "-q", "1", "-w", "2",
                                  "-m", "4", "-s", INSIDE, SERVICE_HOST)
            hops = re.findall(r"^ *\d+ +(\S+)", traced, re.M)
            self.assertEqual(len(hops), 2, traced)
            self.assertIn(hops[0], ROUTERS, traced)
            self.assertEqual(hops[1], SERVICE_HOST, traced)

    def test_tcp_and_udp_flow_at_speed(self) -> None:
        for options in ((), ("--udp",)):
            server = self.lab.start("service", "iperf3", "--server", "--one-off",
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self.addCleanup(self.end, server)
            time.sleep(0.3)
            said = json.loads(self.lab.run(
                "contoso", "iperf3", "--client", SERVICE_HOST, "--bind", INSIDE, "--time", "1",
                "--bitrate", "20M", "--parallel", "2", "--json", *options))
            self.assertGreater(said["end"]["sum_received"]["bytes"], 1_000_000)

    def test_a_stun_client_finds_endpoint_independent_mapping(self) -> None:
        self.lab.run("service", "ip", "address", "add", f"{SECOND_SERVICE}/24", "dev", "eth0")
        self.addCleanup(self.lab.run, "service", "ip", "address", "delete",
                        f"{SECOND_SERVICE}/24", "dev", "eth0")
        server = self.lab.start(
            "service", "turnserver", "-n", "--stun-only", "--no-cli", "--no-tls", "--no-dtls",
            "-L", SERVICE_HOST, "-L", SECOND_SERVICE, "--pidfile",
            str(self.lab.state / "turnserver.pid"), "--log-file", "stdout",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, server)
        for option, found in (("-m", "Mapping"), ("-f", "Filtering")):
            self.eventually(lambda: f"NAT with Endpoint Independent {found}!" in self.lab.run(
                "contoso", "turnutils_natdiscovery", option, "-L", INSIDE, SERVICE_HOST),
                f"{found} is not found to be independent of endpoints", seconds=10)

    def test_what_is_shown_is_what_is_there_and_can_be_cleared(self) -> None:
        mappings = self.lab.show("nat", "mappings")
        self.assertIn(f"{PUBLISHED}:80", {row["outside"] for row in mappings if row["static"]})
        pools = self.lab.show("nat", "pools")
        self.assertEqual([row["name"] for row in pools], ["contoso/microsoft"])
        self.assertGreater(pools[0]["blocks-lent"], 0)
        self.assertTrue(self.sessions("--protocol", "icmp"))
        self.lab.causeway("nat", "clear", "--inside", INSIDE)
        self.eventually(lambda: not self.sessions(), "sessions do not end")
        self.eventually(lambda: self.lab.show("nat", "pools")[0]["blocks-lent"] == 0,
                        "blocks do not come back")

    def test_a_pool_changes_under_traffic(self) -> None:
        download = self.download()
        before = self.established()
        # Without the old addresses; what was published of them stands on its own now.
        changed = self.document_with((f"pool: [{POOL}]", "pool: [198.51.100.72/30]"))
        self.lab.causeway("apply", str(changed))
        self.assertGreater(self.lab.show("nat", "pools")[0]["draining"], 0)
        self.assertEqual(self.curl("contoso", SERVICE_HOST, "--interface", INSIDE), GREETING)
        new = {flow["outside"].split(":")[0] for flow in self.sessions("--protocol", "tcp")}
        self.assertTrue(new & {f"198.51.100.{last}" for last in range(72, 76)}, new)
        self.assertEqual({inside: self.established().get(inside) for inside in before}, before)
        self.assertTrue(download.arrived_whole())

    def test_each_link_may_have_a_pool_of_its_own(self) -> None:
        own = {"primary": "198.51.100.72", "secondary": "198.51.100.80"}
        pools = "\n          ".join(f"{link}-pool: [{own[link]}]" for link in LINKS)
        self.lab.causeway("apply", str(self.document_with(
            (f"pool: [{POOL}]", pools),
            (f"outside: '{PUBLISHED}:80'", f"outside: '{PUBLISHED}:80', link: primary"))))
        self.assertEqual({row["link"] for row in self.lab.show("nat", "pools") if row["link"]},
                         set(LINKS))
        for link in LINKS:
            left = own[next(other for other in LINKS if other != link)]
            self.lab.cut(link)
            self.eventually(lambda: self.public_addresses() == {left},
                            f"without the {link} link not all are {left}", seconds=15)
            self.lab.restore(link)

    def public_addresses(self) -> set[str]:
        """Those that new flows of the host get."""
        self.lab.causeway("nat", "clear", "--inside", INSIDE)
        self.ping()
        return {flow["outside"].split(":")[0] for flow in self.sessions("--protocol", "icmp")}

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        process.terminate()
        process.wait(timeout=10)
