#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A mistake that the types must refuse: the file compiles as it is, and with -DMUST_NOT_COMPILE it
does not, for the reason that its "Expect:" line gives as a regular expression."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from compile_commands import REPOSITORY, commands  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("source", type=Path)
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    expected = re.search(r"^// Expect: (.+)$", source.read_text(), re.M)
    if not expected:
        sys.exit(f"{source}: no line `// Expect: REGULAR EXPRESSION`")

    path = str(source.relative_to(REPOSITORY))
    command = next((c for c in commands(arguments.build) if c.path == path), None)
    if command is None:
        sys.exit(f"{path} is in no target")

    def compile_with(*flags: str) -> subprocess.CompletedProcess[str]:
        words = [*command.syntax_only(), *flags, str(source)]
        return subprocess.run(words, cwd=command.folder, capture_output=True, text=True)

    right = compile_with()
    if right.returncode != 0:
        sys.exit(f"does not compile even without the mistake:\n{right.stderr}")
    wrong = compile_with("-DMUST_NOT_COMPILE")
    if wrong.returncode == 0:
        sys.exit("compiles with the mistake")
    if not re.search(expected[1], wrong.stderr):
        sys.exit(f"refused, but not for the reason `{expected[1]}`:\n{wrong.stderr}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
