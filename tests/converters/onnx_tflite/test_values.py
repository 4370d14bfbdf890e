"""Axes that stay turned while they can."""

from __future__ import annotations

import numpy as np
import onnx
from lowered_models import model_agrees
from onnx import TensorProto, helper, numpy_helper
from onnx_nodes import normal

from converters.onnx_tflite.values import LAST, Value, ordered, plain, together

DATA = normal(2, 3, 4, 5)


def test_a_turned_value_is_turned_back() -> None:
    value = Value(DATA.transpose(LAST[4]), LAST[4])
    np.testing.assert_array_equal(plain(value), DATA)
    np.testing.assert_array_equal(ordered(value, LAST[4]), value.data)
    np.testing.assert_array_equal(ordered(value, (3, 2, 1, 0)), DATA.transpose(3, 2, 1, 0))
    assert value.place(1) == value.place(-3) == 3


def test_constants_follow_a_turned_tensor() -> None:
    class Tensor:  # what is no array is computed
        shape = (2, 4, 5, 3)

    (data, row), order = together([Value(Tensor(), LAST[4]), Value(normal(3, 1, 1))])
    assert order == LAST[4]
    assert isinstance(data, Tensor)
    assert row.shape == (1, 1, 1, 3)


def test_no_transposition_stands_between_convolutions() -> None:
    """x -> conv -> + bias -> relu -> max over places -> conv -> mean: turned once on the way in, not again."""
    w, v, b = normal(4, 3, 3, 3), normal(2, 4, 1, 1), normal(4, 1, 1)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["d"]),
        helper.make_node("Concat", ["d", "a"], ["e"], axis=2),
        helper.make_node("ReduceMax", ["e"], ["f"], axes=[2], keepdims=1),
        helper.make_node("Conv", ["f", "v"], ["g"]),
        helper.make_node("ReduceMean", ["g"], ["y"], axes=[2, 3], keepdims=0),
    ]
    held = [numpy_helper.from_array(array, name) for array, name in ((w, "w"), (v, "v"), (b, "b"))]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 6, 5))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2))
    graph = helper.make_graph(nodes, "g", [x], [y], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    operators = model_agrees(model, normal(1, 3, 6, 5))
    assert operators.count("TRANSPOSE") <= 2, operators
