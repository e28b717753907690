# SPDX-License-Identifier: Apache-2.0
"""A TCP session between two namespaces (tcp_session.py at both ends), and how it fared."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import PYTHON
from netns import LabError

SESSION = Path(__file__).resolve().parent / "tcp_session.py"
BGP = "179"
SETTLED_S = 0.3
PATIENCE_S = 30.0


def _end(role: str, end: list[str], *words: str) -> "subprocess.Popen[str]":
    namespace, ours, peer, *key = end
    return subprocess.Popen(["ip", "netns", "exec", namespace, PYTHON, str(SESSION), role, ours,
                             peer, BGP, *words, *key], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def session(server: list[str], client: list[str], seconds: float = 1.0,
            during: "Callable[[], subprocess.Popen[str]] | None" = None) -> dict[str, Any]:
    """Two ends, each (namespace, ours, peer and, signed, the key); `during` begins when the session
    has been established for a while, and what it says is "meanwhile"."""
    listening = _end("serve", server)
    try:
        if listening.stdout.readline() != "ready\n":
            raise LabError(f"tcp_session.py does not serve: {listening.stderr.read()}")
        talking = _end("talk", client, str(seconds))
        time.sleep(SETTLED_S)
        meanwhile = during().communicate(timeout=PATIENCE_S)[0] if during else ""
        said, complaint = talking.communicate(timeout=PATIENCE_S)
    finally:
        listening.kill()
        listening.communicate()
    if talking.returncode != 0:
        raise LabError(complaint)
    return {**json.loads(said), "meanwhile": meanwhile}
