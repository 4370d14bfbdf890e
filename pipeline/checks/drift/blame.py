"""Which operator of a segment it is that differs, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from converters.graph import Op
from pipeline.checks.drift import folding
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import HALF, SAME, Folded, Held
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import layouts
from pipeline.checks.drift.matching import best_layout
from pipeline.checks.drift.weights import causes

_FRAMES = frozenset(("PAD", "PADV2", "MIRROR_PAD", "Pad", "pad"))
"""Operators that put a frame around a layer's values, which the other side's layer may do itself."""
SHARE = 1e-4
"""Of the range of what should come out: less is rounding."""


@dataclass(frozen=True)
class Blame:
    """The operators to blame on both sides, where they are known, and the cause in words."""

    b: Op | None = None
    a: Op | None = None
    cause: str = ""
    guess: bool = False
    """Whether nothing but its having no partner speaks against it."""


def by_constants(a: Known, b: Known, cut: Segment) -> Blame | None:
    """The operator whose constants are not the reference's: found but not the same, or with none that fits."""
    ours, theirs = folding.held(a, cut.ops_a), folding.held(b, cut.ops_b)
    found = folding.folded(ours, theirs)
    worst = max(found, key=_beyond, default=None)
    if worst is not None and _beyond(worst) > 1:
        want = worst.layout.carry(worst.a.values[None])[0] * worst.scale
        return Blame(worst.b.op, worst.a.op, _said(want, worst.b))
    left_a = [one for one in ours if all(one.index != other.a.index for other in found)]
    for second in sorted(theirs, key=lambda one: one.vector):  # a vector may have been folded into a kernel
        if any(second.index == other.b.index for other in found):
            continue
        fitting = [one for one in left_a if one.values.size == second.values.size]
        for first in fitting[:1]:
            said = next(_worded(first, second), _named(second) + "values differ")
            return Blame(second.op, first.op, said, guess=True)
    return None


def _beyond(one: Folded) -> float:
    """The distance of a constant from the reference's, in units of what storing both leaves; 0 where grids decide."""
    if one.partly:
        return float("inf")
    if any(side.palettized or side.step is not None for side in (one.a, one.b)):
        return 0.0
    return one.distance / (HALF if one.a.half or one.b.half else SAME)


def _worded(first: Held, second: Held) -> Iterator[str]:
    """What happened to a constant, in the first layout in which that is plain."""
    for layout in layouts(first.values.shape, second.values.shape):
        want = layout.carry(first.values[None])[0]
        cause = next(causes(want, second.values), "")
        if cause:
            yield _named(second) + cause


def _said(want: np.ndarray, held: Held) -> str:
    return _named(held) + next(causes(want, held.values), "values differ")


def _named(held: Held) -> str:
    return "kernel: " if held.values.ndim > 1 else "bias: " if held.values.size > 1 else ""


def by_sizes(a: Known, b: Known, cut: Segment) -> Blame:
    """The first operator that gives out a tensor of a size that the reference has nowhere there."""
    there = {_size(a, index) for op in cut.ops_a for index in op.outputs} | {_size(a, pair.a) for pair in cut.given}
    for op in cut.ops_b:
        for index in op.outputs:
            if index in b.recorded and index not in b.steady and _size(b, index) not in there:
                shape = b.recorded[index].shape[1:]
                return Blame(op, None, f"{op.type} gives out {shape}, a size that nothing there has")
    return Blame()


def _size(side: Known, index: int) -> tuple[int, ...]:
    """What a tensor's shape is in any layout; empty where it was not seen."""
    return tuple(sorted(n for n in side.recorded[index].shape[1:] if n != 1)) if index in side.recorded else ()


def by_values(ops: Sequence[Op], inside: Mapping[int, np.ndarray], want: np.ndarray) -> Op | None:
    """The operator of a segment that is to blame, by what its tensors hold alone; None where nothing tells.

    Args:
        ops: in the order of computation.
        inside: real values, (rows, *shape), of the segment's tensors, run alone.
        want: what should come out, (rows, *shape) in any layout of the same size.

    As long as `want` rises with an operator's values, an activation behind it may still make the one of the other. The
    first operator without that is to blame; else the last that changes values.
    """
    active = [op for op in ops if op.outputs and op.outputs[0] in inside and not _passive(op, inside)]
    comparable = [op for op in active if inside[op.outputs[0]][0].size == want[0].size]
    if not comparable or comparable != active[-len(comparable) :]:
        return None
    for op in comparable:
        if not _rises(inside[op.outputs[0]], want):
            return op if len(comparable) < len(active) or op is not comparable[0] or len(active) == 1 else None
    return comparable[-1]


def by_partners(
    a: Known, b: Known, cut: Segment, inside: tuple[Mapping[int, np.ndarray], Mapping[int, np.ndarray]], least_db: float
) -> Blame | None:
    """The one operator that gives out what no operator of the reference does, from what the reference has too.

    `inside` are the real values of both sides' tensors when the segment runs alone. Only where as many operators of one
    side as of the other give out what the other lacks: an operator that was taken apart leaves no such trace.
    """
    ours, theirs = inside
    strange = _strangers(b, cut.ops_b, theirs, ours, {start.b for start in cut.given}, least_db).up_to(cut.out.b)
    missing = _strangers(a, cut.ops_a, ours, theirs, {start.a for start in cut.given}, least_db).up_to(cut.out.a)
    if len(strange.every) not in (len(missing.every), len(missing.every) + 1) or len(strange.first) != 1:
        return None
    lone = missing.first[0] if len(missing.first) == 1 and len(strange.every) == len(missing.every) else None
    return Blame(strange.first[0], lone)


