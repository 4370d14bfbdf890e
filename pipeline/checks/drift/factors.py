"""Factors of 8 bits that are one number: a quantizer stores them exactly, so that 1/256 in the place of 1/255 shows.

What they multiply moves by less than a step, which is no more than rounding does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from converters.graph import Op
from converters.reach import moves_only
from pipeline.checks.drift import folding
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import STORES, working
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.numbers import side_of
from pipeline.checks.drift.rounded import order_of
from pipeline.checks.drift.suspects import Side, Suspect
from pipeline.checks.drift.values import real

_MULTIPLIES = frozenset(("MUL", "Mul", "mul", "aten.mul", "aten.mul_"))
_DIVIDES = frozenset(("DIV", "Div", "RealDiv", "real_div", "aten.div", "aten.div_"))
_OFF = 1e-3
"""Of a factor: scales are kept in float32, and some files write them in a few digits."""

NEAR_ONE = 2.0**-6
"""How near to one a factor is that no model needs, and that rounding hides."""
_STORED = 5e-4
"""Relative distance of a constant from the reference's that 16 bits leave; a factor of nearly one would be more."""


def put_in(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[tuple[Segment, Suspect]]:
    """(segment, suspect) where values are multiplied by nearly one, and the reference holds no number there at all.

    Behind a tanh, or in 16 bits, it moves them by no more than rounding does; nothing can have been folded to it.
    """
    for cut in cuts:
        for op in working(b, cut.ops_b):
            found = _factor(b, [op])
            if found is not None and 0 < abs(found[1] - 1) <= NEAR_ONE and not _spare(a, b, cut):
                cause = f"{op.type} by {found[1]:.6g} is put in"
                sides = Side(None, ""), side_of(b, op, "factor", found[1])
                yield cut, Suspect("extra", *sides, "one operator too many", cause, order_of(a, cut))


def _spare(a: Known, b: Known, cut: Segment) -> bool:
    """Whether the reference computes with one number, or with constants that b has not: those may be a factor."""
    numbers = (value for op in cut.ops_a for value in op.attributes.values() if isinstance(value, float))
    if any(value not in (0.0, 1.0) for value in numbers):
        return True
    ours, theirs = folding.held(a, cut.ops_a, 1), folding.held(b, cut.ops_b, 1)
    pairs = [one for one in folding.folded(ours, theirs) if not one.partly and (one.scale == 1).all()]
    known = {one.a.index for one in pairs if one.distance <= _STORED}
    return any(one.index not in known or one.values.size == 1 for one in ours)


def changed(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[tuple[Segment, Suspect]]:
    """(segment, suspect) where all that both sides do is to multiply by a number, and it is another one."""
    for cut in cuts:
        ours, theirs = _factor(a, cut.ops_a), _factor(b, cut.ops_b)
        if ours is None or theirs is None:
            continue
        (one, want, _), (two, got, exact) = ours, theirs
        if exact and abs(got - want) > _OFF * abs(want):
            sides = side_of(a, one, "factor", want), side_of(b, two, "factor", got)
            cause = f"values are multiplied by {got:.6g}, not {want:.6g}"
            yield cut, Suspect("attribute", *sides, "another number", cause, order_of(a, cut))


def _factor(side: Known, ops: Sequence[Op]) -> tuple[Op, float, bool] | None:
    """(operator, number, whether integers of 8 bits hold it exactly) of what else only stores and moves values."""
    work = [op for op in working(side, ops) if not moves_only(op.type)]
    if len(work) != 1 or work[0].type not in _MULTIPLIES | _DIVIDES:
        return None
    (op,) = work
    number = op.attributes.get("y", op.attributes.get("x"))
    if len(op.inputs) == 1 and op.type == "mul" and isinstance(number, float):  # Core ML holds it so
        return op, number, False
    if len(op.inputs) != 2:
        return None
    lone = [(place, found) for place, index in enumerate(op.inputs) if (found := _number(side, index)) is not None]
    if len(lone) != 1 or not lone[0][1][0] or (op.type in _DIVIDES and lone[0][0] == 0):
        return None
    value, exact = lone[0][1]
    return op, 1 / value if op.type in _DIVIDES else value, exact


def _number(side: Known, index: int) -> tuple[float, bool] | None:
    """(value, whether it is the last of an 8-bit grid, which was made for it) of a constant that is one number."""
    tensor = side.graph.tensors[index]
    if tensor.data is not None and tensor.data.size == 1:
        return float(real(tensor.data, tensor).reshape(-1)[0]), _last(tensor.data)
    maker = side.maker.get(index)
    if index in side.steady and index in side.recorded and maker is not None and maker.type in STORES:
        stored = side.graph.tensors[maker.inputs[0]].data
        if stored is not None and stored.size == 1:
            return float(side.real(index).reshape(-1)[0]), _last(stored)
    return None


def _last(stored: np.ndarray) -> bool:
    if stored.dtype not in (np.dtype(np.int8), np.dtype(np.uint8)):
        return False
    limits = np.iinfo(stored.dtype)
    return int(stored.reshape(-1)[0]) in (limits.min, limits.max, -limits.max)
