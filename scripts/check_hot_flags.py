#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the build really says to the compiler about code that runs in a worker's turn.

Debian's libdpdk.pc brings -march=corei7, and the last -march wins. So for every source of the
product the last one must be x86-64-v3 (or v4, for kernels chosen at start), and the worker's own
sources throw nothing.
"""

import argparse
import sys
from fnmatch import fnmatch
from pathlib import Path

sys.dont_write_bytecode = True
from compile_commands import commands  # noqa: E402
from tidy import PRODUCT, TURN  # noqa: E402

ARCHITECTURES = {"-march=x86-64-v3", "-march=x86-64-v4"}
HOT = {"-fno-exceptions", "-fno-rtti"}


def wrong_with(path: str, flags: list[str]) -> str:
    """What is wrong with compiling that file by those flags; nothing is an empty string."""
    architecture = [flag for flag in flags if flag.startswith("-march=")][-1:]
    if not ARCHITECTURES.issuperset(architecture) or not architecture:
        return f"compiled with {''.join(architecture) or 'no -march'}: use arch_args or hot_args"
    if any(fnmatch(path, pattern) for pattern in TURN) and not HOT.issubset(flags):
        return f"a worker's turn without {' '.join(sorted(HOT - set(flags)))}: use hot_args"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="a configured build folder")
    sources = [
        command
        for command in commands(parser.parse_args().build)
        if any(fnmatch(command.path, pattern) for pattern in PRODUCT)
    ]
    complaints = [
        f"{source.path}: {what}"
        for source in sources
        if (what := wrong_with(source.path, source.words))
    ]
    print("\n".join(complaints) or f"{len(sources)} sources have the flags of their folder")
    return 1 if complaints or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
