"""Two models cut at tensors that are known on both sides: the segments between, each computing the same alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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


class Starts:
    """Where segments may start: the pairs whose values can be carried over, by tensor of b and by tensor of a."""

    def __init__(self, pairs: Mapping[int, Partner]) -> None:
        self.of_b = {index: pair for index, pair in pairs.items() if pair.layout.fits}
        self.of_a: dict[int, list[int]] = {}
        for index, pair in self.of_b.items():
            self.of_a.setdefault(pair.a, []).append(index)

    def among(self, tensors: Collection[int], gone: Collection[int]) -> list[int]:
        """By tensor of b, the starts that are these tensors of a; none of those that are gone."""
        return [index for one in tensors for index in self.of_a.get(one, ()) if index not in gone]


def segment(a: Known, b: Known, out: Partner, pairs: Mapping[int, Partner] | Starts) -> Segment | None:
    """The smallest segment that ends in `out` and starts at `pairs` (by tensor of b); None where none closes.

    Both sides must start from the same tensors: a start that only one side needs is taken away, and the search goes on
    behind it; or those are between it and the end, for one of them may be no partner at all.
    """
    starts = pairs if isinstance(pairs, Starts) else Starts(pairs)
    gone = {out.b} if _start(a, out.a) else {out.b, *starts.of_a.get(out.a, ())}
    first, met, shut = _closed(a, b, out, starts, gone, between=False)
    if met:
        return first
    second, _, closed = _closed(a, b, out, starts, gone, between=True)
    tried = [(one, alike) for one, alike in ((first, shut), (second, closed)) if one is not None]
    return min(tried, key=lambda one: (not one[1], _size(one[0])), default=(None, False))[0]


def _size(found: Segment) -> int:
    return len(found.ops_a) + len(found.ops_b)


def _closed(
    a: Known, b: Known, out: Partner, starts: Starts, without: Collection[int], *, between: bool
) -> tuple[Segment | None, bool, bool]:
    """(the segment, whether both sides met the same starts at once, whether they do in the end)."""
    gone, at_once = set(without), True
    while True:
        ops_a, hit_a, fixed_a = behind(a, (out.a,), lambda index: bool(starts.among((index,), gone)))
        ops_b, hit_b, fixed_b = behind(b, (out.b,), lambda index: index in starts.of_b and index not in gone)
        if ops_a is None or ops_b is None:
            return None, at_once, False
        met = {starts.of_b[index].a for index in hit_b}
        lonely = met ^ hit_a
        if not lonely:
            given = tuple(starts.of_b[index] for index in sorted(hit_b))
            return (Segment(out, given, ops_a, ops_b, fixed_a, fixed_b) if given else None), at_once, True
        at_once = False
        ends = [index for index in starts.among(lonely, gone) if not _start(b, index)]
        if between:
            shared = [index for index in starts.among(met & hit_a, gone) if not _start(b, index)]
            ends = _between(a, starts, shared, lonely) or ends
        if not ends:
            needed = sorted(starts.among(met | hit_a, gone))
            found = Segment(out, tuple(starts.of_b[index] for index in needed), ops_a, ops_b, fixed_a, fixed_b)
            return found, at_once, False
        gone.update(ends)


def _between(a: Known, starts: Starts, shared: Collection[int], lonely: Collection[int]) -> list[int]:
    """Starts that both sides read and that are computed, on the one that does not read it, from one that is lonely."""
    found = [i for i in shared if starts.of_b[i].a in a.before]
    ranks = [a.rank[other] for other in lonely if other in a.rank]
    return [i for i in found if any(a.before[starts.of_b[i].a] >> rank & 1 for rank in ranks)]


def _start(side: Known, index: int) -> bool:
    return index in side.graph.inputs


def behind(
    side: Known, ends: Collection[int], starts: Callable[[int], bool]
) -> tuple[tuple[Op, ...] | None, set[int], tuple[int, ...]]:
    """(operators between `starts` and `ends`, the starts that they read, sizes); no operators where an input is open.

    `starts` says of a tensor whether it is one.
    """
    needed: dict[int, Op] = {}
    hit: set[int] = set()
    fixed: set[int] = set()
    seen = set()
    todo = [index for index in ends if not side.stored(index)]
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        if (index not in ends or _start(side, index)) and starts(index):
            hit.add(index)
        elif index in side.settled and index not in ends:
            fixed.add(index)
        elif index not in side.maker:
            return None, hit, ()
        elif (op := side.maker[index]).index not in needed:
            needed[op.index] = op
            todo += side.reads[op.index]
    ops = sorted(needed.values(), key=lambda op: side.turn[op.index])
    return tuple(ops), hit, tuple(sorted(fixed))
