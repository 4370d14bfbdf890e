"""Faults in options and in integer constants (axes, paddings, orders), to plant into .tflite files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import File
from benchmarks.mutation.layer import Planter, pick, shuffled

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
RESIZES = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
FUSING = (*CONVOLUTIONS, *POOLS, "ADD", "SUB", "MUL", "DIV", "FULLY_CONNECTED", "CONCATENATION")
OptionsChange = Callable[[File, Any], bool]


def options(kinds: tuple[str, ...], change: OptionsChange) -> Planter:
    """A fault in the options of a random operator of some types that it changes."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for place, op in shuffled(list(file.of(*kinds)), rng):
            if op.builtinOptions is not None and change(file, op):
                return int(place)
        return None

    return plant


def set_option(name: str, change: Callable[[Any], Any]) -> OptionsChange:
    def apply(file: File, op: Any) -> bool:
        old = getattr(op.builtinOptions, name)
        new = change(old)
        if new is None or new == old:
            return False
        setattr(op.builtinOptions, name, new)
        return True

    return apply


def _activation(old: tuple[int, ...], new: int) -> OptionsChange:
    def apply(file: File, op: Any) -> bool:
        if getattr(op.builtinOptions, "fusedActivationFunction", None) not in old:
            return False
        op.builtinOptions.fusedActivationFunction = new
        return True

    return apply


def _pads(file: File, op: Any) -> bool:
    """The other padding, where a window of more than one pixel or a stride makes it another."""
    kernel = file.constant(int(op.inputs[1])) if len(op.inputs) > 1 else None
    wide = getattr(op.builtinOptions, "filterHeight", 1) if kernel is None else max(kernel.shape[1:3])
    if wide < 2:
        return False
    op.builtinOptions.padding = 1 - op.builtinOptions.padding
    return True


def _dilated(name: str, axis: int) -> OptionsChange:
    def apply(file: File, op: Any) -> bool:
        kernel = file.constant(int(op.inputs[1]))
        return kernel is not None and kernel.shape[axis] > 1 and set_option(name, lambda d: d + 1)(file, op)

    return apply


def _moved_activation(file: File, rng: np.random.Generator) -> int | None:
    """A fused activation stands one operator too early."""
    for _, op in shuffled(list(file.of(*FUSING)), rng):
        fused = getattr(op.builtinOptions, "fusedActivationFunction", 0)
        if not fused:
            continue
        for before, other in file.of(*FUSING):
            if int(other.outputs[0]) in map(int, op.inputs) and other.builtinOptions.fusedActivationFunction == 0:
                op.builtinOptions.fusedActivationFunction = 0
                other.builtinOptions.fusedActivationFunction = fused
                return before
    return None


def integers(kinds: tuple[str, ...], change: Callable[[np.ndarray], np.ndarray | None], slot: int = 1) -> Planter:
    """A fault in an integer constant: axes, orders, paddings, sizes."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for place, op in shuffled(list(file.of(*kinds)), rng):
            values = file.constant(int(op.inputs[slot])) if len(op.inputs) > slot else None
            if values is None or values.dtype.kind != "i":
                continue
            changed = change(values)
            if changed is not None and changed.tobytes() != values.tobytes():
                file.own(op, slot, changed.astype(values.dtype))
                return int(place)
        return None

    return plant


def retyped(old: str, new: str, plain: bool = False) -> Planter:
    """One operator's type became another's, with the same options; `plain` where the new one has none."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        place, op = pick(file.of(old), rng)
        if op is not None:
            op.opcodeIndex = file.code(new)
            if plain:
                op.builtinOptions, op.builtinOptionsType = None, 0
            name = f"{new.title().replace('_', '')}OptionsT"
            if not plain and op.builtinOptions is not None and hasattr(schema, name):
                made = getattr(schema, name)()
                vars(made).update({k: v for k, v in vars(op.builtinOptions).items() if k in vars(made)})
                op.builtinOptions, op.builtinOptionsType = made, getattr(schema.BuiltinOptions, name[:-1])
        return place

    return plant


def _nearest(file: File, rng: np.random.Generator) -> int | None:
    place, op = pick(file.of("RESIZE_BILINEAR"), rng)
    if op is not None:
        made = schema.ResizeNearestNeighborOptionsT()
        made.alignCorners, made.halfPixelCenters = op.builtinOptions.alignCorners, op.builtinOptions.halfPixelCenters
        op.builtinOptions, op.builtinOptionsType = made, schema.BuiltinOptions.ResizeNearestNeighborOptions
        op.opcodeIndex = file.code("RESIZE_NEAREST_NEIGHBOR")
    return place


def _other_axis(file: File, op: Any) -> bool:
    """Concatenation along an axis of the same sizes, where the result keeps its shape."""
    shapes = {file.shape(int(i)) for i in op.inputs}
    options = op.builtinOptions
    if len(shapes) != 1 or len(op.inputs) < 2:
        return False
    shape = list(next(iter(shapes)))
    for axis in range(1, len(shape)):
        if axis != options.axis % len(shape):
            options.axis = axis
            out = file.tensor(int(op.outputs[0]))
            shape[axis] *= len(op.inputs)
            out.shape = shape
            return True
    return False


