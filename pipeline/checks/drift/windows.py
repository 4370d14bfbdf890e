"""Convolutions and pools of two models side by side: strides, dilations and padding, whatever their values say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import Folded
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.suspects import Side, Suspect

_CONV = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_3D", "Conv", "ConvInteger", "QLinearConv", "conv")
_CONV_TF = ("Conv2D", "Conv3D", "DepthwiseConv2dNative")
_CONV_ATEN = ("aten.conv1d", "aten.conv2d", "aten.conv3d")
_MAX = ("MAX_POOL_2D", "MaxPool", "max_pool", "MaxPoolV2", "aten.max_pool1d", "aten.max_pool2d", "aten.max_pool3d")
_MEAN = (
    "AVERAGE_POOL_2D",
    "AveragePool",
    "avg_pool",
    "AvgPool",
    "aten.avg_pool1d",
    "aten.avg_pool2d",
    "aten.avg_pool3d",
)
_KINDS = {
    **dict.fromkeys((*_CONV, *_CONV_TF, *_CONV_ATEN), "conv"),
    **dict.fromkeys(_MAX, "greatest of a window"),
    **dict.fromkeys(_MEAN, "mean of a window"),
}
_LAST = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_3D", "MAX_POOL_2D", "AVERAGE_POOL_2D")
"""Operators whose channels are the last axis."""
_STILL = frozenset(
    (
        *("QUANTIZE", "DEQUANTIZE", "CAST", "TRANSPOSE", "RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "LOGISTIC"),
        *(
            "ADD",
            "MUL",
            "SUB",
            "MAXIMUM",
            "MINIMUM",
            "PRELU",
            "HARD_SWISH",
            "TANH",
            "MEAN",
            "FULLY_CONNECTED",
            "SOFTMAX",
        ),
        *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "Transpose", "Relu", "Clip"),
        *("LeakyRelu", "Sigmoid", "Add", "Mul", "Sub", "Max", "Min", "PRelu", "HardSwish", "Tanh", "Gemm", "MatMul"),
        *("ReduceMean", "GlobalAveragePool", "BatchNormalization", "Softmax", "Relu6", "LeakyRelu", "BiasAdd"),
        *("Mean", "AddV2", "FusedBatchNormV3", "Identity", "Minimum", "Maximum"),
        *("transpose", "relu", "relu6", "clip", "leaky_relu", "sigmoid", "add", "mul", "sub", "maximum", "minimum"),
        *(
            "prelu",
            "tanh",
            "linear",
            "reduce_mean",
            "batch_norm",
            "softmax",
            "cast",
            "quantize",
            "dequantize",
            "matmul",
        ),
        *("aten.relu", "aten.hardtanh", "aten.leaky_relu", "aten.sigmoid", "aten.add", "aten.mul", "aten.sub"),
        *("aten._native_batch_norm_legit_no_training", "aten.batch_norm", "aten.mean", "aten.linear", "aten.softmax"),
        *("aten.tanh", "aten.hardswish", "aten.prelu", "aten.clamp", "aten.silu", "aten.permute"),
    )
)
"""Operators that neither pad nor leave places out: beside them a window's padding is its own."""


@dataclass(frozen=True)
class Window:
    """One operator's window along each axis of the picture; padding in front, its other end follows from the sizes."""

    op: Op
    kind: str
    taken: tuple[int, ...]
    given: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]

    @property
    def told(self) -> dict[str, tuple[int, ...]]:
        """What two windows of the same sizes must have alike; what has no effect is 1 or 0."""
        return {
            "strides": tuple(1 if n == k else s for n, k, s in zip(self.taken, self.size, self.stride, strict=True)),
            "dilations": tuple(1 if k == 1 else d for k, d in zip(self.size, self.dilation, strict=True)),
            "padding in front": self.before,
        }


def changed(a: Known, b: Known, cuts: Sequence[Segment], same: Sequence[Folded]) -> Iterator[tuple[Segment, Suspect]]:
    """(segment, suspect) for windows of b that move otherwise than the reference's over the same sizes.

    Convolutions are partners by their kernels; pools where a segment has one on each side. Nothing is said of a segment
    in which something else pads or leaves places out.
    """
    kernels = {one.b.op.index: one.a.op for one in same if one.b.values.ndim > 1}
    for cut in cuts:
        sides = [[op for op in ops if op.type in _KINDS] for ops in (cut.ops_a, cut.ops_b)]
        others = [op for op in (*cut.ops_a, *cut.ops_b) if op.type not in _KINDS and not _fixed((a, b), op)]
        if any(op.type not in _STILL for op in others):
            continue
        for one, two in _partners(sides[0], sides[1], kernels):
            first, second = window(a, one), window(b, two)
            if first is None or second is None or first.kind != second.kind:
                continue
            if (first.taken, first.size) != (second.taken, second.size):
                continue
            wrong = {name for name, value in first.told.items() if value != second.told[name]}
            if wrong:
                ours, theirs = (
                    Side(w.op.index, w.op.type, _names(side, w.op), {n: w.told[n] for n in sorted(wrong)})
                    for side, w in ((a, first), (b, second))
                )
                cause = "; ".join(f"{name} {second.told[name]}, not {first.told[name]}" for name in sorted(wrong))
                yield (
                    cut,
                    Suspect("attribute", ours, theirs, "another attribute", cause, float(a.rank.get(cut.out.a, 0))),
                )


def _names(side: Known, op: Op) -> tuple[str, ...]:
    return tuple(side.graph.tensors[index].name for index in op.outputs)


