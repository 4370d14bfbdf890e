from __future__ import annotations

import io
from pathlib import Path

import pytest
import sample_report
from rich.console import Console

from pipeline.report.console import print_cells
from pipeline.report.document import Report


def printed(report: Report, width: int = 80, *, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None)
    print_cells(report, console, {"report": Path("dist/model/report/report.html")})
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_terminal(width: int) -> None:
    text = printed(sample_report.report(), width)
    assert max(len(line) for line in text.splitlines()) <= width


def test_everything_is_said() -> None:
    text = printed(sample_report.report())
    assert text.count("✓ PASSED") == 21
    for expected in ("✗ FAILED", "▲ CRASHED", "◷ TIMED_OUT", "∅ NOT_RUN 10 cells", "— UNSUPPORTED", "⊘ BLOCKED"):
        assert expected in text
    flat = " ".join(text.split())
    assert "the drop of 3.10 points is above the 0.5 allowed" in flat
    assert "21 of 40 cells passed, 1 crashed" in flat
    assert "report: dist/model/report/report.html" in flat


def test_numbers_of_a_cell_stay_on_one_line_at_80_columns() -> None:
    assert "27.3 dB −0.3 pt 0.1 ms" in printed(sample_report.report(), 80)


def test_no_colour_when_piped_and_colour_on_a_terminal() -> None:
    assert "\x1b" not in printed(sample_report.report())
    assert "\x1b[" in printed(sample_report.report(), colour=True)


def test_markup_in_names_is_not_obeyed() -> None:
    import dataclasses

    report = sample_report.passed()
    cells = [dataclasses.replace(cell, runtime="litert-arm64[bold red]") for cell in report.cells]
    assert "litert-arm64[bold red]" in printed(dataclasses.replace(report, cells=cells))


def test_a_terminal_without_unicode() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_cells(sample_report.report(), Console(file=stream, width=80))
    stream.flush()
    assert b"PASSED" in raw.getvalue()


def test_no_cells() -> None:
    assert "Nothing was compared, so nothing is proved." in printed(sample_report.empty())
