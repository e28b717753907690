# SPDX-License-Identifier: Apache-2.0
"""How a build compiles each of our sources."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Command:
    path: str  # of the source, from the top of the project
    words: list[str]  # the compiler and its flags, without input, output and dependency file
    folder: Path  # where it runs

    def syntax_only(self) -> list[str]:
        return [*self.words, "-fsyntax-only", "-fdiagnostics-color=never"]


def commands(build: Path) -> list[Command]:
    """One for each C++ source of the project; where two targets share a source, one for each."""
    found = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        folder = Path(entry["directory"])
        source = (folder / entry["file"]).resolve()
        if source.suffix == ".cc" and source.is_relative_to(REPOSITORY):
            words = shlex.split(entry["command"])
            # Meson ends with: -MD -MQ object -MF file -o object -c source.
            flags = words[: words.index("-MD")]
            found.append(Command(str(source.relative_to(REPOSITORY)), flags, folder))
    return found
