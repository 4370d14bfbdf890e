"""Made-up inputs as large as a file of 8 bits tells: what it quantizes first of all is what it was made for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from converters.contract import Arrays, TensorSpec
from converters.graph import Graph
from pipeline.plausible import PIXELS, looks_like_a_picture

_SMALL = ("int8", "uint8", "uint16")
_SYMMETRIC = "int16"
"""Its grids tell the largest value only: of a picture nothing below zero is made up, of all else as much."""
SAMPLES = 16
"""How many of the inputs are looked at inside of the models."""
_DEVIATIONS, _EVEN = 8, 4
"""Standard deviations in a range: the largest of some thousand values lie four from the middle, of even ones two."""
MIXED, NARROW, WIDE = (_DEVIATIONS, _EVEN), (_DEVIATIONS, _DEVIATIONS), (_EVEN, _EVEN)
"""Those of the samples that are looked at, by turns."""
_CUT = 0.01
"""Of a tensor's values that lie at the end of its grid: so many more of them in narrow or wide samples tell."""
_ROOM = 0.05
"""Of a range: how far pixels may lie beyond it, as those of other pictures than it was calibrated on do."""
_PART = 1 / 16
"""Of a range: pixels that fill less of it are on another scale."""
_SCALE, _ZERO = 1, 2
"""Inputs of QuantizeLinear."""


class Range(NamedTuple):
    """What a grid holds; of one of 16 bits the half above zero."""

    low: float
    high: float
    half: bool = False


def fitted(
    made: Arrays,
    specs: Sequence[TensorSpec],
    graphs: Iterable[Graph],
    *,
    said: bool = False,
    widths: tuple[int, int] = MIXED,
) -> Arrays:
    """Inputs from N(0, 1), moved into the range that one of two graphs tells, where nothing else is said of them.

    Of another size they say little: all are cut off, or lie within two steps. `said`: the limits of pixels are not our
    guess. `widths`: every other sample fills more of the range, or all do, or none.
    """
    told = [_ranges(graph) for graph in graphs]
    return {spec.name: _moved(made[spec.name], spec, place, told, said, widths) for place, spec in enumerate(specs)}


def calibrated_on(seen: Iterable[np.ndarray]) -> tuple[int, int]:
    """The widths that ranges were found on: those of mixed samples that are cut off less inside; `MIXED` if neither is.

    The inverse of a deviation goes beyond its range on narrower samples, a square on wider ones. `seen` are integers,
    (n, *shape) each.
    """
    tops = [values == np.iinfo(values.dtype).max for values in seen if values.dtype.kind in "iu" and len(values) > 1]
    more = [float(top[1::2].mean()) - float(top[::2].mean()) for top in tops]
    told = sum(gap for gap in more if abs(gap) > _CUT)
    return NARROW if told > 0 else WIDE if told < 0 else MIXED


def _moved(
    values: np.ndarray,
    spec: TensorSpec,
    place: int,
    told: list[dict[str | int, Range]],
    said: bool,
    widths: tuple[int, int],
) -> np.ndarray:
    ranges = [found.get(spec.name, found.get(place)) for found in told]
    known = [one for one in ranges if one is not None]
    image = spec.meaning == "image"
    if (spec.limits and not (image and not said and spec.limits == PIXELS)) or values.dtype.kind != "f" or not known:
        return values
    low, high = min(one.low for one in known), max(one.high for one in known)
    if image:
        return values if all(one.half for one in known) else _squeezed(values, low, high)
    parts = np.full((len(values), *[1] * (values.ndim - 1)), widths[0])
    parts[chosen(len(values))[1::2]] = widths[1]
    if all(one.half for one in known):
        values = values * high * 2 / parts
        return np.clip(np.abs(values) if looks_like_a_picture(spec) else values, -high, high).astype(spec.dtype)
    return np.clip((low + high) / 2 + values * (high - low) / parts, low, high).astype(spec.dtype)


def chosen(total: int) -> np.ndarray:
    """The places of the samples that are looked at: evenly in all. Every other one of those is made up wider.

    A range does not say how what it was found on lies in it, and a variance falls fourfold where that is guessed wrong.
    """
    return np.unique(np.linspace(0, total - 1, min(SAMPLES, total)).astype(int))


def _squeezed(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """An image as it is where it fills a good part of a range, else brought into it.

    Pixels of 0 to 1 were not made for -1 to 1, nor for 0 to 255.
    """
    least, greatest, width = float(values.min()), float(values.max()), high - low
    inside = low - _ROOM * width <= least and greatest <= high + _ROOM * width
    if (inside and greatest - least >= _PART * width) or greatest <= least:
        return values
    return (low + (values - least) * ((high - low) / (greatest - least))).astype(values.dtype)


def _ranges(graph: Graph) -> dict[str | int, Range]:
    """The ranges of a graph's inputs, by name and by place."""
    found: dict[str | int, Range] = {}
    for place, (name, index) in enumerate(zip(graph.input_names, graph.inputs, strict=True)):
        if (ends := _range(graph, index)) is not None:
            found |= {name: ends, place: ends}
    return found


def _range(graph: Graph, index: int) -> Range | None:
    stored = [index, *(op.outputs[0] for op in graph.ops if op.type == "QUANTIZE" and op.inputs[0] == index)]
    for tensor in (graph.tensors[one] for one in stored):
        grid = tensor.quantization
        if tensor.dtype in (*_SMALL, _SYMMETRIC) and grid is not None and len(grid.scales) == 1:
            return _ends(tensor.dtype, float(grid.scales[0]), float(grid.zero_points[0]))
    for op in graph.ops:
        if op.type == "QuantizeLinear" and op.inputs[0] == index and len(op.inputs) > _ZERO:
            scale, zero = (graph.tensors[op.inputs[slot]].data for slot in (_SCALE, _ZERO))
            if scale is not None and zero is not None and scale.size == 1 and str(zero.dtype) in _SMALL:
                return _ends(str(zero.dtype), float(scale.reshape(-1)[0]), float(zero.reshape(-1)[0]))
    return None


def _ends(dtype: str, scale: float, zero_point: float) -> Range:
    limits = np.iinfo(dtype)
    if dtype == _SYMMETRIC:
        return Range(0.0, limits.max * scale, half=True)
    return Range((limits.min - zero_point) * scale, (limits.max - zero_point) * scale)
