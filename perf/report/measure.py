# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks, in rounds: A B C A B C, so that a ratio does not see the clock wander."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from report import rows
from report.rows import Row
from report.scenes import FULL_TABLE, scene

PERF = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PERF), str(PERF / "yardsticks")]
import build_l3fwd  # noqa: E402
import floors  # noqa: E402

PROGRAM_SECONDS_MAX = 600
CORE = (os.cpu_count() or 1) - 1  # the last: most interrupts come to the first

QUICK_SCENES = [
    scene(), scene(burst=32), scene(ipv6=100), scene(ways=2), scene(ports=2), scene(bytes="imix"),
    scene(bytes=1518), scene(ipv6=100, bytes=1518), scene(routes=1000), scene(routes=FULL_TABLE),
    scene(routes=FULL_TABLE, burst=32), scene(routes=FULL_TABLE, destinations="uniform"),
    scene(routes=FULL_TABLE, destinations="uniform", burst=32), scene(ipv6=100, routes=FULL_TABLE),
    scene(attachments=16000), scene(vrfs=1000, attachments=1000),
    scene(ipv6=100, vrfs=1000, attachments=1000), scene(workers=2), scene(rules=1000),
    scene(policers=2), scene(routes=FULL_TABLE, rules=1000, policers=2), scene(sessions=1_000_000),
]  # fmt: skip


@dataclass(frozen=True)
class Plan:
    rounds_max: int
    seconds_max: float  # no round begins that would not end in time
    # Google Benchmark's programs with their arguments, in each round and in the first alone.
    every_round: list[list[str]]
    first_round: list[list[str]]
    l3fwd: list[list[str]]
    end_to_end: list[str]
    testpmd_seconds: float
    testpmd_repetitions: int = 1  # in a round: it says means, which a busy moment spoils


def gathers(kib_max: int) -> str:
    sizes = [kib for kib in (32, 1024, 4096, 32768, 262144) if kib <= kib_max]
    return f"kib:({'|'.join(map(str, sizes))})/"


QUICK = Plan(
    rounds_max=1, seconds_max=120, testpmd_seconds=0.3, first_round=[],
    end_to_end=["--device=af_xdp", "--seconds=0.5"],
    every_round=[
        ["worker_bench", "--passes=60",
         "--benchmark_filter=^worker/(" + "|".join(QUICK_SCENES) + ")/"],
        ["bare_loop_bench", "--benchmark_min_time=0.05"],
        ["memory_bench", "--benchmark_filter=" + gathers(32768)],
        ["tag_bench", "--benchmark_min_time=0.05"],
        ["fib_bench", "--benchmark_min_time=0.05", "--benchmark_filter="
         "lookup/(few|full)/drawn/(scalar|avx512|rte_fib_2b)/64$|link_loss"],
        ["fib6_bench", "--benchmark_min_time=0.05",
         "--benchmark_filter=lookup6/full/drawn/|link_loss6"],
        ["vrf_bench", "--benchmark_min_time=0.05", "--benchmark_filter=/(1|16)$"],
        ["acl_bench", "--benchmark_min_time=0.05", "--benchmark_filter=rules:1000/hits:100"],
        ["swap_bench", "--benchmark_filter=rules:1000/"],
        ["policer_bench", "--benchmark_min_time=0.05"],
        ["nat_bench", "--benchmark_min_time=0.05", "--benchmark_filter=established/outbound"],
        ["names_bench", "--benchmark_min_time=0.05", "--benchmark_filter=learned.*/1000000/50"],
    ],
    l3fwd=[["--lookup=lpm", "--passes=60"], ["--lookup=fib", "--passes=60"],
           ["--lookup=fib", "--passes=60", f"--routes={FULL_TABLE}"]],
)  # fmt: skip

FULL = Plan(
    rounds_max=5, seconds_max=840, testpmd_seconds=0.5, testpmd_repetitions=3,
    end_to_end=["--seconds=2"],
    every_round=[
        ["worker_bench", "--passes=1000"],
        ["bare_loop_bench", "--benchmark_min_time=0.3"],
        ["memory_bench"],
        ["tag_bench", "--benchmark_min_time=0.3"],
        ["fib_bench", "--benchmark_min_time=0.2", "--benchmark_filter="
         "lookup/.*/(scalar|avx512|raw_gather|rte_fib_2b|rte_fib_4b)/64$|link_loss|update"],
        ["fib6_bench", "--benchmark_min_time=0.2"],
        ["vrf_bench", "--benchmark_min_time=0.2"],
        ["acl_bench", "--benchmark_min_time=0.2", "--benchmark_filter=rules:(100|1000)/"],
        ["swap_bench"],
        ["policer_bench", "--benchmark_min_time=0.2"],
        ["nat_bench", "--benchmark_min_time=0.2", "--benchmark_filter=lookup|established|create"],
        ["names_bench", "--benchmark_min_time=0.2", "--benchmark_filter=learned"],
    ],
    first_round=[
        ["fib_bench", "--benchmark_min_time=0.2", "--benchmark_filter=rte_lpm/64|load"],
        ["acl_bench", "--benchmark_min_time=0.2", "--benchmark_filter=rules:10000/"],
        ["names_bench", "--benchmark_min_time=0.2", "--benchmark_filter=names"],
    ],
    l3fwd=[["--lookup=lpm"], ["--lookup=fib"], ["--lookup=lpm", f"--routes={FULL_TABLE}"],
           ["--lookup=fib", f"--routes={FULL_TABLE}"],
           ["--lookup=fib", f"--routes={FULL_TABLE}", "--uniform"]],
)  # fmt: skip


