"""Integer weights of operators whose inputs are quantized as they run: the grids on which they lie.

ONNX keeps no grid with a tensor: the scale of such weights is a factor behind the operator, or an input of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from converters.graph import Quantization

_SLOTS = {
    "DynamicQuantizeMatMul": ((1, 2, 3),),
    "MatMulIntegerToFloat": ((1, 3, 5),),
    "DynamicQuantizeLSTM": ((1, 8, 9), (2, 10, 11)),
}
"""Operators of ONNX Runtime that take scale and zero point of their weights as inputs: (weights, scale, zero point)."""
_AXES = {"ConvInteger": 0, "MatMulInteger": -1}
"""Where one scale a channel lies."""


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
            found |= _grid(names[0], constants.get(names[1]), constants.get(names[2]), constants, -1)
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
) -> dict[str, Quantization]:
    weights = constants.get(name)
    if weights is None or scale is None or not weights.ndim:
        return {}
    scales = scale.astype(np.float64).reshape(-1)
    if scales.size not in (1, weights.shape[axis]):
        return {}
    points = np.zeros(1) if zero_point is None or not zero_point.size else zero_point.reshape(-1)
    return {name: Quantization(scales, np.resize(points.astype(np.int64), scales.size), axis % weights.ndim)}
