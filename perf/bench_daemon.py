# SPDX-License-Identifier: Apache-2.0
"""A causewayd of its own for a measurement: started, asked, stopped."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Sequence

TICKS = os.sysconf("SC_CLK_TCK")


class BenchDaemon:
    """Runs with the document that is given, which names its socket; ready when it is made."""

    def __init__(self, build: Path, config: Path, socket: str, prefix: Sequence[str] = (),
                 start_max_s: float = 300.0) -> None:
        self.socket, self.client = socket, str(build / "control/cli/causeway")
        self.log = config.with_suffix(".log")
        begin = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, str(build / "control/causewayd"), "--config", str(config)],
                stdout=log, stderr=log)
        while not os.path.exists(socket):
            if self.process.poll() is not None or time.monotonic() - begin > start_max_s:
                self.stop()
                raise SystemExit(self.log.read_text(encoding="utf-8"))
            time.sleep(0.01)
        self.start_s = time.monotonic() - begin

    def control_seconds(self) -> float:
        """Processor time of the control thread so far."""
        return self._seconds_of(self._tasks() / str(self.process.pid))

    def thread_seconds(self, name: str) -> float:
        """The same of the thread of that name."""
        return next(self._seconds_of(task) for task in self._tasks().iterdir()
                    if (task / "comm").read_text(encoding="ascii").strip() == name)

    def _tasks(self) -> Path:
        return Path(f"/proc/{self.process.pid}/task")

    @staticmethod
    def _seconds_of(task: Path) -> float:
        stat = (task / "stat").read_text(encoding="ascii")
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / TICKS

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def causeway(self, *words: str) -> None:
        subprocess.run([self.client, "--socket", self.socket, *words], check=True,
                       stdout=subprocess.DEVNULL)

    def show(self, *words: str) -> Any:
        done = subprocess.run([self.client, "--socket", self.socket, "--json", "show", *words],
                              check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def stop(self) -> float:
        """Seconds that it took."""
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=300)
        return time.monotonic() - begin
