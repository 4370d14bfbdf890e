"""Weights of ONNX Runtime's `MatMulNBits`: packed integers, with a scale for each block of a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from converters.graph import Quantization

_SCALES, _POINTS, _ORDER = 2, 3, 4
"""Inputs; the last says which group each row is of, where it is not the block that it lies in."""

Stored = tuple[np.ndarray, str, Quantization]
"""Integers (N, K), their number type, and the grid on which they lie."""


def block_weights(graph: onnx.GraphProto, constants: Mapping[str, np.ndarray]) -> Iterator[tuple[str, Stored]]:
    """The weights of each such product by name; those with zero points in float, or in another order, stay packed."""
    for node in graph.node:
        if node.op_type == "MatMulNBits" and (found := _unpacked(node, constants)) is not None:
            yield node.input[1], found


def _unpacked(node: onnx.NodeProto, constants: Mapping[str, np.ndarray]) -> Stored | None:
    said = {item.name: item.i for item in node.attribute}
    rows, columns, block, bits = (int(said.get(name, 4)) for name in ("N", "K", "block_size", "bits"))
    packed, scales = (constants.get(node.input[slot]) for slot in (1, _SCALES))
    named = {slot: node.input[slot] for slot in (_POINTS, _ORDER) if len(node.input) > slot and node.input[slot]}
    points = constants.get(named.get(_POINTS, ""))
    blocks = -(-columns // block) if block > 0 else 0
    if packed is None or scales is None or packed.dtype != np.uint8 or bits not in (2, 4, 8):
        return None
    if scales.size != rows * blocks or packed.size * 8 != rows * blocks * block * bits or _ORDER in named:
        return None
    values = _integers(packed.reshape(rows, -1), bits)[:, :columns]
    zero = np.full((rows, blocks), 1 << (bits - 1))
    if _POINTS in named:
        if points is None or points.dtype != np.uint8 or points.size != rows * -(-blocks * bits // 8):
            return None
        zero = _integers(points.reshape(rows, -1), bits)[:, :blocks].astype(np.int64)
    else:
        values, zero = (values.astype(np.int16) - zero[0, 0]).astype(np.int8), np.zeros_like(zero)
    grid = [scales.astype(np.float64).reshape(rows, blocks), zero]
    if blocks > 1:  # one for each integer, as small as may be: a grid has no blocks
        small = (grid[0].astype(np.float32), grid[1].astype(np.uint8))
        grid = [np.repeat(part, block, 1)[:, :columns] for part in small]
    flat = [part.reshape(-1) for part in grid]
    dtype = f"{'uint' if _POINTS in named else 'int'}{bits}"
    return values, dtype, Quantization(flat[0], flat[1], 1 if blocks > 1 else 0, rows if blocks > 1 else 1)


def _integers(packed: np.ndarray, bits: int) -> np.ndarray:
    """The integers of each row of bytes, the first in the lowest bits."""
    places = np.arange(0, 8, bits, dtype=np.uint8)
    return (packed[:, :, None] >> places & np.uint8((1 << bits) - 1)).reshape(len(packed), -1)
