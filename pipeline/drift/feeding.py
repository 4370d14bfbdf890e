"""Made-up inputs in the ranges that a file of 8 bits tells: what it quantizes first of all is what it was made for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from converters.contract import Artifact, TensorSpec
from converters.graph import Graph

_SMALL = ("int8", "uint8")
_SYMMETRIC = "int16"
"""Its grids tell the largest value only: nothing below zero is made up."""
_SCALE, _ZERO = 1, 2
"""Inputs of QuantizeLinear."""


def in_range(a: Artifact, graphs: Iterable[Graph]) -> Artifact:
    """`a`, spoken to with limits for the float inputs of which it says none, where one of two graphs tells a range.

    Inputs of a size for which nothing was calibrated say little: all are cut off, or lie within two steps.
    """
    told = [_ranges(graph) for graph in graphs]
    specs = tuple(_limited(spec, place, told) for place, spec in enumerate(a.source.inputs))
    return dataclasses.replace(a, source=dataclasses.replace(a.source, inputs=specs))


def _limited(spec: TensorSpec, place: int, told: list[dict[str | int, tuple[float, float]]]) -> TensorSpec:
    ranges = [found.get(spec.name, found.get(place)) for found in told]
    known = [one for one in ranges if one is not None]
    if spec.limits or spec.meaning == "image" or np.dtype(spec.dtype).kind != "f" or not known:
        return spec
    return dataclasses.replace(spec, limits=(min(low for low, _ in known), max(high for _, high in known)))


def _ranges(graph: Graph) -> dict[str | int, tuple[float, float]]:
    """The ranges of a graph's inputs, by name and by place."""
    found: dict[str | int, tuple[float, float]] = {}
    for place, (name, index) in enumerate(zip(graph.input_names, graph.inputs, strict=True)):
        if (ends := _range(graph, index)) is not None:
            found |= {name: ends, place: ends}
    return found


def _range(graph: Graph, index: int) -> tuple[float, float] | None:
    stored = [index, *(op.outputs[0] for op in graph.ops if op.type == "QUANTIZE" and op.inputs[0] == index)]
    for tensor in (graph.tensors[one] for one in stored):
        if (
            tensor.dtype in (*_SMALL, _SYMMETRIC)
            and tensor.quantization is not None
            and len(tensor.quantization.scales) == 1
        ):
            return _ends(tensor.dtype, float(tensor.quantization.scales[0]), float(tensor.quantization.zero_points[0]))
    for op in graph.ops:
        if op.type == "QuantizeLinear" and op.inputs[0] == index and len(op.inputs) > _ZERO:
            scale, zero = (graph.tensors[op.inputs[slot]].data for slot in (_SCALE, _ZERO))
            if scale is not None and zero is not None and scale.size == 1 and str(zero.dtype) in _SMALL:
                return _ends(str(zero.dtype), float(scale.reshape(-1)[0]), float(zero.reshape(-1)[0]))
    return None


def _ends(dtype: str, scale: float, zero_point: float) -> tuple[float, float]:
    limits = np.iinfo(dtype)
    if dtype == _SYMMETRIC:
        return 0.0, limits.max * scale
    return (limits.min - zero_point) * scale, (limits.max - zero_point) * scale
