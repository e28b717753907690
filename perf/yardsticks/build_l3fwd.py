#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds perf/yardsticks/l3fwd_bench.cc with DPDK's example forwarder from Debian's own sources.

The sources are those of the installed libdpdk-dev, fetched by apt into the build folder; no apt
source is added to the machine. They are compiled as they are, with divert.h in front of each, but
for the sizes of their route tables, which are too small for a full one.
"""

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

YARDSTICKS = Path(__file__).resolve().parent
REPOSITORY = YARDSTICKS.parents[1]

SOURCES_LIST = Path("/etc/apt/sources.list")
SOURCES_PARTS = Path("/etc/apt/sources.list.d")

# Of 940,000 routes and more. (file, what is there, what stands there instead)
TABLE_SIZES = [
    ("l3fwd_lpm.c", r"(#define IPV4_L3FWD_LPM_MAX_RULES\s+)\d+", r"\g<1>(1 << 20)"),
    ("l3fwd_lpm.c", r"(#define IPV4_L3FWD_LPM_NUMBER_TBL8S\s+)\(1 << 8\)", r"\g<1>(1 << 15)"),
    ("l3fwd_fib.c", r"(config_ipv4\.max_routes = )\(1 << 16\)", r"\g<1>(1 << 20)"),
]
# As our own programs are compiled; the lookups of rte_fib are those of the installed library.
FLAGS = ["-O3", "-march=x86-64-v3", "-mtune=generic", "-DALLOW_EXPERIMENTAL_API", "-w"]


class NotObtainable(Exception):
    """Why there is no l3fwd to compare with."""


def run(command: list[str], where: Path) -> str:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True)
    if done.returncode != 0:
        last_words = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise NotObtainable(f"{shlex.join(command)}:\n{last_words}")
    return done.stdout


def as_source_entries(text: str) -> str:
    """The same archives, asked for sources instead of packages; both formats of sources.list."""
    text = re.sub(r"^Types:.*$", "Types: deb-src", text, flags=re.M)
    return re.sub(r"^deb(-src)?\s", "deb-src ", text, flags=re.M)


def installed_version() -> str:
    query = ["dpkg-query", "-W", "-f", "${source:Version}", "libdpdk-dev"]
    done = subprocess.run(query, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotObtainable("libdpdk-dev is not installed: run scripts/install-deps")
    return done.stdout


def fetch(folder: Path) -> Path:
    """Debian's tarball of the installed version, downloaded unless it is there."""
    version = installed_version()
    upstream = re.sub(r"^\d+:", "", version).rsplit("-", 1)[0]
    tarball = folder / f"dpdk_{upstream}.orig.tar.xz"
    if tarball.exists():
        return tarball
    parts = folder / "sources.list.d"
    lists = folder / "lists" / "partial"
    parts.mkdir(parents=True, exist_ok=True)
    lists.mkdir(parents=True, exist_ok=True)
    for file in (SOURCES_LIST, *SOURCES_PARTS.glob("*.list"), *SOURCES_PARTS.glob("*.sources")):
        if file.exists():
            (parts / file.name).write_text(as_source_entries(file.read_text()))
    apt = ["apt-get", "-q", "-o", "Dir::Etc::SourceList=/dev/null",
           "-o", f"Dir::Etc::SourceParts={parts}", "-o", f"Dir::State::Lists={lists.parent}",
           "-o", "APT::Sandbox::User=root", "-o", "Dir::Cache::pkgcache=",
           "-o", "Dir::Cache::srcpkgcache="]  # fmt: skip
    run([*apt, "update"], folder)
    run([*apt, "source", "--download-only", f"dpdk={version}"], folder)
    if not tarball.exists():
        raise NotObtainable(f"apt-get source dpdk={version} brought no {tarball.name}")
    return tarball


def unpack(tarball: Path, folder: Path) -> Path:
    run(["tar", "-xf", str(tarball), "--wildcards", "*/examples/l3fwd", "*/examples/common"],
        folder)  # fmt: skip
    found = sorted(folder.glob("*/examples/l3fwd/main.c"))
    if not found:
        raise NotObtainable(f"{tarball.name} holds no examples/l3fwd")
    return found[-1].parent


def enlarge_tables(sources: Path) -> None:
    for name, there, instead in TABLE_SIZES:
        file = sources / name
        text, count = re.subn(there, instead, file.read_text())
        if count != 1:
            raise NotObtainable(f"{name} is not as expected: no {there}")
        file.write_text(text)


def build(build_folder: Path) -> Path:
    """The program's path. Everything is made in BUILD/perf/yardsticks, once."""
    folder = build_folder.resolve() / "perf" / "yardsticks"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "l3fwd_bench"
    harness = build_folder.resolve() / "perf" / "libl3fwd_harness.so"
    newest = max(file.stat().st_mtime for file in (YARDSTICKS / "divert.h", Path(__file__)))
    if program.exists() and program.stat().st_mtime > newest:
        return program
    sources = unpack(fetch(folder), folder)
    enlarge_tables(sources)
    dpdk = shlex.split(run(["pkg-config", "--cflags", "--libs", "libdpdk"], folder))
    # The others are included by these.
    names = re.findall(r"'(\w+\.c)'", (sources / "meson.build").read_text())
    files = [str(sources / name) for name in names]
    run(["gcc", "-o", str(program), *files, "-Dmain=l3fwd_main",
         "-include", str(YARDSTICKS / "divert.h"), f"-I{sources.parent / 'common'}", *dpdk, *FLAGS,
         str(harness), f"-Wl,-rpath,{harness.parent}"], folder)  # fmt: skip
    return program


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("build", type=Path, help="meson's build folder")
    try:
        print(build(parser.parse_args().build))
    except NotObtainable as reason:
        sys.exit(f"build_l3fwd: {reason}")


if __name__ == "__main__":
    main()
