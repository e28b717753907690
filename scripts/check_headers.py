#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, and twice, with the flags of its folder.

The flags are those by which the build compiles a source of the same folder, or of the nearest
folder above that has one; where a folder has several targets, of the one that sees the most
libraries. Headers under scripts/ belong to BPF programs of the lab.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
from compile_commands import REPOSITORY, Command, commands  # noqa: E402


def libraries_seen(command: Command) -> int:
    return sum(word.startswith(("-I", "-isystem")) for word in command.words)


def by_folder(build: Path) -> dict[Path, Command]:
    chosen: dict[Path, Command] = {}
    for command in commands(build):
        folder = Path(command.path).parent
        if folder not in chosen or libraries_seen(command) > libraries_seen(chosen[folder]):
            chosen[folder] = command
    return chosen


def complaint(header: Path, known: dict[Path, Command]) -> str:
    command = next((known[folder] for folder in header.parents if folder in known), None)
    if command is None:
        return f"{header}: no source of its folder is built, so nobody knows its flags\n"
    result = subprocess.run(
        [*command.syntax_only(), "-x", "c++", "-"],
        input=f'#include "{header}"\n#include "{header}"\n',
        cwd=command.folder, capture_output=True, text=True,
    )  # fmt: skip
    return f"{header} does not compile alone:\n{result.stderr}" if result.returncode else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="a configured build folder")
    known = by_folder(parser.parse_args().build)
    headers = sorted(
        path.relative_to(REPOSITORY)
        for path in REPOSITORY.rglob("*.h")
        if not path.relative_to(REPOSITORY).parts[0].startswith(("build", ".", "scripts"))
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = list(pool.map(lambda header: complaint(header, known), headers))
    sys.stdout.write("".join(complaints))
    failed = sum(map(bool, complaints))
    print(f"{len(headers) - failed} of {len(headers)} headers compile alone")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
