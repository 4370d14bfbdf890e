"""Behind a fault nothing is alike: the reference's values are put in its place, and what lies behind is known again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product

import numpy as np

from converters.errors import EdgeExportError
from pipeline.checks.drift import folding, stress
from pipeline.checks.drift.cuts import Segment, behind
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout, layouts
from pipeline.checks.drift.matching import Partner, bare, sketch
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.told import BETWEEN
from pipeline.drift.work import Work

MOST_HEALED = 12
"""Places in a file: one with more faults fails by those that are told first."""
MOST_TRIED, MOST_VALUES = 40, 300_000_000
"""Pairs inside a segment, and values computed for them: counted, not timed, so that a verdict is the same on a machine
that does other work. An answer takes 1 s for some 50 million values."""
_TRIED_LAYOUTS = 3
MOST_KEPT = 4
"""Pairs that are looked into closer: of two layouts both may seem right."""
SURE = 0.5
_ALIKE = {False: 1e-3, True: 4e-2}
"""Relative gap of mean and deviation under which a tensor counts as known again; the second between precisions."""


@dataclass(frozen=True)
class Healed:
    """A tensor of b that was given the values of its likely partner, and the values behind it then."""

    pair: Partner
    recorded: dict[int, np.ndarray]
    score: int
    of: int
    """Tensors that lie behind it: `score` of them are known again."""
    sole: bool
    """Whether its values can lie in one way only."""

    @property
    def sure(self) -> bool:
        """Whether so many are that it needs no other proof."""
        return self.score >= SURE * self.of > 0


def heal(
    work: Work, a: Known, b: Known, pairs: Mapping[int, Partner], cut: Segment, right: frozenset[int], coarse: bool
) -> list[Healed]:
    """The pairs inside a failing segment that, taken for granted, make most of what lies behind known; best first.

    Where the next layer is wrong too nothing is: then the first pair of one size. `right` are tensors of b that lie in
    segments which agree.
    """
    lost_b = [i for i in b.rank if i in b.live and i in b.recorded and i not in pairs and i not in b.steady]
    lost_a = [i for i in a.rank if i in a.live and i in a.recorded and i not in a.steady]
    sketches = _by_size(a, lost_a)
    order = Counter(pair.layout.order for pair in pairs.values() if pair.layout.of_a)
    every: list[Healed] = []
    tried = computed = 0
    for pair in _candidates(a, b, pairs, cut, order, right):
        if computed > MOST_VALUES or (tried >= MOST_TRIED and every and every[0].sure):
            break
        after = [index for index in (*lost_b, cut.out.b) if b.before[index] >> b.rank[pair.b] & 1 and index != pair.b]
        tried, computed = tried + 1, computed + sum(b.recorded[index].size for index in after)
        found = _given(work, a, b, pairs, pair, list(dict.fromkeys(after)))
        if found is None:
            continue
        known = Known(b.graph, {**b.recorded, **found})
        score = sum(_known_again(a, known, index, pair, sketches, coarse) for index in after)
        inside = pair.a not in {start.a for start in cut.given}
        if after and (score or inside):
            own = stress.stored(pair.layout.carry(a.real(pair.a)), b.graph.tensors[pair.b], b.recorded[pair.b].dtype)
            sole = len(list(layouts(a.recorded[pair.a].shape[1:], b.recorded[pair.b].shape[1:]))) == 1
            every.append(Healed(pair, {**found, pair.b: own}, score, len(after), sole))
            every = sorted(every, key=lambda one: -one.score)[:MOST_KEPT]
        if every and every[0].score >= len(after) > 0:
            break
    bare_of_weights = not folding.held(b, cut.ops_b)  # there a guess that nothing confirms is none
    return [one for one in every if one.score or not bare_of_weights]


def beside(b: Known, found: Healed, cuts: Sequence[Segment]) -> list[Segment]:
    """The segments that end at the pair, or start there or at what is made of it value by value."""
    starts = {found.pair.b}
    for cut in sorted(cuts, key=lambda one: b.rank[one.out.b]):
        if starts.issuperset(start.b for start in cut.given) and not _tells(b, found, cut):
            starts.add(cut.out.b)
    return [cut for cut in cuts if cut.out.b == found.pair.b or starts.intersection(start.b for start in cut.given)]


def borne_out(b: Known, found: Healed, results: Mapping[Segment, Nearness | None]) -> bool:
    """Whether one of the segments agrees, and tells something: a fault is on one side of the pair."""
    return any(near is not None and near.agrees and _tells(b, found, cut) for cut, near in results.items())


def _tells(b: Known, found: Healed, cut: Segment) -> bool:
    """Whether a segment does not compute value by value: that agrees in any order of the axes."""
    size = b.recorded[found.pair.b][0].size
    mixing = any(one.values.ndim > 1 for one in folding.held(b, cut.ops_b))
    sizes = {b.recorded[i][0].size for op in cut.ops_b for i in op.outputs if i in b.recorded and i not in b.steady}
    return bool(cut.ops_a) and (mixing or sizes != {size})


def _candidates(
    a: Known,
    b: Known,
    pairs: Mapping[int, Partner],
    cut: Segment,
    used: Counter[tuple[int, ...]],
    right: frozenset[int],
) -> Iterator[Partner]:
    """Pairs of tensors inside a segment: layers first, and those of equal size.

    `MOST_TRIED` in b's order of computation; then as many that come about as far on both sides, in the likeliest
    layout: where many tensors are of one size, the first ones have no partner behind a fault and use up their turns.
    """
    inside_a = [index for op in cut.ops_a for index in op.outputs if index in a.recorded and index not in a.steady]
    inside_a += [start.a for start in cut.given]
    inside_b = [index for op in cut.ops_b for index in op.outputs if index in b.recorded and index not in pairs]
    inside_b = [index for index in inside_b if b.recorded[index].dtype.kind == "f" or not _small(b, index)]
    inside_b = [index for index in inside_b if not bare(b, index) and index not in right]  # bare: other numbers
    inside_b.sort(key=lambda index: b.maker[index].type in BETWEEN)  # last: no layer is wrong there, most likely

    def laid(places: Iterable[tuple[int, int]], same_size: bool, most: int) -> Iterator[Partner]:
        for first, second in ((inside_a[one], inside_b[two]) for two, one in places):
            one, two = a.recorded[first], b.recorded[second]
            if (one[0].size == two[0].size) is same_size and first != cut.out.a:
                for layout in _layouts(one.shape[1:], two.shape[1:], used)[:most]:
                    yield Partner(first, second, layout, 0.0)

    sizes = range(len(inside_b)), range(len(inside_a))
    in_turn = (laid(product(*sizes), same_size, _TRIED_LAYOUTS) for same_size in (True, False))
    yield from islice(chain.from_iterable(in_turn), MOST_TRIED)
    first_of_both = sizes[0][:MOST_TRIED], sizes[1][:MOST_TRIED]
    abreast = sorted(product(*first_of_both), key=sum)
    yield from islice(laid(abreast, True, 1), MOST_TRIED)


def _small(side: Known, index: int) -> bool:
    return side.recorded[index][0].size <= 8


def _layouts(one: tuple[int, ...], two: tuple[int, ...], used: Counter[tuple[int, ...]]) -> list[Layout]:
    """The likeliest layouts: those that other pairs of the models have, first."""
    if np.prod(one, dtype=np.int64) == np.prod(two, dtype=np.int64):
        found = list(layouts(one, two))
    elif len(one) == len(two):
        orders = [order for order in used if len(order) == sum(size != 1 for size in one)]
        long = tuple(size for size in one if size != 1)
        found = [Layout(one, _unsqueezed(two, tuple(long[axis] for axis in order)), order) for order in orders]
    else:
        found = []
    return sorted(found, key=lambda layout: -used[layout.order])[:_TRIED_LAYOUTS]


def _unsqueezed(like: tuple[int, ...], long: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes `long`, with axes of one element where `like` has them."""
    if sum(size != 1 for size in like) != len(long):
        return (*(1 for _ in range(len(like) - len(long))), *long)
    rest = iter(long)
    return tuple(1 if size == 1 else next(rest) for size in like)