def _transposed(order: np.ndarray) -> np.ndarray | None:
    return order[[0, 2, 1, *range(3, order.size)]] if order.size > 2 else None


ATTRIBUTES: dict[str, Planter] = {
    "padding exchanged": options((*CONVOLUTIONS, "TRANSPOSE_CONV"), _pads),
    "padding of a pool exchanged": options(POOLS, _pads),
    "stride along height changed": options(CONVOLUTIONS, set_option("strideH", lambda s: 1 if s == 2 else 2)),
    "stride along width changed": options(CONVOLUTIONS, set_option("strideW", lambda s: 1 if s == 2 else 2)),
    "stride of a pool changed": options(POOLS, set_option("strideH", lambda s: 1 if s == 2 else 2)),
    "window of a pool changed": options(POOLS, set_option("filterWidth", lambda s: s + 1)),
    "dilation along height changed": options(CONVOLUTIONS, _dilated("dilationHFactor", 1)),
    "dilation along width changed": options(CONVOLUTIONS, _dilated("dilationWFactor", 2)),
    "activation dropped": options(FUSING, _activation((1, 2, 3, 4), 0)),
    "RELU6 became RELU": options(FUSING, _activation((3,), 1)),
    "RELU became RELU6": options(FUSING, _activation((1,), 3)),
    "RELU became RELU_N1_TO_1": options(FUSING, _activation((1, 3), 2)),
    "an activation added": options(FUSING, _activation((0,), 1)),
    "RELU6 added": options(FUSING, _activation((0,), 3)),
    "activation one operator early": _moved_activation,
    "softmax beta": options(("SOFTMAX",), set_option("beta", lambda b: b * 1.5)),
    "leaky slope": options(("LEAKY_RELU",), set_option("alpha", lambda a: a * 2)),
    "leaky slope off by 1 %": options(("LEAKY_RELU",), set_option("alpha", lambda a: a * 1.01)),
    "resize with half pixels": options(RESIZES, set_option("halfPixelCenters", lambda h: not h)),
    "resize with aligned corners": options(RESIZES, set_option("alignCorners", lambda h: not h)),
    "nearest instead of bilinear": _nearest,
    "concatenated along another axis": options(("CONCATENATION",), _other_axis),
    "gathered along another axis": options(("GATHER",), set_option("axis", lambda a: a + 1)),
    "mirror without its edge": options(("MIRROR_PAD",), set_option("mode", lambda m: 1 - m)),
    "matrix not transposed": options(("BATCH_MATMUL",), set_option("adjY", lambda a: not a)),
    "axes of a mean": integers(("MEAN", "SUM", "REDUCE_MAX"), lambda v: v.reshape(-1)[:1] if v.size > 1 else v + 1),
    "padding moved": integers(("PAD", "PADV2", "MIRROR_PAD"), lambda v: v[:, ::-1]),
    "padding on another axis": integers(
        ("PAD", "PADV2", "MIRROR_PAD"), lambda v: v[[0, 2, 1, *range(3, len(v))]] if len(v) > 2 else None
    ),
    "axes permuted": integers(("TRANSPOSE",), _transposed),
    "slice begins one later": integers(("STRIDED_SLICE", "SLICE"), lambda v: v + (np.arange(v.size) == v.size - 1)),
    "slice ends one earlier": integers(
        ("STRIDED_SLICE",), lambda v: np.maximum(v - (np.arange(v.size) == v.size - 1), 0), 2
    ),
    "split along another axis": integers(("SPLIT",), lambda v: v - 1, 0),
    "a greatest along another axis": integers(("ARG_MAX", "ARG_MIN"), lambda v: v - 1),
    "a table's index off by one": integers(("GATHER",), lambda v: np.roll(v.reshape(-1), 1).reshape(v.shape)),
    "average instead of maximum": retyped("MAX_POOL_2D", "AVERAGE_POOL_2D"),
    "maximum instead of average": retyped("AVERAGE_POOL_2D", "MAX_POOL_2D"),
    "ADD became SUB": retyped("ADD", "SUB"),
    "MUL instead of ADD": retyped("ADD", "MUL"),
    "ADD instead of MUL": retyped("MUL", "ADD"),
    "MAXIMUM instead of ADD": retyped("ADD", "MAXIMUM", plain=True),
    "MINIMUM instead of MAXIMUM": retyped("MAXIMUM", "MINIMUM"),
    "SUM instead of MEAN": retyped("MEAN", "SUM"),
    "REDUCE_MAX instead of MEAN": retyped("MEAN", "REDUCE_MAX"),
    "TANH instead of LOGISTIC": retyped("LOGISTIC", "TANH", plain=True),
    "LOGISTIC instead of SOFTMAX": retyped("SOFTMAX", "LOGISTIC", plain=True),
    "LOG_SOFTMAX instead of SOFTMAX": retyped("SOFTMAX", "LOG_SOFTMAX", plain=True),
    "RELU instead of HARD_SWISH": retyped("HARD_SWISH", "RELU", plain=True),
    "RELU instead of LEAKY_RELU": retyped("LEAKY_RELU", "RELU", plain=True),
    "RELU6 instead of RELU as an operator": retyped("RELU", "RELU6", plain=True),
}
