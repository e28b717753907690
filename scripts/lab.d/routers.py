# SPDX-License-Identifier: Apache-2.0
"""Real routers in the lab: FRR on our side, FRR at contoso, BIRD at adatum.

Customers announce more than they should: a loopback network, to everybody a default route, and to
the Microsoft peering a private network; contoso a part of adatum's public one, and adatum says that
contoso's router has its own. What of it arrives is what the filters let through.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import netns
from lab import HERE, HOST_SYSCTLS, Lab
from netns import LabError, run
from router_state import is_used
from scene import (ADATUM_MICROSOFT_PEERS, IPV6_PEERS, LINKS, MICROSOFT_PEERS, PRIVATE_PEERS,
                   interface_of)

FRR = Path("/usr/lib/frr")
RUNTIME = Path("/run/frr")
LOCAL_ASN = 12076
KEYS = {"contoso": "contoso-key", "adatum": "adatum-key"}
ASNS = {"contoso": 65010, "adatum": 65020}
VRFS = ("adatum", "contoso", "microsoft")
SESSION_TIMEOUT_S = 60.0
TELLING_MAX_S = 30.0
END_TIMEOUT_S = 60.0  # of a bgpd with a full table, which withdraws it

ADATUM_PUBLIC = "203.0.113.128/25"
CONTOSO_IPV6_NETWORK = "2001:db8:1::/48"
PART_OF_ADATUM = "203.0.113.192/26"
# What a private peering may have; and what nobody may.
CONTOSO_IPV4 = {"10.1.0.0/24", "198.51.100.0/24", PART_OF_ADATUM, "10.66.0.0/16", "0.0.0.0/0"}
CONTOSO_NETWORKS = (*sorted(CONTOSO_IPV4), "127.1.0.0/16")
# contoso's private peering, without and with BFD for bgpd.
NETWORK_BEFORE = "peer-asn: 65010\n        bgp: {password: contoso-key,"
NETWORK_AFTER = "peer-asn: 65010\n        bgp: {bfd: true, password: contoso-key,"

IPV6_ON = {"ipv6/conf/all/disable_ipv6": 0, "ipv6/conf/default/disable_ipv6": 0}


def soon(is_true: Callable[[], bool]) -> bool:
    """Whether it becomes true within the time that BGP may take to tell what it knows."""
    deadline = time.monotonic() + TELLING_MAX_S
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


class Frr:
    """zebra and bgpd in one network namespace; and bfdd, where its options are given.

    With `has_fpm`, zebra tells a causewayd its routes.
    """

    def __init__(self, namespace: str, configuration: Path, has_fpm: bool,
                 bfdd: tuple[str, ...] | None = None):
        self.namespace = namespace
        self.configuration = configuration
        self.runtime = RUNTIME / namespace
        fpm = ("-M", "dplane_fpm_nl") if has_fpm else ()
        self.options: dict[str, tuple[str, ...]] = {"zebra": (*fpm, "-r", "-K", "120"), "bgpd": ()}
        if bfdd is not None:
            self.options["bfdd"] = bfdd

    def start(self) -> None:
        self.runtime.mkdir(parents=True, exist_ok=True)
        user = pwd.getpwnam("frr")
        os.chown(self.runtime, user.pw_uid, user.pw_gid)
        for daemon in self.options:
            self.start_one(daemon)
        self.configure()

    def start_one(self, daemon: str) -> None:
        run("ip", "netns", "exec", self.namespace, str(FRR / daemon), "-d", "-N", self.namespace,
            *self.options[daemon])
        if daemon == "bfdd":
            # Or what else runs on the machine is taken for a dead link.
            with suppress(PermissionError):
                os.sched_setscheduler(self._pid(daemon), os.SCHED_FIFO, os.sched_param(1))

    def configure(self, *daemons: str) -> None:
        """Has some daemons read the file, or all of them."""
        only = [word for daemon in daemons for word in ("-d", daemon)]
        self._vtysh(*only, "-f", str(self.configuration))

    def restart(self, daemon: str, how: signal.Signals) -> None:
        """Ends a daemon and starts it again, as watchfrr does."""
        self._end(daemon, how)
        self.start_one(daemon)
        self.configure(daemon)

    def restart_all(self, how: signal.Signals) -> None:
        """As frrinit.sh does, in its order."""
        for daemon in reversed(self.options):
            self._end(daemon, how)
        self.start()

    def type(self, *lines: str) -> None:
        self._vtysh(*(word for line in ("configure terminal", *lines) for word in ("-c", line)))

    def show(self, what: str) -> Any:
        text = self._vtysh("-c", f"show {what} json")
        return json.loads(text[text.index("{"):])

    def show_list(self, what: str) -> Any:
        text = self._vtysh("-c", f"show {what} json")
        return json.loads(text[text.index("["):])

    def states(self) -> dict[str, str]:
        """The state of each session, by the neighbour's address."""
        families = self.show("bgp summary").values()
        return {name: peer["state"] for family in families if isinstance(family, dict)
                for name, peer in family.get("peers", {}).items()}

    def bfd_states(self) -> dict[str, str]:
        return {row["peer"]: row["status"] for row in self.show_list("bfd peers")}

    def stop(self) -> None:
        for daemon in reversed(self.options):
            self._end(daemon, signal.SIGTERM)
        shutil.rmtree(self.runtime, ignore_errors=True)

    def _end(self, daemon: str, how: signal.Signals) -> None:
        """As a service manager does: who does not end in time is killed.

        zebra 8.4 may wait for itself for ever where it is told to end just as it calls an FPM
        server anew (FRR pull request 17504).
        """
        try:
            pid = self._pid(daemon)
            os.kill(pid, how)
        except (FileNotFoundError, ProcessLookupError):
            return
        deadline = time.monotonic() + END_TIMEOUT_S
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                if how == signal.SIGKILL:
                    raise LabError(f"{daemon} in {self.namespace} does not end")
                self._end(daemon, signal.SIGKILL)
                return
            time.sleep(0.02)

    def _pid(self, daemon: str) -> int:
        return int((self.runtime / f"{daemon}.pid").read_text(encoding="ascii"))

    def _vtysh(self, *words: str) -> str:
        return run("vtysh", "--vty_socket", str(self.runtime), *words)


