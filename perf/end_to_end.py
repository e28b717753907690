#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon itself on kernel devices: a customer, causewayd and a virtual network in namespaces of
this machine, over veth. Prints rows as JSON. All of them share the machine's cores with the
generator and the kernel, so this says what a virtual router on such a machine does, and nothing of
the walk.

    rate       packets of 64 bytes a second without loss, one way: iperf3 over UDP, searched by
               halves; the best of so many tries each
    latency    round trips of pings while nothing else is sent
    gap        silence at a receiver, of 8 flows each way, when a link is cut
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
PERF = Path(__file__).resolve().parent
sys.path[:0] = [str(PERF / "trex"), str(PERF.parent / "scripts" / "lab.d")]
from evidence import talk  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from router_state import settle  # noqa: E402
from scene import LINKS, VNET_HOST  # noqa: E402
from search import Trial, find_throughput  # noqa: E402

DEVICES = ("af_xdp", "af_packet")
CUSTOMER, SERVER = "contoso", "contoso-vnet"
PACKETS_MAX = 200_000  # a second: more than iperf3 sends; a search begins here
PAYLOAD_BYTES = 18  # with UDP, IPv4, Ethernet and FCS: 64
TRIES = 2
PINGS = 1_000
PING_SECONDS = 0.002


def udp_trial(lab: Lab, percent: float, seconds: float) -> Trial:
    rate = percent / 100 * PACKETS_MAX
    server = lab.start(SERVER, "timeout", "20", "iperf3", "-s", "-1", "--forceflush",
                       stdout=subprocess.PIPE, text=True)  # fmt: skip
    server.stdout.readline()  # it listens
    try:
        report = json.loads(lab.run(
            CUSTOMER, "timeout", "20", "iperf3", "-c", VNET_HOST, "-u", "-J", "-w", "4M",
            "-l", str(PAYLOAD_BYTES), "-b", f"{rate * PAYLOAD_BYTES * 8:.0f}", "-t", f"{seconds:g}",
        ))  # fmt: skip
    finally:
        server.terminate()
        server.communicate()
    total = report["end"]["sum"]
    return Trial(percent, total["packets"], total["packets"] - total["lost_packets"])


def best_of(trials: list[Trial]) -> Trial:
    return max(trials, key=lambda trial: trial.received / max(1, trial.sent))


def rate(lab: Lab, seconds: float) -> dict[str, float]:
    def trial(percent: float) -> Trial:
        trials = []
        for _ in range(TRIES):
            trials.append(udp_trial(lab, percent, seconds))
            if trials[-1].is_clean:
                break
        return best_of(trials)

    best = find_throughput(trial, resolution=2.0).best
    return {"rate": best.received / seconds if best else 0.0}


def latency(lab: Lab) -> dict[str, float]:
    done = lab.run(CUSTOMER, "ping", "-n", "-c", str(PINGS), "-i", str(PING_SECONDS), VNET_HOST)
    waits = sorted(float(text) * 1_000 for text in re.findall(r"time=([\d.]+) ms", done))
    if len(waits) < PINGS:
        raise LabError(f"{PINGS - len(waits)} of {PINGS} pings got no answer")
    return {f"p{share}": waits[min(len(waits) - 1, int(len(waits) * share / 100))]
            for share in (50, 90, 99, 99.9)}  # fmt: skip


def gaps(lab: Lab) -> dict[str, float]:
    found = {}
    for link in LINKS:
        running = talk(lab, CUSTOMER, 2.0)
        running.wait_until(1.0)
        lab.cut(link)
        outcome = running.finish()
        lab.restore(link)
        settle(lab)
        found[f"{link}_in_ms"] = outcome.towards(SERVER).gap_ms
        found[f"{link}_out_ms"] = outcome.towards(CUSTOMER).gap_ms
    return found


def measure(device: str, build: Path, seconds: float) -> list[dict]:
    lab = Lab("bench", device, build)
    try:
        lab.up()
        settle(lab)
        parts = {"rate": rate(lab, seconds), "latency": latency(lab), "gap": gaps(lab)}
    finally:
        lab.down()
        lab.unlock()
    return [{"name": f"{device}/{part}", "values": values} for part, values in parts.items()]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--device", choices=DEVICES, action="append", help="default: both")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a trial of the rate")
    arguments = parser.parse_args()
    rows = []
    try:
        for device in arguments.device or DEVICES:
            rows += measure(device, arguments.build, arguments.seconds)
    except LabError as error:
        print(f"end_to_end: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
