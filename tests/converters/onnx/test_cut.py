from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_files import saved

from converters.errors import UnsupportedError
from converters.onnx.cut import segment


def test_a_node_is_a_model_of_its_own(tmp_path):
    model = onnx.load(saved(tmp_path / "m.onnx"))
    cut = segment(model, [1], {"x": np.dtype(np.float32)}, list(model.graph.node[1].output))
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
    cut = segment(branching(), [0], {"c": np.dtype(bool), "x": np.dtype(np.float32)}, ["y"])
    assert [tensor.name for tensor in cut.graph.initializer] == ["w"]


def test_a_body_that_reads_what_is_not_given_is_refused():
    with pytest.raises(UnsupportedError, match="node 0, If, has a body that reads x"):
        segment(branching(), [0], {"c": np.dtype(bool)}, ["y"])
