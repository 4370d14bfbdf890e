"""What moves data, by gathers and reshapes of constant indices."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_nodes import kinds, model_of, normal, replaced

X = normal(3, 4, 5)


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_borders_of_the_tensor_itself(mode, tmp_path):
    form = {"mode": mode, "opset": 19}
    made = replaced(tmp_path, model_of("Pad", X, {"p": np.array([0, 2, 1, 1, 0, 3])}, **form), X)
    assert kinds(made) == {"Gather"}


def test_borders_that_cut_off_and_of_some_axes(tmp_path):
    replaced(tmp_path, model_of("Pad", X, {"p": np.array([0, -1, 2, 1, 0, -2]), "v": np.float32(2.5)}), X)
    constants = {"p": np.array([1, 2]), "v": np.float32(0), "a": np.array([-1])}
    replaced(tmp_path, model_of("Pad", X, constants, opset=18), X)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scattering(reduction, tmp_path):
    x = X[0]
    indices = np.array([[1, -1], [1, 1], [0, 2], [3, 0]]) if reduction != "none" else np.array([[0, 1], [2, -1]])
    constants = {"i": indices, "u": normal(*indices.shape)}
    form = {"axis": 0 if reduction == "none" else 1, "reduction": reduction, "opset": 18}
    replaced(tmp_path, model_of("ScatterElements", x, constants, **form), x)
    rows = np.array([[1], [3], [1]]) if reduction != "none" else np.array([[1], [3]])
    form = {"reduction": reduction, "opset": 18}
    replaced(tmp_path, model_of("ScatterND", x, {"i": rows, "u": normal(len(rows), 5)}, **form), x)


def test_gathering(tmp_path):
    replaced(tmp_path, model_of("GatherElements", X, {"i": np.array([[[0, -1]], [[3, 2]]])}, axis=1), X)
    replaced(tmp_path, model_of("GatherND", X, {"i": np.array([[0, 1], [2, -1]])}), X)
    replaced(tmp_path, model_of("GatherND", X, {"i": np.array([[1], [0], [3]])}, batch_dims=1), X)


def test_triangles_and_blocks(tmp_path):
    replaced(tmp_path, model_of("Trilu", X, {"k": np.array(-1)}, upper=0), X)
    replaced(tmp_path, model_of("Trilu", X, upper=1), X)
    x = normal(1, 8, 4, 6)
    for mode in ("DCR", "CRD"):
        replaced(tmp_path, model_of("DepthToSpace", x, blocksize=2, mode=mode), x)
    replaced(tmp_path, model_of("SpaceToDepth", x, blocksize=2), x)


def test_picking(tmp_path):
    keep = np.array([True, False, True])
    replaced(tmp_path, model_of("Compress", X, {"c": keep}, axis=1), X)
    replaced(tmp_path, model_of("Compress", X, {"c": keep}), X)
    replaced(tmp_path, model_of("ReverseSequence", X, {"n": np.array([3, 1, 2, 2])}), X)


def test_one_hot_of_indices_that_are_computed(tmp_path):
    x = np.array([[0, 2], [-1, 1]], np.int64)
    constants = {"d": np.array(3), "v": np.array([2.0, 5.0], np.float32)}
    replaced(tmp_path, model_of("OneHot", x, constants, axis=1), x)


@pytest.mark.parametrize(
    ("kind", "constants", "form"),
    [
        ("Flatten", {}, {"axis": -1}),
        ("Flatten", {}, {"axis": 0}),
        ("Unsqueeze", {"a": np.array([0, -1])}, {}),
        ("Split", {"s": np.array([1, 3])}, {"axis": 1, "outputs": 2}),
        ("Split", {}, {"axis": 2, "outputs": 5}),
        ("Shape", {}, {"start": 1}),
        ("Size", {}, {}),
        ("EyeLike", {}, {"k": 1}),
    ],
    ids=str,
)
def test_shapes_that_are_known(kind, constants, form, tmp_path):
    x = X[0] if kind == "EyeLike" else X
    made = replaced(tmp_path, model_of(kind, x, constants, **form), x)
    assert kind not in kinds(made)


def test_an_axis_of_1_leaves(tmp_path):
    x = normal(3, 1, 4)
    assert kinds(replaced(tmp_path, model_of("Squeeze", x, {"a": np.array([1])}), x)) == {"Reshape"}
