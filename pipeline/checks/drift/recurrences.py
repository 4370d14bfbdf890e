"""A recurrence beside its steps written out: whether the rows of its kernels, and its biases, are the same numbers.

One operator holds the gates in an order of its own, a file of single steps holds them in another: no constant of one is
one of the other, and hundreds of operators that round prove little alone. Their rows are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from converters.graph import Op
from pipeline.checks.drift import folding
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import Held
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.rounded import order_of, reader
from pipeline.checks.drift.suspects import Suspect

_TYPES = ("lstm", "gru", "rnn")
_GATES = (1, 2, 3, 4, 6, 8)
"""Of a recurrence, or of one in both directions."""
MOST = 0.5
"""Of the constants of a segment: so many must be the reference's for the others to be wrong."""
_FEW, _MANY_VALUES = 4, 50_000_000
_TIGHT, _HALF, _STEP = 4e-6, 2.0**-11, 0.51


@dataclass(frozen=True)
class _Rows:
    """The rows of a kernel of b and, for each, whether the reference has it, and the place of the nearest."""

    held: Held
    count: int
    right: np.ndarray
    place: np.ndarray


def changed(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[tuple[Segment, Suspect]]:
    """(segment, suspect) for kernels and biases of b in segments in which a side has a recurrence as one operator."""
    for cut in cuts:
        if not recurrent((*cut.ops_a, *cut.ops_b)):
            continue
        ours, theirs = _held(a, cut.ops_a), _held(b, cut.ops_b)
        if any(one.rounded for one in ours):
            continue
        if recurrent(cut.ops_a) and recurrent(cut.ops_b):  # of two formats: else each is the other's as it is
            same = {one.b.index for one in folding.folded(ours, theirs) if not one.partly}
            theirs = [one for one in theirs if one.index not in same]
        rows = [found for one in theirs if (found := _found(one, ours)) is not None]
        known = [one for one in rows if one.right.mean() >= MOST]
        if not known or len(known) < MOST * len(rows):
            continue
        for held, measure, cause in (*_kernels(rows), *_others(b, known), *_vectors(ours, theirs, known)):
            sides = reader(a, recurrence(cut.ops_a)), reader(b, held.op)
            yield cut, Suspect("weights", *sides, measure, cause, order_of(a, cut))


def _held(side: Known, ops: Sequence[Op]) -> list[Held]:
    """Constants with which something is computed; states at the start, which are zero, are none."""
    every = folding.held(side, ops, _FEW)
    return [one for one in every if one.values.any() and not side.steady.issuperset(one.op.outputs)]


def recurrent(ops: Sequence[Op]) -> bool:
    """Whether one of the operators is a recurrence."""
    return any(part in op.type.lower() for op in ops for part in _TYPES)


def recurrence(ops: Sequence[Op]) -> Op:
    """The recurrence itself, or the first operator of its steps."""
    return next((op for op in ops if any(part in op.type.lower() for part in _TYPES)), ops[0])


def _allowed(held: Held) -> np.ndarray:
    """How far each value may be from the reference's."""
    close = _TIGHT * np.abs(held.values).max(initial=0.0) + (2.0**-24 if held.half else 0.0)
    if held.step is not None:
        return close + _STEP * held.step
    return close + (_HALF * np.abs(held.values) if held.half else np.zeros(held.values.shape))


def _matrix(held: Held) -> bool:
    return sum(size > 1 for size in held.values.shape) > 1 and not held.palettized


def _found(held: Held, ours: Sequence[Held]) -> _Rows | None:
    """The rows of a kernel; None where the reference has none as long."""
    if not _matrix(held):
        return None
    rows = held.values.reshape(-1, held.values.shape[-1])
    pool = _pool(ours, rows.shape[1])
    if not len(pool) or rows.size * len(pool) > _MANY_VALUES:
        return None
    apart = np.square(rows).sum(1)[:, None] + np.square(pool).sum(1)[None] - 2 * rows @ pool.T
    place = apart.argmin(1)
    follows = np.minimum(np.concatenate([place[:1], place[:-1] + 1]), len(pool) - 1)
    allowed = _allowed(held).reshape(rows.shape)
    fits = [(np.abs(rows - pool[at]) <= allowed).all(1) for at in (follows, place)]
    return _Rows(held, len(rows), fits[0] | fits[1], np.where(fits[0], follows, place))


def _pool(ours: Sequence[Held], width: int) -> np.ndarray:
    """All rows of the reference's kernels that are so long, in their order; columns of those stored the other way."""
    straight = [one.values.reshape(-1, width) for one in ours if _matrix(one) and one.values.shape[-1] == width]
    turned = [
        np.swapaxes(one.values, -1, -2).reshape(-1, width)
        for one in ours
        if _matrix(one) and one.values.shape[-2] == width and one.values.shape[-1] != width
    ]
    return np.concatenate([*straight, *turned]) if straight or turned else np.zeros((0, width))


Told = tuple[Held, str, str]


def _kernels(rows: Sequence[_Rows]) -> Iterator[Told]:
    """Kernels with rows that the reference has not, or has in another order."""
    for one in rows:
        wrong = int((~one.right).sum())
        if wrong:
            yield one.held, f"{wrong} of {one.count} rows are none of the reference's", "kernel: values differ"
            continue
        breaks = np.flatnonzero(np.diff(one.place) != 1) + 1
        sizes = [one.count // gates for gates in _GATES if one.count % gates == 0 and one.count > gates]
        if not any((breaks % size == 0).all() for size in sizes):
            yield one.held, f"{len(breaks)} rows do not follow", "kernel: rows stand in another order"


def _others(b: Known, known: Sequence[_Rows]) -> Iterator[Told]:
    """Kernels that are another one's, while that which stands at their place in the reference is nowhere."""
    groups: dict[tuple[int, ...], list[_Rows]] = defaultdict(list)
    for one in sorted(known, key=lambda one: one.held.op.index):
        groups[one.held.values.shape].append(one)
    for group in groups.values():
        starts = [int(one.place.min()) for one in group if one.right.all()]
        if len(starts) < len(group) or len(set(starts)) == len(starts):
            continue
        for number, one in enumerate(group):
            if starts.count(starts[number]) > 1 and starts[number] // one.count % len(group) != number:
                yield one.held, "it is another layer's", "kernel: that of another layer"


def _vectors(ours: Sequence[Held], theirs: Sequence[Held], known: Sequence[_Rows]) -> Iterator[Told]:
    """Biases that are none of the reference's, in the order in which the kernels have its gates."""
    found: list[tuple[Held, float]] = []
    for held in theirs:
        if not held.vector or held.palettized:
            continue
        orders = [one for one in known if one.count == held.values.size]
        pool = _biases(ours, held.values.size) if orders else np.zeros((0, 0))
        if not len(pool):
            continue
        turned = [np.argsort(np.argsort(one.place)) for one in orders if one.right.all()]
        candidates = np.concatenate([pool, *(pool[:, order] for order in turned)])
        allowed = _allowed(held).reshape(-1)
        apart = np.abs(candidates - held.values.reshape(1, -1))
        nearest = apart[np.square(apart).sum(1).argmin()]
        wrong = int((nearest > allowed).sum())
        found.append((held, wrong))
    wrong_ones = [one for one in found if one[1]]
    if found and len(wrong_ones) <= (1 - MOST) * len(found):
        for held, count in wrong_ones:
            yield held, f"{count:.0f} of {held.values.size} values are not the reference's", "bias: values differ"


def _biases(ours: Sequence[Held], size: int) -> np.ndarray:
    """The reference's biases, (n, size), and the sums of two: some formats hold one for the input and the state."""
    slices = [one.values.reshape(-1, size) for one in ours if one.values.size % size == 0 and not _kernel(one, size)]
    rows = np.concatenate(slices) if slices else np.zeros((0, size))
    if not 0 < len(rows) <= 16:
        return rows
    return np.concatenate([rows, (rows[:, None] + rows[None]).reshape(-1, size)])


def _kernel(held: Held, size: int) -> bool:
    """Whether a constant is no bias: its last axis is shorter than the gates."""
    return held.values.shape[-1] % size != 0
