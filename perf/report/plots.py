# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG: bars side by side, bars on top of each other, and lines over a logarithmic axis."""

import math
from collections.abc import Sequence
from html import escape

WIDTH = 760
LABEL_WIDTH = 230
RIGHT_MARGIN = 70
BAR = 15
GAP = 9
TOP = 72
COLOURS = (
    "#2f6f9f", "#e08e2b", "#5a9e54", "#b5525c", "#7d6bb0", "#8c6d4f", "#5fa8b5", "#9a9a9a",
    "#c9b037", "#d48bb8", "#1f4e5f", "#a3c585",
)  # fmt: skip
STYLE = "font-family='system-ui,sans-serif' font-size='12'"

Series = dict[str, Sequence[float | None]]


def text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {more}>{escape(words)}</text>"


def rectangle(x: float, y: float, width: float, height: float, colour: str, note: str) -> str:
    return (f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0.5):.1f}' height='{height:.1f}' "
            f"fill='{colour}'><title>{escape(note)}</title></rect>")  # fmt: skip


def line(x1: float, y1: float, x2: float, y2: float, colour: str = "#ddd") -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}'/>"


def colour_of(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def legend(names: Sequence[str]) -> list[str]:
    parts = []
    x, y = 12.0, 32.0
    for i, name in enumerate(names):
        width = 26 + 6.6 * len(name)
        if x + width > WIDTH:
            x, y = 12.0, y + 17
        parts += [rectangle(x, y, 10, 10, colour_of(i), name), text(x + 14, y + 9, name)]
        x += width
    return parts


def picture(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0f}' "
        f"width='{WIDTH}' role='img' aria-label='{escape(title, quote=True)}' {STYLE}>"
    )
    ground = f"<rect width='{WIDTH}' height='{height:.0f}' fill='white'/>"
    heading = text(12, 20, title, more="font-weight='bold'")
    return "\n".join([head, ground, heading, *parts, "</svg>"])


def round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999)


def scale_of(biggest: float) -> tuple[float, float]:
    """Where an axis ends, and its step."""
    step = round_up(biggest / 6)
    return math.ceil(biggest / step) * step, step


def axis(end: float, step: float, bottom: float) -> tuple[float, list[str]]:
    """Pixels a unit, and the lines of a horizontal axis."""
    unit = (WIDTH - LABEL_WIDTH - RIGHT_MARGIN) / end
    parts = []
    for i in range(round(end / step) + 1):
        x = LABEL_WIDTH + i * step * unit
        parts += [line(x, TOP, x, bottom), text(x, bottom + 14, f"{i * step:g}", "middle")]
    return unit, parts


def bars(title: str, labels: Sequence[str], series: Series) -> str:
    """A group of horizontal bars a label; None is no bar."""
    group = BAR * len(series) + GAP
    bottom = TOP + group * len(labels)
    biggest = max(value for values in series.values() for value in values if value is not None)
    unit, parts = axis(*scale_of(biggest), bottom)
    parts += legend(list(series)) if len(series) > 1 else []
    for i, label in enumerate(labels):
        top = TOP + i * group + GAP / 2
        parts.append(text(LABEL_WIDTH - 6, top + BAR * len(series) / 2 + 4, label, "end"))
        for k, (name, values) in enumerate(series.items()):
            value = values[i]
            if value is None:
                continue
            y = top + k * BAR
            note = f"{label}, {name}: {value:.1f}"
            parts.append(rectangle(LABEL_WIDTH, y, value * unit, BAR - 2, colour_of(k), note))
            parts.append(text(LABEL_WIDTH + value * unit + 4, y + 11, f"{value:.1f}"))
    return picture(title, bottom + 24, parts)


def stacked(title: str, labels: Sequence[str], series: Series) -> str:
    """A horizontal bar a label, made of the series' values; None is nothing."""
    sums = [sum(values[i] or 0 for values in series.values()) for i in range(len(labels))]
    height = BAR + 8 + GAP
    bottom = TOP + height * len(labels)
    unit, parts = axis(*scale_of(max(sums)), bottom)
    parts += legend(list(series))
    for i, label in enumerate(labels):
        top = TOP + i * height + GAP / 2
        parts.append(text(LABEL_WIDTH - 6, top + 16, label, "end"))
        x = float(LABEL_WIDTH)
        for k, (name, values) in enumerate(series.items()):
            value = values[i] or 0
            note = f"{label}, {name}: {value:.1f}"
            parts.append(rectangle(x, top, value * unit, BAR + 8, colour_of(k), note))
            x += value * unit
        parts.append(text(x + 4, top + 16, f"{sums[i]:.1f}"))
    return picture(title, bottom + 24, parts)


def lines(title: str, below: str, series: dict[str, list[tuple[float, float]]]) -> str:
    """Lines over a logarithmic horizontal axis, `below` being what it counts."""
    left, right, bottom = 60.0, WIDTH - 30.0, 300.0
    xs = sorted({x for points in series.values() for x, _ in points})
    low, high = math.log10(xs[0]), math.log10(xs[-1]) if len(xs) > 1 else math.log10(xs[0]) + 1
    end, step = scale_of(max(y for points in series.values() for _, y in points))

    def at(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) - low) / (high - low)
        return left + share * (right - left), bottom - y / end * (bottom - TOP)

    parts = legend(list(series))
    for i in range(round(end / step) + 1):
        y = at(xs[0], i * step)[1]
        parts += [line(left, y, right, y), text(left - 6, y + 4, f"{i * step:g}", "end")]
    for x in xs:
        place = at(x, 0)[0]
        parts += [line(place, bottom, place, bottom + 4, "#888"),
                  text(place, bottom + 17, f"{x:,.0f}", "middle")]  # fmt: skip
    parts.append(text((left + right) / 2, bottom + 34, below, "middle"))
    for k, (name, points) in enumerate(series.items()):
        colour = colour_of(k)
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(*point) for point in points))
        parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'/>")
        for x, y in points:
            px, py = at(x, y)
            parts.append(f"<circle cx='{px:.1f}' cy='{py:.1f}' r='3.5' fill='{colour}'>"
                         f"<title>{escape(name)}, {x:,.0f}: {y:.1f}</title></circle>")  # fmt: skip
    return picture(title, bottom + 44, parts)
