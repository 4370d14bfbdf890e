"""Which operator of a segment that differs is to blame: by its constants, by leaving one out, by values inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from converters.graph import Op
from converters.reach import plain
from pipeline.checks.drift import folding, run_time, stress
from pipeline.checks.drift.blame import Blame, alike, by_constants, by_partners, by_sizes, by_values, skippable
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import STORES, reach, working
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.nearness import near
from pipeline.checks.drift.net import COMMUTATIVE
from pipeline.checks.drift.suspects import Suspect
from pipeline.checks.drift.told import BETWEEN
from pipeline.checks.drift.values import real
from pipeline.drift.alone import Alone, Piece, weighted
from pipeline.drift.trying import DECIDED, SURELY, inside, tried

_MOST = 8
"""Operators that are left out by turns."""
_RESHAPES = frozenset(("reshape", "squeeze", "unsqueeze", "expanddims", "flatten", "view", "unsafeview"))
_TURNS = frozenset(("transpose", "permute"))
SURE_DB, ROUGH_DB = 60.0, 20.0
"""Signal to error of tensors that hold the same; the second where something inside rounds to 8 or 16 bits."""
NEAR = 1e-5
"""Of the range: one side without an operator is the other."""


def blamed(alone: Alone, cut: Segment, held: Sequence[Suspect] = ()) -> Blame:
    """The operator of b that is to blame, its counterpart, and the cause; nothing where nothing tells.

    `held` are operators whose constants are not the reference's, whatever values say: where it is one of the segment,
    nothing needs to be guessed.
    """
    own = {op.index: op for op in cut.ops_b}
    proved = {one.b.op_index: one.cause for one in held if one.b.op_index in own}
    if len(proved) == 1:
        ((place, cause),) = proved.items()
        return Blame(own[place], None, cause)
    if (turned := _turned_before(alone, cut)) is not None:
        return Blame(turned, None, f"{turned.type} gives another order")
    found = _blamed(alone, cut)
    parts = {place: one.main for one in run_time.groups(alone.b, cut.ops_b) for place in (*one.inside, one.end)}
    return dataclasses.replace(found, b=parts.get(found.b.index, found.b)) if found.b else found


def _turned_before(alone: Alone, cut: Segment) -> Op | None:
    """The operator before a segment that turned its axes, where the segment only reads the same values in a new shape.

    A tensor in another order of axes is its partner as well; a reshape itself keeps the order that it finds.
    """
    maker = alone.b.maker.get(cut.given[0].b) if len(cut.given) == 1 else None
    reshapes = all(plain(op.type.rpartition(".")[2]) in _RESHAPES for op in cut.ops_b)
    turns = maker is not None and plain(maker.type.rpartition(".")[2]) in _TURNS
    return maker if reshapes and cut.ops_b and turns and cut.out.layout.fits else None


def _blamed(alone: Alone, cut: Segment) -> Blame:
    if not cut.out.layout.fits:
        return by_sizes(alone.a, alone.b, cut)
    rows = alone.values(cut)
    ours = inside(alone.work.a, alone, alone.a, cut.ops_a, alone.piece(True, cut, rows.starts))
    theirs = inside(alone.work.b, alone, alone.b, cut.ops_b, alone.piece(False, cut, rows.starts))
    told = by_constants(alone.a, alone.b, cut)
    if (told is None or told.guess) and (idle := _one_more_or_less(alone, cut, ours, theirs)) is not None:
        return idle
    if (told is None or told.guess) and (other := _misread(alone, cut, ours, theirs)) is not None:
        return other
    if len(cut.ops_b) > 1 and (best := tried(alone, cut, theirs)) is not None:
        return Blame(best.op, None, best.cause)
    if told is None and (parting := _disordered(alone, cut)) is not None:
        return Blame(parting, None, f"the outputs of {parting.type} are exchanged")
    least_db = SURE_DB if alone.tight(cut) else ROUGH_DB
    lone = _by_partners(alone, cut, (ours, theirs), rows.recorded, least_db) if len(cut.ops_b) > 1 else None
    if told is not None:
        stored = lone is not None and lone.b is not None and lone.b.type in BETWEEN  # it shows what is before it
        return told if lone is None or stored or lone.b is told.b else lone
    if lone is not None or not _comparable(cut, ours, theirs):
        return lone or Blame()
    want = ours[cut.out.a]
    inner = {place for one in run_time.groups(alone.b, cut.ops_b) for place in one.inside}
    whole = [op for op in cut.ops_b if op.index not in inner and op.type not in BETWEEN]
    return Blame(by_values(whole, theirs, want) if len(cut.ops_b) > 1 else None)


def _by_partners(
    alone: Alone, cut: Segment, inside: tuple[Mapping[int, np.ndarray], ...], recorded: int, least_db: float
) -> Blame | None:
    """As `by_partners`, on recorded rows first: what is made up of several starts need not go together."""
    for count in (recorded, None):
        ours, theirs = ({index: values[:count] for index, values in side.items()} for side in inside)
        if (found := by_partners(alone.a, alone.b, cut, (ours, theirs), least_db)) is not None:
            return found
    return None


def _comparable(cut: Segment, ours: Mapping[int, np.ndarray], theirs: Mapping[int, np.ndarray]) -> bool:
    """Whether both sides gave something, of one size."""
    found = cut.out.a in ours and cut.out.b in theirs
    return found and ours[cut.out.a][0].size == theirs[cut.out.b][0].size


def _one_more_or_less(
    alone: Alone, cut: Segment, ours: Mapping[int, np.ndarray], theirs: Mapping[int, np.ndarray]
) -> Blame | None:
    """The operator of one side without which it is the other."""
    if not _comparable(cut, ours, theirs):
        return None
    want, got = alone.wanted(cut), cut.out.layout.back(theirs[cut.out.b])
    if want is None or want.shape != got.shape:
        return None
    grid = alone.grid(False, cut.out.b)
    low, high = reach(alone.b, cut.ops_b, grid) if grid else (-np.inf, np.inf)
    want = np.clip(want, low, high)  # as b must
    start = _apart(want, got)
    for first, other, words in ((False, want, "is put in"), (True, got, "is skipped")):
        left = [
            (_apart(other, np.clip(values, low, high) if first else cut.out.layout.back(values)), op)
            for op, values in _without(alone, first, cut, ours if first else theirs)
            if values[0].size == other[0].size
        ]
        gap, op = min(left, key=lambda one: one[0], default=(np.inf, None))
        exact = not alone.tight(cut) or gap <= (NEAR * float(np.ptp(other))) ** 2
        if op is None or not exact or gap > DECIDED * start or any(o is not op and g < gap / SURELY for g, o in left):
            continue
        if not first:
            return Blame(op, None, f"{op.type} {words}")
        place = _instead(alone, cut, op) or _idle(alone.b, op) or _next(alone, cut, op, (ours, theirs))
        return Blame(place, op, f"{op.type} {words}")
    return None


def _next(
    alone: Alone, cut: Segment, skipped: Op, inside: tuple[Mapping[int, np.ndarray], Mapping[int, np.ndarray]]
) -> Op | None:
    """The operator of b that takes what an operator of a, which is skipped, would take."""
    ours, theirs = inside
    least_db = SURE_DB if alone.tight(cut) else ROUGH_DB
    taken = [ours[index] for index in skipped.inputs if index in ours and index not in alone.a.steady]
    holding = [index for index, values in theirs.items() if any(alike(values, one, least_db) for one in taken)]
    last = max((index for index in holding if index != cut.out.b), key=alone.b.rank.__getitem__, default=None)
    return next((op for op in cut.ops_b if last in op.inputs), None)


def _misread(
    alone: Alone, cut: Segment, ours: Mapping[int, np.ndarray], theirs: Mapping[int, np.ndarray]
) -> Blame | None:
    """The last operator, where all that it takes is the reference's, and one of it stands at another place there."""
    lasts = [working(side, ops)[-1:] for side, ops in ((alone.a, cut.ops_a), (alone.b, cut.ops_b))]
    if not all(lasts):
        return None
    ((one,), (two,)), least_db = lasts, SURE_DB if alone.tight(cut) else ROUGH_DB
    wanted = [ours[i] for i in one.inputs if i in ours and i not in alone.a.steady]
    taken = [i for i in two.inputs if i in theirs and i not in alone.b.steady]
    if len(wanted) != len(taken) or len(taken) < 2:
        return None
    left, strange, places = list(range(len(wanted))), [], []
    for index in taken:
        place = next((n for n in left if alike(theirs[index], wanted[n], least_db)), None)
        if place is None:
            strange.append(index)
        else:
            left.remove(place)
            places.append(place)
    if len(strange) == 1 and _elsewhere(alone, strange[0], least_db):
        return Blame(two, one, f"{two.type} reads what stands elsewhere")
    if not strange and places != sorted(places) and two.type not in COMMUTATIVE:
        return Blame(two, one, f"{two.type} reads its inputs in another order")
    return None