@dataclass
class Result:
    rows: list[Row] = field(default_factory=list)
    rounds: int = 0
    missing: dict[str, str] = field(default_factory=dict)  # what could not be measured, and why


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(command: list[str], core: int | None) -> str:
    """What it prints. A benchmark that fails fails the whole report."""
    pinned = ["taskset", "-c", str(core), *command] if core is not None else command
    done = subprocess.run(pinned, capture_output=True, text=True, timeout=PROGRAM_SECONDS_MAX)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Measurement:
    def __init__(self, build: Path, plan: Plan) -> None:
        self.build = build
        self.plan = plan
        self.result = Result()
        self.l3fwd: Path | None = None

    def measure(self) -> Result:
        begun = time.monotonic()
        self.find_l3fwd()
        longest = 0.0
        while self.result.rounds < self.plan.rounds_max:
            round_begun = time.monotonic()
            if self.result.rounds and round_begun - begun + longest > self.plan.seconds_max:
                break
            self.measure_round()
            longest = max(longest, time.monotonic() - round_begun)
            if self.result.rounds == 0:
                self.measure_once()
            self.result.rounds += 1
        self.result.rows = rows.merge(self.result.rows)
        return self.result

    def find_l3fwd(self) -> None:
        say("l3fwd: building it from Debian's sources, unless that is done")
        try:
            self.l3fwd = build_l3fwd.build(self.build)
        except build_l3fwd.NotObtainable as reason:
            self.result.missing["l3fwd"] = str(reason)
            say(f"l3fwd: not to be had: {reason}")

    def measure_round(self) -> None:
        for command in self.plan.every_round:
            self.run_benchmark(command)
            if command[0] == "worker_bench":  # what is compared with it, in the same minutes
                self.run_l3fwd(self.plan.l3fwd)
        self.run_testpmd()

    def measure_once(self) -> None:
        for command in self.plan.first_round:
            self.run_benchmark(command)
        self.run_end_to_end()

    def run_benchmark(self, command: list[str]) -> None:
        program, *arguments = command
        say(f"round {self.result.rounds + 1}: {' '.join(command)[:100]}")
        path = str(self.build / "perf" / program)
        if not Path(path).exists():
            self.result.missing[program] = "this build does not have it"
            return
        # Some choose their cores themselves.
        core = None if program in ("swap_bench", "worker_bench") else CORE
        text = run([path, "--benchmark_format=json", *arguments], core)
        self.result.rows += rows.parse_benchmark(program, text[text.index("{\n") :])

    def run_l3fwd(self, runs: list[list[str]]) -> None:
        if self.l3fwd is None:
            return
        for arguments in runs:
            say(f"round {self.result.rounds + 1}: l3fwd_bench {' '.join(arguments)}")
            try:
                text = run([str(self.l3fwd), f"--core={CORE}", *arguments], None)
            except RuntimeError as reason:
                # Full tables want a gigabyte of huge pages, which not every machine can spare.
                self.result.missing["l3fwd " + " ".join(arguments)] = str(reason)
                say(f"l3fwd_bench: {reason}")
                continue
            self.result.rows.append(rows.parse_l3fwd(text))

    def run_end_to_end(self) -> None:
        """In network namespaces, which take root, and perhaps a kernel with AF_XDP."""
        program = [sys.executable, "-B", str(PERF / "end_to_end.py"), f"--build={self.build}"]
        say(f"round {self.result.rounds + 1}: end_to_end.py {' '.join(self.plan.end_to_end)}")
        try:
            text = run([*program, *self.plan.end_to_end], None)
        except (RuntimeError, subprocess.TimeoutExpired) as reason:
            self.result.missing["end_to_end"] = str(reason)
            say(f"end_to_end: {reason}")
            return
        for one in json.loads(text.splitlines()[-1]):
            values = {key: [value] for key, value in one["values"].items()}
            self.result.rows.append(Row("end_to_end", one["name"], "", values))

    def run_testpmd(self) -> None:
        say(f"round {self.result.rounds + 1}: dpdk-testpmd")
        for mode in floors.MODES * self.plan.testpmd_repetitions:
            cycles = floors.measure(mode, CORE, self.plan.testpmd_seconds)
            self.result.rows.append(Row("testpmd", mode, "", {"cycles": [cycles]}))
