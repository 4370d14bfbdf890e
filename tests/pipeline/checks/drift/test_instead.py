from __future__ import annotations

import numpy as np
import pytest

from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift.instead import alternatives, constants
from pipeline.checks.drift.known import Known

X, Y = np.random.default_rng(0).normal(size=(2, 3, 4, 5))


def found(kind, taken, made, flags=False, **said):
    return dict(alternatives(Op(0, kind, (), (), said), taken, made, flags))


def test_an_addition_may_have_been_any_other_operator_of_two_inputs():
    tried = found("ADD", [X, Y], X + Y)
    assert np.allclose(tried["a multiplication"], X * Y)
    assert np.allclose(tried["the greater of both"], np.maximum(X, Y))


def test_a_constant_of_one_row_goes_with_every_row():
    tried = found("Add", [X, np.float64([[1.0, 2, 3, 4, 5]])], X + 1)
    assert np.allclose(tried["a subtraction"], X - [1, 2, 3, 4, 5])


def test_a_fused_activation_stays_and_may_have_been_another():
    tried = found("ADD", [X, Y], np.maximum(X + Y, 0), fusedActivationFunction="RELU")
    assert np.allclose(tried["a multiplication"], np.maximum(X * Y, 0))
    assert np.allclose(tried["activation NONE"], X + Y)


def test_a_reduction_may_have_gone_over_other_axes():
    tried = found("REDUCE_MAX", [X], X.max(2))
    assert np.allclose(tried["a mean over axes 1"], X.mean(2))


def test_a_comparison_is_tried_as_comparisons():
    tried = found("Greater", [X, Y], (X > Y).astype(np.float64), flags=True)
    assert np.array_equal(tried["less or equal"], X <= Y)
    assert "a sigmoid" not in tried


def test_axes_are_turned_only_where_the_operator_turns_them():
    square = X[..., :4]
    assert not any("order" in words for words in found("Relu", [square], np.maximum(square, 0)))
    tried = found("TRANSPOSE", [square], square.transpose(0, 2, 1))
    assert np.array_equal(tried["the order (0, 1) of the axes"], square)


@pytest.mark.parametrize(("own", "words", "value"), [(1e-4, "1e-05", 1e-5), (-3.0, "with its sign exchanged", 3.0)])
def test_a_lone_number_may_have_been_another(own, words, value):
    tensors = {
        0: Tensor(0, "x", (2,), "float32"),
        1: Tensor(1, "c", (), "float32", np.float32(own)),
        2: Tensor(2, "y", (2,), "float32"),
    }
    op = Op(0, "Add", (0, 1), (2,))
    side = Known(Graph("onnx", tensors, (op,), (0,), (2,), ("x",), ("y",)), {})
    tried = {name: values for name, index, values in constants(side, op, []) if index == 1}
    assert np.allclose(tried[words], value)
