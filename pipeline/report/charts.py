"""The four plots of a report: accuracy, latency, size and SNR, the worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.checks.outcome import Cell
from pipeline.report import plots
from pipeline.report.document import Report
from pipeline.report.figures import Figures, figures, points
from pipeline.report.text import signed, size
from pipeline.report.view import titles

LOG_FROM = 30.0
"""A latency axis is logarithmic when the slowest is this many times slower than the fastest."""


@dataclass(frozen=True)
class Bar:
    """One row of a plot: what it is (and the cell it links to), its picture, its value and what belongs to it."""

    label: str
    cell: str  # Cell.id; empty when the row is no cell
    svg: Markup
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Chart:
    """A plot with its rows, the axis below them and the sentence that says how to read it."""

    key: str
    title: str
    note: str
    rows: tuple[Bar, ...]
    scale: Markup


def charts(report: Report) -> tuple[Chart, ...]:
    """Those of the four plots for which there are numbers."""
    names = titles(report)
    rows = [(cell, names[cell.id], figures(cell)) for cell in report.cells]
    found = (_accuracy(rows), _latency(rows), _sizes(report), _snr(rows))
    return tuple(chart for chart in found if chart is not None)


_Rows = Sequence[tuple[Cell, str, Figures]]


def _accuracy(rows: _Rows) -> Chart | None:
    """Change of accuracy (minus the drop), with its confidence interval, around a line at zero."""
    rows = sorted((row for row in rows if row[2].drop is not None), key=lambda row: -_rank(row[2].drop))
    axis = plots.axis_for(_minus(v) for _, _, f in rows for v in (f.drop, f.drop_low, f.drop_high))
    if axis is None:
        return None
    bars = []
    for cell, name, found in rows:
        assert found.drop is not None
        text, detail = f"{points(found.drop)} pt", ""
        if found.drop_low is not None and found.drop_high is not None:
            detail = f"{points(found.drop_high)} to {points(found.drop_low)}"
        svg = plots.interval(axis, -found.drop, _minus(found.drop_high), _minus(found.drop_low), f"{name}: {text}")
        bars.append(Bar(name, cell.id, svg, text, detail))
    note = (
        "Change against the framework's own eager model on the same test samples, in percentage points, with the "
        "confidence interval. The dashed line is no change; left of it is worse."
    )
    return Chart("accuracy", "Accuracy", note, tuple(bars), plots.scale(axis, "pt"))


def _latency(rows: _Rows) -> Chart | None:
    """Median with the 90th percentile; the ratio to fp32 in words."""
    rows = sorted((row for row in rows if row[2].p50 is not None), key=lambda row: -_rank(row[2].p50))
    axis = plots.axis_for((v for _, _, f in rows for v in (f.p50, f.p90)), log_from=LOG_FROM)
    if axis is None:
        return None
    bars = []
    for cell, name, found in rows:
        assert found.p50 is not None
        text, detail = f"{signed(found.p50, 3)} ms", []
        if found.p90 is not None:
            detail.append(f"p90 {signed(found.p90, 3)}")
        if found.ratio is not None:
            ratio = f"×{signed(found.ratio, 3)}"
            if found.ratio_low is not None and found.ratio_high is not None:
                ratio += f" ({signed(found.ratio_low, 3)} to {signed(found.ratio_high, 3)})"
            detail.append(f"{ratio} {found.decision}".strip())
        svg = plots.median(axis, found.p50, found.p90, f"{name}: {text}")
        bars.append(Bar(name, cell.id, svg, text, " · ".join(detail)))
    note = (
        "One call, outputs read: the dot is the median, the line ends at the 90th percentile. × is the ratio to the "
        "fp32 artifact of the same route in the same runtime, with its interval; below 1 is faster."
    )
    note += " The axis is logarithmic." if axis.log else ""
    return Chart("latency", "Latency", note, tuple(bars), plots.scale(axis, "ms"))


def _sizes(report: Report) -> Chart | None:
    """Bytes of every artifact file."""
    rows = sorted(report.artifacts, key=lambda row: -row.size_bytes)
    if not rows:
        return None
    axis = plots.Axis(0.0, max(1.0, float(rows[0].size_bytes)))
    unit, step = next((u, s) for u, s in (("MB", 1e6), ("kB", 1e3), ("B", 1.0)) if axis.high >= s)
    bars = (
        Bar(row.file, "", plots.bar(axis, row.size_bytes, f"{row.file}: {size(row.size_bytes)}"), size(row.size_bytes))
        for row in rows
    )
    scale = plots.scale(plots.Axis(0.0, axis.high / step), unit)
    return Chart("size", "File size", "Bytes of the artifact as it ships, uncompressed.", tuple(bars), scale)


def _snr(rows: _Rows) -> Chart | None:
    """Signal to noise against the reference's outputs."""
    rows = sorted((row for row in rows if row[2].snr_db is not None), key=lambda row: _rank(row[2].snr_db, -math.inf))
    axis = plots.axis_for((found.snr_db for _, _, found in rows))
    if not rows:
        return None
    axis = axis or plots.Axis(0.0, 100.0)
    bars = []
    for cell, name, found in rows:
        assert found.snr_db is not None
        text = "∞ dB (equal)" if found.snr_db == math.inf else f"{signed(found.snr_db, 4)} dB"
        bars.append(Bar(name, cell.id, plots.bar(axis, found.snr_db, f"{name}: {text}"), text))
    note = (
        "Signal to noise of the outputs against the framework's eager fp32, worst output; higher is closer. "
        "20 dB more is ten times less error."
    )
    return Chart("snr", "Parity (SNR)", note, tuple(bars), plots.scale(axis, "dB"))


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _rank(value: float | None, worst: float = math.inf) -> float:
    """A key for sorting: NaN counts as `worst`."""
    return worst if value is None or math.isnan(value) else value
