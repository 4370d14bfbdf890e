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


def test_a_node_with_a_body_is_refused():
    body = helper.make_graph([], "b", [], [])
    node = helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    flag = helper.make_tensor_value_info("c", TensorProto.BOOL, ())
    model = helper.make_model(helper.make_graph([node], "g", [flag], []))
    with pytest.raises(UnsupportedError, match="node 0, If, has a body"):
        segment(model, [0], {"c": np.dtype(bool)}, ["y"])
