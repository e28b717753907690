# SPDX-License-Identifier: Apache-2.0
"""Microsoft peering with NAT, from the edge: a million sessions. Answers need a stateful
generator: connections.py.

    start -f perf/trex/microsoft_peering.py -p 0 1 2 3 -m 10% -t --size imix"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import streams  # noqa: E402
import traffic  # noqa: E402


class Profile:
    def get_streams(self, tunables: list[str], port_id: int, **_: object) -> list:
        return streams.load(traffic.MICROSOFT, port_id, streams.size_of(tunables))


def register() -> Profile:
    return Profile()
