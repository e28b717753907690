# SPDX-License-Identifier: Apache-2.0
"""What the machine is, as far as figures depend on it; and its huge pages while it is measured."""

import contextlib
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

HUGE_PAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
HUGE_PAGES_WANTED = 512  # 1 GiB: a full table of rte_fib with its RIB, and packets


def first_match(pattern: str, text: str, otherwise: str = "unknown") -> str:
    found = re.search(pattern, text, re.M)
    return found[1].strip() if found else otherwise


def output_of(*command: str) -> str:
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return ""


def read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def tsc_mhz(cpuinfo: str) -> str:
    """The kernel's own figure where its log can be read; else what it says the cores run at."""
    log = output_of("dmesg")
    rate = first_match(r"tsc: (?:Refined TSC clocksource calibration|Detected): ([\d.]+) MHz", log,
                       "")  # fmt: skip
    return rate or first_match(r"cpu MHz\s*: ([\d.]+)", cpuinfo)


def describe() -> dict[str, str]:
    cpuinfo = read(Path("/proc/cpuinfo"))
    lscpu = output_of("lscpu")
    flags = first_match(r"^flags\s*: (.*)$", cpuinfo, "").split()
    return {
        "processor": first_match(r"^model name\s*: (.*)$", cpuinfo),
        "family, model": first_match(r"^cpu family\s*: (.*)$", cpuinfo)
        + ", " + first_match(r"^model\s*: (.*)$", cpuinfo),
        "cores": str(os.cpu_count()),
        "virtual": first_match(r"^Hypervisor vendor:\s*(.*)$", lscpu, "no"),
        "caches (L1d, L2, L3)": ", ".join(
            first_match(rf"^{cache} cache:\s*(.*)$", lscpu) for cache in ("L1d", "L2", "L3")
        ),
        "AVX-512": "yes" if {"avx512f", "avx512vl"} <= {*flags} else "no",
        "TSC, MHz": tsc_mhz(cpuinfo),
        "kernel": first_match(r"^([\d.]+)", platform.release()),  # without its builder's marks
        "DPDK": output_of("pkg-config", "--modversion", "libdpdk"),
        "compiler": output_of("g++", "-dumpfullversion"),
        "huge pages free (2 MiB)": read(HUGE_PAGES / "free_hugepages").strip() or "none",
        "load before": read(Path("/proc/loadavg")).split(" ")[0],
    }  # fmt: skip


@contextlib.contextmanager
def huge_pages() -> Iterator[None]:
    """Reserves as many as are wanted where that is ours to do, and gives them back."""
    setting = HUGE_PAGES / "nr_hugepages"
    before = int(read(setting) or 0)
    is_raised = before < HUGE_PAGES_WANTED and os.access(setting, os.W_OK)
    if is_raised:
        setting.write_text(str(HUGE_PAGES_WANTED))
    try:
        yield
    finally:
        if is_raised:
            setting.write_text(str(before))
