# SPDX-License-Identifier: Apache-2.0
"""Names on a circuit, end to end: a real resolver's answers steer real TLS to another host."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from lab_case import LabTest
from lab import HERE, Lab
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scene import CONTOSO_PUBLIC, CUSTOMER_HOST, ROUTER, SERVICE_HOST, VNET_HOST

HTTPS_HOST = "192.0.2.80"  # of the service, and of the internet that names are steered to
EXAMPLE = HERE.parents[1] / "etc" / "internet-only.example.yaml"
INTERNET_RESOLVER = "192.0.2.53"  # which only the internet has
# Which host has a name by the example's rules; each has an address of its own.
EXAMPLE_NAMES = {
    "crl3.digicert.com": "adatum-vnet", "ocsp.pki.com": "adatum-vnet",
    "img.azureedge.net": "adatum-vnet", "www.office.com": "adatum-vnet",
    "outlook.office.com": "service", "portal.microsoftonline.com": "adatum-vnet",
    "login.microsoftonline.com": "service",
}
EXAMPLE_ADDRESSES = {name: f"192.0.2.{81 + i}" for i, name in enumerate(EXAMPLE_NAMES)}
HTTPS_HOSTS = [HTTPS_HOST, *EXAMPLE_ADDRESSES.values()]
TTL = 5  # seconds: the least that an address is good for
PEERING = "        advertised-public-prefixes: [198.51.100.0/24, 203.0.113.0/29]\n"
INTERNET = ("adatum-vnet, port: core, vrf: adatum", "adatum-vnet, port: core, vrf: microsoft")
SECTIONS = f"""steer-targets:
  - {{name: internet, vrf: microsoft, via: [{VNET_HOST}]}}
resolvers: [{SERVICE_HOST}]
name-sets:
  - {{name: cdn, names: ["*.cdn.example"], except: [status.cdn.example]}}
name-policies:
  - name: internet-only
    rules:
      - {{name: cdn, sets: [cdn], action: permit, steer: internet}}
"""

HELD = SECTIONS.replace("steer: internet", "police: video") + """policer-classes:
  - {name: video, bandwidth: 4 Mbps, burst: 20 ms}
"""
# Both private peerings, whose VNets are the same address: 10.2.0.10 is a resolver for each.
PRIVATE = "        prefixes: [10.1.0.0/24]\n"
SEEN = f"""resolvers: [{VNET_HOST}]
name-sets: [{{name: cdn, names: ["*.cdn.example"]}}]
name-policies: [{{name: seen, rules: [{{name: cdn, sets: [cdn], action: deny}}]}}]
"""
# Sends what a resolver answers to the customer's host.
ANSWER = """import socket, sys
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.bind((sys.argv[1], 53))
link.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[2], 4000))
"""
PROBE = """import socket, sys
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.bind((sys.argv[1], 0))
link.sendto(b"probe", (sys.argv[2], 9))
"""
LISTS = """acls:
  - name: by-name
    otherwise: permit
    rules:
      - {name: cdn, action: permit, destination-names: [cdn], steer: internet}
