"""Up to where values of a tensor matter: what is cut off behind it need not be held by its steps.

A detector that takes e^x of its boxes and cuts it at 10 would else spend 255 of 256 steps on what no one sees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from converters.graph import Graph, Op

_CUTS: Mapping[str, tuple[float, float]] = {
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
_PASSES = ("RELU", "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "SLICE", "STRIDED_SLICE", "REVERSE_V2", "GATHER")


Limits = Mapping[str, tuple[float, float]]


def within(found: Limits, name: str, ends: tuple[float, float]) -> tuple[float, float]:
    """The part of a tensor's range that matters."""
    low, high = np.clip(ends, *found.get(name, (-math.inf, math.inf)))
    return float(low), float(high)


def limits(graph: Graph) -> Limits:
    """The least and the greatest value that matter, by the names of computed tensors that one operator alone reads."""
    readers: dict[int, int] = {}
    for op in graph.ops:
        for index in set(op.inputs):
            readers[index] = readers.get(index, 0) + 1
    found: dict[int, tuple[float, float]] = {}
    for op in reversed(graph.ops):
        source = op.inputs[0] if op.inputs else -1
        if source not in graph.tensors or readers[source] > 1 or source in (*graph.inputs, *graph.outputs):
            continue
        behind = found.get(op.outputs[0], (-math.inf, math.inf))
        own = _cut(graph, op)
        if own is not None:
            found[source] = max(own[0], behind[0]), min(own[1], behind[1])
        elif op.type in _PASSES and op.outputs[0] in found:
            found[source] = behind
    return {graph.tensors[index].name: ends for index, ends in found.items()}


def _cut(graph: Graph, op: Op) -> tuple[float, float] | None:
    if op.type in _CUTS:
        return _CUTS[op.type]
    constant = graph.tensors.get(op.inputs[1]) if op.type in ("MINIMUM", "MAXIMUM") else None
    if constant is None or constant.data is None or constant.dtype != "float32":
        return None
    ends = float(constant.data.min()), float(constant.data.max())
    return (-math.inf, ends[1]) if op.type == "MINIMUM" else (ends[0], math.inf)
