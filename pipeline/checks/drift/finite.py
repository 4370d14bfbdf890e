"""Constants and attributes that are no number: what is computed from them tells nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from converters.graph import Op
from converters.masks import masked_in
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.rounded import reader
from pipeline.checks.drift.suspects import Side, Suspect

_BOUNDING = frozenset(("minimum", "maximum", "min", "max", "clip", "select", "select_v2", "where"))
"""Operators that take an infinite constant and give finite values: it bounds nothing, or marks what is left out."""


def broken(a: Known, b: Known) -> Iterator[Suspect]:
    """Constants of b that hold NaN or Inf where the reference has none; a bound at infinity is none."""
    known = any(_not_finite(a, index) for op in a.graph.ops for index in op.inputs)
    if known or any(_no_numbers(op) for op in a.graph.ops):
        return
    hidden = masked_in(b.graph).tensors
    for op in b.graph.ops:
        bounds = op.type.lower() in _BOUNDING or _fills_for_a_maximum(b, op)
        counts = (_not_finite(b, index, bound=bounds or index in hidden) for index in op.inputs)
        if count := max(counts, default=0):
            measure = f"{count} values are not finite"
            yield Suspect("weights", Side(None, ""), reader(b, op), measure, "a constant holds NaN or Inf", -1.0)
        if names := _no_numbers(op):
            cause = f"{', '.join(names)} is no number"
            yield Suspect("attribute", Side(None, ""), Side(op.index, op.type), "NaN", cause, -1.0)


def _fills_for_a_maximum(side: Known, op: Op) -> bool:
    """Whether a margin at infinity goes into operators that give finite values again: maxima, which never choose it."""
    if "pad" not in op.type.lower():
        return False
    made = [index for out in op.outputs for one in side.readers.get(out, ()) for index in one.outputs]
    return bool(made) and all(index in side.recorded and np.isfinite(side.recorded[index]).all() for index in made)


def _no_numbers(op: Op) -> list[str]:
    """The attributes of an operator that are NaN."""
    return [name for name, value in op.attributes.items() if isinstance(value, float) and np.isnan(value)]


def _not_finite(side: Known, index: int, bound: bool = False) -> int:
    data = side.graph.tensors[index].data if index >= 0 else None
    if data is None or data.dtype.kind != "f":
        return 0
    return int((np.isnan(data) if bound else ~np.isfinite(data)).sum())
