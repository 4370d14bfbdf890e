"""Two graphs of different formats, aligned by the values of their tensors alone: no names, no types, any layout."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np

from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift.suspects import Side, Suspect
from pipeline.checks.drift.values import ROUGH_DB, real

SAME_DB = 60.0
"""Signal to error from which two float tensors are one: true partners show 100 to 190 dB, others at most 4.4 dB."""
_FEW = 4
"""Samples that choose a partner; more say nothing new."""
_ALIKE = 0.1
"""Of the standard deviation: two tensors whose means differ by more are not looked at."""

_COARSE = ("int8", "uint8", "int16", "float16", "bfloat16")
"""Types whose rounding adds up from layer to layer, wherever in the file they stand."""

Recorded = Mapping[int, np.ndarray]


def partners(a: Recorded, b: Recorded, ours: Mapping[int, Tensor], theirs: Mapping[int, Tensor]) -> dict[int, int]:
    """For each tensor of b that has one, its partner in a: the nearest of the same values up to the order of axes."""
    rows = {index: _squeezed(real(values[:_FEW], ours[index])) for index, values in a.items()}
    rough = any(t.dtype in _COARSE for side in (ours, theirs) for t in side.values())
    found = {}
    for index, values in b.items():
        got = _squeezed(real(values[:_FEW], theirs[index]))
        scores = {other: _db(want, got) for other, want in rows.items() if _may_be(want, got)}
        best = max(scores, key=lambda other: scores[other], default=None)
        if best is not None and scores[best] >= (ROUGH_DB if rough else SAME_DB):
            found[index] = best
    return found


def first_lost(a: Graph, b: Graph, known: Mapping[int, int]) -> Suspect | None:
    """The first operator of b that takes what a knows and gives what a does not, nor does anything behind it."""
    behind = set()
    for op in reversed(b.ops):
        if any(index in known or index in behind for index in op.outputs):
            behind |= {index for index in op.inputs if index >= 0 and index not in known}
    for op in b.ops:
        taken = [index for index in op.inputs if index >= 0 and not b.tensors[index].constant]
        new = [index for index in op.outputs if index not in known and index not in behind]
        if new and taken and all(index in known or index in b.inputs for index in taken):
            cause = "what it takes is the reference's, what it gives is not, nor is anything behind it"
            there = _reader(a, {known[index] for index in taken if index in known})
            return Suspect(
                "values", there, _side(b, op), "no tensor of the reference holds its values", cause, op.index
            )
    return None


def _reader(a: Graph, taken: set[int]) -> Side:
    """The first operator of a that reads the same."""
    op = next((op for op in a.ops if taken & set(op.inputs)), None)
    return _side(a, op) if op else Side(None, "")


def _side(graph: Graph, op: Op) -> Side:
    return Side(op.index, op.type, tuple(graph.tensors[index].name for index in op.outputs))


def wrong_ends(a: Graph, b: Graph, known: Mapping[int, int]) -> list[Suspect]:
    """The outputs that are not their partner, by name where the names are the same, else by place."""
    by_name = sorted(a.output_names) == sorted(b.output_names)
    found = []
    for place, (name, index) in enumerate(zip(a.output_names, a.outputs, strict=True)):
        other = b.output_names.index(name) if by_name else place
        if other >= len(b.outputs):
            cause = "outputs are missing"
        elif known.get(b.outputs[other]) == index:
            continue
        elif known.get(b.outputs[other]) in a.outputs:
            cause = f"output {name!r} holds the values of another output: outputs are exchanged"
        else:
            cause = f"output {name!r} is not the reference's"
        ours, theirs = Side(None, "OUTPUT", (name,)), Side(None, "OUTPUT", b.output_names[other : other + 1])
        found.append(Suspect("outputs", ours, theirs, "by value", cause, float("inf")))
    return found


def _squeezed(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), *(size for size in values.shape[1:] if size != 1))


def _may_be(want: np.ndarray, got: np.ndarray) -> bool:
    if want.size != got.size or len(want) != len(got) or not np.isfinite(got).all():
        return False
    spread = float(want.std()) or abs(float(want.mean())) or 1.0
    return abs(float(want.mean() - got.mean())) <= _ALIKE * spread


def _db(want: np.ndarray, got: np.ndarray) -> float:
    """Signal to error in dB, the best over the orders of axes that fit; a flattened tensor is taken as it lies."""
    signal = float(np.square(want - want.mean()).sum()) or float(np.square(want).sum())
    if want.ndim == got.ndim <= 5:
        orders = [(0, *order) for order in permutations(range(1, got.ndim))]
        turned = [got.transpose(order) for order in orders if got.transpose(order).shape == want.shape]
    else:
        turned = [got.reshape(want.shape)]
        if got.ndim <= 5:
            orders = [(0, *order) for order in permutations(range(1, got.ndim))]
            turned += [got.transpose(order).reshape(want.shape) for order in orders]
    noise = min((float(np.square(want - other).sum()) for other in turned), default=float("inf"))
    return float(10 * np.log10(max(signal, 1e-300) / max(noise, 1e-30 * max(signal, 1e-300))))
