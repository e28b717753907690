# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed, and stopped, and started again while a private host fetches a file through
the NAT: the connection goes on under its public address and port, and the log says whose it was."""

import os
import signal
from pathlib import Path

from lab import PYTHON
from nat_case import INSIDE, NatTest
from router_state import settle
from scene import MANAGEMENT, ROUTER

COLLECTOR = ("provider-primary", MANAGEMENT["provider-primary"], 4739)
COLLECT = """\
import socket, sys
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.settimeout(float(sys.argv[3]))
collector.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
try:
    while True:
        print(collector.recv(65536).hex(), flush=True)
except TimeoutError:
    pass
"""
QUIET_S = "4"
IPFIX_VERSION = "000a"  # RFC 7011 3.1


def hexadecimal(address: str) -> str:
    return bytes(map(int, address.split("."))).hex()


class NatRestart(NatTest):
    def setUp(self) -> None:
        super().setUp()
        self.file = Path(f"/dev/shm/causeway-lab-{os.getpid()}")
        self.log = self.lab.state / "nat-log"
        kept = (f"nat: {{hosts: 16, alarm-percent: 6, session-file: {self.file}, "
                f"log: {{file: {self.log}, collector: '{COLLECTOR[1]}:{COLLECTOR[2]}'}}}}\n")
        document = self.document_with(("ports:\n", kept + "ports:\n"))
        before, self.lab.document = self.lab.document, str(document)
        self.addCleanup(self.put_back, before)
        self.restart()

    def put_back(self, document: str) -> None:
        self.lab.document = document
        self.restart()
        for path in (self.file, self.refused(), self.log):
            path.unlink(missing_ok=True)

    def refused(self) -> Path:
        return self.file.with_name(self.file.name + ".refused")

    def restart(self) -> None:
        self.lab.stop_daemon()
        self.lab.start_daemon()
        settle(self.lab)

    def kill(self) -> None:
        for pid in self.lab.pids(ROUTER):
            os.kill(pid, signal.SIGKILL)

    def test_connections_go_on(self) -> None:
        for how, end in (("killed", self.kill), ("stopped", lambda: None)):
            with self.subTest(how=how):
                download = self.download()
                before = self.established()
                end()
                self.restart()
                after = self.established()
                self.assertEqual({inside: after.get(inside) for inside in before}, before)
                self.assertTrue(download.is_under_way())
                self.assertTrue(download.arrived_whole())
        lines = self.lab.causeway("nat", "log", str(self.log)).splitlines()
        self.assertTrue([line for line in lines if "block-lent" in line and INSIDE in line], lines)

    def test_a_damaged_file_is_put_aside(self) -> None:
        self.assertTrue(self.ping().all_answered)
        self.assertTrue(self.sessions())
        self.lab.stop_daemon()
        with self.file.open("r+b") as file:
            file.seek(8)
            file.write(b"\xff" * 64)
        self.lab.start_daemon()
        settle(self.lab)
        self.assertTrue(self.refused().exists())
        self.assertIn("sessions of the daemon before are lost", self.lab.log_tail())
        self.assertEqual(self.sessions(), [])
        self.assertTrue(self.ping().all_answered)

    def test_a_table_warns_before_it_is_full(self) -> None:
        self.assertTrue(self.ping().all_answered)  # one host of sixteen
        # Not by the log: the daemon before may have said the same.
        self.eventually(lambda: self.alarmed()["hosts"], "no alarm")
        self.assertIn("the table of hosts has 1 of 16", self.lab.log_tail())
        self.assertFalse(self.alarmed()["mappings"])

    def alarmed(self) -> dict[str, bool]:
        return {row["name"]: row["alarmed"] for row in self.lab.show("nat", "status")["tables"]}

    def test_a_collector_is_told_whose_block_it_is(self) -> None:
        self.lab.causeway("nat", "clear", "--inside", INSIDE)
        self.eventually(lambda: not self.sessions(), "sessions do not end")
        host, address, port = COLLECTOR
        collector = self.lab.start(host, PYTHON, "-c", COLLECT, address, str(port), QUIET_S,
                                   stdout=-1, text=True)
        self.assertEqual(collector.stdout.readline(), "ready\n")
        self.assertTrue(self.ping().all_answered)
        outside = self.sessions()[0]["outside"].split(":")[0]
        said, _ = collector.communicate(timeout=30)
        messages = said.split()
        self.assertTrue(messages and all(m.startswith(IPFIX_VERSION) for m in messages), messages)
        told = [m for m in messages if hexadecimal(INSIDE) in m and hexadecimal(outside) in m]
        self.assertTrue(told, messages)
        log = self.lab.show("nat", "status")["log"]
        self.assertEqual((log["lost"], log["unwritten"], log["unsent"]), (0, 0, 0))
