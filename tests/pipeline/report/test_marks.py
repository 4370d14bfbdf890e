from __future__ import annotations

import sample_report

from pipeline.checks.outcome import Outcome
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


def test_the_worst_come_first() -> None:
    outcomes = [cell.outcome for cell in worst_first(sample_report.report().cells)]
    assert outcomes == [Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.FAILED, Outcome.FAILED, Outcome.FAILED]
