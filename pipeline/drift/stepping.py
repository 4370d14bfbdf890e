"""Of a recurrence that is written out: the operator of one step that does not do what it does in the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from converters.errors import EdgeExportError
from converters.graph import Op
from pipeline.checks.drift import recurrences, stress
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.rounded import order_of, reader
from pipeline.checks.drift.steps import How, Odd, odd
from pipeline.checks.drift.suspects import Suspect
from pipeline.checks.drift.values import real
from pipeline.drift.alone import Alone

SAME_DB = 15.0
"""Signal to error from which two operators do the same: on two grids of 8 bits honest ones show 25 dB and more."""


def changed(alone: Alone, results: Mapping[Segment, Nearness | None]) -> Iterator[tuple[Segment, Suspect]]:
    """(segment, suspect) for operators of b's steps that are unlike, where the reference holds them as one operator.

    `results` are how near the segments are: one more operator, or one less, may be a rewrite where its segment agrees.
    """
    a, b = alone.a, alone.b
    written = [cut for cut in results if recurrences.recurrent(cut.ops_a) and not recurrences.recurrent(cut.ops_b)]
    places = {op.index: cut for cut in reversed(written) for op in cut.ops_b}
    for one in odd(b) if written else ():
        cut = places.get(one.op.index)
        near = results[cut] if cut is not None else None
        if cut is None or (one.how is not How.REPLACED and (near is None or near.agrees)):
            continue
        if words := _said(alone, one):
            ours, theirs = reader(a, recurrences.recurrence(cut.ops_a)), reader(b, one.op)
            yield cut, Suspect("step", ours, theirs, "one step of many", words, order_of(a, cut))


def _said(alone: Alone, one: Odd) -> str:
    """What is wrong with an operator, in words; nothing where it does what that of another step does."""
    b, op, like = alone.b, one.op, one.like
    if one.how is How.REPLACED and _same_sizes(b, op, like) and _differs(alone, op, like):
        return f"{op.type} does not give what {like.type} gives in the other steps"
    if one.how is How.PUT_IN and _moves(b, op):
        return f"{op.type} is put in, as in no other step"
    if one.how is How.SKIPPED and _moves(b, like):
        return f"{like.type} is skipped, which the other steps have"
    return ""


def _same_sizes(side: Known, op: Op, like: Op) -> bool:
    """Whether two operators take and give as many values."""
    one, two = ([_shape(side, i) for i in (*_computed(side, each), *each.outputs)] for each in (op, like))
    return one == two


def _computed(side: Known, op: Op) -> list[int]:
    return [i for i in op.inputs if i >= 0 and i in side.recorded and i not in side.steady]


def _shape(side: Known, index: int) -> tuple[int, ...]:
    return side.recorded[index].shape[1:] if index in side.recorded else ()


def _moves(side: Known, op: Op) -> bool:
    """Whether an operator gives out something else than it takes."""
    taken = _computed(side, op)
    if not taken or op.outputs[0] not in side.recorded:
        return False
    first, second = side.real(taken[0]), side.real(op.outputs[0])
    return first.shape == second.shape and _db(first, second) < SAME_DB


def _differs(alone: Alone, op: Op, like: Op) -> bool:
    """Whether two operators give something else for the same values: those that the first one takes."""
    b = alone.b
    takes, taken = _computed(b, op), _computed(b, like)
    values = [b.real(index) for index in takes]
    given = {
        index: stress.stored(one, b.graph.tensors[index], b.recorded[index].dtype)
        for index, one in zip(taken, values, strict=True)
    }
    own = {index: b.recorded[index][: len(one)] for index, one in zip(takes, values, strict=True)}
    try:
        want = alone.work.ask(alone.work.b, "run", given=given, wanted=like.outputs)
        got = alone.work.ask(alone.work.b, "run", given=own, wanted=op.outputs)
    except EdgeExportError:
        return False
    for first, second in zip(like.outputs, op.outputs, strict=True):
        ours, theirs = real(want[first], b.graph.tensors[first]), real(got[second], b.graph.tensors[second])
        grids = [alone.grid(False, index) for index in (first, second)]
        for grid in (grid for grid in grids if grid is not None):
            ours, theirs = (np.clip(one, *grid.ends()) for one in (ours, theirs))
        if _db(ours, theirs) < SAME_DB:
            return True
    return False


def _db(want: np.ndarray, got: np.ndarray) -> float:
    fine = np.isfinite(want) & np.isfinite(got)
    noise = float(np.square(want[fine] - got[fine]).sum())
    return 10 * float(np.log10(max(float(np.square(want[fine]).sum()), 1e-300) / max(noise, 1e-300)))
