from __future__ import annotations

import sample_report

from pipeline.checks.outcome import Outcome
from pipeline.report.document import cell_to_json


def test_the_outcome_is_the_worst_and_nothing_is_failed() -> None:
    assert sample_report.report().outcome is Outcome.CRASHED
    assert sample_report.passed().outcome is Outcome.PASSED
    assert sample_report.empty().outcome is Outcome.FAILED


def test_counts_name_every_outcome() -> None:
    assert set(sample_report.empty().counts) == {outcome.value for outcome in Outcome}
    assert sum(sample_report.report().counts.values()) == 40


def test_a_cell_for_machines() -> None:
    cell = cell_to_json(sample_report.passed().cells[3])
    assert cell["id"] == "fashion-cnn_torch_litert_int8@litert-xnnpack"
    assert cell["metrics"]["parity.snr_db"] == 27.3
    assert [check["name"] for check in cell["checks"]] == ["precision", "parity", "accuracy", "latency", "size"]