def contoso_config() -> str:
    peers = [(ours, link) for peers in (PRIVATE_PEERS, MICROSOFT_PEERS)
             for link, (_, ours) in peers.items()]
    # A kernel forgets the next-hop objects of a link without carrier, and zebra 8.4 goes on naming
    # them: no route would take both links again.
    lines = ["no zebra nexthop kernel enable", f"router bgp {ASNS['contoso']}",
             " bgp router-id 10.1.0.10", " no bgp ebgp-requires-policy",
             " no bgp network import-check", " bgp graceful-restart", " timers bgp 3 10"]
    ipv6 = [ours for _, ours in IPV6_PEERS.values()]
    for ours, link in [*peers, *zip(ipv6, LINKS)]:
        lines += [f" neighbor {ours} remote-as {LOCAL_ASN}", f" neighbor {ours} description {link}",
                  f" neighbor {ours} password {KEYS['contoso']}",
                  f" neighbor {ours} timers connect 2"]
    lines += [" address-family ipv4 unicast", "  maximum-paths 2"]
    lines += [f"  network {network}" for network in CONTOSO_NETWORKS]
    lines += [f"  no neighbor {ours} activate" for ours in ipv6]
    lines += [" exit-address-family", " address-family ipv6 unicast", "  maximum-paths 2",
              f"  network {CONTOSO_IPV6_NETWORK}"]
    lines += [f"  neighbor {ours} activate" for ours in ipv6]
    return "\n".join([*lines, " exit-address-family", "end", ""])


def adatum_config(routes: list[str], key: str) -> str:
    """BIRD's: the routes that it announces, and two sessions on each link: the Microsoft peering's
    hears of the public network, and the private one's of the others.
    """
    text = ["log stderr all;", "router id 10.1.0.10;", "protocol device {}",
            "protocol kernel {", "  merge paths on;",
            "  ipv4 { import none; export where source = RTS_BGP; };", "}",
            "protocol static announced {", "  ipv4;"]
    text += [f"  route {route} blackhole;" for route in (*routes, ADATUM_PUBLIC)]
    text.append("}")
    for name, peers in (("private", PRIVATE_PEERS), ("microsoft", ADATUM_MICROSOFT_PEERS)):
        for link in LINKS:
            customer, ours = peers[link]
            told = f"where source = RTS_STATIC && net != {ADATUM_PUBLIC}"
            if name == "microsoft":
                told = (f"filter {{ if source != RTS_STATIC || net != {ADATUM_PUBLIC} then reject; "
                        f"bgp_next_hop = {MICROSOFT_PEERS[link][0]}; accept; }}")
            text += [f"protocol bgp {name}_{link} {{", f"  local {customer} as {ASNS['adatum']};",
                     f"  neighbor {ours} as {LOCAL_ASN};", f'  password "{key}";',
                     "  connect retry time 2; connect delay time 1; error wait time 2, 4;",
                     "  hold time 10; keepalive time 3;", "  graceful restart on;",
                     f"  ipv4 {{ import all; export {told}; }};", "}"]
    return "\n".join([*text, ""])


