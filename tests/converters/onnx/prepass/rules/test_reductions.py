"""Sums of powers and extremes, over the axes that a node names, or all, or none."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_nodes import kinds, model_of, normal, replaced


@pytest.mark.parametrize("kind", ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"])
@pytest.mark.parametrize("attributes", [{}, {"axes": [1], "keepdims": 0}, {"axes": [-1, 0], "keepdims": 1}])
def test_a_sum_by_the_plain_one(kind, attributes, tmp_path):
    x = np.abs(normal(2, 3, 4)) + 0.1
    made = replaced(tmp_path, model_of(kind, x, **attributes), x)
    assert not any(name.startswith(("ReduceL", "ReduceSumS")) for name in kinds(made))


def test_axes_of_opset_18_are_an_input(tmp_path):
    x = normal(2, 3, 4)
    replaced(tmp_path, model_of("ReduceL2", x, {"axes": np.array([1])}, opset=18), x)
    replaced(tmp_path, model_of("ReduceL1", x, opset=18, noop_with_empty_axes=1), x)


def test_great_exponents_do_not_overflow(tmp_path):
    x = 200 * normal(2, 5)
    replaced(tmp_path, model_of("ReduceLogSumExp", x, axes=[1]), x)


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("attributes", [{"axis": 1, "keepdims": 0}, {"axis": -2}, {"axis": 0}])
def test_the_last_of_equals(kind, attributes, tmp_path):
    x = np.round(normal(3, 4, 5))
    replaced(tmp_path, model_of(kind, x, select_last_index=1, **attributes), x)


def test_hardmax_takes_the_first_of_equals(tmp_path):
    x = np.array([[1, 3, 3, 0], [2, 2, 1, 2]], np.float32)
    replaced(tmp_path, model_of("Hardmax", x, axis=-1), x)
    replaced(tmp_path, model_of("Hardmax", x, axis=0), x)


@pytest.mark.parametrize("attributes", [{"axis": 1, "largest": 0}, {"axis": 0}, {"axis": -2, "largest": 1}])
def test_the_least_ones_and_other_axes(attributes, tmp_path):
    x = normal(4, 5, 3)
    made = replaced(tmp_path, model_of("TopK", x, {"k": np.array([2])}, outputs=2, **attributes), x)
    assert kinds(made) >= {"TopK"}


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_another_axis_is_turned_to_the_end(kind, tmp_path):
    x = normal(2, 3, 4)
    made = replaced(tmp_path, model_of(kind, x, axis=1), x)
    assert "Transpose" in kinds(made)


def test_extremes_of_truth_values(tmp_path):
    from onnx_nodes import same_values

    x = np.array([[True, False], [False, False]])
    model = model_of("ReduceMax", x, {"axes": np.array([1])}, opset=20)
    same_values(model, replaced(tmp_path, model, x).model, x, 0)
