from __future__ import annotations

import dataclasses

import sample_report

from pipeline.checks.outcome import Check, Outcome
from pipeline.report import view


def test_no_cell_is_lost_in_the_matrices() -> None:
    cells = sample_report.report().cells
    matrices = view.matrices(cells)
    shown = [cell.id for matrix in matrices for row in matrix.rows for slot in row.slots for cell in slot]
    assert sorted(shown) == sorted(cell.id for cell in cells)
    assert [(matrix.model, matrix.target) for matrix in matrices] == [
        ("fashion-cnn", "tflite"),
        ("fashion-cnn", "onnx"),
        ("fashion-cnn", "torchscript"),
    ]
    assert matrices[1].runtimes == ("onnxruntime",)


def test_cells_of_one_place_are_both_shown() -> None:
    twice = sample_report.passed().cells[:1] * 2
    assert len(view.matrices(twice)[0].rows[0].slots[0]) == 2


def test_what_did_not_run_is_grouped_by_reason() -> None:
    groups = view.not_run(sample_report.report().cells)
    assert [(group.outcome, len(group.cells)) for group in groups] == [
        (Outcome.BLOCKED, 2),
        (Outcome.UNSUPPORTED, 2),
        (Outcome.NOT_RUN, 10),
    ]
    assert groups[-1].reason == f"run: {sample_report.NO_DEVICE}"


def test_optional_checks_are_told() -> None:
    (group,) = view.optional_gaps(sample_report.report().cells)
    assert group.outcome is Outcome.NOT_RUN
    assert group.reason == "placement: this runtime does not say where it ran"
    assert len(group.cells) == 2


def test_gates_that_judged_a_check() -> None:
    tables = view.gate_tables(sample_report.GATES)
    assert [table.path for table in tables] == [("parity", "fp32"), ("parity", "int8"), ("accuracy",)]
    cell = dataclasses.replace(sample_report.passed().cells[0], precision="int8")
    (judged,) = view.gates_of(Check("parity", Outcome.PASSED), cell, tables)
    assert judged.values == (("snr_db_min", "15.0"),)
    assert judged.reason.startswith("Honest int8 kernels")
    (general,) = view.gates_of(Check("accuracy", Outcome.PASSED), cell, tables)
    assert general.path == ("accuracy",)
    assert view.gates_of(Check("size", Outcome.PASSED), cell, tables) == ()


def test_gates_of_a_runtime() -> None:
    tables = view.gate_tables({"placement": {"litert-xnnpack": {"min_share": 0.5}, "other": {"min_share": 1}}})
    (judged,) = view.gates_of(Check("placement", Outcome.PASSED), sample_report.passed().cells[0], tables)
    assert judged.path == ("placement", "litert-xnnpack")


def test_the_model_is_named_where_there_are_several() -> None:
    report = sample_report.passed()
    assert view.titles(report)[report.cells[0].id] == "torch · litert · fp32 @ litert-xnnpack"
    other = dataclasses.replace(report.cells[0], model="other")
    several = dataclasses.replace(report, cells=(*report.cells, other))
    assert view.titles(several)[other.id] == "other · torch · litert · fp32 @ litert-xnnpack"
