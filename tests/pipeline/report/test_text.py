from __future__ import annotations

import math
from typing import Any

import pytest

from pipeline.report import text


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("plain ✓ 模型\n\ttab", "plain ✓ 模型\n\ttab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("a\x00b\x07", "a\ufffdb\ufffd"),
        ("evil\u202egnp.exe", "evil\ufffdgnp.exe"),
        ("\ud800", "\ufffd"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\ufffe\uffff", "\ufffd\ufffd"),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert text.clean(raw) == cleaned
    text.clean(raw).encode("utf-8")


def test_shorten() -> None:
    assert text.shorten("short", 10) == "short"
    assert text.shorten("x" * 50, 10) == "x" * 9 + "…"
    assert text.shorten("alpha beta gamma", 12) == "alpha beta…"
    assert text.one_line("a\n  b\tc", 10) == "a b c"


@pytest.mark.parametrize(("value", "shown"), [(0, "0 B"), (999, "999 B"), (27_400, "27.4 kB"), (1_250_000, "1.25 MB")])
def test_size(value: int, shown: str) -> None:
    assert text.size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.25, "−0.25"),
        (118.4321, "118.4"),
        (1234567.0, "1,234,567"),
        (3.1e-6, "3.100e-06"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "NaN"),
        (1e12, "1.000e+12"),
    ],
)
def test_signed(value: float, shown: str) -> None:
    assert text.signed(value) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("snr_db", 27.31, "27.31 dB"),
        ("snr_db_worst", 27.31, "27.31"),
        ("latency_ms_p50", 0.1923, "0.1923 ms"),
        ("drop_points_low", -0.5, "−0.5 pt"),
        ("size_bytes", 144212, "144 kB (144,212 bytes)"),
        ("size_bytes", 12, "12 B"),
        ("samples", 2000, "2,000"),
        ("count", -3, "−3"),
        ("warm", True, "yes"),
        ("claimed", "int8", "int8"),
        ("ratio_low", None, "—"),
        ("max_abs", math.inf, "∞"),
        ("size_bytes", math.nan, "NaN"),
    ],
)
def test_metric(name: str, value: Any, shown: str) -> None:
    assert text.metric(name, value) == shown
