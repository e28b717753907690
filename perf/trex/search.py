# SPDX-License-Identifier: Apache-2.0
"""The highest rate without loss (RFC 2544 26.1), and percentiles out of TRex's histograms (RFC 8219
7.2). Knows nothing of TRex."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Trial:
    percent: float  # of the line
    sent: int
    received: int

    @property
    def is_clean(self) -> bool:
        return 0 < self.sent <= self.received


@dataclass
class Throughput:
    percent: float = 0.0  # the highest rate that lost nothing; 0: none did
    trials: list[Trial] = field(default_factory=list)

    @property
    def best(self) -> Trial | None:
        clean = [trial for trial in self.trials if trial.is_clean]
        return max(clean, key=lambda trial: trial.percent, default=None)


def find_throughput(trial: Callable[[float], Trial], resolution: float) -> Throughput:
    """Full rate first, then halves. `resolution` is in per cent of the line."""
    if resolution <= 0:
        raise ValueError("a resolution is more than 0 %")
    found = Throughput()
    low, high, rate = 0.0, 100.0, 100.0
    while True:
        found.trials.append(trial(rate))
        if found.trials[-1].is_clean:
            low = found.percent = rate
        else:
            high = rate
        if low == 100.0 or high - low <= resolution:
            return found
        rate = (low + high) / 2


def percentile(histogram: Mapping[int, int], share: float) -> float:
    """Of TRex's logarithmic histogram in microseconds: a bin is 0 to 10, then a digit and zeros to
    the next such number. The bin's upper end, so that no wait is understated."""
    count = sum(histogram.values())
    if count == 0:
        raise ValueError("no packet was timed")
    passed = 0
    for least in sorted(histogram):
        passed += histogram[least]
        if passed >= share * count:
            return least + 10.0 ** max(1, len(str(least)) - 1)
    raise AssertionError("shares are up to 1")
