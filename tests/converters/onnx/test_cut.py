from __future__ import annotations

import numpy as np
import onnx
import onnx.reference
import pytest
from onnx import TensorProto, helper
from onnx_files import saved

from converters.errors import UnsupportedError
from converters.onnx.cut import Whole, segment


def test_a_node_is_a_model_of_its_own(tmp_path):
    model = onnx.load(saved(tmp_path / "m.onnx"))
    cut = segment(Whole.of(model), [1], {"x": np.dtype(np.float32)}, list(model.graph.node[1].output))
    assert [node.op_type for node in cut.graph.node] == ["MatMul"]
    assert [tensor.name for tensor in cut.graph.initializer] == ["w"]
    assert [value.name for value in cut.graph.input] == ["x"]


def branching():
    """y = c ? x + w : x - w, with w of the graph around the branches."""
    branches = {
        name: helper.make_graph([helper.make_node(kind, ["x", "w"], ["y"])], name, [], [_value("y", 1)])
        for name, kind in (("then_branch", "Add"), ("else_branch", "Sub"))
    }
    node = helper.make_node("If", ["c"], ["y"], **branches)
    graph = helper.make_graph([node], "g", [_value("c", TensorProto.BOOL), _value("x", 1)], [_value("y", 1)])
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32([2, 3]), "w"))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _value(name, kind):
    return helper.make_tensor_value_info(name, kind, () if kind == TensorProto.BOOL else (2,))


def test_a_node_with_a_body_brings_the_constants_that_the_body_reads():
    cut = segment(Whole.of(branching()), [0], {"c": np.dtype(bool), "x": np.dtype(np.float32)}, ["y"])
    assert [tensor.name for tensor in cut.graph.initializer] == ["w"]


def test_a_body_that_reads_what_is_not_given_is_refused():
    with pytest.raises(UnsupportedError, match="node 0, If, has a body that reads x"):
        segment(Whole.of(branching()), [0], {"c": np.dtype(bool)}, ["y"])


def test_of_two_outputs_one_may_be_given_and_the_other_made():
    node = helper.make_node("Split", ["x"], ["first", "second"], num_outputs=2)
    behind = helper.make_node("Sub", ["first", "second"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (size,)) for name, size in (("x", 4), ("y", 2))]
    model = helper.make_model(helper.make_graph([node, behind], "g", ends[:1], ends[1:]), ir_version=9)
    cut = segment(Whole.of(model), [0, 1], {"x": np.dtype(np.float32), "first": np.dtype(np.float32)}, ["y"])
    run = onnx.reference.ReferenceEvaluator(cut).run
    (found,) = run(None, {"x": np.float32([1, 2, 3, 4]), "first": np.float32([10, 20])})
    assert found.tolist() == [7, 16]


def test_constants_that_are_passed_on_come_with_what_passes_them_on():
    """A cast of a constant is a constant to `read_graph`: a piece that reads it was no model without the cast."""
    nodes = [
        helper.make_node("Identity", ["h"], ["same"]),
        helper.make_node("Cast", ["same"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "w"], ["y"]),
    ]
    half = onnx.numpy_helper.from_array(np.float16(1.5), "h")
    model = helper.make_model(helper.make_graph(nodes, "g", [_value("x", 1)], [_value("y", 1)], [half]), ir_version=9)
    for places in ([2], [1, 2]):
        cut = segment(Whole.of(model), places, {"x": np.dtype(np.float32)}, ["y"])
        assert [node.op_type for node in cut.graph.node] == ["Identity", "Cast", "Mul"]
        (found,) = onnx.reference.ReferenceEvaluator(cut).run(None, {"x": np.float32([2, 4])})
        assert found.tolist() == [3, 6]
    given = {"x": np.dtype(np.float32), "w": np.dtype(np.float32)}
    assert [node.op_type for node in segment(Whole.of(model), [2], given, ["y"]).graph.node] == ["Mul"]
