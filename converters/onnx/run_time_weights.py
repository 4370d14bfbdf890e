"""Integer weights of operators whose inputs are quantized as they run: the grids on which they lie.

ONNX keeps no grid with a tensor: the scale of such weights is a factor behind the operator, or an input of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converters.graph import Quantization
from converters.onnx.load import array

_SLOTS = {
    "DynamicQuantizeMatMul": ((1, 2, 3),),
    "MatMulIntegerToFloat": ((1, 3, 5),),
    "DynamicQuantizeLSTM": ((1, 8, 9), (2, 10, 11)),
}
"""Operators of ONNX Runtime that take scale and zero point of their weights as inputs: (weights, scale, zero point)."""
_RECURRENT = "DynamicQuantizeLSTM"
"""Its directions have scales of their own."""
_AXES = {"ConvInteger": 0, "MatMulInteger": -1}
"""Where one scale a channel lies."""


def settle(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """The model with the weights that it quantizes as it runs as constants; changed in place.

    ONNX Runtime's `quantize_dynamic` leaves those so that are no initializers, other tools leave all: the node becomes
    a `Constant` in its place, so that places stay what they are.
    """
    graph = model.graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            held[node.output[0]] = node.attribute[0].t
        elif node.op_type in ("DynamicQuantizeLinear", "QuantizeLinear") and all(name in held for name in node.input):
            made = _quantized(node, [array(held[name], folder) for name in node.input])
            if made:
                first, *others = (numpy_helper.from_array(v, name) for v, name in zip(made, node.output, strict=True))
                graph.initializer.extend(others)
                held |= {tensor.name: tensor for tensor in (first, *others)}
                node.CopyFrom(helper.make_node("Constant", [], [first.name], node.name, value=first))
    return model


def _quantized(node: onnx.NodeProto, values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a quantizing node gives for constants, as the specification says; nothing where it has other types."""
    weights = values[0]
    if weights.dtype != np.float32 or weights.ndim < 2:
        return []
    if node.op_type == "DynamicQuantizeLinear":
        low, high = np.float32(min(weights.min(), 0)), np.float32(max(weights.max(), 0))
        scale = np.float32((high - low) / np.float32(255)) or np.float32(1)
        zero_point = np.array(np.clip(np.rint(-low / scale), 0, 255), np.uint8)
        return [_stored(weights, scale, zero_point), np.array(scale), zero_point]
    if len(values) < 3 or values[2].dtype not in (np.int8, np.uint8) or values[1].dtype != np.float32:
        return []
    axis = next((entry.i for entry in node.attribute if entry.name == "axis"), 1) % weights.ndim
    along = [-1 if place == axis else 1 for place in range(weights.ndim)]
    if values[1].size not in (1, weights.shape[axis]) or values[1].ndim > 1:
        return []
    return [_stored(weights, *(one.reshape(along if one.size > 1 else ()) for one in values[1:3]))]


def _stored(weights: np.ndarray, scale: np.ndarray | np.float32, zero_point: np.ndarray) -> np.ndarray:
    limits = np.iinfo(zero_point.dtype)
    return np.clip(np.rint(weights / scale) + zero_point, limits.min, limits.max).astype(zero_point.dtype)


def run_time_grids(graph: onnx.GraphProto, constants: Mapping[str, np.ndarray]) -> dict[str, Quantization]:
    """The grid of each constant of integers that an operator multiplies with inputs quantized at run time, by name."""
    maker = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found: dict[str, Quantization] = {}
    for node in graph.node:
        for weights, scale, zero_point in _SLOTS.get(node.op_type, ()):
            names = [node.input[slot] if slot < len(node.input) else "" for slot in (weights, scale, zero_point)]
            found |= _grid(names[0], constants.get(names[1]), constants.get(names[2]), constants, -1, node.op_type)
        if node.op_type in _AXES and len(node.input) > 1:
            point = constants.get(node.input[3]) if len(node.input) > 3 else None
            scales = [factor for factor in _factors(node, maker, readers) if factor in constants]
            if len(scales) == 1:
                found |= _grid(node.input[1], constants[scales[0]], point, constants, _AXES[node.op_type])
    return found


def _factors(
    node: onnx.NodeProto, maker: Mapping[str, onnx.NodeProto], readers: Mapping[str, list[onnx.NodeProto]]
) -> Iterator[str]:
    """What the sums are multiplied with: directly, or in a product of the two scales."""
    name = node.output[0]
    for kind in ("Cast", "Mul"):
        behind = readers.get(name, [])
        while len(behind) == 1 and behind[0].op_type == "Identity":
            name = behind[0].output[0]
            behind = readers.get(name, [])
        if len(behind) != 1 or behind[0].op_type != kind:
            return
        if kind == "Mul":
            for factor in (other for other in behind[0].input if other != name):
                made = maker.get(factor)
                yield from (made.input if made is not None and made.op_type == "Mul" else (factor,))
        name = behind[0].output[0]


def _grid(
    name: str,
    scale: np.ndarray | None,
    zero_point: np.ndarray | None,
    constants: Mapping[str, np.ndarray],
    axis: int,
    kind: str = "",
) -> dict[str, Quantization]:
    weights = constants.get(name)
    if weights is None or scale is None or not weights.ndim:
        return {}
    scales = scale.astype(np.float64).reshape(-1)
    rows = len(weights) if kind == _RECURRENT and scales.size % len(weights) == 0 else 1
    if scales.size // rows not in (1, weights.shape[axis]):
        return {}
    points = np.zeros(1) if zero_point is None or not zero_point.size else zero_point.reshape(-1)
    stored = np.resize(points.astype(np.int64), scales.size)
    return {name: Quantization(scales, stored, axis % weights.ndim, rows)}