def _disordered(alone: Alone, cut: Segment) -> Op | None:
    """The operator of b that gives out two starts of a segment which agrees with these two exchanged."""
    rows, places = alone.values(cut), range(len(cut.given))
    for one, two in combinations(places, 2):
        maker, other = (_mover(alone.b, cut.given[place].b) for place in (one, two))
        if maker is None or maker is not other or rows.starts[one].shape != rows.starts[two].shape:
            continue
        starts = list(rows.starts)
        starts[one], starts[two] = starts[two], starts[one]
        (near,) = alone.judge(cut, [alone.piece(False, cut, starts)])
        if near is not None and near.agrees:
            return maker
    return None


def _elsewhere(alone: Alone, index: int, least_db: float) -> bool:
    """Whether a tensor of b, or what is stored of it, holds what one of the reference holds, both run as a whole."""
    a, b, held = alone.a, alone.b, [index]
    for one in held:
        held += [out for op in b.readers.get(one, ()) if op.type in STORES for out in op.outputs]
    seen = [b.real(one) for one in held if one in b.recorded]
    others = [i for i in a.recorded if i not in a.steady and a.recorded[i][0].size == seen[0][0].size]
    return any(alike(values, a.real(i), least_db) for values in seen for i in others)


def _apart(want: np.ndarray, got: np.ndarray) -> float:
    """The mean square error; infinite where one is not finite and should be."""
    if want.shape != got.shape:
        return float("inf")
    fine = np.isfinite(want)
    with np.errstate(all="ignore"):
        error = np.square(got[fine] - want[fine])
    return float(error.mean()) if fine.any() and np.isfinite(error).all() else float("inf")


