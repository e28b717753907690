# SPDX-License-Identifier: Apache-2.0
"""A latency stream on each link of the private peering, beside whatever else is started.

    start -f perf/trex/latency.py -p 0 1 2 3 -t --size 64"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import streams  # noqa: E402
import traffic  # noqa: E402


class Profile:
    def get_streams(self, tunables: list[str], port_id: int, **_: object) -> list:
        return streams.latency(traffic.PRIVATE, port_id, streams.size_of(tunables))


def register() -> Profile:
    return Profile()
