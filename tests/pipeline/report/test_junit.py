from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

import pytest
import sample_report

from pipeline.checks.outcome import Check, Outcome
from pipeline.report import junit
from pipeline.report.document import Report


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(junit.render(report))


def test_one_test_case_a_cell_and_right_sums() -> None:
    report = sample_report.report()
    root = parsed(report)
    assert len(list(root.iter("testcase"))) == 40
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "40",
        "failures": "3",
        "errors": "2",
        "skipped": "14",
    }
    assert sum(int(suite.get("tests", "")) for suite in root.iter("testsuite")) == 40


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_element(outcome: Outcome) -> None:
    expected = {
        Outcome.PASSED: [],
        Outcome.UNDECIDED: ["failure"],
        Outcome.FAILED: ["failure"],
        Outcome.CRASHED: ["error"],
        Outcome.TIMED_OUT: ["error"],
        Outcome.UNSUPPORTED: ["skipped"],
        Outcome.NOT_RUN: ["skipped"],
        Outcome.BLOCKED: ["skipped"],
    }[outcome]
    check = Check("parity", outcome, () if outcome is Outcome.PASSED else ("the reason",))
    cell = dataclasses.replace(sample_report.passed().cells[0], checks=(check,))
    (case,) = parsed(dataclasses.replace(sample_report.passed(), cells=(cell,))).iter("testcase")
    assert [child.tag for child in case] == expected
    for child in case:
        assert child.get("message") == f"{outcome}: parity: the reason"
        assert child.get("type") == outcome
        assert child.text == "parity: the reason"


def test_metrics_are_machine_readable() -> None:
    (case, *_) = parsed(sample_report.passed()).iter("testcase")
    values = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert values["size.size_bytes"] == "144212"
    assert values["parity.snr_db"] == "118.4"


def test_hostile_names_and_reasons_stay_well_formed() -> None:
    hostile = "]]>\x00\x1b[31m\ud800\ufffe<&\"'"
    check = Check("parity", Outcome.CRASHED, (hostile,), {hostile: hostile})
    cell = dataclasses.replace(sample_report.passed().cells[0], model=hostile, runtime=hostile, checks=(check,))
    report = dataclasses.replace(sample_report.passed(), title=hostile, cells=(cell,))
    (case,) = parsed(report).iter("testcase")
    assert case.get("name") == "fp32 @ ]]>\ufffd\ufffd\ufffd<&\"'"


def test_no_cells_is_a_failure() -> None:
    root = parsed(sample_report.empty())
    assert (root.get("tests"), root.get("failures")) == ("1", "1")


def test_a_cell_without_checks_is_a_failure() -> None:
    cell = dataclasses.replace(sample_report.passed().cells[0], checks=())
    root = parsed(dataclasses.replace(sample_report.passed(), cells=(cell,)))
    assert root.get("failures") == "1"