def _without(alone: Alone, first: bool, cut: Segment, inside: Mapping[int, np.ndarray]) -> list[tuple[Op, np.ndarray]]:
    """(operator, what the segment gives without it) for those that can be left out."""
    side, file = (alone.a, alone.work.a) if first else (alone.b, alone.work.b)
    end = cut.out.a if first else cut.out.b
    ops = cut.ops_a if first else cut.ops_b
    choices = skippable(ops, inside, side.steady)[:_MOST]
    pieces: list[Piece] = []
    for _, taken, made in choices:
        behind = {made: inside[taken]}
        needed = {i: values for i, values in inside.items() if not side.before[i] >> side.rank[made] & 1}
        stored = {
            index: stress.stored(values, side.graph.tensors[index], side.recorded[index].dtype)
            for index, values in {**needed, **behind}.items()
            if index in side.recorded
        }
        piece = side.needed(end, stored), (end,)
        pieces.append(weighted(piece, alone.weights(cut)) if first else piece)
    answers = alone.asked(file, pieces)
    return [
        (op, real(values, side.graph.tensors[end]))
        for (op, _, _), values in zip(choices, answers, strict=True)
        if values is not None
    ]


def _instead(alone: Alone, cut: Segment, skipped: Op) -> Op | None:
    """The operator of b before the segment that should have done it: it gives out what it takes, or has no bias."""
    side = alone.b
    maker = _mover(side, cut.given[0].b) if len(cut.given) == 1 else None
    if maker is None:
        return None
    values = side.recorded[maker.outputs[0]]
    taken = [side.recorded[i] for i in maker.inputs if i in side.recorded and i not in side.steady]
    passive = any(v.shape == values.shape and near(v, values, v[None], 0).gap <= NEAR for v in taken if v.size)
    if passive and len(maker.inputs) > 1:
        return maker
    adds = [one for one in folding.held(alone.a, [skipped]) if one.vector]
    return maker if adds and folding.held(side, [maker]) else None


def _mover(side: Known, index: int) -> Op | None:
    """The operator that gave a tensor its values: those behind it only moved them."""
    while (op := side.maker.get(index)) is not None:
        taken = [i for i in op.inputs if i >= 0 and i not in side.steady and not side.graph.tensors[i].constant]
        if len(taken) != 1 or taken[0] not in side.recorded:
            return op
        first, second = side.real(taken[0]), side.real(index)
        if op.type not in BETWEEN and len(op.inputs) > 1 and first.shape == second.shape:
            return op
        if op.type not in BETWEEN and not np.array_equal(np.sort(first, None), np.sort(second, None)):
            return op
        index = taken[0]
    return None


def _idle(side: Known, like: Op) -> Op | None:
    """The operator of b of the same kind that gives out what it takes: there, and without effect."""
    kind = like.type.replace("_", "").lower()
    for op in side.graph.ops:
        taken = [index for index in op.inputs if index in side.recorded]
        if op.type.replace("_", "").lower() == kind and taken and op.outputs and op.outputs[0] in side.recorded:
            first, second = side.recorded[taken[0]], side.recorded[op.outputs[0]]
            if first.shape == second.shape and np.array_equal(first, second):
                return op
    return None
