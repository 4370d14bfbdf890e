from __future__ import annotations

import numpy as np
import pytest
from drift_models import KERNEL, dense
from gates.in_process import InProcess
from onnx_files import WEIGHT, dense_in_onnx, normed, saved

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


def judged(tmp_path, **changes):
    right, other = dense(tmp_path / "right.tflite").path, dense(tmp_path / "other.tflite", **changes).path
    return drift(right, other, "", InProcess(), LIMITS)


def test_the_same_file_passes_with_everything_looked_at(tmp_path):
    found = judged(tmp_path)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage == {"ops": 3, "ops_aligned": 1.0, "weights_compared": 1.0, "ops_isolated": 0}


@pytest.mark.parametrize(
    ("changes", "place", "cause"),
    [
        ({"kernel": np.roll(KERNEL, 1, 0)}, 1, "kernel: output channels are shifted by one"),
        ({"bias": [0.2, 0.3, -0.4, 0.1]}, 1, "bias: values are shifted by one channel"),
        ({"crossed": True}, 0, "its inputs are exchanged"),
        ({"activation": 0}, 1, "the fused RELU is missing"),
        ({"activation": 3}, 1, "RELU became RELU6"),
    ],
)
def test_a_fault_is_told_with_its_layer_and_its_cause(tmp_path, changes, place, cause):
    found = judged(tmp_path, **changes)
    assert found.outcome is Outcome.FAILED
    (only,) = found.suspects
    assert (only.b.op_index, only.cause) == (place, cause)


def test_a_difference_without_effect_is_cleared_by_running_the_operator_alone(tmp_path):
    found = judged(tmp_path, kernel=KERNEL * np.float32(1 + 2e-7))
    assert found.outcome is Outcome.PASSED


@pytest.mark.parametrize("changes", [{}, {"names": ("p", "q", "s")}, {"opset": 13}])
def test_an_onnx_file_made_again_passes(tmp_path, changes):
    right, other = saved(tmp_path / "right.onnx"), saved(tmp_path / "other.onnx", **changes)
    found = drift(right, other, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize(
    ("changes", "place", "cause"),
    [
        ({"weight": WEIGHT.T}, 1, "output channel and input channel are exchanged"),
        ({"slope": 0.2}, 2, "alpha is"),
        ({"crossed": True}, 3, "its inputs are exchanged"),
        ({"twice": True}, 3, "MatMul is run twice"),
    ],
)
def test_a_fault_in_an_onnx_file_is_told(tmp_path, changes, place, cause):
    found = drift(saved(tmp_path / "a.onnx"), saved(tmp_path / "b.onnx", **changes), "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.to_json()["first"]["op_index"] == place
    assert cause in found.suspects[0].cause


def test_a_batch_norm_folded_into_the_weights_is_no_fault_and_a_changed_weight_beside_it_is(tmp_path):
    right, folded, wrong = (tmp_path / f"{name}.onnx" for name in ("right", "folded", "wrong"))
    normed(right)
    normed(folded, fold=True)
    normed(wrong, fold=True, change=0.01)
    assert drift(right, folded, "", InProcess(), LIMITS).outcome is Outcome.PASSED
    found = drift(right, wrong, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.to_json()["first"]["op_type"] == "MatMul"


def test_two_formats_are_held_against_each_other_by_value(tmp_path):
    right = tmp_path / "right.onnx"
    dense_in_onnx(right)
    assert drift(right, dense(tmp_path / "same.tflite").path, "", InProcess(), LIMITS).outcome is Outcome.PASSED
    found = drift(right, dense(tmp_path / "wrong.tflite", kernel=-KERNEL).path, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert (found.suspects[0].b.op_index, found.suspects[0].b.op_type) == (1, "FULLY_CONNECTED")
