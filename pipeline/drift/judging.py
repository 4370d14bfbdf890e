"""How near a segment of one model is to the other's, run alone: by what rounding and the order of sums leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.checks.drift import folding, rounded, run_time, stress
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import Grid, reach
from pipeline.checks.drift.nearness import EPS, HALF_EPS, WEIGHT_EPS, Nearness, leaning, near
from pipeline.checks.drift.recurrences import recurrent
from pipeline.checks.drift.stepwise import ADDING, FOLDED_DB, INNER_DB, ROUGH_DB, UNEQUAL, grain, roughly, stepwise
from pipeline.checks.drift.values import real
from pipeline.drift import carrying, unrounding

if TYPE_CHECKING:
    from pipeline.drift.alone import Alone

TIGHT_DB = 50.0
"""Signal to error, roughly, of segments in which nothing rounds: honest ones show 100 dB and more."""
EXACT_DB = 66.0
"""The same where integers are only stored, and lie on their grids before: honest ones show 100 dB and more."""
FEW, BYTE = 3, 255
_ALMOST_ONE = 2.0**-8
"""Of a factor in 16 bits."""
SUMMED = 2.0
"""Of the root of how many values are added up: what is allowed anyway covers so much."""
SUMS = frozenset(("mean", "sum", "reducemean", "reducesum", "reducesumsquare", "reducel2", "globalaveragepool"))
TABLES = frozenset(("EXP", "LOG", "RSQRT", "POW", "DIV"))
"""Operators of 16 bits whose tables leave far more than a step where they are steep."""


def judged(
    alone: Alone, segment: Segment, rows: stress.Rows, put: bool, ours: np.ndarray, theirs: np.ndarray
) -> Nearness:
    """How near what both sides gave is: `ours` on nudged rows too where they tell, `put` with the other's weights."""
    want = real(ours, alone.a.graph.tensors[segment.out.a])
    got = real(theirs, alone.b.graph.tensors[segment.out.b])
    if got[0].size != want[0].size or not segment.out.layout.fits:
        return Nearness(False, float("inf"), float("inf"), True)
    got = segment.out.layout.back(got)
    plain = want[: rows.count]
    if alone.rough:
        cut_off = alone.grid(False, segment.out.b)
        least_db = TIGHT_DB if alone.tight(segment) else ROUGH_DB
        cut = np.clip(plain, *cut_off.ends()) if cut_off else plain
        return roughly(cut, got, rows.recorded, 1.0, least_db, cut_off.scale / 2 if cut_off else 0.0)
    held = folding.held(alone.b, segment.ops_b, 1)
    weights = [one for one in held if one.rounded]
    roundings = alone.roundings(segment)
    if not roundings:
        moved = want[rows.count :].reshape(len(want) // rows.count - 1, *plain.shape)
        eps = alone.eps_of(segment)
        found = near(plain, got, moved, rows.recorded, max(eps, _summed(alone, segment)))
        half = all(one.half for one in weights)
        if not found.agrees and weights and half:
            found = near(plain, got, moved, rows.recorded, max(eps, WEIGHT_EPS * _fitted(alone, segment, put)))
        if eps > EPS or (weights and half):
            return leaning(found, plain, got, moved, rows.recorded, _lone(alone, segment, held))
        given = put or not alone.weights(segment)
        bare = not weights and not any(run_time.hybrid(alone.b, op) for op in segment.ops_b)
        if found.agrees or bare or (given and rounded.settles(alone.a, alone.b, segment)):
            return found
        if put and (finely := _finely(alone, segment, plain, got, rows.recorded)) and not finely.agrees:
            return finely
        least_db = rounded.rough_db(alone.a, segment, held)
        loose = recurrent(segment.ops_a)  # on made-up values rounded gates saturate otherwise
        kept = rows.recorded if loose else rows.count
        return roughly(plain[:kept], got[:kept], rows.recorded, least_db=least_db)
    if unrounding.exact(alone, segment, rows) and (put or not alone.weights(segment)):
        kept = rows.recorded if roundings > 1 else rows.count
        return roughly(plain[:kept], got[:kept], rows.recorded, least_db=EXACT_DB)
    return _stepped(alone, segment, rows, plain, got, put, 1.0 if put or not weights else UNEQUAL)


def _summed(alone: Alone, segment: Segment) -> float:
    """The rounding that sums leave where a kernel adds up value by value: it grows as the root of their number.

    ONNX Runtime's mean of 2016 squares, over axes that are not the last ones, was off by 136 roundings.
    """
    most = 1.0
    for side, ops in ((alone.a, segment.ops_a), (alone.b, segment.ops_b)):
        for op in ops:
            if op.type.lower().rpartition(".")[2].replace("_", "") in SUMS:
                sizes = [side.recorded[i][0].size for i in (op.inputs[0], op.outputs[0]) if i in side.recorded]
                most = max(most, sizes[0] / max(sizes[1], 1)) if len(sizes) == 2 else most
    return EPS * max(1.0, float(np.sqrt(most)) / SUMMED)


def _finely(alone: Alone, segment: Segment, plain: np.ndarray, got: np.ndarray, recorded: int) -> Nearness | None:
    """How near recorded values are where the reference has rounded weights but for a norm's factors; else None."""
    ops = segment.ops_b
    if any(run_time.rounds(ops)) or any(run_time.hybrid(alone.b, op) for op in ops):
        return None
    share = unrounding.fitted(alone, segment)
    return roughly(plain[:recorded], got[:recorded], recorded, least_db=-20 * np.log10(share)) if share else None


def _fitted(alone: Alone, segment: Segment, put: bool) -> float:
    """The share of the rounding of weights in 16 bits that is left where the reference has them.

    A norm that is folded into them is known as well as so many rounded weights tell each of its factors.
    """
    theirs = folding.held(alone.b, segment.ops_b)
    pairs = [one for one in folding.folded(folding.held(alone.a, segment.ops_a), theirs) if not one.partly]
    known = {one.b.index for one in pairs if not one.a.rounded}
    if not put or any(one.rounded and one.index not in known for one in theirs):
        return 1.0
    counts = [one.b.values.size / one.scale.size for one in pairs if one.scale.size > 1]
    return float(min(1.0, max((2 / np.sqrt(count) for count in counts), default=1.0)))


def _lone(alone: Alone, segment: Segment, held: Sequence[folding.Held]) -> int:
    """How many constants are one number that its own rounding may have moved.

    One is exact, and no model multiplies by what its precision cannot tell from one, but where the reference does.
    """
    theirs = [float(one.values.reshape(-1)[0]) for one in held if one.values.size == 1]
    ours = [float(one.values.reshape(-1)[0]) for one in folding.held(alone.a, segment.ops_a, 1) if one.values.size == 1]
    return sum(abs(v - 1) > _ALMOST_ONE or any(v != 1 != w and abs(v - w) <= HALF_EPS for w in ours) for v in theirs)


def offset(alone: Alone, segment: Segment, grid: Grid) -> float:
    """What an integer MEAN at the end of a segment may add to all values, in real numbers.

    One of LiteRT's kernels rounds the input's zero point on the output's grid: half a step at most, and known, so that
    a zero point that is off by one is told beside it.
    """
    op = alone.b.maker.get(segment.out.b)
    taken = alone.grid(False, op.inputs[0]) if op is not None and op.type == "MEAN" else None
    if taken is None:
        return 0.0
    point = taken.zero_point * taken.scale / grid.scale
    return float(point - np.rint(point)) * grid.scale


def _stepped(
    alone: Alone,
    segment: Segment,
    rows: stress.Rows,
    plain: np.ndarray,
    got: np.ndarray,
    put: bool,
    farther: float,
) -> Nearness:
    """What rounding inside leaves; `farther` times as far where the reference has other weights."""
    roundings = alone.roundings(segment)
    kept = rows.recorded if roundings > 1 else rows.count
    grid = alone.grid(False, segment.out.b)
    if grid is None:
        return roughly(plain[:kept], got[:kept], rows.recorded, roundings, INNER_DB)
    want, got = np.clip(plain, *reach(alone.b, segment.ops_b, grid))[:kept], got[:kept]
    found = stepwise(want, got, grid, rows.recorded, roundings, farther=farther)
    if not found.agrees and (added := offset(alone, segment, grid)):
        beside = stepwise(want, got - added, grid, rows.recorded, roundings, farther=farther)
        found = beside if beside.agrees else found
    if found.agrees:
        return found
    if grid.most - grid.least <= BYTE:
        if roundings <= ADDING:
            return found
        moved = [segment.out.layout.back(values)[:kept] for values in carrying.moved(alone, segment)]
        return stepwise(want, got, grid, rows.recorded, roundings, grain(got, moved, grid), farther)
    tables = roundings > 1 and any(op.type in TABLES for op in segment.ops_b)
    if put or roundings > FEW or tables:
        # finer than a kernel's tables, and than what rounded weights tell of a factor in them
        least_db = INNER_DB if roundings > FEW or tables else FOLDED_DB
        return roughly(want, got, rows.recorded, roundings, least_db)
    return found
