from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.inspection import WRONG_SHAPES
from converters.onnx.declared import wrong_shapes
from converters.onnx.inspect import inspect


def net(output: list[int | str | None], batch: int | str = 1, op: str = "MatMul") -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.ones((4, 7), np.float32), "w")
    nodes = [helper.make_node(op, ["x", "w"], ["h"], domain="mine" if op == "Mine" else "")]
    nodes.append(helper.make_node("Relu", ["h"], ["y"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, output)
    inner = helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, 9])  # what others wrote of values inside
    graph = helper.make_graph(nodes, "g", [x], [y], [weight], value_info=[inner])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)])


@pytest.mark.parametrize("output", [[1, 10], [1, 7, 1], [2, 7], [7]])
def test_sizes_that_the_operators_contradict_are_told(output):
    wrong = wrong_shapes(net(output))
    assert wrong == f"'y' as {output} and gives [1, 7]"


@pytest.mark.parametrize(
    "model",
    [net([1, 7]), net(["n", 7], "n"), net([1, 7], "n"), net(["n", None]), net([1, 10], op="Mine")],
    ids=["right", "both open", "input open", "output open", "an operator that nobody knows"],
)
def test_what_is_right_open_or_cannot_be_told_is_not_wrong(model):
    assert wrong_shapes(model) == ""


def test_the_model_is_as_it_was_afterwards():
    model = net([1, 10])
    before = model.SerializeToString(deterministic=True)
    wrong_shapes(model)
    assert model.SerializeToString(deterministic=True) == before


def test_the_inspection_of_a_file_says_it(tmp_path):
    onnx.save(net([1, 10]), tmp_path / "m.onnx")
    assert "'y' as [1, 10]" in inspect(tmp_path / "m.onnx").metadata[WRONG_SHAPES]
    onnx.save(net([1, 7]), tmp_path / "m.onnx")
    assert WRONG_SHAPES not in inspect(tmp_path / "m.onnx").metadata
