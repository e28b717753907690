# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, veth pairs and bridges, by way of iproute2. Nothing here knows the scene.

Interfaces are born inside their namespaces, so the machine's own never sees them.
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# What a switch passes on: 1500 bytes and two tags, of which veth counts one by itself.
SWITCH_MTU = 1508

OFFLOADS_OFF = ("tx off gso off tso off gro off rxvlan off txvlan off "
                "tx-vlan-stag-hw-insert off").split()


class LabError(Exception):
    """A sentence for the person at the terminal."""


def run(*command: str, stdin: str | None = None) -> str:
    """Runs a command to its end; what it printed, or LabError with what it complained about."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def ip_batch(namespace: str, lines: list[str]) -> None:
    if lines:
        run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")


def exists(namespace: str) -> bool:
    return Path("/run/netns", namespace).exists()


def names() -> list[str]:
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def create(namespace: str, sysctls: dict[str, int | str]) -> None:
    run("ip", "netns", "add", namespace)
    # Before any interface is there, so that they inherit; and no IPv6, whose chatter nobody asked
    # for and which would show up in every counter.
    settings = {"ipv6/conf/all/disable_ipv6": 1, "ipv6/conf/default/disable_ipv6": 1, **sysctls}
    script = "".join(f"echo {value} >/proc/sys/net/{key};" for key, value in settings.items())
    run("ip", "netns", "exec", namespace, "sh", "-ec", script)
    ip_batch(namespace, ["link set lo up"])


def pids(namespace: str) -> list[int]:
    return [int(pid) for pid in run("ip", "netns", "pids", namespace).split()]


def end_processes(namespace: str, patience_s: float = 5.0) -> None:
    """Ends whatever runs in the namespace: politely first, and by process id."""
    for number, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, patience_s)):
        running = pids(namespace)
        for pid in running:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + wait_s
        while running and time.monotonic() < deadline:
            time.sleep(0.02)
            running = pids(namespace)
        if not running:
            return
    raise LabError(f"processes {running} in {namespace} do not end")


def delete(namespace: str) -> None:
    if exists(namespace):
        end_processes(namespace)
        run("ip", "netns", "delete", namespace)


@dataclass(frozen=True)
class End:
    """One end of a veth pair."""

    namespace: str
    name: str
    index: int
    mtu: int


def veth(end: End, other: End) -> None:
    """Makes a pair without any offload. The indexes must differ: an interface whose peer has the
    same index looks to the kernel like no pair at all, and then it reports a lost carrier only at
    its leisure, up to a second later.
    """
    run("ip", "-n", end.namespace, "link", "add", end.name, "index", str(end.index), "mtu",
        str(end.mtu), "type", "veth", "peer", other.name, "index", str(other.index), "mtu",
        str(other.mtu), "netns", other.namespace)
    # A checksum left to the hardware, a tag kept beside the frame or a merged segment would be
    # true of no wire; and XDP sees a frame without the tag that is kept beside it.
    for one in (end, other):
        run("ip", "netns", "exec", one.namespace, "ethtool", "-K", one.name, *OFFLOADS_OFF)


def bridge(namespace: str, name: str, ports: list[str]) -> None:
    """A switch that learns, and does nothing else: tags pass as they are."""
    lines = [f"link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
             f"link set {name} up"]
    for port in ports:
        lines += [f"link set {port} master {name}", f"link set {port} up"]
    ip_batch(namespace, lines)


def compile_bpf(source: Path, target: Path, macros: dict[str, int]) -> None:
    # -g: without BTF libbpf warns; the -I is where Debian keeps asm/types.h.
    run("clang", "-O2", "-g", "-target", "bpf", "-Wall", "-Werror",
        f"-I/usr/include/{os.uname().machine}-linux-gnu",
        *(f"-D{name}={value}" for name, value in macros.items()), "-c", str(source), "-o",
        str(target))


def attach_tagger(namespace: str, device: str, program: Path) -> None:
    run("tc", "-n", namespace, "qdisc", "add", "dev", device, "clsact")
    for direction, section in (("egress", "push"), ("ingress", "pop")):
        run("tc", "-n", namespace, "filter", "add", "dev", device, direction, "bpf",
            "direct-action", "object-file", str(program), "section", f"classifier/{section}")
