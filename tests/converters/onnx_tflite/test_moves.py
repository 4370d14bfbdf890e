"""What moves data, each against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
from lowered_models import agrees, model_agrees
from onnx import TensorProto, helper, numpy_helper
from onnx_nodes import normal

from converters.errors import UnsupportedError

X = normal(3, 4, 5)
FAR = 2**62


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ([1], [3], [1], [1]),
        ([0, -3], [FAR, -1], [0, 2], [2, 1]),
        ([-1], [-FAR], [2], [-2]),
        ([3], [0], [1], [-1]),
    ],
)
def test_slices(starts, ends, axes, steps):
    rows = {"s": np.array(starts), "e": np.array(ends), "a": np.array(axes), "p": np.array(steps)}
    agrees("Slice", X, rows)


def test_a_slice_of_many_axes():
    x = normal(2, 3, 2, 2, 2, 3, 2)
    agrees("Slice", x, {"s": np.array([1, 0]), "e": np.array([3, 2]), "a": np.array([1, 5])})


@pytest.mark.parametrize("goal", [[12, 5], [0, -1], [5, 2, 6]], ids=str)
def test_reshapes(goal):
    agrees("Reshape", X, {"s": np.array(goal)})


@pytest.mark.parametrize("indices", [np.array(1), np.array([2, -1]), np.array([[0, 1], [3, 2]])], ids=str)
def test_gathering(indices):
    agrees("Gather", X, {"i": indices}, axis=1)


@pytest.mark.parametrize(
    ("kind", "constants", "form"),
    [
        ("Transpose", {}, {"perm": [2, 0, 1]}),
        ("Transpose", {}, {}),
        ("Unsqueeze", {"a": np.array([0, -1])}, {}),
        ("Flatten", {}, {"axis": 2}),
        ("Flatten", {}, {"axis": -1}),
        ("Concat", {"b": normal(3, 2, 5)}, {"axis": 1}),
        ("Split", {"s": np.array([1, 3])}, {"axis": 1, "outputs": 2}),
        ("Expand", {"s": np.array([2, 1, 1, 5])}, {}),
        ("Tile", {"r": np.array([1, 2, 3])}, {}),
        ("Pad", {"p": np.array([0, 1, 2, 1, 0, 3]), "v": np.float32(1.5)}, {}),
        ("GatherND", {"i": np.array([[0, 1], [2, 3]])}, {}),
        ("ScatterND", {"i": np.array([[1], [0]]), "u": normal(2, 4, 5)}, {}),
        ("Shape", {}, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each(kind, constants, form):
    agrees(kind, X, constants, **form)


def test_an_axis_of_1_leaves():
    agrees("Squeeze", normal(3, 1, 4), {"a": np.array([1])})


def test_an_axis_that_is_counted_from_the_end_leaves_behind_a_transpose():
    """As in each attention of PyTorch's: the converter folded both into a transpose of one axis too few."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[3, 1, 2, 0, 4]),
        helper.make_node("Squeeze", ["t", "a"], ["y"]),
    ]
    axes = numpy_helper.from_array(np.array([-2]), "a")
    x = normal(1, 4, 1, 3, 5)
    values[0] = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [axes])
    model_agrees(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), x)


def test_borders_by_another_mode_are_refused():
    with pytest.raises(UnsupportedError, match="borders by reflect"):
        agrees("Pad", X, {"p": np.array([0, 1, 0, 0, 0, 0])}, mode="reflect")
