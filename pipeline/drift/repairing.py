"""Where rounding leaves two tensors of the reference equally near to one of the other model: which one proves right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from pipeline.checks.drift.cuts import Segment, segment
from pipeline.checks.drift.grids import STORES
from pipeline.checks.drift.matching import NEAR_DB, Partner, best_layout, in_order
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.twins import twins
from pipeline.drift.alone import Alone

_FAR = 4
"""Operators behind a tensor among whose outputs its partner is looked for."""
_MOST = 6
SURELY, TIMES = 0.5, 8.0
"""In what is allowed: a segment must agree so well to prove another pair, or so much better than the first one."""


def one_by_one(
    alone: Alone, pairs: Mapping[int, Partner], results: Mapping[Segment, Nearness | None]
) -> dict[int, Partner]:
    """The pairs, and those inside of wrong segments of operators that stand one for the other."""
    wrong = [cut for cut, near in results.items() if near is not None and not near.agrees]
    return twins(alone.a, alone.b, wrong, pairs)


def replaced(
    alone: Alone, pairs: Mapping[int, Partner], results: Mapping[Segment, Nearness | None]
) -> dict[int, Partner]:
    """The pairs, with those of `better` in the place of theirs."""
    return {**pairs, **better(alone, pairs, results)}


def better(
    alone: Alone, pairs: Mapping[int, Partner], results: Mapping[Segment, Nearness | None]
) -> dict[int, Partner]:
    """Other partners for tensors in which wrong segments end, such that a segment up to them agrees; by tensor of b.

    The variance and the variance with an epsilon are 80 dB apart, and weights of 8 bits leave 40 dB: only what is run
    alone tells which is which. Outputs keep their partners.
    """
    found: dict[int, Partner] = {}
    for cut, near in results.items():
        if near is None or near.agrees or cut.out.b in alone.b.graph.outputs:
            continue
        taken = {pair.a for pair in (*pairs.values(), *found.values())}
        rest = [pair for index, pair in pairs.items() if index != cut.out.b]
        others = [pair for pair in _others(alone, cut) if pair.a not in taken]
        others = sorted(others, key=lambda pair: not in_order(alone.a, alone.b, pair, rest))[:_MOST]
        cuts = [segment(alone.a, alone.b, pair, {**pairs, pair.b: pair}) for pair in others]
        tried = alone.compare([one for one in cuts if one is not None])
        agreed = [(other.excess, one.out) for one, other in tried.items() if other is not None and other.agrees]
        placed = [
            one for one in agreed if in_order(alone.a, alone.b, one[1], rest)
        ]  # else a neighbour may be wrong too
        excess, pair = min(placed or agreed, key=lambda one: one[0], default=(np.inf, cut.out))
        if excess <= max(SURELY, near.excess / TIMES) and excess < 1:
            found[cut.out.b] = pair
    return found


def moved(alone: Alone, pairs: Mapping[int, Partner], results: Mapping[Segment, Nearness | None]) -> dict[int, Partner]:
    """The pairs with which what lies behind a wrong segment agrees, where it does not: it ends too early, or too late.

    Behind a fault another tensor may be nearer to what the reference holds there than the one that should hold it.
    """
    a, b, kept = alone.a, alone.b, dict(pairs)
    for cut, near in results.items():
        if near is None or near.agrees or cut.out.b in b.graph.outputs or kept.get(cut.out.b) is not cut.out:
            continue
        inside = {other: {i for op in other.ops_a for i in op.outputs} - {other.out.a} for other in results}
        behind = [other.out for other in results if cut.out in other.given or cut.out.a in inside[other]]
        if not behind or _agree(alone, kept, behind):
            continue
        rest = {index: pair for index, pair in kept.items() if index != cut.out.b}
        laid = ((index, *best_layout(a.real(cut.out.a), b.real(index))) for index in _beside(alone, cut, kept))
        others = [Partner(cut.out.a, index, layout, db) for index, db, layout in laid if layout is not None]
        for pair in sorted(others, key=lambda pair: not in_order(a, b, pair, rest.values())):
            put = {**rest, pair.b: pair}
            told = any(one and pair in one.given for one in (segment(a, b, out, put) for out in behind))
            if (told and _agree(alone, put, behind)) or _agree(alone, put, [pair, *behind], 1.0):
                kept = put
                break
    return kept


def restarted(
    alone: Alone, pairs: Mapping[int, Partner], results: Mapping[Segment, Nearness | None]
) -> dict[int, Partner]:
    """The pairs with other partners for what wrong segments start at, such that all agree that end or start there.

    Where rounding leaves a tensor as near to the reference's behind a limit as to the one before it, the segment that
    ends there agrees with either, and the limit shows in the one that starts there. A partner may be taken from a
    tensor before: then what was between the two is in the segment to the start.
    """
    kept = dict(pairs)
    ends = {cut.out.b: cut for cut in results}
    for cut, near in results.items():
        for start in cut.given if near is not None and not near.agrees else ():
            before = ends.get(start.b)
            if before is None or start.b in alone.b.graph.outputs or kept.get(start.b) is not start:
                continue
            for pair in (*_earlier(alone, before), *_later(alone, before, cut)):
                holders = {index for index, other in kept.items() if other.a == pair.a}
                put = {index: other for index, other in kept.items() if index not in holders} | {pair.b: pair}
                outs = [
                    put[c.out.b] for c in results if c.out.b in put and {start.b, *holders} & {g.b for g in c.given}
                ]
                if holders <= {one.b for one in before.given} and _agree(alone, put, [pair, *outs]):
                    kept = put
                    break
    return kept


def _earlier(alone: Alone, cut: Segment) -> Iterator[Partner]:
    """What a segment's end may hold of the reference instead: nearly the same, inside of the segment or a start."""
    inside = [index for op in reversed(cut.ops_a) for index in op.outputs if index != cut.out.a]
    starts = [start.a for start in cut.given if start.b not in alone.b.graph.inputs]
    return _nearly(alone, cut, (*inside, *starts))


