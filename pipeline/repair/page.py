"""A repair as one HTML page: what was found, the front drawn, every file in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from pipeline.repair.front import Row

WIDTH, HEIGHT, EDGE = 640, 320, 56
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid #d5dae0}
th:first-child,td:first-child{text-align:left}
tr.chosen{font-weight:600}svg{width:100%;height:auto}pre{background:#f3f5f7;padding:.8rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#15181c;color:#e6e9ed}pre{background:#20252b}td,th{border-color:#3a4149}
svg{filter:invert(.9) hue-rotate(180deg)}}"""


def page(title: str, verdict: str, table: Sequence[Row], notes: Sequence[str], recipe: str) -> str:
    """The whole page; it loads nothing from elsewhere."""
    labelled = table[0].accuracy is not None
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>{escape(verdict)}</p>{svg(table)}"
        f"<table><tr>{''.join(f'<th>{escape(head)}</th>' for head in _heads(labelled))}</tr>"
        f"{''.join(_line(row, labelled) for row in table)}</table>"
        f"{'<ul>' + lines + '</ul>' if lines else ''}<h2>Recipe</h2><pre>{escape(recipe)}</pre></html>\n"
    )


def svg(table: Sequence[Row]) -> str:
    """The files by size (across) and by what they keep (up): filled on the front, ringed the chosen one."""
    values = [_height(row) for row in table]
    sizes = [row.size_bytes / 1000 for row in table]
    label = "accuracy, %" if table[0].accuracy is not None else "distance from float, dB"
    x, y = _scale(sizes, EDGE, WIDTH - 16), _scale(values, HEIGHT - EDGE, 16)
    dots = []
    for row, size, value in zip(table, sizes, values, strict=True):
        across, up = x(size), y(value)
        fill = "#2563eb" if row.on_front or row is table[0] else "#9aa4b2"
        ring = f'<circle cx="{across:.1f}" cy="{up:.1f}" r="9" fill="none" stroke="#c2410c" stroke-width="2"/>'
        title = escape(f"{row.name}: {size:.1f} kB, {value:.2f}")
        dots.append(
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="5" fill="{fill}"><title>{title}</title></circle>'
            + (ring if row.chosen else "")
        )
    ends = [
        f'<text x="{x(size):.1f}" y="{HEIGHT - EDGE + 22}" text-anchor="middle">{size:.1f}</text>'
        for size in (min(sizes), max(sizes))
    ]
    ends += [
        f'<text x="{EDGE - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>'
        for value in (min(values), max(values))
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12" font-family="system-ui">'
        f"<title>size against {label}</title>"
        f'<path d="M{EDGE} 8V{HEIGHT - EDGE}H{WIDTH - 8}" fill="none" stroke="#6b7280"/>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">size, kB</text>'
        f'<text x="16" y="{HEIGHT / 2}" transform="rotate(-90 16 {HEIGHT / 2})" text-anchor="middle">{label}</text>'
        f"{''.join(ends)}{''.join(dots)}</svg>"
    )


def text_table(table: Sequence[Row]) -> str:
    """The table for a terminal; `*` on the front, `>` the chosen one."""
    labelled = table[0].accuracy is not None
    grid = [["", *_heads(labelled)]]
    grid += [[">" if row.chosen else "*" if row.on_front else "", *_cells(row, labelled)] for row in table]
    widths = [max(len(line[column]) for line in grid) for column in range(len(grid[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in grid
    )


def _heads(labelled: bool) -> list[str]:
    judged = ["accuracy", "drop, points", "95 %"] if labelled else ["same answer", "SNR, dB"]
    return ["file", "in float", "kB", *judged, "time / float", "outcome"]


def _cells(row: Row, labelled: bool) -> list[str]:
    early = row.drop_low is not None and row.drop_high is not None
    interval = f"{row.drop_low:.2f} to {row.drop_high:.2f}" if early else ""
    judged = [_percent(row.accuracy), _number(row.drop_points), interval]
    if not labelled:
        judged = [_percent(row.agreement), f"{row.snr_db:.1f}"]
    time = _number(row.latency_ratio)
    if row.latency_low is not None and row.latency_high is not None:
        time += f" ({row.latency_low:.2f} to {row.latency_high:.2f})"
    return [row.name, str(row.kept), f"{row.size_bytes / 1000:.1f}", *judged, time, row.outcome]


def _line(row: Row, labelled: bool) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in _cells(row, labelled))
    return f"<tr{' class=chosen' if row.chosen else ''}>{cells}</tr>"


def _height(row: Row) -> float:
    return 100 * row.accuracy if row.accuracy is not None else min(row.snr_db, 60.0)


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return lambda value: start + 8 * (1 if end > start else -1) + (end - start) * 0.92 * (value - low) / span


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
