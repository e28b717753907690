# SPDX-License-Identifier: Apache-2.0
"""Whatever arrives on the control socket, forwarding goes on."""

import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

from lab_case import LabTest
from evidence import talk
from router_state import attachments

NOBODY = 65534
GARBAGE = (b"\n\n\n", b"}{\n", b"\0" * 4096 + b"\n", b"[" * 100_000 + b"\n", b'{"jsonrpc":"2.0"',
           b'{"jsonrpc":"2.0","id":1,"method":"no.such.method"}\n', os.urandom(65_536) + b"\n")
OVERSIZED_BYTES = 80 << 20
CALLERS = 1_000


class ControlSocket(LabTest):
    def connect(self) -> socket.socket:
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        caller.settimeout(10)
        caller.connect(str(self.lab.socket))
        return caller

    def send_and_leave(self, data: bytes) -> None:
        with self.connect() as caller:
            try:
                caller.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # cut off: as it should be

    def test_garbage_never_hurts_forwarding(self) -> None:
        running = talk(self.lab, "contoso", 4.0)
        running.wait_until(0.5)
        for data in GARBAGE * 20:
            self.send_and_leave(data)
        chunk = b'"' + b"x" * (OVERSIZED_BYTES // 8)
        self.send_and_leave(chunk * 8)
        self.assertEqual(running.finish().lost, 0)
        self.assertTrue(attachments(self.lab))

    def test_a_thousand_callers_at_once(self) -> None:
        running = talk(self.lab, "contoso", 4.0)
        running.wait_until(0.5)
        answered = 0
        callers: list[socket.socket] = []
        try:
            for _ in range(CALLERS):
                callers.append(self.connect())
            for caller in callers:
                caller.sendall(b'{"jsonrpc":"2.0","id":7,"method":"method.list"}\n')
            for caller in callers:
                try:
                    answered += bool(caller.recv(65_536))
                except OSError:
                    pass  # refused for the number of connections
        finally:
            for caller in callers:
                caller.close()
        self.assertGreater(answered, CALLERS // 2)
        self.assertEqual(running.finish().lost, 0)
        self.assertTrue(attachments(self.lab))

    def test_many_clients_in_parallel_all_get_the_same_answer(self) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: sorted(attachments(self.lab)), range(40)))
        self.assertEqual(len(answers[0]), 9)
        self.assertTrue(all(answer == answers[0] for answer in answers))


class Roles(LabTest):
    def as_nobody(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.lab.program("causeway"), "--socket", self.lab.socket, *words], user=NOBODY,
            group=NOBODY, extra_groups=(), capture_output=True, text=True, check=False)

    def test_anybody_may_look(self) -> None:
        done = self.as_nobody("show", "circuits")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("contoso", done.stdout)

    def test_only_admins_may_change(self) -> None:
        for words in (("link", "down", "primary"),
                      ("route", "add", "10.66.0.0/16", "--vrf", "contoso", "--blackhole")):
            with self.subTest(words=words):
                done = self.as_nobody(*words)
                self.assertEqual(done.returncode, 1, done.stderr)  # refused by the daemon
        self.assertTrue(all(row["state"] == "up" for row in attachments(self.lab).values()))
