#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How a file must look, as far as a machine can tell: lengths, licence, words and names.

A word is banned with the word to use instead. There are no exceptions by file or by line: where a
rule is wrong, change the rule here, and its test in tests/house.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

APACHE = "SPDX-License-Identifier: Apache-2.0"
BPF_DUAL = "SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)"

PRODUCT = ("base/*", "vlan/*", "acl/*", "nat/*", "fib/*", "dataplane/*", "control/*")
# Folders whose code shares cores and memory with the workers.
FAST = ("vlan/*", "acl/*", "nat/*", "fib/*", "dataplane/*")
# What runs in a worker's turn from end to end. The other files of FAST also hold the building side,
# which may allocate.
TURN = (
    "base/checksum.h", "base/endian.h", "base/headers.h", "base/ipv6.h",
    "dataplane/stages/*", "dataplane/burst.*", "dataplane/exit.h", "dataplane/family.h",
    "dataplane/flow_hash.*", "dataplane/stage.h", "dataplane/walk.h", "dataplane/worker.cc",
    "acl/*_kernel*", "fib/*_kernel*", "vlan/tag_stack.*",
)  # fmt: skip
ANY = ("*",)


@dataclass(frozen=True)
class Ban:
    where: tuple[str, ...]
    word: str  # a regular expression, matched in code without its comments and literals
    instead: str


BANS = [
    Ban(ANY, r"/\*|\*/", "// comments"),
    Ban(ANY, r"#\s*ifndef\s+\w+_H_?\b", "#pragma once"),
    Ban(ANY, r"\bs?rand\s*\(", "a seeded std::mt19937_64 whose seed is printed"),
    Ban(ANY, r"\b(strcpy|strcat|sprintf|gets)\s*\(", "std::string or fmt::format"),
    Ban(PRODUCT, r"\w_be\b", "a type, Be16 or Be32: byte order is no suffix"),
    Ban(PRODUCT, r"\bassert\s*\(", "CHECK, or DCHECK on the packet path"),
    Ban(PRODUCT, r"\bthrow\b", "a Result; libraries that throw are caught at the border"),
    Ban(PRODUCT, r"\busing\s+namespace\b", "using of the one name"),
    # A private constructor's factory may hand `new T` to its owner in the same expression.
    Ban(PRODUCT, r"(?<![(\s])\s*\bnew\b", "std::make_unique, or std::construct_at"),
    Ban(PRODUCT, r"\bdelete(\[\])?\s+\w+\s*;",
        "std::unique_ptr, with Deleter<> for foreign objects"),
    # `bool value` is a datum that is written somewhere, not a switch; and a function of nothing but
    # a bool makes something of it, unless it sets it.
    Ban(PRODUCT, r",\s*(const\s+)?bool\s+(?!value\b)\w+\s*(?=[,)]|=[^;{}]*[,)])"
        r"|\(\s*(const\s+)?bool\s+(?!value\b)\w+\s*(?=,|=[^;{}]*[,)])"
        r"|\bvoid\s+[\w:]+\(\s*bool\s+\w+\s*\)",
        "an enum parameter that says which"),
    Ban(FAST, r"\bstd::function\b", "a template parameter"),
    Ban(FAST, r"\bstd::(shared|weak)_ptr\b", "Published<T>, or std::unique_ptr and a reference"),
    Ban(FAST, r"\bvirtual\b", "a template parameter, or an enum and a switch"),
    Ban(FAST, r"\bstd::(\w*mutex|\w*_lock|lock_guard|condition_variable\w*)\b|\brte_spinlock\w*",
        "one writer, and Published<T> or an SPSC ring"),
    Ban(FAST, r"\bspdlog\b|\bstd::c(out|err|log)\b|\bf?printf\s*\(|\b(RTE_LOG|rte_log)\s*\(",
        "a Result or a counter; control logs"),
    Ban(FAST, r"\bstd::chrono::\w+_clock\b|\bclock_gettime\b|\bgettimeofday\b",
        "rte_rdtsc(), or a time handed in"),
    Ban(TURN, r"\bstd::string\b", "std::string_view"),
    Ban(TURN, r"\bstd::(vector|deque|list|(unordered_)?(multi)?(map|set))\b",
        "std::array or std::span: a worker's turn allocates nothing"),
    Ban(TURN, r"\bnew\b|\bstd::make_(unique|shared)\b|\b[cm]alloc\s*\(",
        "memory taken before the start"),
    Ban(TURN, r"\bstd::this_thread::\w+|\bu?sleep\s*\(|\brte_delay_\w+",
        "the next turn; a worker never waits"),
    Ban(TURN, r"\b(try|catch)\b", "an Exit; hot code throws nothing"),
    Ban(TURN, r"\bResult<|\bStatus\b", "an Exit: the only way for a packet to end"),
]  # fmt: skip

LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc"}

# A comment, a literal, or an apostrophe that is none of both but parts digits.
TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*)
      | (?P<literal>R"(?P<mark>[^(\s"]*)\(.*?\)(?P=mark)"
                   | "(?:\\.|[^"\\\n])*"
                   | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL,
)
FUNCTION_HEAD = re.compile(
    r"\)\s*(noexcept\s*)?:[^:][\s\S]*\}\s*$"  # a constructor whose last member is set in braces
    r"|\)\s*(const|volatile|noexcept(\s*\([^{}]*\))?|override|final|mutable|&&?|try"
    r"|requires\b[^{}]*|->\s*[\w:<>,&*\s()]+|__attribute__\s*\(\(.*\)\)|\s)*$"
)
SCOPE_HEAD = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


@dataclass(frozen=True)
class Source:
    path: str  # from the top of the project
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def kind(self) -> str:
        """cpp, bpf, python, shell or meson; empty for a file without rules."""
        name = Path(self.path).name
        by_suffix = {".h": "cpp", ".cc": "cpp", ".c": "bpf", ".py": "python", ".sh": "shell"}
        if name in ("meson.build", "meson_options.txt"):
            return "meson"
        if "." in name:
            return by_suffix.get(Path(name).suffix, "")
        shebang = self.lines[0] if self.text.startswith("#!") else ""
        return "python" if "python" in shebang else "shell" if shebang.endswith("sh") else ""

    @cached_property
    def code(self) -> str:
        """C++ with every comment and literal blanked out; each character keeps its place."""

        def blank(match: re.Match[str]) -> str:
            return re.sub(r"[^\n]", " ", match[0])

        return TOKEN.sub(blank, self.text)

    def line_at(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


Complaint = tuple[int, str]  # line, what


def check_lengths(source: Source) -> Iterator[Complaint]:
    if len(source.text.splitlines()) > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, f"file of more than {FILE_LINES_MAX} lines: part it by subject"
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            yield number, f"line of {len(line)} columns; the limit is {LINE_COLUMNS_MAX}"
    for first, last in functions(source):
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield first, (f"function of {last - first + 1} lines; the limit is "
                          f"{FUNCTION_LINES_MAX}: give its parts names")  # fmt: skip


def functions(source: Source) -> Iterator[tuple[int, int]]:
    """First and last line of each outermost function."""
    if source.kind in ("cpp", "bpf"):
        yield from cpp_functions(source)
    elif source.kind == "python":
        for node in ast.walk(ast.parse(source.text, source.path)):
            if isinstance(node, ast.FunctionDef):
                yield node.lineno, node.end_lineno or node.lineno
    elif source.kind == "shell":
        for match in re.finditer(r"^\w+\(\) \{\n.*?^\}", source.text, re.M | re.S):
            yield source.line_at(match.start()), source.line_at(match.end())


def cpp_functions(source: Source) -> Iterator[tuple[int, int]]:
    """Follows the braces. What stands before an opening one since the last end of a statement is
    its head, and tells a function from a scope and from an initialiser."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]),
                  source.code, flags=re.M)  # fmt: skip
    opened: list[tuple[str, int]] = []  # kind of each open brace, and where its head begins
    head = 0
    for match in re.finditer(r"[{};]|\b(public|protected|private)\s*:", code):
        inside_function = any(kind == "function" for kind, _ in opened)
        if match[0] == "{":
            kind = "block" if inside_function else kind_of_head(code[head : match.start()])
            opened.append((kind, head))
        elif match[0] == "}" and opened:
            kind, begin = opened.pop()
            if kind == "function":
                begin += len(code[begin:]) - len(code[begin:].lstrip())
                yield source.line_at(begin), source.line_at(match.start())
            if kind == "initialiser":
                head = begin  # `: a_{1}, b_(2) {` is still one head
                continue
        head = match.end()


def kind_of_head(head: str) -> str:
    if FUNCTION_HEAD.search(head):
        return "function"
    return "scope" if SCOPE_HEAD.search(head) else "initialiser"


def check_licence(source: Source) -> Iterator[Complaint]:
    mark = "// " if source.kind in ("cpp", "bpf") else "# "
    allowed = [APACHE]
    if source.kind == "bpf":
        allowed = [BPF_DUAL]
    elif Path(source.path).suffix == ".h" and f'"{Path(source.path).name}"' in bpf_includes():
        allowed = [APACHE, BPF_DUAL]
    line = 1 if source.text.startswith("#!") else 0
    if source.lines[line : line + 1] not in [[mark + licence] for licence in allowed]:
        yield line + 1, f"line {line + 1} must be: {mark}{' or: '.join(allowed)}"


def bpf_includes() -> str:
    """All that BPF programs say; a header that they include may carry their licence."""
    return "\n".join(file.read_text() for file in REPOSITORY.rglob("*.bpf.c"))


def check_words(source: Source) -> Iterator[Complaint]:
    for number, line in enumerate(source.lines, 1):
        if match := LEFTOVER.search(line):
            yield number, f"{match[0]}: open an issue, or do it now"
    if source.kind not in ("cpp", "bpf"):
        return
    for ban in BANS:
        if any(fnmatch(source.path, where) for where in ban.where):
            for match in re.finditer(ban.word, source.code):
                yield source.line_at(match.end() - 1), (
                    f"`{match[0].strip()}` is not for here; use {ban.instead}")  # fmt: skip


def check_name(source: Source) -> Iterator[Complaint]:
    for part in Path(source.path).parts:
        if part.split(".")[0].lower() in VAGUE_NAMES:
            yield 1, f"`{part}` says nothing: name it after what it holds"


def check_header(source: Source) -> Iterator[Complaint]:
    if not source.path.endswith(".h"):
        return
    directive = re.search(r"^\s*#.*", source.code, re.M)
    if not directive or directive[0].strip() != "#pragma once":
        yield 1, "a header's first directive is #pragma once"


def check(path: str, text: str) -> list[str]:
    """Complaints, each `path:line: what`, about one file; the path is from the top."""
    source = Source(path, text)
    if not source.kind:
        return []
    rules = (check_lengths, check_licence, check_words, check_name, check_header)
    return [f"{path}:{line}: {what}" for rule in rules for line, what in rule(source)]


def files(top: Path) -> list[Path]:
    return sorted(
        path
        for path in top.rglob("*")
        if path.is_file()
        and not path.relative_to(top).parts[0].startswith(("build", ".git"))
        and "__pycache__" not in path.parts
    )


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    complaints = []
    looked_at = 0
    for file in files(REPOSITORY):
        try:
            text = file.read_text()
        except UnicodeDecodeError:  # captures and corpora
            continue
        looked_at += 1
        complaints += check(str(file.relative_to(REPOSITORY)), text)
    print("\n".join(complaints) or f"{looked_at} files are tidy")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
