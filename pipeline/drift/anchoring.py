"""Partners that only their kernels show: a fault may leave a layer's values unlike the reference's, not its weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from converters.graph import Op
from pipeline.checks.drift import folding, rounded
from pipeline.checks.drift.cuts import Segment, segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner, bare, best_layout
from pipeline.drift.alone import Alone

_BEHIND = 3
"""Operators behind a layer, one after another: what it gives out may have its partner behind the bias."""

_NEXT = 8
"""Known tensors behind a layer among which one is looked for that comes next."""


def anchored(alone: Alone, pairs: Mapping[int, Partner], cuts: Sequence[Segment]) -> dict[int, Partner]:
    """Pairs more, by tensor of b: what layers give out that hold one kernel, and that have no partner yet.

    Only where what leads there, or what comes next from there, agrees: a fault is in one of the two, and a layer into
    which something was folded has no partner at all.
    """
    a, b = alone.a, alone.b
    found: dict[int, Partner] = {}
    for one, two in _layers(a, b, cuts):
        known = {**pairs, **found}
        ours, theirs = _chain(a, one, {pair.a for pair in known.values()}), _chain(b, two, known)
        tried = [
            (*best_layout(a.real(x), b.real(y)), x, y)
            for y in theirs
            for x in ours
            if a.recorded[x][0].size == b.recorded[y][0].size and len(a.real(x)) == len(b.real(y))
        ]
        fits = [(db, x, y, layout) for db, layout, x, y in tried if layout is not None and layout.fits]
        if fits:
            db, x, y, layout = max(fits, key=lambda row: row[0])
            pair = Partner(x, y, layout, db)
            if _borne_out(alone, known, pair):
                found[y] = pair
    return found


def _layers(a: Known, b: Known, cuts: Sequence[Segment]) -> list[tuple[Op, Op]]:
    """(operator of a, of b) that alone on their sides compute with a kernel that is the same."""
    sides = []
    kernels = [one for one in rounded.matches(a, b, cuts) if one.b.values.ndim > 1]
    for side, held in ((a, [one.a for one in kernels]), (b, [one.b for one in kernels])):
        ops = {op.index: op for op in side.graph.ops}
        readers = [side.readers.get(one.index, ()) for one in held]
        found = [
            ops.get(place) if (place := rounded.reader(side, one.op).op_index) is not None else None for one in held
        ]
        sides.append([op if len(other) == 1 else None for op, other in zip(found, readers, strict=True)])
    return [(one, two) for one, two in zip(*sides, strict=True) if one is not None and two is not None]


def _chain(side: Known, op: Op, known: Collection[int]) -> list[int]:
    """What an operator gives out, and what the next ones make of it alone, as many values each; up to a known one."""
    found: list[int] = []
    for _ in range(_BEHIND + 1):
        index = op.outputs[0]
        if index not in side.recorded or index in side.steady or index in known:
            break
        if found and side.recorded[index][0].size != side.recorded[found[0]][0].size:
            break
        found.append(index)
        readers = side.readers.get(index, [])
        if len(readers) != 1:
            break
        op = readers[0]
        if folding.held(side, [op]) and any(one.values.ndim > 1 and not one.vector for one in folding.held(side, [op])):
            break
    return [index for index in found if not bare(side, index)]


def _borne_out(alone: Alone, pairs: Mapping[int, Partner], pair: Partner) -> bool:
    """Whether a segment that ends at the pair, or one of those that start there, agrees and computes something."""
    put = {**pairs, pair.b: pair}
    outs = [other for other in pairs.values() if alone.b.before.get(other.b, 0) >> alone.b.rank[pair.b] & 1]
    outs.sort(key=lambda other: alone.b.rank[other.b])
    cuts = [segment(alone.a, alone.b, out, put) for out in (pair, *outs[:_NEXT])]
    near = [cut for cut in cuts if cut is not None and (cut.out is pair or pair in cut.given)]
    near = sorted((cut for cut in near if cut.ops_a and cut.ops_b), key=lambda cut: len(cut.ops_a) + len(cut.ops_b))
    results = (alone.compare([cut])[cut] for cut in near)  # one after another: the first that agrees is enough
    return any(found is not None and found.agrees for found in results)