"""


class Names(LabTest):
    """The service's network has a resolver and an HTTPS server; another host stands for the
    internet, with an HTTPS server of the same address."""

    @classmethod
    def setUpClass(cls) -> None:
        lab: Lab = cls.lab
        cls.processes: list[subprocess.Popen[bytes]] = []
        cls.resolv = Path("/etc/netns") / lab.namespace("contoso")
        cls.resolv.mkdir(parents=True, exist_ok=True)
        cls.keys = Path(lab.state) / "https"
        cls.keys.mkdir(exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=cdn",
                        "-keyout", str(cls.keys / "key"), "-out", str(cls.keys / "certificate")],
                       check=True, capture_output=True)
        for address in HTTPS_HOSTS:
            lab.run("service", "ip", "address", "add", address + "/32", "dev", "eth0")
        for address in (*HTTPS_HOSTS, INTERNET_RESOLVER):
            lab.run("adatum-vnet", "ip", "address", "add", address + "/32", "dev", "lo")
        for host in ("service", "adatum-vnet"):
            folder = cls.keys / host
            folder.mkdir(exist_ok=True)
            (folder / "who").write_text(host, encoding="ascii")
            cls.processes.append(lab.start(
                host, "openssl", "s_server", "-quiet", "-WWW", "-accept", "443",
                "-cert", str(cls.keys / "certificate"), "-key", str(cls.keys / "key"), cwd=folder,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        cdn = {f"{label}.cdn.example": HTTPS_HOST for label in ("img", "status", "tcp", "list")}
        cls.start_resolver("service", SERVICE_HOST, cdn)
        cls.start_resolver("adatum-vnet", INTERNET_RESOLVER, EXAMPLE_ADDRESSES)

    @classmethod
    def start_resolver(cls, host: str, address: str, names: dict[str, str]) -> None:
        records = [word for name, value in names.items()
                   for word in ("--host-record", f"{name},{value},{TTL}")]
        cls.processes.append(cls.lab.start(
            host, "dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=",
            "--user=root", "--pid-file=", "--bind-interfaces", "--listen-address", address,
            *records, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    @classmethod
    def tearDownClass(cls) -> None:
        for process in cls.processes:
            process.terminate()
            process.wait()
        shutil.rmtree(cls.resolv)
        for address in HTTPS_HOSTS:
            cls.lab.run("service", "ip", "address", "del", address + "/32", "dev", "eth0")
        for address in (*HTTPS_HOSTS, INTERNET_RESOLVER):
            cls.lab.run("adatum-vnet", "ip", "address", "del", address + "/32", "dev", "lo")

    def setUp(self) -> None:
        super().setUp()
        self.resolve_by("udp")
        self.apply_with("name-policy: internet-only", SECTIONS)
        # Neighbours are known before anyone measures who is asked first.
        self.eventually(lambda: self.who(SERVICE_HOST, HTTPS_HOST) == "service", "no service")

    def tearDown(self) -> None:
        self.apply(self.lab.config.read_text(encoding="utf-8"))
        super().tearDown()

    def apply(self, text: str) -> None:
        document = Path(self.lab.state) / "names.yaml"
        document.write_text(text, encoding="utf-8")
        done = subprocess.run(self.lab.command(ROUTER, "causeway", "apply", str(document)),
                              text=True, capture_output=True, env=self.lab.environment(),
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def apply_with(self, policy: str, sections: str) -> None:
        text = self.lab.config.read_text(encoding="utf-8")
        self.assertIn(INTERNET[0], text)
        self.apply(text.replace(*INTERNET).replace(PEERING, f"{PEERING}        {policy}\n")
                   + sections)
        self.eventually(lambda: self.lab.show("names")[0]["state"] == "active", "is not in force")

    def resolve_by(self, protocol: str, resolver: str = SERVICE_HOST) -> None:
        options = "options timeout:2 attempts:2" + (" use-vc" if protocol == "tcp" else "")
        (self.resolv / "resolv.conf").write_text(f"nameserver {resolver}\n{options}\n",
                                                 encoding="ascii")

    def who(self, name: str, address: str = "") -> str:
        """Which host answers curl for a name; with an address, without asking for it."""
        known = ["--resolve", f"{name}:443:{address}"] if address else []
        done = subprocess.run(
            self.lab.command("contoso", "curl", "--silent", "--insecure", "--max-time", "4",
                             "--interface", CONTOSO_PUBLIC, *known, f"https://{name}/who"),
            text=True, capture_output=True, env=os.environ, check=False)
        return done.stdout.strip()

    def counters(self) -> dict[str, int]:
        return {row["name"]: row["count"] for row in self.lab.show("names", "counters")}

    def test_the_first_packet_of_a_name_goes_the_other_way(self) -> None:
        before = self.counters()
        self.assertEqual(self.who("status.cdn.example"), "service", "an exception of the set")
        self.assertEqual(self.counters()["learned"], before["learned"])
        began = time.monotonic()
        self.assertEqual(self.who("img.cdn.example"), "adatum-vnet")
        learned = [row for row in self.lab.show("names", "addresses") if not row["past"]]
        self.assertEqual([row["address"] for row in learned], [HTTPS_HOST])
        self.assertIn("cdn", learned[0]["sets"])
        self.assertIn("img.cdn.example", [name["name"] for name in learned[0]["names"]])
        # One SYN: had it gone to the service first, there would be two flows or none.
        self.assertEqual(self.counters()["flows_begun"], before["flows_begun"] + 1)
        self.assertGreater(self.lab.show("names", "rules")[0]["packets"], 3)

        # A connection that was begun in time goes on when the address has run out.
        client = self.lab.start(
            "contoso", "openssl", "s_client", "-quiet", "-connect", HTTPS_HOST + ":443", "-bind",
            CONTOSO_PUBLIC, "-servername", "img.cdn.example", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            self.eventually(lambda: self.counters()["flows_begun"] == before["flows_begun"] + 2,
                            "no second flow")
            self.assertLess(time.monotonic() - began, TTL, "too slow a machine for this TTL")
            self.eventually(lambda: self.counters()["addresses"] == 0, "does not run out", TTL + 3)
            self.assertGreaterEqual(time.monotonic() - began, TTL)
            self.assertEqual(self.who("img.cdn.example", HTTPS_HOST), "service", "a new flow")
            # It says its name itself, too late to be steered.
            self.assertEqual(self.counters()["flows_labelled"], before["flows_labelled"] + 1)
            answer, _ = client.communicate("GET /who HTTP/1.0\r\n\r\n", timeout=5)
        finally:
            client.kill()
            client.wait()
        self.assertRegex(answer, re.compile(r"adatum-vnet\s*\Z"))

    def test_what_a_customer_answers_himself_says_nothing_to_others(self) -> None:
        self.apply(self.lab.config.read_text(encoding="utf-8").replace(
            PRIVATE, PRIVATE + "        name-policy: seen\n") + SEEN)
        self.eventually(lambda: self.lab.show("names")[0]["state"] == "active", "is not in force")
        answer = DNS(qr=1, qd=DNSQR(qname="img.cdn.example"),
                     an=DNSRR(rrname="img.cdn.example", ttl=600, rdata="10.2.0.99"))
        before = self.counters()["learned"]

        def is_learned() -> bool:
            self.lab.run("contoso-vnet", "python3", "-c", ANSWER, VNET_HOST, CUSTOMER_HOST,
                         bytes(answer).hex())
            return self.counters()["learned"] > before

        self.eventually(is_learned, "is not heard")  # the first may wait for its neighbour
        rows = self.lab.show("names", "addresses")
        self.assertEqual([(row["vrf"], row["address"]) for row in rows],
                         [("contoso", "10.2.0.99")])
        self.assertEqual(self.lab.show("names", "addresses", "--vrf", "adatum"), [])
        # What is denied here is denied to the customer who said so.
        for customer, dropped in (("contoso", True), ("adatum", False)):
            hits = self.lab.show("names", "rules")[0]["packets"]
            self.lab.run(customer, "python3", "-c", PROBE, CUSTOMER_HOST, "10.2.0.99")
            if dropped:
                self.eventually(lambda hits=hits: self.lab.show("names", "rules")[0]["packets"]
                                == hits + 1, "was not denied")
            else:
                time.sleep(0.2)
                self.assertEqual(self.lab.show("names", "rules")[0]["packets"], hits)

    def test_an_answer_over_tcp_teaches_too(self) -> None:
        self.resolve_by("tcp")
        before = self.counters()["learned"]
        self.assertEqual(self.who("tcp.cdn.example"), "adatum-vnet")
        self.assertGreater(self.counters()["learned"], before)

    def test_a_list_knows_the_first_packet_of_a_name(self) -> None:
        self.apply_with("acl-in: by-name", SECTIONS + LISTS)
        self.eventually(lambda: self.lab.show("acl")[0]["state"] == "active", "is not built")
        self.assertIn("rule cdn does not match: destination-names", self.explain())
        self.assertEqual(self.who("status.cdn.example"), "service", "an exception of the set")
        self.assertIn("rule cdn does not match: destination-names", self.explain())
        self.assertEqual(self.who("list.cdn.example"), "adatum-vnet")
        self.assertIn("rule cdn matches: permit", self.explain())
        self.assertGreater(self.lab.show("acl", "by-name")[0]["packets"], 3)

    def test_the_example_of_what_belongs_to_the_internet(self) -> None:
        example = EXAMPLE.read_text(encoding="utf-8")
        targets, _ = SECTIONS.split("resolvers:")
        self.apply_with(
            "acl-in: dns-elsewhere\n        name-policy: internet-only",
            targets + example[example.index("acls:"):].replace("198.18.0.53", INTERNET_RESOLVER))
        self.eventually(lambda: self.lab.show("acl")[0]["state"] == "active", "is not built")
        self.resolve_by("udp", INTERNET_RESOLVER)
        hosts = {name: self.who(name) for name in EXAMPLE_NAMES}
        self.assertEqual(hosts, EXAMPLE_NAMES)
        rules = {row["name"]: row["packets"] for row in self.lab.show("names", "rules")}
        for name in ("revocation", "cdn", "office"):
            self.assertGreater(rules[name], 3, name)
        asked = {row["name"]: row["packets"] for row in self.lab.show("acl", "dns-elsewhere")}
        self.assertGreaterEqual(asked["dns-udp"], len(EXAMPLE_NAMES))

    def test_a_class_holds_what_a_rule_lets_into_it(self) -> None:
        self.apply_with("name-policy: internet-only", HELD)
        free = self.sent_to(HTTPS_HOST)
        self.assertGreater(free, 15, "nobody asked for the name")
        self.assertEqual(self.who("img.cdn.example"), "service")
        held = self.sent_to(HTTPS_HOST)
        self.assertTrue(3 < held < 4.5, f"{held} Mbit/s")
        self.assertEqual(self.who("img.cdn.example"), "service")  # good for TTL again
        back = self.sent_to(HTTPS_HOST, "--reverse")
        self.assertTrue(3 < back < 4.5, f"{back} Mbit/s come back")
        self.assertGreater(self.sent_to(SERVICE_HOST), 15, "is in no set")
        rows = {row["name"]: row for row in self.lab.show("policer")}
        for direction in ("in", "out"):
            self.assertGreater(rows[f"class video {direction}"]["dropped-packets"], 300)
        self.assertIn("class video out", self.lab.causeway("show", "policer"))

    def sent_to(self, address: str, *how: str) -> float:
        """Mbit/s that arrive, of 20 that are sent for a second."""
        server = self.lab.start("service", "iperf3", "-s", "-1", "-B", address,
                                stdout=subprocess.DEVNULL)
        try:
            self.eventually(lambda: ":5201" in self.lab.run("service", "ss", "-ltn"), "no server")
            report = json.loads(self.lab.run(
                "contoso", "timeout", "10", "iperf3", "-c", address, "-B", CONTOSO_PUBLIC, "-u",
                "-b", "20M", "-l", "1200", "-t", "1", "--json", *how))
        finally:
            server.terminate()
            server.wait()
        total = report["end"]["sum"]
        lost = total["lost_percent"] / 100
        return float(total["bits_per_second"]) * (1 - lost) / 1e6

    def explain(self) -> str:
        """What the list says of a connection to the HTTPS server just now."""
        return self.lab.causeway("acl", "explain", "by-name", CONTOSO_PUBLIC, HTTPS_HOST)
