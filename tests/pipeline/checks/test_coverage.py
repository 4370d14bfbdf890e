from __future__ import annotations

import dataclasses

import numpy as np
from gates import mini

from converters.contract import TensorSpec
from pipeline.checks.coverage import check_coverage, class_output
from pipeline.checks.gates import CoverageGate
from pipeline.checks.outcome import Outcome

GATE = CoverageGate(
    min_samples=20,
    min_distinct_share=0.9,
    min_class_share=1.0,
    min_bin_share=0.5,
    min_end_share=0.5,
    min_crossed_share=0.5,
    max_unmoved_share=0.9,
    reason="test",
)
INPUTS = {"image": np.arange(40 * 6, dtype=np.float32).reshape(40, 1, 6), "token": np.zeros((40, 1), np.int64)}
LABELS = np.arange(40) % 5


def test_varied_inputs_of_every_class_pass() -> None:
    check = check_coverage(INPUTS, LABELS, 5, GATE)
    assert check.outcome is Outcome.PASSED
    assert check.metrics == {"samples": 40, "distinct_share": 1.0, "classes_shown": 5}


def test_samples_may_differ_in_any_one_input() -> None:
    inputs = {"image": INPUTS["token"], "token": np.arange(40)}
    assert check_coverage(inputs, None, None, GATE).outcome is Outcome.PASSED


def test_too_few_samples() -> None:
    assert check_coverage({"image": INPUTS["image"][:19]}, None, None, GATE).reasons == (
        "19 golden samples, wanted 20",
    )


def test_samples_without_a_label_show_no_class() -> None:
    labels = np.where(LABELS == 4, -1, LABELS)
    assert check_coverage(INPUTS, labels, 5, GATE).reasons == ("the golden samples show 4 of 5 classes",)
    assert check_coverage(INPUTS, np.full(40, -1), 5, GATE).outcome is Outcome.PASSED


def test_more_classes_than_samples_cannot_all_be_shown() -> None:
    assert check_coverage(INPUTS, np.arange(40), 1000, GATE).outcome is Outcome.PASSED


def test_unequal_counts() -> None:
    inputs = {"a": np.zeros((3, 1)), "b": np.zeros((4, 1))}
    assert check_coverage(inputs, None, None, GATE).reasons == ("golden inputs hold [3, 4] samples",)


def test_which_output_answers_with_a_class() -> None:
    logits, box = mini.OUTPUTS
    assert class_output((box, logits)) == "logits"
    assert class_output((box,)) == "box"
    assert class_output((box, dataclasses.replace(box, name="other"))) is None
    assert class_output((TensorSpec("mask", (1, 4, 4, 2), "float32"),)) is None
