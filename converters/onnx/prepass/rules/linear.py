"""Operators that are affine in the one tensor they read: a matrix, which ONNX Runtime itself is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads
from converters.onnx.prepass.fold import session_of

MOST_INPUTS = 4096
MOST_ENTRIES = 2**22
"""Of a matrix in a file, 16 MB of float32."""


def resize(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Each axis by a matrix of its own: sizes, modes and borders are all in its entries."""
    x, given = node.input[0], attributes(node)
    sizes = build.shape(x)
    crops = given.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    if crops or given.get("keep_aspect_ratio_policy", "stretch") != "stretch":  # no axis is by itself
        return affine(build, node)
    made = x
    for axis, size, factor in _resized(build, node, given, sizes):
        if size != sizes[axis] or factor not in (None, 1.0):
            matrix = _along(build, given, sizes[axis], size, factor)
            made = _multiplied(build, made, matrix, axis, len(sizes))
    return [made if made != x else build.op("Identity", x)]


def _resized(
    build: Build, node: onnx.NodeProto, given: dict[str, Any], sizes: tuple[int, ...]
) -> list[tuple[int, int, float | None]]:
    """The axes that a Resize names, with their new sizes, and the factors where those are given instead."""
    axes = [axis % len(sizes) for axis in given.get("axes") or range(len(sizes))]
    factors, targets = _constant(build, node, 2), _constant(build, node, 3)
    if targets is not None and targets.size:
        goal = [int(size) for size in targets]
        return [(axis, size, None) for axis, size in zip(axes, goal, strict=True)]
    if factors is None:
        raise LeaveError("its sizes are computed while the model runs")
    return [(a, int(np.floor(sizes[a] * f)), float(f)) for a, f in zip(axes, factors, strict=True)]


def _along(build: Build, given: dict[str, Any], have: int, want: int, factor: float | None) -> np.ndarray:
    """(want, have): what resizing one axis makes of each unit vector."""
    kept = {k: v for k, v in given.items() if k not in ("axes", "keep_aspect_ratio_policy", "extrapolation_value")}
    if factor is not None:
        constant = helper.make_tensor("scales", onnx.TensorProto.FLOAT, [4], [1.0, 1.0, 1.0, factor])
        each = helper.make_node("Resize", ["x", "", "scales"], ["y"], **kept)
    else:
        constant = helper.make_tensor("sizes", onnx.TensorProto.INT64, [4], [1, 1, have, want])
        each = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **kept)
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 1, have, have])
    graph = helper.make_graph([each], "axis", [x], [helper.make_empty_tensor_value_info("y")], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", build.opset)], ir_version=8)
    (found,) = session_of(model).run(None, {"x": np.eye(have, dtype=np.float32)[None, None]})
    return np.asarray(found)[0, 0].T


def _multiplied(build: Build, x: str, matrix: np.ndarray, axis: int, rank: int) -> str:
    """`x` with an axis multiplied by (want, have); by a gather where each row takes one entry."""
    if ((matrix == 1).sum(axis=1) == 1).all() and (np.abs(matrix).sum(axis=1) == 1).all():
        return build.gather(x, matrix.argmax(axis=1), axis)
    order = [a for a in range(rank) if a != axis] + [axis]
    turned = build.op("MatMul", build.transpose(x, order), build.constant(matrix.T.astype(np.float32)))
    return build.transpose(turned, [order.index(a) for a in range(rank)])


def cumulative(build: Build, node: onnx.NodeProto) -> list[str]:
    """CumSum: a triangle of ones."""
    given = attributes(node)
    rank = build.rank(node.input[0])
    axis = int(np.ravel(build.need(node.input[1], "axis"))[0]) % rank
    size = build.shape(node.input[0])[axis]
    if build.dtype(node.input[0]) != np.float32:
        raise LeaveError("it is not of float32")
    matrix = np.tril(np.ones((size, size), np.float32), -1 if given.get("exclusive", 0) else 0)
    return [_multiplied(build, node.input[0], matrix.T if given.get("reverse", 0) else matrix, axis, rank)]


def affine(build: Build, node: onnx.NodeProto) -> list[str]:
    """The whole operator as one matrix and what it adds, where its first input alone is computed and is small."""
    x = node.input[0]
    shape, goal = build.shape(x), build.shape(node.output[0])
    for name in node.input[1:]:
        if name:
            build.need(name, f"input {name!r}")
    many, wanted = int(np.prod(shape)), int(np.prod(goal))
    if build.elem_type(x) != onnx.TensorProto.FLOAT or len([name for name in node.output if name]) != 1:
        raise LeaveError("it is not one float32 tensor in and one out")
    if many > MOST_INPUTS or many * wanted > MOST_ENTRIES:
        raise LeaveError(f"a matrix of {many} x {wanted} would be too large")
    rest, matrix = _asked(build, node, shape, wanted)
    flat = build.op("MatMul", build.reshape(x, [1, many]), build.constant(matrix))
    if rest.any():
        flat = build.op("Add", flat, build.constant(rest[None]))
    return [build.reshape(flat, goal)]


def _asked(build: Build, node: onnx.NodeProto, shape: tuple[int, ...], wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """What the operator gives for zeros, and for each unit vector without that."""
    own = helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, shape)
    constants = [onnx.numpy_helper.from_array(build.need(name, "input"), name) for name in {*node.input[1:]} if name]
    graph = helper.make_graph([node], "piece", [own], [helper.make_empty_tensor_value_info(node.output[0])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", build.opset)], ir_version=8)
    session = session_of(model)

    def outputs() -> Iterator[np.ndarray]:
        for place in range(-1, int(np.prod(shape))):
            probe = np.zeros(int(np.prod(shape)), np.float32)
            if place >= 0:
                probe[place] = 1.0
            yield np.asarray(session.run(None, {node.input[0]: probe.reshape(shape)})[0]).ravel()

    found = np.stack(list(outputs()))
    if found.shape[1] != wanted or not np.isfinite(found).all():
        raise LeaveError("it is not affine in what it reads")
    return found[0], (found[1:] - found[0]).astype(np.float32)


def _constant(build: Build, node: onnx.NodeProto, place: int) -> np.ndarray | None:
    return build.need(node.input[place], "sizes") if reads(node, place) else None
