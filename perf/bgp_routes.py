#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Loads many routes from a BGP peer: BIRD at a customer, bgpd and zebra on our side, FPM, the FIB.

Reports when bgpd, zebra and causewayd had all of them, from the moment the peer began to tell; and
what another customer's traffic lost meanwhile. Needs root, FRR and BIRD; everything runs in network
namespaces.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "lab.d"))
from evidence import talk  # noqa: E402
from lab import Lab  # noqa: E402
from routers import Routers  # noqa: E402
from scene import ROUTER  # noqa: E402

PERIOD_S = 0.5
STEPS = 5
TICKS = os.sysconf("SC_CLK_TCK")


def prefixes(count: int) -> list[str]:
    """So many different /24 of 11.0.0.0 and up, as public tables have mostly."""
    return [f"{11 + i // 65536}.{i // 256 % 256}.{i % 256}.0/24" for i in range(count)]


def seconds_of(stat: Path) -> float:
    user, system = stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / TICKS


class Progress:
    """When each of our programs had all routes, in seconds since the peer began to tell."""

    def __init__(self, lab: Lab, routers: Routers, count: int):
        self.lab = lab
        self.frr = routers.ours["adatum"]
        self.count = count
        self.begun = time.monotonic()
        self.done: dict[str, float] = {}
        self.used_before: dict[str, float] = {}
        self.used_before = self.processor_seconds()

    def counts(self) -> dict[str, int]:
        peers = self.frr.show("bgp summary").get("ipv4Unicast", {}).get("peers", {})
        zebra = self.frr.show("ip route summary")
        fpm = json.loads(self.lab.causeway("--json", "show", "fpm", "adatum"))
        vrfs = {row["name"]: row["routes"] for row in self.lab.show("vrfs")}
        learned = [row for row in zebra["routes"] if row["type"] == "ebgp"]
        return {"bgpd": max((peer["pfxRcd"] for peer in peers.values()), default=0),
                "zebra": sum(row["rib"] for row in learned),
                "zebra's kernel": sum(row["fib"] for row in learned),
                "causewayd heard": fpm["routes"], "in the FIB": vrfs["adatum"]}

    def look(self) -> bool:
        for name, count in self.counts().items():
            if count >= self.count:
                if name not in self.done:
                    self.done[name] = time.monotonic() - self.begun
                    print(f"  {name:16} {self.done[name]:8.1f} s", flush=True)
        return len(self.done) == STEPS

    def processor_seconds(self) -> dict[str, float]:
        """Of each program since then; of causewayd its control thread, which does all of this."""
        used = {}
        for name in ("bgpd", "zebra"):
            pid = (self.frr.runtime / f"{name}.pid").read_text(encoding="ascii").strip()
            used[name] = seconds_of(Path(f"/proc/{pid}/stat")) - self.used_before.get(name, 0.0)
        pid = str(self.lab.pids(ROUTER)[0])
        used["causewayd"] = (seconds_of(Path(f"/proc/{pid}/task/{pid}/stat")) -
                             self.used_before.get("causewayd", 0.0))
        return used


def allow(lab: Lab, routers: Routers, count: int) -> None:
    """Raises the limit of adatum's sessions."""
    text = lab.config.read_text(encoding="utf-8")
    lab.config.write_text(text.replace("password: adatum-key,",
                                       f"password: adatum-key, prefixes-max: {count + 1},"),
                          encoding="utf-8")
    lab.causeway("apply", str(lab.config))
    lab.causeway("frr-config", "--directory", str(lab.state / "frr"))
    routers.ours["adatum"].configure()


def measure(lab: Lab, count: int, seconds: float) -> bool:
    routers = Routers(lab)
    routers.start()
    try:
        allow(lab, routers, count)
        while not routers.learned("contoso"):  # its own few routes come first
            time.sleep(PERIOD_S)
        running = talk(lab, "contoso", seconds, rate=50.0)
        running.wait_until(1.0)
        routers.bird.announce(prefixes(count))
        print(f"{count:,} routes from a BGP peer", flush=True)
        progress = Progress(lab, routers, count)
        while not progress.look() and time.monotonic() - progress.begun < seconds:
            time.sleep(PERIOD_S)
        outcome = running.finish()
        print(f"  lost meanwhile   {outcome.lost} of {outcome.sent:,} packets of another customer")
        for name, seconds in progress.processor_seconds().items():
            print(f"  {name:16} {seconds:8.1f} s of processor time")
        return len(progress.done) == STEPS and outcome.lost == 0
    finally:
        routers.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=int, default=940_000)
    parser.add_argument("--seconds", type=float, default=300.0, help="give up after this")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--device", choices=("af_xdp", "af_packet"), default="af_xdp")
    options = parser.parse_args()
    lab = Lab(os.environ.get("CAUSEWAY_LAB", "bgp"), options.device, options.build)
    lab.up(with_daemon=False)
    try:
        return 0 if measure(lab, options.routes, options.seconds) else 1
    finally:
        lab.down()


if __name__ == "__main__":
    sys.exit(main())
