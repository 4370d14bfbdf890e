"""Two models cut at tensors that are known on both sides: the segments between, each computing the same alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner


@dataclass(frozen=True)
class Segment:
    """What computes the two tensors of `out` from those of `given`, on each side.

    `fixed_a` and `fixed_b` are sizes computed from shapes, which each side is given as it recorded them.
    """

    out: Partner
    given: tuple[Partner, ...]
    ops_a: tuple[Op, ...] = field(compare=False)
    ops_b: tuple[Op, ...] = field(compare=False)
    fixed_a: tuple[int, ...] = ()
    fixed_b: tuple[int, ...] = ()


def segment(a: Known, b: Known, out: Partner, pairs: Mapping[int, Partner]) -> Segment | None:
    """The smallest segment that ends in `out` and starts at `pairs` (by tensor of b); None where none closes.

    Both sides must start from the same tensors: a start that only one side needs is taken away, and the search goes on
    behind it; or those are between it and the end, for one of them may be no partner at all.
    """
    again = _start(a, out.a)
    starts = {
        index: pair
        for index, pair in pairs.items()
        if index != out.b and (again or pair.a != out.a) and pair.layout.fits
    }
    first, met, shut = _closed(a, b, out, starts, between=False)
    if met:
        return first
    second, _, closed = _closed(a, b, out, starts, between=True)
    tried = [(one, alike) for one, alike in ((first, shut), (second, closed)) if one is not None]
    return min(tried, key=lambda one: (not one[1], _size(one[0])), default=(None, False))[0]


def _size(found: Segment) -> int:
    return len(found.ops_a) + len(found.ops_b)


def _closed(
    a: Known, b: Known, out: Partner, starts: Mapping[int, Partner], *, between: bool
) -> tuple[Segment | None, bool, bool]:
    """(the segment, whether both sides met the same starts at once, whether they do in the end)."""
    starts, at_once = dict(starts), True
    while True:
        partners = {pair.a: index for index, pair in starts.items()}
        ops_a, hit_a, fixed_a = behind(a, out.a, partners)
        ops_b, hit_b, fixed_b = behind(b, out.b, starts)
        if ops_a is None or ops_b is None:
            return None, at_once, False
        met = {starts[index].a for index in hit_b}
        lonely = met ^ hit_a
        if not lonely:
            given = tuple(starts[index] for index in sorted(hit_b))
            return (Segment(out, given, ops_a, ops_b, fixed_a, fixed_b) if given else None), at_once, True
        at_once = False
        ends = [index for index, pair in starts.items() if pair.a in lonely and not _start(b, index)]
        if between:
            ends = _between(a, b, starts, met & hit_a, lonely) or ends
        if not ends:
            needed = sorted(index for index, pair in starts.items() if pair.a in met | hit_a)
            found = Segment(out, tuple(starts[index] for index in needed), ops_a, ops_b, fixed_a, fixed_b)
            return found, at_once, False
        for index in ends:
            del starts[index]


def _between(
    a: Known, b: Known, starts: Mapping[int, Partner], shared: Collection[int], lonely: Collection[int]
) -> list[int]:
    """Starts that both sides read and that are computed, on the one that does not read it, from one that is lonely."""
    found = [i for i, pair in starts.items() if pair.a in shared and not _start(b, i) and pair.a in a.before]
    ranks = [a.rank[other] for other in lonely if other in a.rank]
    return [i for i in found if any(a.before[starts[i].a] >> rank & 1 for rank in ranks)]


def _start(side: Known, index: int) -> bool:
    return index in side.graph.inputs


def behind(side: Known, end: int, starts: Collection[int]) -> tuple[tuple[Op, ...] | None, set[int], tuple[int, ...]]:
    """(operators between `starts` and `end`, the starts that they read, sizes); no operators where an input is open."""
    needed: dict[int, Op] = {}
    hit: set[int] = set()
    fixed: set[int] = set()
    seen = set()
    todo = [end]
    while todo:
        index = todo.pop()
        if index < 0 or index in seen or (index in side.graph.tensors and side.graph.tensors[index].constant):
            continue
        seen.add(index)
        if index in starts and (index != end or _start(side, end)):
            hit.add(index)
        elif index in side.settled and index != end:
            fixed.add(index)
        elif index not in side.maker:
            return None, hit, ()
        else:
            op = side.maker[index]
            needed[op.index] = op
            todo += op.inputs
    ops = sorted(needed.values(), key=lambda op: max(side.rank[index] for index in op.outputs))
    return tuple(ops), hit, tuple(sorted(fixed))
