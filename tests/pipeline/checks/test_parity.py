"""What the record of a comparison holds; tests/gates/test_parity_gate.py shows the gate failing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gates import mini

from converters.contract import Precision, TensorSpec
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity

GATE = mini.gates().parity[Precision.INT8]
REFERENCE = mini.run(mini.parameters(), mini.images(64))


def test_metrics_are_the_worst_over_the_outputs_and_each_output_its_own() -> None:
    got = {"logits": REFERENCE["logits"] + np.float32(1e-3), "box": REFERENCE["box"].copy()}
    got["box"][7] += 0.05
    metrics = check_parity(REFERENCE, got, mini.OUTPUTS, GATE).metrics
    assert metrics["max_abs"] == metrics["box.max_abs"] == pytest.approx(0.05, rel=1e-4)
    assert metrics["logits.max_abs"] == pytest.approx(1e-3, rel=1e-3)
    assert metrics["worst_sample"] == metrics["box.worst_sample"] == 7
    assert metrics["snr_db"] == min(metrics["logits.snr_db"], metrics["box.snr_db"])
    assert metrics["samples"] == 64


def test_the_record_is_json() -> None:
    check = check_parity(REFERENCE, REFERENCE, mini.OUTPUTS, GATE)
    assert json.loads(json.dumps(dict(check.metrics), allow_nan=False)) == dict(check.metrics)


def test_top1_is_asked_of_classes_only() -> None:
    mask = np.random.default_rng(0).normal(size=(32, 1, 6, 10, 2)).astype(np.float32)
    spec = (TensorSpec("mask", (1, 6, 10, 2), "float32", "NHWC"),)
    assert "top1_agreement" not in check_parity({"mask": mask}, {"mask": mask}, spec, GATE).metrics


def test_half_precision_outputs_are_the_same_kind_of_number() -> None:
    got = {name: values.astype(np.float16) for name, values in REFERENCE.items()}
    assert check_parity(REFERENCE, got, mini.OUTPUTS, GATE).outcome is Outcome.PASSED


def test_a_reference_that_is_not_the_models_fails() -> None:
    spec = (TensorSpec("logits", (1, 7), "float32"), mini.OUTPUTS[1])
    check = check_parity(REFERENCE, REFERENCE, spec, GATE)
    assert check.reasons == ("output `logits`: the reference is (64, 1, 5), which is not (samples, *(1, 7))",)


def test_dynamic_axes_take_any_size() -> None:
    spec = (TensorSpec("logits", (None, 5), "float32"), mini.OUTPUTS[1])
    assert check_parity(REFERENCE, REFERENCE, spec, GATE).outcome is Outcome.PASSED


def test_a_model_without_outputs_fails() -> None:
    assert check_parity({}, {}, (), GATE).outcome is Outcome.FAILED


def test_non_contiguous_arrays_are_read_right() -> None:
    strided = {name: np.repeat(values, 2, axis=-1)[..., ::2] for name, values in REFERENCE.items()}
    assert check_parity(REFERENCE, strided, mini.OUTPUTS, GATE).metrics["max_abs"] == 0
