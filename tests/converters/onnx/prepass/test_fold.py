"""What does not depend on the inputs is computed once, and nothing else."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.onnx.prepass import fold as folding
from converters.onnx.prepass.fold import captured, constants_of, fold


def _model(nodes, shape=(2, 2), **held) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(v, k) for k, v in held.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return onnx.shape_inference.infer_shapes(made)


def _kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_a_chain_of_constants_becomes_one() -> None:
    two = np.array([[1.0, 2.0]], np.float32)
    nodes = [
        helper.make_node("Exp", ["w"], ["e"]),
        helper.make_node("Mul", ["e", "w"], ["m"]),
        helper.make_node("Add", ["x", "m"], ["y"]),
    ]
    model = _model(nodes, w=two)
    assert fold(model) == 2
    assert _kinds(model) == ["Add"]
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    np.testing.assert_allclose(found["m"], np.exp(two) * two, rtol=1e-6)


def test_chance_is_not_folded() -> None:
    nodes = [helper.make_node("RandomNormal", [], ["r"], shape=[2, 2]), helper.make_node("Add", ["x", "r"], ["y"])]
    assert fold(_model(nodes)) == 0


def test_a_large_constant_is_not_made_out_of_little(monkeypatch) -> None:
    monkeypatch.setattr(folding, "LARGEST", 64)
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])]
    model = _model(nodes, s=np.array([100, 2, 2]))
    assert fold(model) == 0


def test_what_one_node_cannot_do_spares_the_others() -> None:
    nodes = [
        helper.make_node("Exp", ["w"], ["e"]),
        helper.make_node("Reshape", ["w", "bad"], ["r"]),
        helper.make_node("Sum", ["x", "e", "r"], ["y"]),
    ]
    model = _model(nodes, w=np.ones((2, 2), np.float32), bad=np.array([7]))
    assert fold(model) == 1
    assert _kinds(model) == ["Reshape", "Sum"]


def test_a_tensor_without_elements_is_a_constant() -> None:
    nodes = [helper.make_node("ReduceSum", ["x", "a"], ["y"], keepdims=0)]
    model = _model(nodes, shape=(2, 0), a=np.array([1]))
    assert fold(model) == 1
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[-1]), np.zeros(2))


def test_constant_nodes_become_initializers() -> None:
    nodes = [
        helper.make_node("Constant", [], ["a"], value_floats=[1.0, 2.0]),
        helper.make_node("Constant", [], ["b"], value=numpy_helper.from_array(np.array(3, np.float32))),
        helper.make_node("Sum", ["x", "a", "b"], ["y"]),
    ]
    model = _model(nodes)
    assert constants_of(model) == 2
    assert {tensor.name for tensor in model.graph.initializer} == {"a", "b"}


def test_what_a_subgraph_reads_of_its_outside() -> None:
    inner = helper.make_graph(
        [helper.make_node("Add", ["x", "own"], ["r"])],
        "b",
        [],
        [helper.make_tensor_value_info("r", TensorProto.FLOAT, (2, 2))],
        [numpy_helper.from_array(np.ones(2, np.float32), "own")],
    )
    assert list(captured(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner))) == ["x", "x"]
