"""Small plots as inline SVG, without a plotting library.

Every row of a plot is its own SVG with percent coordinates: it takes whatever width the page has, and its label
and value stay text that a phone, a printer and a screen reader can show.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.report.text import signed

HEIGHT = 18
TALL = 120
"""Of a plot of columns, in pixels."""
GUTTER = 9
"""Percent of its width that the numbers at its left take."""
LEAST_MARK = 6
"""A marked column is at least this high, in pixels: what is wrong must be seen, though it be near zero."""


@dataclass(frozen=True)
class Axis:
    """Maps values to percents of the width, from `low` at 2 % to `high` at 98 %."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """The percent at which `value` is drawn; values outside lie on the edge."""
        low, high, value = (self._scaled(number) for number in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return round(2 + 96 * min(1.0, max(0.0, share)), 2)

    def ticks(self) -> list[float]:
        """Three to six round values inside the axis."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            stride = max(1, math.ceil((last - first + 1) / 6))
            return [10.0**power for power in range(first, last + 1, stride)]
        rough = (self.high - self.low) / 5
        base = 10.0 ** math.floor(math.log10(rough))
        step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [(first + index) * step for index in range(count)]

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.log else value


def axis_for(values: Iterable[float | None], zero: bool = True, log_from: float | None = None) -> Axis | None:
    """The axis that holds every finite value, or None when there is none.

    Args:
        values: what is drawn.
        zero: whether 0 lies on the axis too.
        log_from: the ratio of largest to smallest positive value from which the axis is logarithmic.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if log_from and low > 0 and high / low >= log_from:
        return Axis(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)), log=True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        low, high = low - (0 if low == 0 else abs(low) / 10), high + max(1.0, abs(high) / 10)
    return Axis(low, high)


def interval(axis: Axis, value: float, low: float | None, high: float | None, label: str, ref: float = 0.0) -> Markup:
    """A dot at `value` on its confidence interval, with a dashed line at `ref`."""
    parts = [_vertical(axis.at(ref), "ref")]
    if _finite(low, high):
        ends = (axis.at(low or 0.0), axis.at(high or 0.0))
        parts += [_horizontal(*ends, "whisker"), *(_vertical(end, "cap", 5, 13) for end in ends)]
    if math.isfinite(value):
        parts.append(_dot(axis.at(value)))
    return _svg(parts, label)


def median(axis: Axis, p50: float, p90: float | None, label: str) -> Markup:
    """A dot at the median, and a whisker from there to the 90th percentile."""
    parts = []
    if _finite(p50, p90):
        parts += [
            _horizontal(axis.at(p50), axis.at(p90 or 0.0), "whisker"),
            _vertical(axis.at(p90 or 0.0), "cap", 5, 13),
        ]
    if math.isfinite(p50):
        parts.append(_dot(axis.at(p50)))
    return _svg(parts, label)


def bar(axis: Axis, value: float, label: str) -> Markup:
    """A bar from zero to `value`; infinity fills the width."""
    if math.isnan(value):
        return _svg([], label)
    zero, end = axis.at(0.0), 100.0 if value == math.inf else axis.at(value)
    start, width = min(zero, end), max(abs(end - zero), 0.4)
    return _svg([f'<rect class="bar" x="{start}%" y="4" width="{width:.2f}%" height="10" rx="2"/>'], label)


def scale(axis: Axis, unit: str) -> Markup:
    """The ticks of an axis with their values; the unit stands at the last one."""
    ticks, parts = axis.ticks(), []
    for index, tick in enumerate(ticks):
        at = axis.at(tick)
        anchor = "start" if at < 8 else "end" if at > 88 else "middle"
        text = signed(tick, 3) + (f" {unit}" if index == len(ticks) - 1 else "")
        parts.append(_vertical(at, "tick", 0, 5))
        parts.append(f'<text x="{at}%" y="16" text-anchor="{anchor}">{escape(text)}</text>')
    return Markup('<svg class="scale" width="100%" height="20" aria-hidden="true">{}</svg>').format(
        Markup("".join(parts))
    )


def shares(parts: Sequence[tuple[str, int]], label: str) -> Markup:
    """One bar split by count: `(css class, count)` from left to right, with gaps between the parts."""
    total, left, rects = sum(count for _, count in parts), 0.0, []
    for tone, count in parts:
        width = 100 * count / total if total else 0.0
        if count:
            rects.append(f'<rect class="{escape(tone)}" x="{left:.2f}%" width="{width:.2f}%" height="10"/>')
        left += width
    return Markup('<svg class="shares" width="100%" height="10" role="img" aria-label="{}">{}</svg>').format(
        label, Markup("".join(rects))
    )


def _svg(parts: list[str], label: str) -> Markup:
    return Markup('<svg class="strip" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        HEIGHT, label, Markup("".join(parts))
    )


def _finite(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


def _vertical(at: float, kind: str, top: int = 0, bottom: int = HEIGHT) -> str:
    return f'<line class="{kind}" x1="{at}%" x2="{at}%" y1="{top}" y2="{bottom}"/>'


def _horizontal(start: float, end: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{start}%" x2="{end}%" y1="9" y2="9"/>'


def _dot(at: float) -> str:
    return f'<circle class="dot" cx="{at}%" cy="9" r="4.5"/>'


@dataclass(frozen=True)
class Column:
    """One value of a row of columns, None where there is none; `label` shows under the pointer."""

    value: float | None
    label: str
    marked: bool = False


def columns(values: Sequence[Column], unit: str, label: str) -> Markup | None:
    """Columns side by side over a common axis with its lines, those that are marked in red; None without a value."""
    axis = axis_for(column.value for column in values)
    if axis is None:
        return None
    parts = []
    for tick in axis.ticks():
        height = _above(axis, tick)
        parts.append(f'<line class="tick" x1="{GUTTER}%" x2="100%" y1="{height}" y2="{height}"/>')
        parts.append(f'<text x="0" y="{height + 4}">{escape(signed(tick, 3))} {escape(unit)}</text>')
    width = (100 - GUTTER) / len(values)
    for index, column in enumerate(values):
        x, kind = GUTTER + index * width, "bar bad" if column.marked else "bar"
        top, bottom = (_above(axis, end) for end in (axis.low if column.value is None else column.value, axis.low))
        if column.marked and bottom - top < LEAST_MARK:
            top = bottom - LEAST_MARK
        parts.append(
            f'<g><title>{escape(column.label)}</title><rect class="{kind}" x="{x + 0.1 * width:.2f}%" y="{top}" '
            f'width="{0.8 * width:.2f}%" height="{bottom - top:.1f}"/></g>'
        )
    return Markup('<svg class="columns" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        TALL, label, Markup("".join(parts))
    )


def _above(axis: Axis, value: float) -> float:
    """How far down a value lies in a plot of columns, in pixels."""
    return round(8 + (TALL - 16) * (1 - (axis.at(value) - 2) / 96), 1)
