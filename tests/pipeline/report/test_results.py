from __future__ import annotations

import dataclasses

import sample_report

from pipeline.report.results import render


def test_one_row_an_artifact_with_as_many_columns_as_the_head():
    report = sample_report.report()
    lines = [line for line in render(report).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(report.artifacts)
    assert {line.count("|") for line in lines} == {9}


def test_an_artifact_that_failed_somewhere_is_not_marked_good():
    report = sample_report.report()
    bad = next(cell for cell in report.cells if cell.outcome == "FAILED" and cell.artifact)
    row = next(line for line in render(report).splitlines() if f"`{bad.artifact}`" in line)
    assert "✗" in row


def test_an_artifact_that_nobody_judged_says_so():
    report = dataclasses.replace(sample_report.report(), cells=())
    assert "not judged" in render(report)
