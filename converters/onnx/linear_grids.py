"""The grids of what ONNX's integer operators (`QLinearConv`, `QGemm`, ...) take and give: no tensor says its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from converters.graph import Quantization

_WEIGHTED = ((True, 0, 1), (True, 3, 4), (False, 0, 6))
_PLAIN = ((True, 0, 1), (False, 0, 3))
_SLOTS: Mapping[str, tuple[tuple[bool, int, int], ...]] = {
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QLinearAdd", "QLinearMul"), _WEIGHTED),
    "QGemm": ((True, 0, 1), (True, 3, 4), (False, 0, 7)),
    **{
        f"QLinear{kind}": _PLAIN
        for kind in ("AveragePool", "GlobalAveragePool", "LeakyRelu", "ReduceMean", "Sigmoid", "Softmax")
    },
}
"""Operator -> (whether an input, which input or output, which input holds its scales; the zero points are next)."""
_BIASES = {"QLinearConv": 8, "QGemm": 6}
"""Where 32-bit biases are, whose scale is that of the input times that of the weights."""
_PASSING = frozenset(
    (
        *("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Slice", "Gather", "Split", "Tile"),
        *("MaxPool", "Expand", "DepthToSpace", "SpaceToDepth"),
    )
)
"""Operators that give out integers of the grid of those that they take."""


Stored = tuple[str, Quantization]
"""Number type and grid."""


def linear_grids(graph: onnx.GraphProto, constants: Mapping[str, np.ndarray]) -> dict[str, Stored]:
    """Type and grid of each tensor of integers beside such an operator, by name; nothing in a file without one.

    ONNX infers no types behind operators of ONNX Runtime. Scales that are computed as the file runs are not known.
    """
    if not any(node.op_type in _SLOTS for node in graph.node):
        return {}
    found: dict[str, Stored] = {}
    for node in graph.node:
        for name, grid in _of(node, constants):
            found.setdefault(name, grid)
        if node.op_type in _PASSING and node.input[0] in found:
            found |= {name: found[node.input[0]] for name in node.output if name and name not in found}
    return found


def _of(node: onnx.NodeProto, constants: Mapping[str, np.ndarray]) -> Iterator[tuple[str, Stored]]:
    if node.op_type == "QuantizeLinear":
        slots: tuple[tuple[bool, int, int], ...] = ((False, 0, 1),)
    elif node.op_type == "DequantizeLinear":
        slots = ((True, 0, 1),)
    elif node.op_type == "QLinearConcat":
        slots = ((False, 0, 0), *((True, slot, slot + 1) for slot in range(2, len(node.input), 3)))
    else:
        slots = _SLOTS.get(node.op_type, ())
    for is_input, place, scales in slots:
        name = (node.input if is_input else node.output)[place]
        if scales < len(node.input) and (grid := _grid(node, scales, constants, _axis(node, place, constants))):
            yield name, grid
    slot = _BIASES.get(node.op_type, len(node.input))
    if slot < len(node.input) and node.input[slot] in constants:
        sides = [one.reshape(-1) for name in node.input[1:5:3] if (one := constants.get(name)) is not None]
        if len(sides) == 2:
            product = sides[0].astype(np.float64) * sides[1].astype(np.float64)
            yield node.input[slot], ("int32", Quantization(product, np.zeros(len(product), np.int64)))


def _grid(node: onnx.NodeProto, slot: int, constants: Mapping[str, np.ndarray], axis: int) -> Stored | None:
    scale = constants.get(node.input[slot])
    if scale is None or not scale.size:
        return None
    point = constants.get(node.input[slot + 1]) if slot + 1 < len(node.input) else None
    scales = scale.reshape(-1).astype(np.float64)
    points = np.zeros(1, np.uint8) if point is None or not point.size else point.reshape(-1)
    return str(points.dtype), Quantization(scales, np.resize(points.astype(np.int64), scales.size), axis)


def _axis(node: onnx.NodeProto, place: int, constants: Mapping[str, np.ndarray]) -> int:
    """Along which axis a tensor has one scale for each slice."""
    said = {item.name: item.i for item in node.attribute}
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        return int(said.get("axis", 1))
    if node.op_type == "QGemm":
        return 0 if said.get("transB") else 1
    weights = constants.get(node.input[3]) if node.op_type == "QLinearMatMul" and place == 3 else None
    return weights.ndim - 1 if weights is not None else 0
