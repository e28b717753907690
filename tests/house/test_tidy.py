#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/tidy.py: for each rule a sample that breaks it and one that does not."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import tidy  # noqa: E402

CPP = f"// {tidy.APACHE}\n"
HEADER = f"{CPP}#pragma once\n"
PYTHON = f"#!/usr/bin/python3\n# {tidy.APACHE}\n"


def cpp(path: str, body: str) -> list[str]:
    """Complaints about that body, the first line of which is line 3 of a header, 2 of a source."""
    return tidy.check(path, (HEADER if path.endswith(".h") else CPP) + body)


def function_of(lines: int, head: str = "int f()") -> str:
    """A function of so many lines, those of its head among them."""
    return f"{head} {{\n" + "    g();\n" * (lines - head.count("\n") - 2) + "}\n"


class TidyCase(unittest.TestCase):
    def assertTidy(self, complaints: list[str]) -> None:
        self.assertEqual(complaints, [])

    def assertOne(self, complaints: list[str], *parts: str) -> None:
        self.assertEqual(len(complaints), 1, complaints)
        for part in parts:
            self.assertIn(part, complaints[0])


class Lengths(TidyCase):
    def test_lines(self) -> None:
        self.assertTidy(cpp("fib/a.cc", "//" + "x" * 98 + "\n"))
        self.assertOne(cpp("fib/a.cc", "//" + "x" * 99 + "\n"), "fib/a.cc:2:", "101 columns")

    def test_files(self) -> None:
        self.assertTidy(cpp("fib/a.cc", "\n" * 499))
        self.assertOne(cpp("fib/a.cc", "\n" * 500), "file of more than 500 lines")

    def test_functions_of_every_shape(self) -> None:
        for before, head in (
            ("", "int f()"),
            ("", "TEST(Fib, Finds)"),
            ("", "void Worker::run(std::stop_token stop) noexcept"),
            ("", "auto f() const -> std::pair<int, int>"),
            ("", "template <class T>\n    requires std::integral<T>\nT f() noexcept(kQuick<T>)"),
            ("", "Fib::Fib(int a)\n    : a_(a),\n      b_{a},\n      c_{}"),
            ("", "void f(char c = '{', const char* s = \"{\")"),
            ("#define OPEN(a) { a\n", "int f()"),
            ("class Fib {\n  public:\n", "    int size() const"),
            ("namespace a {\nnamespace {\n", "int f()"),
            ("std::array<int, 2> kTable{1, 2};\n", "int f()"),
            ("static auto kTable = std::array{Row{1}, Row{2}};\n", "int f()"),
        ):
            self.assertTidy(cpp("fib/a.cc", before + function_of(70, head)))
            self.assertOne(cpp("fib/a.cc", before + function_of(71, head)), "function of 71 lines")

    def test_what_is_no_function(self) -> None:
        rows = "    {1, 'x'},\n" * 100
        members = "int b;\n" * 100
        self.assertTidy(cpp("fib/a.cc", f"inline constexpr std::array kRows{{\n{rows}}};\n"))
        self.assertTidy(cpp("fib/a.cc", f"namespace a {{\n{members}}}\n"))
        self.assertTidy(cpp("fib/a.cc", f"struct alignas(64) A {{\n{members}}};\n"))
        self.assertTidy(cpp("fib/a.cc", f"enum class A : int {{\n{members}}};\n"))

    def test_functions_after_literals_that_look_like_code(self) -> None:
        before = 'auto a = R"({ " ( )";\nint b = 40\'000; char c = \'"\';\n// }}} "\n'
        self.assertOne(cpp("fib/a.cc", before + function_of(71)), "fib/a.cc:5:", "71 lines")

    def test_python_and_shell(self) -> None:
        long_python = "def f() -> None:\n" + "    g()\n" * 70
        self.assertOne(tidy.check("scripts/a", PYTHON + long_python), "scripts/a:3:", "71 lines")
        shell = f"#!/bin/sh\n# {tidy.APACHE}\nf() {{\n" + "    g\n" * 69 + "}\n"
        self.assertOne(tidy.check("scripts/a", shell), "scripts/a:3:", "71 lines")


class Licences(TidyCase):
    def test_by_kind(self) -> None:
        self.assertTidy(tidy.check("fib/a.cc", CPP))
        self.assertTidy(tidy.check("scripts/a", PYTHON))
        self.assertTidy(tidy.check("fib/meson.build", f"# {tidy.APACHE}\n"))
        self.assertTidy(tidy.check("dataplane/xdp/a.bpf.c", f"// {tidy.BPF_DUAL}\n"))
        self.assertTidy(tidy.check("docs/a.md", "# Prose needs none\n"))

    def test_missing_wrong_or_late(self) -> None:
        self.assertOne(tidy.check("fib/a.cc", "int a;\n"), "line 1 must be")
        self.assertOne(tidy.check("fib/a.cc", "\n" + CPP), "line 1 must be")
        self.assertOne(tidy.check("scripts/a", "#!/bin/sh\nset -eu\n"), "line 2 must be")
        self.assertOne(tidy.check("fib/a.cc", f"// {tidy.BPF_DUAL}\n"), "Apache-2.0")
        self.assertOne(tidy.check("dataplane/xdp/a.bpf.c", CPP), "GPL-2.0-only OR BSD-2-Clause")


