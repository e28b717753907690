# SPDX-License-Identifier: Apache-2.0
"""Lab: the scene of scene.py, made of network namespaces, with causewayd in the middle.

A lab has an instance name ("" for the one of scripts/lab; the demo and the tests have their own),
so that several may stand side by side. A namespace owns whatever runs in it: ending a lab means
ending the processes of its namespaces, so a crashed run leaves nothing that the next cannot clear.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import netns
from netns import LabError, run
from scene import MANAGEMENT, ROUTER, SCENE, Wire

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PYTHON = "/usr/bin/python3"  # Debian's: scapy is its package, and no other python's
START_TIMEOUT_S = 30.0
PROGRAMS = {"causewayd": "control/causewayd", "causeway": "control/cli/causeway"}

HOST_SYSCTLS: dict[str, int | str] = {
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    # A customer's router spreads flows over both links, and leaves a link that has no carrier.
    "ipv4/fib_multipath_hash_policy": 1,
    "ipv4/conf/all/ignore_routes_with_linkdown": 1,
    "ipv4/conf/default/ignore_routes_with_linkdown": 1,
    # ARP as between routers: ask and answer with the address of the link, no other.
    "ipv4/conf/all/arp_announce": 2,
    "ipv4/conf/all/arp_ignore": 1,
    # The lab measures the router's ICMP limits, not the hosts' own.
    "ipv4/icmp_ratelimit": 0,
    # A TCP window that fits veth's queue of 256 frames: else a burst of one download is what the
    # other flows lose packets to, and no measure of the router.
    "ipv4/tcp_rmem": "4096 65536 131072",
}


class Lab:
    def __init__(self, instance: str = "", device: str = "af_xdp", build: Path | None = None):
        if not re.fullmatch(r"[a-z0-9]{0,12}", instance):
            raise LabError(f"instance {instance!r}: up to 12 of a-z and 0-9")
        self.instance = instance
        self.device = device
        self.build = build or Path(os.environ.get("CAUSEWAY_BUILD", REPOSITORY / "build"))
        self.state = Path("/run/causeway-lab") / (instance or "default")
        self.socket = self.state / "causeway.sock"
        self.config = self.state / "causewayd.yaml"
        self.log = self.state / "causewayd.log"
        self.document = "causewayd.yaml"  # beside this file, or a path: what the daemon starts from
        self.vrf_prefix = f"cw{instance}-vrf-"  # of the namespaces of its TAPs
        self._lock: IO[str] | None = None
        self._daemon: subprocess.Popen[bytes] | None = None

    # -- its life --------------------------------------------------------------------------------

    def lock(self) -> None:
        """Claims the instance until this process ends, or unlock()."""
        if os.geteuid() != 0:
            raise LabError("a lab is made of network namespaces, and those take root")
        if self._lock is not None:
            return
        self.state.parent.mkdir(parents=True, exist_ok=True)
        lock = open(self.state.with_suffix(".lock"), "a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LabError(f"process {lock.read().strip() or '?'} is at work on this lab; "
                           "CAUSEWAY_LAB=name gives you one of your own") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def up(self, with_daemon: bool = True) -> None:
        self.down()
        self.state.mkdir(parents=True)
        for name in SCENE.namespaces:
            netns.create(self.namespace(name), HOST_SYSCTLS)
        self._lay_wires()
        for name in SCENE.hosts:
            self._settle(name)
        self._start_web_servers()
        if with_daemon:
            self.start_daemon()

    def down(self) -> None:
        self.lock()
        # All at once: a process that wants its full patience costs it once, and the router goes
        # before its wires.
        names = [n for n in map(self.namespace, SCENE.namespaces) if netns.exists(n)]
        names += [n for n in netns.names() if n.startswith(self.vrf_prefix)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(netns.end_processes, names))
        for name in names:
            netns.delete(name)
        self._daemon = None
        shutil.rmtree(self.state, ignore_errors=True)

    def is_there(self, name: str) -> bool:
        return netns.exists(self.namespace(name))

    def is_up(self) -> bool:
        return all(map(self.is_there, SCENE.namespaces))

    # -- its parts -------------------------------------------------------------------------------

    def namespace(self, name: str) -> str:
        if name not in SCENE.namespaces:
            raise LabError(f"no host {name!r}; there are {', '.join(SCENE.namespaces)}")
        return f"cw{self.instance}-{name}"

    def command(self, host: str, *words: str) -> list[str]:
        """The command line that runs the words on that host."""
        return ["ip", "netns", "exec", self.namespace(host), *words]

    def run(self, host: str, *words: str) -> str:
        return run(*self.command(host, *words))

    def run_in(self, namespace: str, *words: str) -> str:
        return run("ip", "netns", "exec", namespace, *words)

    def start(self, host: str, *words: str, **options: Any) -> subprocess.Popen[Any]:
        return subprocess.Popen(self.command(host, *words), **options)

    def environment(self) -> dict[str, str]:
        """For commands on a host: finds `causeway` and its socket."""
        path = (f"{self.build / 'control/cli'}:"
                f"{os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}")
        return {**os.environ, "PATH": path, "CAUSEWAY_SOCKET": str(self.socket)}

    def web_root(self, host: str) -> Path:
        return self.state / f"www-{host}"

    def web_log(self, host: str) -> Path:
        return self.state / f"www-{host}.log"

    def pids(self, host: str) -> list[int]:
        return netns.pids(self.namespace(host))

    def has_carrier(self, host: str, interface: str) -> bool:
        link = json.loads(run("ip", "-n", self.namespace(host), "-json", "link", "show", interface))
        return "LOWER_UP" in link[0]["flags"]

    def set_link(self, link: str, state: str) -> None:
        """Takes a provider's switch off ("down") or on again ("up"), as a power cut does: whoever
        is plugged into it loses the carrier, customers and router alike."""
        switch = f"provider-{link}"
        ports = [wire.port for wire in SCENE.wires if wire.switch == switch]
        # One after the other, and on a busy machine each takes its time: the router's is the first,
        # and contoso's, which most tests look at, the next.
        ports.sort(key=lambda port: port != ROUTER)
        netns.ip_batch(self.namespace(switch), [f"link set {port} {state}" for port in ports])

    def cut(self, link: str) -> None:
        self.set_link(link, "down")

    def restore(self, link: str) -> None:
        self.set_link(link, "up")

    def silence(self, link: str) -> None:
        """The provider passes nothing on of contoso's private peering, and every port stays up, so
        that only BFD can tell.
        """
        netns.ip_batch(self.namespace(f"provider-{link}"), ["link set contoso nomaster"])

    def speak(self, link: str) -> None:
        netns.ip_batch(self.namespace(f"provider-{link}"), ["link set contoso master switch"])

    def set_core(self, state: str) -> None:
        """The carrier of the router's core port: "down" or "up"."""
        netns.ip_batch(self.namespace("core"), [f"link set {ROUTER} {state}"])

    # -- the daemon ------------------------------------------------------------------------------

    def program(self, name: str) -> Path:
        path = self.build / PROGRAMS[name]
        if not path.exists():
            raise LabError(f"{path} is missing: build first (meson setup {self.build} && "
                           f"ninja -C {self.build}), or name another folder in CAUSEWAY_BUILD")
        return path

    def write_config(self) -> None:
        text = (HERE / self.document).read_text(encoding="utf-8")
        text = text.replace("af_xdp:", f"{self.device}:")
        text = text.replace("/run/causeway/causeway.sock", str(self.socket))
        text = text.replace("namespace-prefix: vrf-", f"namespace-prefix: {self.vrf_prefix}")
        self.config.write_text(text, encoding="utf-8")

    def start_daemon(self) -> None:
        self.write_config()
        with open(self.log, "ab") as log:
            self._daemon = self.start(ROUTER, str(self.program("causewayd")), "--config",
                                      str(self.config), stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._daemon.poll() is not None:
                code = self._daemon.returncode
                raise LabError(f"causewayd ended with {code}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LabError(f"causewayd does not answer:\n{self.log_tail()}")
            time.sleep(0.05)

    def stop_daemon(self) -> int | None:
        """Its exit code, if it was this process that started it."""
        netns.end_processes(self.namespace(ROUTER), patience_s=10.0)
        daemon, self._daemon = self._daemon, None
        return daemon.wait() if daemon else None

    def causeway(self, *words: str) -> str:
        """The command line client, as the operator calls it."""
        return run(str(self.program("causeway")), "--socket", str(self.socket), *words)

    def show(self, *words: str) -> Any:
        return json.loads(self.causeway("--json", "show", *words))

    def _answers(self) -> bool:
        done = subprocess.run([self.program("causeway"), "--socket", self.socket, "--json", "show",
                               "circuits"], capture_output=True, check=False)
        return done.returncode == 0

    def log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    # -- construction ----------------------------------------------------------------------------

    def _lay_wires(self) -> None:
        for number, wire in enumerate(SCENE.wires):
            index = 100 + 2 * number
            netns.veth(
                netns.End(self.namespace(wire.host), wire.interface, index, wire.mtu),
                netns.End(self.namespace(wire.switch), wire.port, index + 1, netns.SWITCH_MTU))
        for switch in SCENE.switches:
            ports = [wire.port for wire in SCENE.wires if wire.switch == switch]
            netns.bridge(self.namespace(switch), "switch", ports)
        for name, address in MANAGEMENT.items():
            device = "edge0" if name == ROUTER else "switch"
            netns.ip_batch(self.namespace(name), [f"address add {address}/30 dev {device}"])
        for tags in sorted({wire.tags for wire in SCENE.wires if wire.tags}):
            self._compile_tagger(tags)
        for wire in SCENE.wires:
            if wire.tags:
                netns.attach_tagger(self.namespace(wire.host), wire.interface,
                                    self._tagger(wire.tags))

    def _tagger(self, tags: tuple[int, ...]) -> Path:
        return self.state / f"tagger-{'-'.join(map(str, tags))}.o"

    def _compile_tagger(self, tags: tuple[int, ...]) -> None:
        outer, inner = (0, *tags)[-2:]
        netns.compile_bpf(HERE / "qinq_tagger.bpf.c", self._tagger(tags),
                          {"OUTER": outer, "INNER": inner})

    def _settle(self, name: str) -> None:
        """Addresses and routes of one host."""
        host = SCENE.hosts[name]
        lines = [f"address add {address}/32 dev lo" for address in host.loopback]
        wires: list[Wire] = [wire for wire in SCENE.wires if wire.host == name]
        for wire in wires:
            if wire.address:
                lines.append(f"address add {wire.address} dev {wire.interface}")
            lines.append(f"link set {wire.interface} up")
        for number, route in enumerate(host.routes):
            line = f"route add {route.destination} mtu {route.mtu}"
            if route.source:
                line += f" src {route.source}"
            if route.only_from:
                table = 100 + number
                lines.append(f"rule add from {route.only_from} lookup {table}")
                line += f" table {table}"
            hops = (f" nexthop via {gateway} dev {device}" for gateway, device in route.paths)
            lines.append(line + "".join(hops))
        netns.ip_batch(self.namespace(name), lines)

    def _start_web_servers(self) -> None:
        logs = []
        for name, host in SCENE.hosts.items():
            if not host.greeting:
                continue
            folder = self.web_root(name)
            folder.mkdir()
            (folder / "index.html").write_text(f"This is {host.greeting}.\n", encoding="utf-8")
            logs.append(self.web_log(name))
            with open(logs[-1], "ab") as log:
                self.start(name, PYTHON, "-u", "-m", "http.server", "80", "--directory",
                           str(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not all("Serving HTTP" in log.read_text(encoding="utf-8") for log in logs):
            if time.monotonic() > deadline:
                raise LabError(f"a web server does not start: see {', '.join(map(str, logs))}")
            time.sleep(0.02)
