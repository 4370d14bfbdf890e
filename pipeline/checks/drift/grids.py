"""The 8- or 16-bit grids on which a model rounds its values: as the file says them, or as values show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.values import real

_INTEGERS = ("int8", "uint8", "int16", "uint16")
_ENOUGH = 3
FLOAT_ROUNDING = 2.0**-22
"""Of the largest value: what float32 leaves of an integer times its step; more than a thousandth of one of 16 bits."""
_QUANTIZES = ("QUANTIZE", "QuantizeLinear")
_EXPANDS = ("DEQUANTIZE", "DequantizeLinear")
STORES = frozenset((*_QUANTIZES, *_EXPANDS))
"""Operators that bring values onto a grid or back, and compute nothing."""

SAME = "Identity"
"""An operator that may stand between those that store and those that read."""


@dataclass(frozen=True)
class Grid:
    """Values are scale * (n - zero_point) for whole n from `least` to `most`."""

    scale: float
    zero_point: float
    least: int
    most: int

    def ends(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return self.scale * (self.least - self.zero_point), self.scale * (self.most - self.zero_point)

    def settled(self, values: np.ndarray) -> np.ndarray:
        """The nearest values of the grid."""
        steps = np.clip(np.rint(values / self.scale + self.zero_point), self.least, self.most)
        return ((steps - self.zero_point) * self.scale).astype(values.dtype)

    def moved(self, values: np.ndarray, by: int | np.ndarray) -> np.ndarray:
        """Stored integers, or real numbers on the grid, `by` steps further, not beyond its ends."""
        if values.dtype.kind == "f":
            return np.clip(values + by * self.scale, *self.ends()).astype(values.dtype)
        return np.clip(values.astype(np.int64) + by, self.least, self.most).astype(values.dtype)


def working(side: Known, ops: Iterable[Op]) -> list[Op]:
    """The operators that compute with the sample: what only stores values stands at other places in other files."""
    return [op for op in ops if op.type not in STORES and not side.steady.issuperset(op.outputs)]


def grid_of(side: Known, index: int, *, read: bool = False) -> Grid | None:
    """The grid of a tensor: of its type, or of integers of its size that it is made from.

    With `read` also of those that are made from it: then its own values need not lie on the grid.
    """
    tensor = side.graph.tensors[index]
    found = tensor.quantization
    if found is not None and len(found.scales) == 1 and tensor.dtype in _INTEGERS:
        limits = np.iinfo(tensor.dtype)
        return Grid(float(found.scales[0]), float(found.zero_points[0]), int(limits.min), int(limits.max))
    if index not in side.recorded or side.recorded[index].dtype.kind != "f":
        return None
    maker = side.maker.get(index)
    if maker is not None and maker.type in _EXPANDS and (told := _told(side, maker)):
        return told
    for source in maker.inputs if maker else ():
        if _integers(side, source, index):
            return _fitted(side.recorded[source], side.recorded[index])
    readers = side.readers.get(index, []) if read else []
    if len(readers) == 1 and index not in side.graph.outputs:
        for stored in readers[0].outputs:
            if _integers(side, stored, index):
                behind = [out for op in side.readers.get(stored, ()) for out in op.outputs]
                same = [out for out in behind if out in side.recorded and _like(side, out, index)]
                if same:
                    return _fitted(side.recorded[stored], side.recorded[same[0]])
    return None


def reach(side: Known, ops: Sequence[Op], grid: Grid) -> tuple[float, float]:
    """The least and the greatest value that operators give out on a grid; what they quantize anew may reach less."""
    low, high = grid.ends()
    for op in reversed(ops):
        if op.type not in _QUANTIZES:
            break
        if inner := grid_of(side, op.inputs[0]):
            least, greatest = inner.ends()
            low, high = max(low, least), min(high, greatest)
    return low, high


def held_within(side: Known, index: int) -> tuple[float, float]:
    """Between which numbers a maximum and a minimum keep a tensor, one that makes it or those that alone read it.

    What comes of larger values is seen where those are compared: an error function as a polynomial is told so far.
    """
    ends = {"maximum": -np.inf, "minimum": np.inf}
    ops, readers = [side.maker[index]] if index in side.maker else [], side.readers.get(index, [])
    while len(readers) == 1 and (_limit(readers[0]) or readers[0].type in STORES):
        ops += readers
        readers = side.readers.get(readers[0].outputs[0], [])
    for op in ops:
        numbers = [side.graph.tensors[i] for i in op.inputs if i in side.graph.tensors and side.stored(i)]
        if (kind := _limit(op)) and len(numbers) == 1 and numbers[0].data is not None and numbers[0].data.size == 1:
            number = float(real(numbers[0].data, numbers[0]).reshape(()))
            ends[kind] = (max if kind == "maximum" else min)(ends[kind], number)
    return ends["maximum"], max(ends.values())


def _limit(op: Op) -> str:
    """`maximum` or `minimum`, however a format calls it; nothing of any other operator."""
    return {"maximum": "maximum", "max": "maximum", "minimum": "minimum", "min": "minimum"}.get(op.type.lower(), "")


def _told(side: Known, op: Op) -> Grid | None:
    """The one grid that an operator which expands integers says: few values do not show theirs."""
    source = side.recorded.get(op.inputs[0])
    if source is None or str(source.dtype) not in _INTEGERS:
        return None
    found = side.graph.tensors[op.inputs[0]].quantization
    held = [one.reshape(-1) for slot in op.inputs[1:3] if (one := side.graph.tensors[slot].data) is not None]
    if found is not None:
        scales, points = found.scales, found.zero_points
    elif held and len(held) == len(op.inputs) - 1:
        scales, points = held[0], held[1] if len(held) > 1 else np.zeros(1)
    else:
        return None
    limits = np.iinfo(source.dtype)
    return Grid(float(scales[0]), float(points[0]), int(limits.min), int(limits.max)) if len(scales) == 1 else None


def quantized(side: Known, op: Op) -> Grid | None:
    """The grid to which an operator brings real values: that of its integers, or of what is made of them at once."""
    if op.type not in _QUANTIZES:
        return None
    (stored,) = op.outputs[:1]
    readers = list(side.readers.get(stored, ()))
    for reader in readers:
        readers += side.readers.get(reader.outputs[0], ()) if reader.type == SAME else ()
    backs = [index for reader in readers if reader.type in _EXPANDS for index in reader.outputs]
    return next((grid for index in (stored, *backs) if (grid := grid_of(side, index))), None)


def _integers(side: Known, index: int, like: int) -> bool:
    found = side.recorded.get(index)
    return found is not None and str(found.dtype) in _INTEGERS and found.shape == side.recorded[like].shape


def _like(side: Known, index: int, other: int) -> bool:
    return side.recorded[index].dtype.kind == "f" and side.recorded[index].shape == side.recorded[other].shape


def _fitted(stored: np.ndarray, values: np.ndarray) -> Grid | None:
    """The grid that turns integers into values; None where no line does."""
    steps, at = np.unique(stored, return_index=True)
    if len(steps) < _ENOUGH:
        return None
    real = values.reshape(-1)[at].astype(np.float64)
    scale = float((real[-1] - real[0]) / (float(steps[-1]) - float(steps[0])))
    if scale <= 0:
        return None
    zero_point = float(np.rint(steps[0] - real[0] / scale))
    line = (steps.astype(np.float64) - zero_point) * scale
    limits = np.iinfo(stored.dtype)
    fits = np.abs(line - real).max() <= 1e-3 * scale + 2.0**-22 * np.abs(real).max()  # 16 bits are near float32's
    return Grid(scale, zero_point, int(limits.min), int(limits.max)) if fits else None


def fitted_steps(values: np.ndarray, integers: np.ndarray, axis: int | None) -> np.ndarray | None:
    """The step of each slice of an axis, where values are integers times it, moved by a zero point; else None."""
    others = tuple(other for other in range(values.ndim) if other != axis)
    wide = np.ptp(integers, axis=others, keepdims=True)
    largest = np.abs(integers).max(axis=others, keepdims=True)
    flat = np.abs(values).max(axis=others, keepdims=True) / np.maximum(largest, 1)
    step = np.where(wide > 0, np.ptp(values, axis=others, keepdims=True) / np.maximum(wide, 1), flat)
    zero = np.rint((integers - values / np.where(step > 0, step, 1)).mean(axis=others, keepdims=True))
    allowed = max(1e-3 * float(step.max()), FLOAT_ROUNDING * float(np.abs(values).max()), 1e-300)
    return step if np.abs((integers - zero) * step - values).max() <= allowed else None


def cells(values: np.ndarray) -> np.ndarray:
    """For each value of a table how much of the line it stands for: half the way to both neighbours."""
    table, place = np.unique(values, return_inverse=True)
    gaps = np.diff(table)
    return (
        np.zeros(1)
        if not len(gaps)
        else (np.concatenate([gaps[:1], gaps]) + np.concatenate([gaps, gaps[-1:]]))[place] / 2
    )