class Words(TidyCase):
    def test_everywhere(self) -> None:
        for body, instead in (
            ("/* no */\n", "// comments"),
            ("#ifndef FIB_A_H_\n#endif\n", "#pragma once"),
            ("int a = rand();\n", "mt19937_64"),
            ("sprintf(a, b);\n", "fmt::format"),
        ):
            complaints = cpp("tests/fib/a.cc", body)
            self.assertTrue(complaints and all(instead in c for c in complaints), body)

    def test_in_the_product_only(self) -> None:
        for body, instead in (
            ("int port_be = 0;\n", "Be16"),
            ("assert(a);\n", "CHECK"),
            ("throw Error();\n", "Result"),
            ("using namespace std;\n", "the one name"),
            ("auto* a = new int;\n", "make_unique"),
            ("delete a;\n", "unique_ptr"),
            ("void set(int a, bool is_up);\n", "enum"),
            ("int set(const bool up = false);\n", "enum"),
            ("void set_up(bool is_up);\n", "enum"),
        ):
            self.assertOne(cpp("control/a.cc", body), "control/a.cc:2:", instead)
            self.assertTidy(cpp("tests/control/a.cc", body))

    def test_legitimate_cousins(self) -> None:
        self.assertTidy(cpp("control/a.h", "\n".join((
            "A(const A&) = delete;",
            "std::unique_ptr<A> a(new A(b));",
            "std::unique_ptr<A> a(\n    new A(b));",
            "bool is_up(int a);",
            "OperStatus oper(bool is_up);",
            "void flag(const char* key, bool value);",
            "for (bool more = true; more;) more = f(a);",
            "static_assert(sizeof(A) == 4);",
            "#ifndef NDEBUG\n#endif",
            "int renew = newest;",
            "std::function<void()> when_done;",
            "",
        ))))  # fmt: skip

    def test_in_the_fast_folders(self) -> None:
        for body, instead in (
            ("std::function<int()> f;\n", "template parameter"),
            ("std::shared_ptr<int> f;\n", "Published<T>"),
            ("virtual int f();\n", "template parameter"),
            ("std::lock_guard guard(m);\n", "one writer"),
            ("std::shared_mutex m;\n", "one writer"),
            ('printf("a");\n', "control logs"),
            ("spdlog::info(a);\n", "control logs"),
            ("auto t = std::chrono::steady_clock::now();\n", "rte_rdtsc"),
        ):
            for folder in ("vlan", "fib", "acl", "nat", "dataplane"):
                self.assertOne(cpp(f"{folder}/a.cc", body), instead)
            self.assertTidy(cpp("control/a.cc", body))

    def test_in_a_workers_turn(self) -> None:
        for body, instead in (
            ("std::string a;\n", "string_view"),
            ("std::vector<int> a;\n", "std::array"),
            ("std::unordered_map<int, int> a;\n", "std::array"),
            ("auto a = std::make_unique<int>(1);\n", "before the start"),
            ("std::unique_ptr<int> a(new int(1));\n", "before the start"),
            ("std::this_thread::yield();\n", "never waits"),
            ("try {\n}\n", "Exit"),
            ("Result<int> a();\n", "Exit"),
        ):
            for path in ("dataplane/stages/a.h", "dataplane/burst.cc", "fib/fib4_kernel.cc"):
                self.assertOne(cpp(path, body), instead)
            self.assertTidy(cpp("fib/rib.cc", body))
        self.assertTidy(cpp("dataplane/stages/a.h", "std::string_view a;\nint try_once;\n"))

    def test_comments_and_literals_are_no_code(self) -> None:
        self.assertTidy(cpp("fib/a.cc", '// a new lock: virtual, /* or not\nauto a = "new /*";\n'))

    def test_leftovers(self) -> None:
        for word in ("TO" + "DO", "FIX" + "ME"):
            self.assertOne(cpp("fib/a.cc", f"// {word}: later\n"), "open an issue")
            self.assertOne(tidy.check("scripts/a", f"{PYTHON}# {word}\n"), "open an issue")


class Names(TidyCase):
    def test_vague_ones(self) -> None:
        for path in ("fib/utils.cc", "control/common/a.cc", "tests/helpers.cc", "base/misc.cc"):
            self.assertOne(tidy.check(path, CPP), "says nothing")
        self.assertTidy(tidy.check("fib/commonly_used_routes.cc", CPP))


class Headers(TidyCase):
    def test_pragma_once_comes_first(self) -> None:
        self.assertTidy(tidy.check("fib/a.h", HEADER + "#include <span>\n"))
        self.assertOne(tidy.check("fib/a.h", CPP + "#include <span>\n"), "#pragma once")
        self.assertOne(tidy.check("fib/a.h", CPP + "int a;\n"), "#pragma once")


if __name__ == "__main__":
    unittest.main()
