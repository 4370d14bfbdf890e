"""What takes many numbers to one: sums of powers, extremes and where they are."""

from __future__ import annotations

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, attributes, reads


def axes_of(build: Build, node: onnx.NodeProto) -> list[int] | None:
    """The axes that a reduction goes over; None where it goes over none, by its own choice."""
    given = attributes(node)
    named = given.get("axes")
    if named is None and reads(node, 1):
        named = [int(axis) for axis in build.need(node.input[1], "axes")]
    rank = build.rank(node.input[0])
    if not named:
        return None if given.get("noop_with_empty_axes", 0) else list(range(rank))
    return sorted({int(axis) % rank for axis in named})


def _reduced(build: Build, node: onnx.NodeProto, kind: str, x: str) -> str:
    axes = axes_of(build, node)
    return build.op("Identity", x) if axes is None else build.reduce(kind, x, axes, attributes(node).get("keepdims", 1))


def sum_of_sizes(build: Build, node: onnx.NodeProto) -> list[str]:
    """ReduceL1."""
    return [_reduced(build, node, "ReduceSum", build.op("Abs", node.input[0]))]


def sum_of_squares(build: Build, node: onnx.NodeProto) -> list[str]:
    """ReduceSumSquare."""
    return [_reduced(build, node, "ReduceSum", build.op("Mul", node.input[0], node.input[0]))]


def length(build: Build, node: onnx.NodeProto) -> list[str]:
    """ReduceL2."""
    return [build.op("Sqrt", sum_of_squares(build, node)[0])]


def log_of_sum(build: Build, node: onnx.NodeProto) -> list[str]:
    """ReduceLogSum."""
    return [build.op("Log", _reduced(build, node, "ReduceSum", node.input[0]))]


def log_of_sum_of_powers(build: Build, node: onnx.NodeProto) -> list[str]:
    """ReduceLogSumExp, the greatest taken out first, so that nothing overflows."""
    axes, x = axes_of(build, node), node.input[0]
    if axes is None:
        return [build.op("Identity", x)]
    greatest = build.reduce("ReduceMax", x, axes)
    rest = build.op("Log", build.reduce("ReduceSum", build.op("Exp", build.op("Sub", x, greatest)), axes))
    made = build.op("Add", rest, greatest)
    return [made if attributes(node).get("keepdims", 1) else build.squeeze(made, axes)]


def as_floats(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """A greatest or least of truth values, by 0 and 1."""
    if build.elem_type(node.input[0]) != onnx.TensorProto.BOOL:
        return None
    made = _reduced(build, node, node.op_type, build.cast(node.input[0], onnx.TensorProto.FLOAT))
    return [build.cast(made, onnx.TensorProto.BOOL)]


def last_extreme(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """ArgMax and ArgMin that take the last of equals: the first of the reversed."""
    given = attributes(node)
    if not given.get("select_last_index", 0):
        return None
    x = node.input[0]
    axis = given.get("axis", 0) % build.rank(x)
    size = build.shape(x)[axis]
    found = build.op(node.op_type, build.gather(x, np.arange(size)[::-1], axis), axis=axis, keepdims=1)
    made = build.op("Sub", build.constant(size - 1, np.int64), found)
    return [made if given.get("keepdims", 1) else build.squeeze(made, [axis])]


def hardmax(build: Build, node: onnx.NodeProto) -> list[str]:
    """1 at the first greatest value, 0 elsewhere."""
    x, rank = node.input[0], build.rank(node.input[0])
    axis = attributes(node).get("axis", -1) % rank
    size = build.shape(x)[axis]
    best = build.cast(build.op("ArgMax", x, axis=axis, keepdims=1), onnx.TensorProto.FLOAT)
    places = build.constant(np.arange(size).reshape([-1 if a == axis else 1 for a in range(rank)]), np.float32)
    return [build.cast(build.op("Equal", best, places), build.elem_type(x))]


def top_k(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """The least ones as the greatest of the negatives, along the last axis."""
    given, x = attributes(node), node.input[0]
    rank = build.rank(x)
    axis, largest = given.get("axis", -1) % rank, given.get("largest", 1)
    if largest and axis == rank - 1:
        return None
    order = [a for a in range(rank) if a != axis] + [axis]
    back = [order.index(a) for a in range(rank)]
    turned = build.transpose(x, order)
    turned = turned if largest else build.op("Neg", turned)
    values, indices = build.many("TopK", turned, node.input[1], outputs=2, axis=-1, largest=1, sorted=1)
    values = values if largest else build.op("Neg", values)
    return [build.transpose(values, back), build.transpose(indices, back)]


def softmax(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Along another axis than the last: turned there and back."""
    x = node.input[0]
    rank = build.rank(x)
    axis = attributes(node).get("axis", -1) % rank
    if axis == rank - 1:
        return None
    order = [a for a in range(rank) if a != axis] + [axis]
    made = build.op(node.op_type, build.transpose(x, order), axis=rank - 1)
    return [build.transpose(made, [order.index(a) for a in range(rank)])]
