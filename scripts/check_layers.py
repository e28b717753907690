#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom. Reads every #include and fails on an arrow that is not in this picture:

            control            blocks, allocates, logs
               |
           dataplane           never blocks; the only one that knows DPDK
         __|__|_|__|__
       vlan  acl nat  fib      pure tables; they do not know each other
         |____|___|____|
               |
             base              words; knows nothing

tests and perf see everything, and nobody sees them but each other.
"""

import argparse
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

TABLES = {"vlan", "acl", "nat", "fib"}
PRODUCT = {"base", "dataplane", "control"} | TABLES
MAY_INCLUDE = {
    "base": set(),
    **{table: {"base"} for table in TABLES},
    "dataplane": {"base"} | TABLES,
    "control": {"base", "dataplane"} | TABLES,
    "tests": PRODUCT | {"perf"},
    "perf": PRODUCT | {"tests"},  # the builders of frames and tables in tests/support
}
KNOW_DPDK = {"dataplane", "tests", "perf"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
SOURCES = {".h", ".cc", ".c"}


def wrong_with(path: str, bracket: str, header: str) -> str:
    """What is wrong with the file including that header; nothing is an empty string."""
    folder = path.split("/")[0]
    if Path(header).name.startswith("rte_"):
        return "" if folder in KNOW_DPDK else f"only dataplane/ knows DPDK: <{header}>"
    if bracket == "<":
        first = header.split("/")[0]
        return f'our own headers come in quotes: "{header}"' if first in MAY_INCLUDE else ""
    if path.endswith(".c") and "/" not in header:
        return ""  # BPF programs are compiled without our include path; it lies beside them
    target = header.split("/")[0]
    if target not in MAY_INCLUDE or "/" not in header:
        return f'name a header by its path from the top of the project, not "{header}"'
    if target != folder and target not in MAY_INCLUDE[folder]:
        return f'{folder}/ may not know {target}/: "{header}"'
    return ""


def check(path: str, text: str) -> list[str]:
    """Complaints, each `path:line: what`, about one file; the path is from the top."""
    folder = path.split("/")[0]
    if folder not in MAY_INCLUDE:
        return [f"{path}:1: {folder}/ is not in the picture of scripts/check_layers.py"]
    complaints = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        what = wrong_with(path, *match.groups()) if match else ""
        if what:
            complaints.append(f"{path}:{number}: {what}")
    return complaints


def sources(top: Path) -> list[Path]:
    """Every source of the program. The lab's BPF program is scripts/' own and includes none."""
    beside = {".git", "scripts", "docs"}
    return sorted(
        path
        for path in top.rglob("*")
        if path.suffix in SOURCES
        and path.is_file()
        and (first := path.relative_to(top).parts[0]) not in beside
        and not first.startswith("build")
    )


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    complaints = []
    files = sources(REPOSITORY)
    for file in files:
        complaints += check(str(file.relative_to(REPOSITORY)), file.read_text())
    print("\n".join(complaints) or f"{len(files)} files: every arrow is in the picture")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
