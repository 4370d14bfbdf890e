"""Integer arithmetic by float32's, which counts integers up to 2^24 without a miss."""

from __future__ import annotations

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads

FLOAT = onnx.TensorProto.FLOAT


def dequantize(build: Build, node: onnx.NodeProto) -> list[str]:
    """Scale * (x - zero point), by axis."""
    x, scale, zero = node.input[0], node.input[1], reads(node, 2)
    return [_real(build, x, scale, zero, _axis(build, node), build.rank(x))]


def quantize(build: Build, node: onnx.NodeProto) -> list[str]:
    """round(x / scale) + zero point, cut to the range of the type."""
    x, scale, zero = node.input[0], node.input[1], reads(node, 2)
    kind = build.elem_type(zero) if zero else onnx.TensorProto.UINT8
    return [_stored(build, x, scale, zero, _axis(build, node), build.rank(x), kind)]


def matmul(build: Build, node: onnx.NodeProto) -> list[str]:
    """QLinearMatMul: the integers multiplied exactly, then scaled once, as integer kernels do."""
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = node.input
    ranks = build.rank(a), build.rank(b)
    left = _centred(build, a, a_zero, ranks[0] - 2, ranks[0])
    right = _centred(build, b, b_zero, ranks[1] - 1, ranks[1])
    rank = build.rank(node.output[0])
    rows, columns = _spread(build, a_scale, rank - 2, rank), _spread(build, b_scale, rank - 1, rank)
    unit = build.op("Div", build.op("Mul", rows, columns), _spread(build, scale, rank - 2, rank))
    made = build.op("Mul", build.op("MatMul", left, right), unit)
    return [_rounded(build, made, zero, rank - 2, rank, build.elem_type(zero))]


def conv(build: Build, node: onnx.NodeProto) -> list[str]:
    """QLinearConv: the same, its bias being integers already."""
    x, x_scale, x_zero, w, w_scale, w_zero, scale, zero = node.input[:8]
    rank = build.rank(x)
    made = build.op(
        "Conv", _centred(build, x, x_zero, 1, rank), _centred(build, w, w_zero, 0, rank), **attributes(node)
    )
    if reads(node, 8):
        made = build.op("Add", made, build.reshape(build.cast(node.input[8], FLOAT), [1, -1, *[1] * (rank - 2)]))
    unit = build.op("Div", build.op("Mul", x_scale, w_scale), scale)
    made = build.op("Mul", made, _spread(build, unit, 1, rank) if _many(build, w_scale) else unit)
    return [_rounded(build, made, zero, 1, rank, build.elem_type(zero))]


def integers(build: Build, node: onnx.NodeProto) -> list[str]:
    """MatMulInteger and ConvInteger: exact, as long as no sum passes 2^24."""
    a, b = node.input[0], node.input[1]
    kind = node.op_type.removesuffix("Integer")
    sides = []
    for place, (name, axis) in enumerate(((a, -2 if kind == "MatMul" else 1), (b, -1 if kind == "MatMul" else 0))):
        sides.append(_centred(build, name, reads(node, 2 + place), axis, build.rank(name)))
    made = build.op("MatMul", *sides) if kind == "MatMul" else build.op("Conv", *sides, **attributes(node))
    return [build.cast(made, onnx.TensorProto.INT32)]


def dynamic(build: Build, node: onnx.NodeProto) -> list[str]:
    """DynamicQuantizeLinear: the range of the tensor itself, 0 always in it."""
    x = node.input[0]
    zero, steps = build.like(0.0, x), build.like(255.0, x)
    axes = list(range(build.rank(x)))
    low = build.op("Min", build.reduce("ReduceMin", x, axes, 0), zero)
    high = build.op("Max", build.reduce("ReduceMax", x, axes, 0), zero)
    scale = build.op("Div", build.op("Sub", high, low), steps)
    start = build.op("Round", build.op("Sub", zero, build.op("Div", low, scale)))
    start = build.op("Min", build.op("Max", start, zero), steps)
    stored = build.op("Add", build.op("Round", build.op("Div", x, scale)), start)
    cut = build.op("Min", build.op("Max", stored, zero), steps)
    kind = onnx.TensorProto.UINT8
    return [build.cast(cut, kind), scale, build.cast(start, kind)]


def _axis(build: Build, node: onnx.NodeProto) -> int:
    given = attributes(node)
    if given.get("block_size", 0):
        raise LeaveError("it has a scale for each block")
    return int(given.get("axis", 1))


def _centred(build: Build, x: str, zero: str, axis: int, rank: int) -> str:
    """Integers without their zero point, as float32."""
    made = build.cast(x, FLOAT)
    return build.op("Sub", made, _spread(build, build.cast(zero, FLOAT), axis, rank, zero)) if zero else made


def _spread(build: Build, name: str, axis: int, rank: int, like: str = "") -> str:
    """A number for each place of an axis, in a shape that goes with the whole tensor; one number as it is."""
    if not _many(build, like or name):
        return name
    shape = [1] * rank
    shape[axis] = -1
    return build.reshape(name, shape)


def _many(build: Build, name: str) -> bool:
    """Whether there is a number for each place of an axis; what is only now made of such is not known, and is."""
    rank = build.rank_or_none(name)
    return rank is None or (rank == 1 and build.shape(name)[0] != 1)


def _real(build: Build, x: str, scale: str, zero: str, axis: int, rank: int) -> str:
    return build.op("Mul", _centred(build, x, zero, axis, rank), _spread(build, scale, axis, rank))


def _stored(build: Build, x: str, scale: str, zero: str, axis: int, rank: int, kind: int) -> str:
    return _rounded(build, build.op("Div", x, _spread(build, scale, axis, rank)), zero, axis, rank, kind)


def _rounded(build: Build, x: str, zero: str, axis: int, rank: int, kind: int) -> str:
    """Steps to stored integers: rounded, moved by the zero point, cut to the range of their type."""
    limits = np.iinfo(onnx.helper.tensor_dtype_to_np_dtype(kind))
    if abs(int(limits.min)) > 2**24 or limits.max > 2**24:
        raise LeaveError("its integers are more than float32 can count")
    made = build.op("Round", x)
    if zero:
        made = build.op("Add", made, _spread(build, build.cast(zero, FLOAT), axis, rank, zero))
    low, high = build.constant(float(limits.min), np.float32), build.constant(float(limits.max), np.float32)
    return build.cast(build.op("Min", build.op("Max", made, low), high), kind)
