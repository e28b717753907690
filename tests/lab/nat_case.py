# SPDX-License-Identifier: Apache-2.0
"""NatTest: a test in which a host of contoso with a private address talks to the service through
the NAT of contoso's Microsoft peering."""

import subprocess
import time
from pathlib import Path
from typing import Any

from evidence import Download, Pings, ping
from lab_case import LabTest
from scene import SERVICE_HOST

INSIDE = "10.77.0.10"
POOL = "198.51.100.64/30"
POOL_ADDRESSES = {f"198.51.100.{last}" for last in range(64, 68)}
PUBLISHED = "198.51.100.64"
GREETING = "This is a Microsoft service."

PREFIXES = "        prefixes: [198.51.100.0/24]\n"
NAT = f"""\
        nat:
          inside: [10.77.0.0/24]
          pool: [{POOL}]
          static:
            - {{protocol: tcp, inside: '{INSIDE}:8080', outside: '{PUBLISHED}:80'}}
"""


class NatTest(LabTest):
    def setUp(self) -> None:
        super().setUp()
        self.lab.run("contoso", "ip", "address", "add", f"{INSIDE}/32", "dev", "lo")
        self.addCleanup(self.lab.run, "contoso", "ip", "address", "delete", f"{INSIDE}/32", "dev",
                        "lo")

    def document_with(self, *edits: tuple[str, str]) -> Path:
        """The lab's document with a NAT, and with these texts in the place of those."""
        text = self.lab.config.read_text(encoding="utf-8")
        for before, after in ((PREFIXES, PREFIXES + NAT), *edits):
            self.assertIn(before, text)
            text = text.replace(before, after)
        path = self.lab.state / "nat.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def download(self) -> Download:
        """With patience: whoever starts a daemon on a busy machine waits, and TCP as long again."""
        return Download(self.lab, "contoso", "service", SERVICE_HOST, "--interface", INSIDE,
                        "--max-time", "90")

    def ping(self, *options: str, count: int = 3) -> Pings:
        return ping(self.lab, "contoso", SERVICE_HOST, "-I", INSIDE, *options, count=count)

    def answers(self) -> bool:
        return self.ping(count=1).received == 1

    def curl(self, host: str, address: str, *options: str) -> str:
        done = subprocess.run(
            self.lab.command(host, "curl", "--silent", "--fail", "--max-time", "2", *options,
                             f"http://{address}/"), capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def sessions(self, *options: str) -> list[dict[str, Any]]:
        return self.lab.show("nat", "sessions", "--inside", INSIDE, *options)

    def established(self) -> dict[str, str]:
        """Public endpoints of the host's connections, by their private ones."""
        found: dict[str, str] = {}
        deadline = time.monotonic() + 3
        while not found and time.monotonic() < deadline:
            found = {flow["inside"]: flow["outside"] for flow in self.sessions("--protocol", "tcp")
                     if flow["state"] == "established"}
        self.assertTrue(found, "no connection is established")
        return found