def _given(
    work: Work, a: Known, b: Known, pairs: Mapping[int, Partner], pair: Partner, wanted: list[int]
) -> dict[int, np.ndarray] | None:
    """The values of `wanted` in b when it is given the reference's at `pair` and at all that is known before."""
    others = {index: known for index, known in pairs.items() if index not in wanted and known.layout.fits}
    starts = others | {pair.b: pair}
    ops, read, sizes = behind(b, set(wanted), starts.__contains__)
    if ops is None or pair.b not in {*read, *sizes} or not wanted:
        return None
    given = {found: b.recorded[found][:1] for found in sizes}
    given |= {found: starts[found].layout.carry(a.real(starts[found].a)) for found in read}
    count = len(a.real(pair.a))
    pieces = {
        index: np.repeat(values, count, axis=0)
        if index in b.settled and len(values) == 1
        else stress.stored(values, b.graph.tensors[index], b.dtype(index))
        for index, values in given.items()
    }
    try:
        answer: dict[int, np.ndarray] = work.ask(work.b, "run", given=pieces, wanted=tuple(wanted))
    except EdgeExportError:
        return None
    return answer if all(values.size for values in answer.values()) else None


def _known_again(a: Known, b: Known, index: int, pair: Partner, sketches: Sketches, coarse: bool) -> bool:
    """Whether a tensor behind the pair holds, by its figures, what a tensor behind it in the reference holds."""
    own = sketch(b, index)
    others, figures = sketches.get((b.recorded[index][0].size, len(own)), ((), np.empty((0, len(own)))))
    if not others or not np.isfinite(own).all():
        return False
    sizes = np.maximum(np.abs(figures).max(1), np.abs(own).max())
    alike = np.abs(figures - own).max(1) <= _ALIKE[coarse] * np.maximum(sizes, 1e-300)
    return any(
        others[place] != pair.a and a.before[others[place]] >> a.rank[pair.a] & 1 for place in np.flatnonzero(alike)
    )


Sketches = Mapping[tuple[int, int], tuple[list[int], np.ndarray]]
"""By how many values, and how many figures they have: tensors of the reference, and the figures of each in a row."""


def _by_size(a: Known, indices: list[int]) -> Sketches:
    found: dict[tuple[int, int], list[tuple[int, np.ndarray]]] = {}
    for index in indices:
        figures = sketch(a, index)
        found.setdefault((a.recorded[index][0].size, len(figures)), []).append((index, figures))
    return {size: ([index for index, _ in rows], np.array([one for _, one in rows])) for size, rows in found.items()}
