from __future__ import annotations

import dataclasses

import sample_report

from pipeline.checks.outcome import Check, Outcome
from pipeline.report import html_report, markdown
from pipeline.report.marks import BAD, MARKS, READING_ORDER, UNPROVED, headline, worst_first


def test_every_outcome_has_its_own_mark() -> None:
    assert set(MARKS) == set(Outcome)
    assert len({mark.symbol for mark in MARKS.values()}) == len(Outcome)
    assert {Outcome.PASSED, *BAD, *UNPROVED} == set(Outcome)
    assert set(READING_ORDER) == set(Outcome)
    assert [outcome for outcome in Outcome if MARKS[outcome].tone == "good"] == [Outcome.PASSED]


def test_headlines() -> None:
    assert headline(sample_report.passed()) == "All 5 cells passed"
    assert headline(sample_report.empty()) == "Nothing was compared, so nothing is proved"
    assert headline(sample_report.report()) == (
        "21 of 40 cells passed, 1 crashed, 1 timed out, 3 failed, 2 blocked, 2 unsupported, 10 did not run"
    )


def test_what_is_undecided_is_listed_for_its_own_reasons_and_is_not_green() -> None:
    cell = sample_report.passed().cells[0]
    checks = (Check("accuracy", Outcome.UNDECIDED, ("100 samples do not tell",)),)
    report = dataclasses.replace(sample_report.passed(), cells=(dataclasses.replace(cell, checks=checks),))
    assert report.outcome is Outcome.UNDECIDED
    assert headline(report) == "0 of 1 cells passed, 1 undecided"
    assert worst_first(report.cells) == list(report.cells)
    for text in (markdown.render(report), html_report.render(report)):
        assert "UNDECIDED" in text
        assert "100 samples do not tell" in text


def test_the_worst_come_first() -> None:
    outcomes = [cell.outcome for cell in worst_first(sample_report.report().cells)]
    assert outcomes == [Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.FAILED, Outcome.FAILED, Outcome.FAILED]