def _fixed(sides: tuple[Known, Known], op: Op) -> bool:
    """Whether an operator only computes constants; of one of the two models."""
    return any(side.steady.issuperset(op.outputs) and op in side.graph.ops for side in sides)


def _partners(ours: Sequence[Op], theirs: Sequence[Op], kernels: Mapping[int, Op]) -> Iterator[tuple[Op, Op]]:
    """Convolutions by their kernels, pools where there is one of a kind on each side."""
    for two in theirs:
        if (one := kernels.get(two.index)) is not None and any(one is other for other in ours):
            yield one, two
    for kind in ("greatest of a window", "mean of a window"):
        pools = [[op for op in side if _KINDS[op.type] == kind] for side in (ours, theirs)]
        if len(pools[0]) == len(pools[1]) == 1:
            yield pools[0][0], pools[1][0]


def window(side: Known, op: Op) -> Window | None:
    """The window of a convolution or pool over the sizes that were recorded; None where the file does not say it."""
    read = [index for index in op.inputs if index >= 0]
    if not read or read[0] not in side.recorded or op.outputs[0] not in side.recorded:
        return None
    taken, given = side.recorded[read[0]].shape[2:], side.recorded[op.outputs[0]].shape[2:]
    if op.type in _LAST or op.attributes.get("data_format") in ("NHWC", "NDHWC"):
        taken, given = taken[:-1], given[:-1]
    else:
        taken, given = taken[1:], given[1:]
    rank = len(taken)
    if rank == 0 or len(given) != rank:
        return None
    size = _size(side, op, rank)
    said = op.attributes
    stride = _many(said, ("strideH", "strideW"), ("strides", "stride"), rank, size)
    dilation = _many(said, ("dilationHFactor", "dilationWFactor"), ("dilations", "dilation"), rank, None)
    if size is None or stride is None or dilation is None:
        return None
    before = _before(said, taken, given, size, stride, dilation)
    if before is None:
        return None
    axes = [n for n in range(rank) if not taken[n] == given[n] == size[n] == 1]  # one that a converter has put in
    rows = (tuple(row[n] for n in axes) for row in (taken, given, size, stride, dilation, before))
    return Window(op, _KINDS[op.type], *rows)


def _size(side: Known, op: Op, rank: int) -> tuple[int, ...] | None:
    """How many values a window has along each axis."""
    said = op.attributes
    if "filterHeight" in said:
        return int(said["filterHeight"]), int(said["filterWidth"])
    for name in ("kernel_shape", "kernel_sizes", "kernel_size"):
        if said.get(name):
            found = tuple(int(n) for n in said[name])
            return found * rank if len(found) == 1 else found
    if said.get("ksize"):
        return _inner(said, said["ksize"])
    index = op.inputs[1] if len(op.inputs) > 1 else -1
    data = side.graph.tensors[index].data if index >= 0 else None
    shape = data.shape if data is not None else side.recorded[index].shape[1:] if index in side.recorded else ()
    if len(shape) != rank + 2:
        return None
    return shape[1:-1] if op.type in _LAST else shape[:rank] if op.type in _CONV_TF else shape[2:]


def _inner(said: Mapping[str, Any], values: Sequence[int]) -> tuple[int, ...]:
    """Of numbers for all axes those of the picture's."""
    found = tuple(int(n) for n in values)
    return found[1:-1] if str(said.get("data_format", "NHWC")).endswith("C") else found[2:]


def _many(
    said: Mapping[str, Any], flat: Sequence[str], names: Sequence[str], rank: int, instead: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """An attribute along each axis; `instead`, or ones, where it is left out."""
    if all(name in said for name in flat):
        return tuple(int(said[name]) for name in flat)
    for name in names:
        if name not in said:
            continue
        value = said[name] if isinstance(said[name], tuple | list) else (said[name],)
        if "data_format" in said and len(value) == rank + 2:
            return _inner(said, value)
        if len(value) == 1:
            return (int(value[0]),) * rank
        if not value and instead is not None:
            return instead
        return tuple(int(n) for n in value) if len(value) == rank else None
    return (1,) * rank


def _before(
    said: Mapping[str, Any],
    taken: Sequence[int],
    given: Sequence[int],
    size: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[int, ...] | None:
    """The padding in front along each axis."""
    rank = len(taken)
    rows = list(zip(given, stride, size, dilation, taken, strict=True))
    whole = [max((n - 1) * s + (k - 1) * d + 1 - t, 0) for n, s, k, d, t in rows]
    way = str(said.get("auto_pad", said.get("pad_type", said.get("padding", "")))).upper()
    if way in ("SAME", "SAME_UPPER"):
        return tuple(total // 2 for total in whole)
    if way in ("SAME_LOWER",):
        return tuple(total - total // 2 for total in whole)
    if way == "VALID":
        return (0,) * rank
    explicit = said.get("explicit_paddings")
    if way == "EXPLICIT" and explicit:
        pairs = np.reshape(explicit, (-1, 2))[:, 0]
        return _inner(said, pairs.tolist())
    if isinstance(said.get("padding"), tuple | list):
        found = tuple(int(n) for n in said["padding"])
        return found * rank if len(found) == 1 else found if len(found) == rank else None
    if "pads" in said:  # all in front, then all behind
        found = tuple(int(n) for n in said["pads"])
        return found[:rank] if len(found) == 2 * rank else None
    if "pad" in said:  # in front and behind by turns
        found = tuple(int(n) for n in said["pad"])
        return found[::2] if len(found) == 2 * rank else None
    return (0,) * rank
