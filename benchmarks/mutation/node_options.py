"""Faults in attributes and in constants of integers, to plant into .onnx files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.mutation.layer import Planter, pick, shuffled
from benchmarks.mutation.nodes import Nodes

Value = Callable[[Any], Any]


def attribute(kinds: Sequence[str], name: str, change: Value, default: Any = None) -> Planter:
    """A fault in an attribute of a random node of some types; `default` where a node leaves it out."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        for place, node in shuffled(list(file.of(*kinds)), rng):
            old = file.attribute(node, name)
            old = default if old is None else old
            new = None if old is None else change(old)
            if new is not None and new != old:
                file.set_attribute(node, name, new)
                return int(place)
        return None

    return plant


def integers(kinds: Sequence[str], slot: int, change: Callable[[np.ndarray], np.ndarray | None]) -> Planter:
    """A fault in a constant of integers, or in one of sizes."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        for place, node in shuffled(list(file.of(*kinds)), rng):
            old = file.constant(node.input[slot]) if len(node.input) > slot and node.input[slot] else None
            new = None if old is None or not old.size else change(old)
            if old is not None and new is not None and new.tobytes() != old.tobytes():
                node.input[slot] = file.add(new.astype(old.dtype), "changed")
                return int(place)
        return None

    return plant


def retyped(old: str, new: str, *keep: str) -> Planter:
    """One node's type became another's; of its attributes some are kept."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        place, node = pick(file.of(old), rng)
        if node is not None:
            node.op_type = new
            for entry in [entry for entry in node.attribute if entry.name not in keep]:
                node.attribute.remove(entry)
        return place

    return plant


def _ends_pads(pads: list[int]) -> list[int] | None:
    half = len(pads) // 2
    return [pads[0] + 1, *pads[1:half], pads[half] - 1, *pads[half + 1 :]] if half and pads[half] > 0 else None


NODE_OPTIONS: dict[str, Planter] = {
    "padding moved": attribute(("Conv", "MaxPool", "AveragePool"), "pads", _ends_pads),
    "auto_pad upper became lower": attribute(
        ("Conv", "MaxPool", "AveragePool"),
        "auto_pad",
        lambda v: {b"SAME_UPPER": "SAME_LOWER", b"SAME_LOWER": "SAME_UPPER"}.get(v),
    ),
    "strides changed": attribute(
        ("Conv", "MaxPool", "AveragePool"), "strides", lambda v: [1 if s == 2 else 2 for s in v]
    ),
    "dilation changed": attribute(("Conv",), "dilations", lambda v: [d + 1 for d in v], [1, 1]),
    "groups changed": attribute(("Conv",), "group", lambda v: 1 if v > 1 else None, 1),
    "epsilon changed": attribute(
        ("BatchNormalization", "InstanceNormalization", "LayerNormalization"), "epsilon", lambda v: v * 100, 1e-5
    ),
    "leaky slope": attribute(("LeakyRelu",), "alpha", lambda v: v * 2, 0.01),
    "softmax axis": attribute(("Softmax", "LogSoftmax"), "axis", lambda v: 1 if v not in (1, -3) else 2, -1),
    "concatenated along another axis": attribute(("Concat",), "axis", lambda v: v + 1),
    "gathered along another axis": attribute(("Gather",), "axis", lambda v: v + 1, 0),
    "dimensions not kept": attribute(("ReduceMean", "ReduceSum", "ReduceMax"), "keepdims", lambda v: 1 - v, 1),
    "reduced along other axes": attribute(
        ("ReduceMean", "ReduceSum", "ReduceMax"), "axes", lambda v: [a - 1 if a > 1 else a + 1 for a in v]
    ),
    "reduced along other axes (input)": integers(
        ("ReduceMean", "ReduceSum", "ReduceMax"), 1, lambda v: np.where(v > 1, v - 1, v + 1)
    ),
    "axes permuted": attribute(("Transpose",), "perm", lambda p: [*p[:-2], p[-1], p[-2]]),
    "resize's coordinates": attribute(
        ("Resize",),
        "coordinate_transformation_mode",
        lambda v: "asymmetric" if v != b"asymmetric" else "half_pixel",
        b"half_pixel",
    ),
    "nearest instead of linear": attribute(
        ("Resize",), "mode", lambda v: "nearest" if v != b"nearest" else "linear", b"nearest"
    ),
    "resize's rounding": attribute(
        ("Resize",), "nearest_mode", lambda v: "ceil" if v != b"ceil" else "floor", b"round_prefer_floor"
    ),
    "window of a pool changed": attribute(("MaxPool", "AveragePool"), "kernel_shape", lambda v: [v[0] + 1, *v[1:]]),
    "padding counted in the average": attribute(("AveragePool",), "count_include_pad", lambda v: 1 - v, 0),
    "pool rounds up": attribute(("MaxPool", "AveragePool"), "ceil_mode", lambda v: 1 - v, 0),
    "matrix not transposed": attribute(("Gemm",), "transA", lambda v: 1 - v, 0),
    "Gemm's alpha": attribute(("Gemm",), "alpha", lambda v: v * 1.01, 1.0),
    "Gemm's beta": attribute(("Gemm",), "beta", lambda v: v * 0.0, 1.0),
    "mirror instead of zeros": attribute(
        ("Pad",), "mode", lambda v: "edge" if v != b"edge" else "reflect", b"constant"
    ),
    "slope of a hard sigmoid": attribute(("HardSigmoid",), "alpha", lambda v: v * 0.95, 0.2),
    "direction of a recurrence": attribute(
        ("LSTM", "GRU"), "direction", lambda v: "reverse" if v == b"forward" else None, b"forward"
    ),
    "slice begins one later": integers(("Slice",), 1, lambda v: v + 1),
    "a limit of a Clip": integers(("Clip",), 2, lambda v: v * np.float32(1.25)),
    "a table's index off by one": integers(("Gather",), 1, lambda v: v + 1),
    "sizes exchanged": integers(("Reshape",), 1, lambda v: v[[0, 2, 1, *range(3, v.size)]] if v.size > 2 else None),
    "variance and mean exchanged": integers(("BatchNormalization",), 3, lambda v: v[::-1]),
    "variance doubled": integers(("BatchNormalization",), 4, lambda v: v * 2),
    "ADD became SUB": retyped("Add", "Sub"),
    "MUL instead of ADD": retyped("Add", "Mul"),
    "ADD instead of MUL": retyped("Mul", "Add"),
    "MAX instead of ADD": retyped("Add", "Max"),
    "average instead of maximum": retyped("MaxPool", "AveragePool", "kernel_shape", "strides", "pads", "auto_pad"),
    "maximum instead of average": retyped("AveragePool", "MaxPool", "kernel_shape", "strides", "pads", "auto_pad"),
    "maximum instead of a global average": retyped("GlobalAveragePool", "GlobalMaxPool"),
    "SUM instead of MEAN": retyped("ReduceMean", "ReduceSum", "axes", "keepdims"),
    "SIGMOID instead of RELU": retyped("Relu", "Sigmoid"),
    "TANH instead of SIGMOID": retyped("Sigmoid", "Tanh"),
    "LEAKY_RELU instead of RELU": retyped("Relu", "LeakyRelu"),
    "HARD_SIGMOID instead of SIGMOID": retyped("Sigmoid", "HardSigmoid"),
    "LOG_SOFTMAX instead of SOFTMAX": retyped("Softmax", "LogSoftmax", "axis"),
    "FLOOR instead of CEIL": retyped("Ceil", "Floor"),
}