def _later(alone: Alone, before: Segment, cut: Segment) -> Iterator[Partner]:
    """The same behind it, inside of the segment that starts there: a factor may be near to one."""
    return _nearly(alone, before, [index for op in cut.ops_a for index in op.outputs if index != cut.out.a])


def merged(
    alone: Alone, pairs: Mapping[int, Partner], results: Mapping[Segment, Nearness | None]
) -> dict[int, Partner]:
    """The pairs without the starts of wrong segments in which b only stores what it is given.

    Where a bias of few steps was folded in, what lies before it may be as near as what lies behind it; the longer
    segment, which has the bias on both sides, must agree.
    """
    kept = dict(pairs)
    for cut, near in results.items():
        if near is None or near.agrees or not cut.ops_b or any(op.type not in STORES for op in cut.ops_b):
            continue
        starts = {start.b for start in cut.given if start.b not in alone.b.graph.inputs}
        rest = {index: pair for index, pair in kept.items() if index not in starts}
        if starts and _agree(alone, rest, [cut.out]):
            kept = rest
    return kept


def _agree(alone: Alone, pairs: Mapping[int, Partner], outs: Sequence[Partner], most: float = SURELY) -> bool:
    """Whether the segments up to these ends agree, by at most so much of what is allowed."""
    cuts = [segment(alone.a, alone.b, out, pairs) for out in outs]
    whole = [cut for cut in cuts if cut is not None]
    found = alone.compare(whole).values() if len(whole) == len(cuts) else [None]
    return all(near is not None and near.excess <= most for near in found)


def _beside(alone: Alone, cut: Segment, pairs: Mapping[int, Partner]) -> list[int]:
    """Tensors of b without a partner that are as large as a segment's end: next behind it, then inside."""
    b = alone.b
    inside = [index for op in reversed(cut.ops_b) for index in op.outputs]
    behind, edge = [], [cut.out.b]
    for _ in range(_FAR):
        edge = [index for tensor in edge for op in b.readers.get(tensor, ()) for index in op.outputs]
        behind += edge
    size = b.recorded[cut.out.b][0].size
    found = (i for i in dict.fromkeys((*behind, *inside)) if i not in pairs and i in b.recorded and i not in b.steady)
    found = (i for i in found if b.recorded[i].dtype.kind == "f" or alone.grid(False, i))  # else none knows its values
    return [i for i in found if b.recorded[i][0].size == size][:_MOST]


def _others(alone: Alone, cut: Segment) -> Iterator[Partner]:
    """Tensors of a beside a segment's end that hold nearly what b's end holds: inside the segment, next behind it."""
    a = alone.a
    inside = [index for op in reversed(cut.ops_a) for index in op.outputs]
    behind, edge = [], [cut.out.a]
    for _ in range(_FAR):
        edge = [index for tensor in edge for op in a.readers.get(tensor, ()) for index in op.outputs]
        behind += edge
    yield from _nearly(alone, cut, [index for index in (*behind, *inside) if index != cut.out.a])


def _nearly(alone: Alone, cut: Segment, indices: Iterable[int]) -> Iterator[Partner]:
    """Of tensors of a those that hold nearly what a segment's end in b holds, as its partners."""
    a = alone.a
    values = alone.b.real(cut.out.b)
    for index in dict.fromkeys(indices):
        if index not in a.recorded or index in a.steady:
            continue
        if a.recorded[index][0].size == values[0].size and len(a.real(index)) == len(values):
            db, layout = best_layout(a.real(index), values)
            if layout is not None and db >= NEAR_DB:
                yield Partner(index, cut.out.b, layout, db)
