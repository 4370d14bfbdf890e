"""Text that came from anywhere, made fit to print: control characters, lengths, units."""

from __future__ import annotations

import math
import re

from pipeline.checks.outcome import Metric

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UNITS = {"db": "dB", "ms": "ms", "us": "µs", "s": "s", "points": "pt", "percent": "%"}
_STATISTICS = frozenset({"min", "max", "mean", "median", "low", "high", "p50", "p90", "p95", "p99"})
MINUS = "\N{MINUS SIGN}"


def clean(text: str) -> str:
    """`text` without terminal colours, and with U+FFFD for what XML, HTML or a terminal must not get.

    Those are control characters other than tab and newline, lone surrogates, and the marks that turn the
    direction of writing (they can make a file name read as another).
    """
    return _UNPRINTABLE.sub("\ufffd", _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, cut at a word where one ends near the limit, with an ellipsis."""
    text = clean(text).strip()
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit * 0.8 else cut).rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """`text` on one line, shortened."""
    return shorten(" ".join(clean(text).split()), limit)


def size(value: float) -> str:
    """Bytes for people: `412 B`, `27.4 kB`, `1.2 MB` (powers of ten)."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= step:
            return f"{signed(value / step, 3)} {unit}"
    return f"{value:.0f} B"


def signed(value: float, digits: int = 4, plus: bool = False) -> str:
    """A number with `digits` significant digits, a real minus sign, and a plus where asked."""
    if math.isnan(value):
        return "NaN"
    sign = MINUS if value < 0 else "+" if plus and value > 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    magnitude = abs(value)
    if magnitude == 0 or 1e-4 <= magnitude < 1e7:
        decimals = max(0, digits - 1 - (math.floor(math.log10(magnitude)) if magnitude else 0))
        number = f"{magnitude:,.{min(decimals, 8)}f}"
        number = number.rstrip("0").rstrip(".") if "." in number else number
    else:
        number = f"{magnitude:.{digits - 1}e}"
    return f"{sign}{number}"


def metric(name: str, value: Metric) -> str:
    """The value of a metric with the unit that its name ends in: `latency_ms_p50` 0.1923 gives `0.1923 ms`."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    words = [word for word in re.split(r"[_.]", name.lower()) if word not in _STATISTICS]
    unit = words[-1] if words else ""
    if unit == "bytes" and math.isfinite(value):
        return f"{size(value)} ({value:,.0f} bytes)" if value >= 1000 else size(value)
    number = f"{value:,}".replace("-", MINUS) if isinstance(value, int) else signed(value)
    return f"{number} {_UNITS[unit]}" if unit in _UNITS else number