class Bird:
    def __init__(self, lab: Lab):
        self.lab = lab
        self.file = lab.state / "bird.conf"
        self.socket = lab.state / "bird.ctl"
        self._process: subprocess.Popen[Any] | None = None

    def write(self, routes: list[str], key: str = KEYS["adatum"]) -> None:
        self.file.write_text(adatum_config(routes, key), encoding="utf-8")

    def start(self, routes: list[str]) -> None:
        self.write(routes)
        with open(self.lab.state / "bird.log", "ab") as log:
            self._process = self.lab.start(
                "adatum", "bird", "-f", "-c", str(self.file), "-s", str(self.socket),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10.0)
            self._process = None

    def announce(self, routes: list[str], key: str = KEYS["adatum"]) -> None:
        self.write(routes, key)
        self.ask("configure")

    def ask(self, *words: str) -> str:
        return run("birdc", "-s", str(self.socket), *words)


class Routers:
    """All of them, and causewayd with causewayd-bgp.yaml, in a lab without a daemon.

    With `bfdd`, the sockets at which causewayd finds bfdd of VRFs of ours, contoso's router has a
    bfdd, too.
    """

    @classmethod
    def with_bfd(cls, lab: Lab) -> "Routers":
        """Our bgpd of contoso's VRF follows BFD, once contoso's router speaks it."""
        # Where FRR's user may make one.
        socket = RUNTIME / f"{lab.vrf_prefix}contoso" / "bfdd.dplane"
        text = (HERE / "causewayd-bgp.yaml").read_text(encoding="utf-8")
        text = text.replace("daemon:\n", f"daemon:\n  bfdd-socket: {socket}\n", 1)
        assert NETWORK_BEFORE in text
        path = lab.state / "bfdd.yaml"
        path.write_text(text.replace(NETWORK_BEFORE, NETWORK_AFTER, 1), encoding="utf-8")
        return cls(lab, str(path), {"contoso": socket})

    def __init__(self, lab: Lab, document: str = "causewayd-bgp.yaml",
                 bfdd: dict[str, Path] | None = None):
        self.lab = lab
        self.document = document
        self.bfdd = bfdd or {}
        self.ours: dict[str, Frr] = {}  # by VRF
        contoso = lab.state / "contoso-frr.conf"
        self.contoso = Frr(lab.namespace("contoso"), contoso, has_fpm=False,
                           bfdd=() if bfdd else None)
        self.bird = Bird(lab)

    def start(self) -> None:
        # Before the daemon would: what it mounts, only processes of its own host see.
        for vrf in VRFS:
            netns.create(self.lab.vrf_prefix + vrf, {**HOST_SYSCTLS, **IPV6_ON})
        self._switch_ipv6(0)
        self.lab.document = self.document
        self.lab.start_daemon()
        folder = self.lab.state / "frr"
        folder.mkdir(exist_ok=True)
        self.lab.causeway("frr-config", "--directory", str(folder))
        for path in sorted(folder.iterdir()):
            vrf = path.name.removeprefix(self.lab.vrf_prefix)
            socket = self.bfdd.get(vrf)
            self.ours[vrf] = Frr(path.name, path / "frr.conf", has_fpm=True,
                                 bfdd=("--dplaneaddr", f"unix:{socket}") if socket else None)
        self.contoso.configuration.write_text(contoso_config(), encoding="utf-8")
        self.bird.start(["10.1.0.0/24", "127.1.0.0/16"])
        for frr in (*self.ours.values(), self.contoso):
            frr.start()
        self.wait_for_sessions()

    def stop(self) -> None:
        for frr in (*self.ours.values(), self.contoso):
            frr.stop()
        self.lab.stop_daemon()
        self.bird.stop()
        for vrf in VRFS:
            netns.delete(self.lab.vrf_prefix + vrf)
        self.ours = {}
        self._switch_ipv6(1)
        self.lab.document = "causewayd.yaml"

    def _switch_ipv6(self, off: int) -> None:
        """Of contoso's router on the links of its private peering."""
        for link, (address, _) in IPV6_PEERS.items():
            interface = interface_of(link)
            # A name may have a dot in it: sysctl takes slashes, then.
            self.lab.run("contoso", "sysctl", "-qw",
                         *(f"net/ipv6/conf/{interface}/{setting}" for setting in
                           ("accept_dad=0", "autoconf=0", f"disable_ipv6={off}")))
            if not off:
                netns.ip_batch(self.lab.namespace("contoso"),
                               [f"address replace {address}/126 dev {interface} nodad"])

    def sessions(self) -> dict[str, str]:
        """Our side's, as "contoso/192.168.15.17": state."""
        return {f"{vrf}/{name}": state for vrf, frr in self.ours.items()
                for name, state in frr.states().items()}

    def wait_for_sessions(self, vrf: str = "") -> None:
        """Of one VRF, or of all."""
        deadline = time.monotonic() + SESSION_TIMEOUT_S
        while not (states := {name: state for name, state in self.sessions().items()
                              if name.startswith(vrf)}) or set(states.values()) != {"Established"}:
            if time.monotonic() > deadline:
                raise LabError(f"sessions do not come up: {states}")
            time.sleep(0.3)

    def begin_bfd(self) -> None:
        """contoso's router does, on its private peering."""
        self.contoso.type(f"router bgp {ASNS['contoso']}",
                          *(f"neighbor {ours} bfd" for _, ours in PRIVATE_PEERS.values()))

    def bfd_is_up(self, link: str) -> bool:
        """What both ends' bfdd say of contoso's private peering."""
        ends = zip((self.ours["contoso"], self.contoso), PRIVATE_PEERS[link])
        return all(frr.bfd_states().get(peer) == "up" for frr, peer in ends)

    def is_whole(self) -> bool:
        """zebra of contoso's VRF has bgpd's routes, and has found causewayd."""
        routes = self.ours["contoso"].show("ip route bgp")
        return set(routes) == CONTOSO_IPV4 and self.lab.show("fpm", "contoso")["state"] != "away"

    def told(self) -> set[str]:
        """What contoso's router has heard of us, of both families."""
        return {prefix for family in ("ipv4", "ipv6")
                for prefix in self.contoso.show(f"bgp {family} unicast")["routes"]}

    def next_hops(self, vrf: str, prefix: str) -> set[str]:
        """Those of a prefix that came by BGP."""
        rows = json.loads(self.lab.causeway("--json", "show", "routes", "--vrf", vrf, "--source",
                                            "bgp", prefix))
        return {hop["address"] for row in rows for hop in row["via"]}

    def fpm_events(self, vrf: str) -> dict[str, int]:
        """How often each thing has happened at the VRF's FPM listener."""
        return {row["event"]: row["count"] for row in self.lab.show("fpm", vrf)["events"]}

    def customer_ways(self) -> set[str]:
        """The next hops of contoso's router to its cloud, as its kernel has them."""
        routes = json.loads(self.lab.run("contoso", "ip", "-json", "route", "show", "10.2.0.0/24"))
        return {hop["gateway"] for route in routes for hop in route.get("nexthops", [route])}

    def have_both_ways(self) -> bool:
        """BGP has told contoso's router and causewayd of both links, and nothing forbids either."""
        return (self.next_hops("contoso", "10.1.0.0/24") == {peer for peer, _ in
                                                             PRIVATE_PEERS.values()} and
                self.customer_ways() == {ours for _, ours in PRIVATE_PEERS.values()} and
                all(is_used(self.lab, link) for link in LINKS))

    def learned(self, vrf: str) -> set[str]:
        """Prefixes of the VRF that came by BGP and are in causewayd's table."""
        rows = json.loads(self.lab.causeway("--json", "show", "routes", "--vrf", vrf, "--source",
                                            "bgp"))
        return {row["prefix"] for row in rows}