@dataclass(frozen=True)
class _Strangers:
    """Operators whose values the other side has not; `first` are those that read only what it has."""

    every: list[Op]
    first: list[Op]

    def up_to(self, end: int) -> _Strangers:
        """Those from which a tensor is computed through such operators alone: what is known behind others is right."""
        wanted, every = {end}, []
        for op in reversed(self.every):
            if wanted.intersection(op.outputs):
                wanted.update(op.inputs)
                every.append(op)
        return _Strangers(every[::-1], [op for op in self.first if op in every])


def _strangers(
    side: Known,
    ops: Sequence[Op],
    own: Mapping[int, np.ndarray],
    other: Mapping[int, np.ndarray],
    known: set[int],
    least_db: float,
) -> _Strangers:
    known = set(known)
    found = _Strangers([], [])
    for op in ops:
        outs = [index for index in op.outputs if index in own]
        if not outs or all(index in side.steady for index in op.outputs):
            continue
        before = all(i in known or i < 0 or i in side.steady or side.graph.tensors[i].constant for i in op.inputs)
        framed = (
            before
            and op.type in _FRAMES
            and any(_layer(side, reader) for reader in side.readers.get(op.outputs[0], ()))
        )
        bare = framed or any(own[index].dtype.kind != "f" or _bare(side, index) for index in outs)  # integers of a grid
        if (bare and before) or all(_there(own[index], other, least_db) for index in outs):
            known |= set(outs)
            continue
        found.every.append(op)
        if before:
            found.first.append(op)
    return found


def _layer(side: Known, op: Op) -> bool:
    return any(one.values.ndim > 1 for one in folding.held(side, [op]))


def _bare(side: Known, index: int) -> bool:
    stored = side.recorded.get(index)
    return stored is not None and stored.dtype.kind in "iu" and side.graph.tensors[index].quantization is None


def _there(values: np.ndarray, other: Mapping[int, np.ndarray], least_db: float) -> bool:
    """Whether one of the other side's tensors holds these values, in any layout."""
    return any(alike(values, one, least_db) for one in other.values())


def alike(values: np.ndarray, one: np.ndarray, least_db: float) -> bool:
    """Whether two tensors of real values hold the same, in any layout."""
    if one[0].size != values[0].size or len(one) != len(values):
        return False
    own, room = _figures(values), 2 * 10 ** (-least_db / 20)
    apart = np.abs(_figures(one) - own)  # in any layout: far cheaper than to try them
    return bool((apart <= room * max(own[1], 1e-300)).all()) and best_layout(one, values)[0] >= least_db


def _figures(values: np.ndarray) -> np.ndarray:
    """Mean and size."""
    return np.array([float(values.mean()), float(np.sqrt(np.square(values, dtype=np.float64).mean()))])


def _passive(op: Op, inside: Mapping[int, np.ndarray]) -> bool:
    """Whether an operator gives out the values that it takes."""
    made = inside[op.outputs[0]]
    taken = [inside[index] for index in op.inputs if index in inside]
    alike = [one for one in taken if one.size == made.size and _ends(one) == _ends(made)]  # far cheaper than to sort
    return any(np.array_equal(np.sort(one, axis=None), np.sort(made, axis=None)) for one in alike)


def _ends(values: np.ndarray) -> tuple[float, float] | None:
    """The least and the greatest; None where there is nothing."""
    return (float(values.min()), float(values.max())) if values.size else None


def _rises(values: np.ndarray, want: np.ndarray) -> bool:
    """Whether `want` is the same or more wherever `values` are more, and the same where they are the same."""
    _, layout = best_layout(want, values)
    if layout is None:
        return False
    x, y = layout.back(values).reshape(-1), want.reshape(-1)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return False
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    room = SHARE * (float(np.ptp(y)) or 1.0)
    falls = np.maximum.accumulate(y) - y
    same = np.diff(x) == 0
    return bool(falls.max(initial=0.0) <= room and np.diff(y)[same].max(initial=0.0) <= room)


class Skippable(NamedTuple):
    """An operator that may be one too many: without it `made` is `taken`."""

    op: Op
    taken: int
    made: int


def skippable(ops: Sequence[Op], inside: Mapping[int, np.ndarray], steady: frozenset[int]) -> list[Skippable]:
    """Operators that give out as many values as they take; of two casts, there and back, the first one.

    Without the first alone the values are rounded all the same, in the type that the second one reads.
    """
    found, casts = [], {op.outputs[0]: op for op in ops if op.type.lower() == "cast"}
    for op in ops:
        taken = [index for index in op.inputs if index in inside and index not in steady]
        if not taken or len(op.outputs) != 1 or op.outputs[0] not in inside:
            continue
        there = casts.get(taken[0]) if op.type.lower() == "cast" else None
        if there is not None and there.inputs[0] in inside:
            found.append(Skippable(there, there.inputs[0], op.outputs[0]))
        elif not _passive(op, inside):
            same = (index for index in taken if inside[index].shape == inside[op.outputs[0]].shape)
            found += [Skippable(op, index, op.outputs[0]) for index in same]
    return found
