from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_files import saved

from converters.errors import UnsupportedError
from converters.onnx.cut import single_node


def test_a_node_is_a_model_of_its_own(tmp_path):
    model = onnx.load(saved(tmp_path / "m.onnx"))
    cut = single_node(model, 1, [np.dtype(np.float32)])
    assert [node.op_type for node in cut.graph.node] == ["MatMul"]
    assert [tensor.name for tensor in cut.graph.initializer] == ["w"]
    assert [value.name for value in cut.graph.input] == ["x"]


def test_a_node_with_a_body_is_refused():
    body = helper.make_graph([], "b", [], [])
    node = helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    flag = helper.make_tensor_value_info("c", TensorProto.BOOL, ())
    model = helper.make_model(helper.make_graph([node], "g", [flag], []))
    with pytest.raises(UnsupportedError, match="node 0, If, has a body"):
        single_node(model, 0, [np.dtype(bool)])
