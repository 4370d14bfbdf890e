"""What counts as the same, and what does not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx_nodes import model_of, normal

from converters.onnx.prepass.verify import differs, values


def test_rounding_is_no_difference() -> None:
    want = normal(50)
    assert not differs(want, want * np.float32(1 + 2e-7))
    assert not differs(np.array([np.nan, np.inf, 1], np.float32), np.array([np.nan, np.inf, 1], np.float32))


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (np.array([[1.0, 2.0]], np.float32), "the shape is"),
        (np.array([1.0, 2.0]), "the type is"),
        (np.array([1.0, 2.001], np.float32), "values differ by 0.001"),
        (np.array([1.0, np.nan], np.float32), "NaN or Inf stand elsewhere"),
    ],
)
def test_a_difference_is_told(got, words) -> None:
    assert words in differs(np.array([1.0, 2.0], np.float32), got)


def test_integers_are_exact() -> None:
    assert "1 of 3 values" in differs(np.array([1, 2, 3]), np.array([1, 2, 4]))


def test_inner_tensors_can_be_asked_for() -> None:
    x = normal(2, 3)
    model = model_of("Softmax", x)
    made = onnx.helper.make_node("Neg", ["y0"], ["z"])
    model.graph.node.append(made)
    (found,) = values(model, ["z", "y0"], [{"x": x}])
    np.testing.assert_array_equal(found[0], -found[1])
