"""The single numbers by which operators beside a layer multiply: converters fold them into its constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converters.graph import Op
from converters.reach import moves_only, plain
from pipeline.checks.drift.known import Known

_ADDING, _MULTIPLYING, _DIVIDING = ("add", "sub", "subtract"), ("mul", "multiply"), ("div", "divide", "realdiv")
_FAR = 6
"""Operators on either side of a layer."""


@dataclass(frozen=True)
class Around:
    """What may be folded into the constants of an operator.

    `factors`: each number by which its weights may be multiplied; one is none. `moved`: whether something is added or
    multiplied beside it, so that its bias may be another one.
    """

    factors: tuple[float, ...] = ()
    moved: bool = False


NOTHING = Around()


def around(side: Known, op: Op) -> Around:
    """What stands beside an operator that computes with constants: products of the nearest before and behind it."""
    before, _ = _chain(side, op, forwards=False)
    behind, end = _chain(side, op, forwards=True)
    after = _products(behind)
    if end is not None:  # as the slope of a hard sigmoid
        after += [after[-1] * value for value in end.attributes.values() if isinstance(value, float)]
    every = {one * two for one in _products(before) for two in after} - {0.0, 1.0}
    return Around(tuple(sorted(every)), bool(before or behind))


def _products(factors: list[float]) -> list[float]:
    found = [1.0]
    for factor in factors:
        found.append(found[-1] * factor)
    return found


def _chain(side: Known, op: Op, *, forwards: bool) -> tuple[list[float], Op | None]:
    """(the factors on one side of an operator, the nearest first, one for an addition; the operator that ends them)."""
    found: list[float] = []
    for _ in range(_FAR):
        ways = _next(side, op) if forwards else _last(side, op)
        if len(ways) != 1:
            return found, None
        op = ways[0]
        if moves_only(op.type):
            continue
        factor = _factor(side, op)
        if factor is None:
            return found, op
        found.append(factor)
    return found, None


def _next(side: Known, op: Op) -> list[Op]:
    ends = not op.outputs or not set(op.outputs).isdisjoint(side.graph.outputs)
    return [] if ends else side.readers.get(op.outputs[0], [])


def _last(side: Known, op: Op) -> list[Op]:
    return [side.maker[index] for index in op.inputs if index in side.maker and index in side.computed]


def _factor(side: Known, op: Op) -> float | None:
    """By which single number an operator multiplies what it takes; one where it adds a constant; else None."""
    places = [place for place, index in enumerate(op.inputs) if index not in side.computed]
    if len(op.inputs) != 2 or len(places) != 1:
        return None
    (place,) = places
    index = op.inputs[place]
    values = side.real(index) if index in side.steady else None
    if index >= 0 and side.graph.tensors[index].data is not None:
        values = side.graph.tensors[index].real()
    name = plain(op.type).removeprefix("aten.").partition(".")[0]
    if values is None:
        return None
    if name in _ADDING:
        return 1.0
    number = float(values.reshape(-1)[0]) if values.size and np.ptp(values) == 0 else 0.0
    if not number:
        return None
    if name in _MULTIPLYING:
        return number
    return 1 / number if name in _DIVIDING and place == 1 else None
