"""What is known of a graph's tensors, and what is put into it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads


def _build(opset: int = 17) -> Build:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, "n"))
    y = helper.make_empty_tensor_value_info("y")
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(np.ones((2, 1), np.float32), "w")])
    return Build(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]))


def test_shapes_types_and_values() -> None:
    build = _build()
    assert build.sizes("x") == (2, None)
    assert build.shape("w") == (2, 1)
    assert build.dtype("x") == build.dtype("w") == np.float32
    assert build.value("x") is None
    np.testing.assert_array_equal(build.need("w", "weights"), np.ones((2, 1)))


def test_what_is_not_known_leaves_the_node() -> None:
    build = _build()
    with pytest.raises(LeaveError, match="the shape of 'x' is open"):
        build.shape("x")
    with pytest.raises(LeaveError, match="the rank of 'y' is not known"):
        build.rank("y")
    with pytest.raises(LeaveError, match="its axes is computed while the model runs"):
        build.need("x", "axes")


def test_names_are_fresh_and_constants_known() -> None:
    build = _build()
    build.start("here")
    name = build.constant([1, 2], np.int64)
    made = build.op("Add", name, name)
    assert name != made
    assert made.startswith("here/")
    assert build.shape(name) == (2,)
    assert [tensor.name for tensor in build.initializers] == [name]
    scalar = build.constant(3.0, np.float32)
    assert build.shape(scalar) == (), "a single number has no axis"


@pytest.mark.parametrize(("opset", "inputs"), [(13, 1), (18, 2)])
def test_reductions_are_written_as_the_opset_has_them(opset, inputs) -> None:
    build = _build(opset)
    build.start("p")
    build.reduce("ReduceMax", "x", [0])
    assert len(build.nodes[-1].input) == inputs
    build.reduce("ReduceSum", "x", [0])
    assert len(build.nodes[-1].input) == 2


def test_attributes_are_decoded() -> None:
    node = helper.make_node("Pad", ["x", "", "v"], ["y"], mode="edge", pads=[1, 2])
    assert attributes(node) == {"mode": "edge", "pads": [1, 2]}
    assert [reads(node, place) for place in (0, 1, 2, 3)] == ["x", "", "v", ""]
    assert isinstance(node, onnx.NodeProto)
