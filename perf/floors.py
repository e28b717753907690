#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what the machine itself costs: dpdk-testpmd on a ring device that feeds itself.

Prints TSC cycles a packet, minimum and median of the repetitions, for each forwarding mode. It runs
on one core, opens no network device, and needs the Debian package `dpdk`.
"""

import argparse
import os
import re
import statistics
import subprocess
import time

MODES = ("io", "mac", "macswap", "5tswap")
PROMPT = "testpmd>"
IN_FLIGHT = 31 * 32  # packets that go round


def huge_pages_free() -> int:
    with open("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", encoding="ascii") as file:
        return int(file.read())


def wait_for_prompt(pmd: subprocess.Popen[str]) -> str:
    """What it says until it can be spoken to, or until it ends."""
    assert pmd.stdout
    said = ""
    while PROMPT not in said:
        chunk = os.read(pmd.stdout.fileno(), 4096)  # the prompt is no line, so not readline()
        if not chunk:
            break
        said += chunk.decode(errors="replace")
    return said


def measure(mode: str, core: int, seconds: float) -> float:
    memory = ["--in-memory"] if huge_pages_free() >= 160 else ["--no-huge"]
    command = ["dpdk-testpmd", *memory, "--no-pci", "--no-telemetry", "-m", "256",
               "--lcores", f"0@0,1@{core}", "--force-max-simd-bitwidth=512",
               "--vdev", "net_ring0", "--", "-i", f"--forward-mode={mode}", "--burst=32",
               "--record-core-cycles", "--total-num-mbufs=8192"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as pmd:
        said = wait_for_prompt(pmd)
        if PROMPT not in said:
            raise SystemExit(f"dpdk-testpmd did not start:\n{said}")
        pmd.stdin.write("start tx_first 31\n")
        pmd.stdin.flush()
        time.sleep(seconds)
        output, _ = pmd.communicate("stop\nquit\n", timeout=60)
    found = re.search(r"CPU cycles/packet=([0-9.]+)", output)
    if not found:
        raise SystemExit(f"dpdk-testpmd said no cycles:\n{output}")
    return float(found.group(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'mode':8} {'min':>6} {'median':>7}   TSC cycles a packet, {IN_FLIGHT} in flight")
    for mode in MODES:
        cycles = [measure(mode, arguments.core, arguments.seconds)
                  for _ in range(arguments.repetitions)]
        print(f"{mode:8} {min(cycles):6.1f} {statistics.median(cycles):7.1f}", flush=True)


if __name__ == "__main__":
    main()
