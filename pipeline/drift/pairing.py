"""Which tensors of two models hold the same: by values, borne out by the segments that they end, and behind faults."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.checks.drift import ends
from pipeline.checks.drift.cuts import Segment, Starts, segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import SAME_DB, Partner, best_layout, matched
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.values import COARSE
from pipeline.drift import healing
from pipeline.drift.alone import SURELY, Alone
from pipeline.drift.work import Work

Pairs = dict[int, Partner]
"""Tensors known on both sides, by index in b."""
_ROUNDS = 3


def pairs_of(a: Known, b: Known) -> Pairs:
    """Tensors known on both sides: by their values, the ends also by name or place."""
    pairs = matched(a, b)
    return pairs | _inputs(a, b) | ends.outputs(a, b, pairs)


def _inputs(a: Known, b: Known) -> Pairs:
    """The inputs, which hold the same by the way they are fed: partners by name, else by value and by place."""
    names = dict(zip(a.graph.input_names, a.graph.inputs, strict=True))
    named = sorted(names) == sorted(b.graph.input_names)
    found = {}
    for place, (name, index) in enumerate(zip(b.graph.input_names, b.graph.inputs, strict=True)):
        others = [names[name]] if named else a.graph.inputs[place : place + 1]
        others = others if named else [*others, *(i for i in a.graph.inputs if i not in others)]
        near = [(*best_layout(a.real(i), b.real(index)), i) for i in others if index in b.recorded and i in a.recorded]
        fits = [(db, layout, other) for db, layout, other in near if layout is not None]
        if fits:  # the first unless values say otherwise
            db, layout, other = max(fits, key=lambda one: one[0])
            found[index] = Partner(other, index, layout, db)
    return found


def coarse(a: Known, b: Known) -> bool:
    """Whether rounding to 16 or 8 bits adds up in one of them."""
    return any(tensor.dtype in COARSE for side in (a, b) for tensor in side.graph.tensors.values())


def plausible(work: Work, a: Known, b: Known, pairs: Pairs) -> Pairs:
    """The pairs without those that are only alike, and do not end a segment that agrees roughly.

    Between two float models, where only a fault leaves a partner so far off, it may also start one.
    """
    kept = dict(pairs)
    ends_of_b = {*b.graph.inputs, *b.graph.outputs}
    alone = Alone(work, a, b, rough=True)
    for _ in range(_ROUNDS):
        near = {pair.b for pair in kept.values() if pair.db < SAME_DB} - ends_of_b
        cuts = [cut for cut in segments_of(a, b, kept) if near & {cut.out.b, *(start.b for start in cut.given)}]
        right = [cut for cut, found in alone.compare(cuts).items() if found is None or found.agrees]
        good = {cut.out.b for cut in right}
        good |= set() if coarse(a, b) else {start.b for cut in right for start in cut.given}
        if not near - good:
            break
        kept = {index: pair for index, pair in kept.items() if index not in near - good}
    return kept | _again(alone, pairs, kept)


def _again(alone: Alone, pairs: Pairs, kept: Pairs) -> Pairs:
    """The dropped pairs that end a segment which agrees, now that it starts at none of them: one was only alike."""
    dropped = [pair for index, pair in pairs.items() if index not in kept]
    cuts = [segment(alone.a, alone.b, pair, {**kept, pair.b: pair}) for pair in dropped]
    results = alone.compare([cut for cut in cuts if cut is not None])
    return {cut.out.b: cut.out for cut, found in results.items() if found is not None and found.agrees}


def healed(work: Work, a: Known, b: Known, pairs: Pairs) -> tuple[Pairs, Known]:
    """The pairs with those behind faults, and what b holds there when it is given the reference's values."""
    rounds = coarse(a, b)
    hopeless: set[int] = set()
    for _ in range(healing.MOST_HEALED):
        alone = Alone(work, a, b, rough=True)
        wide = [cut for cut in segments_of(a, b, pairs) if len(cut.ops_b) > 1 and cut.out.b not in hopeless]
        wide = [cut for cut in wide if _inner(b, pairs, cut)]
        results = alone.compare(wide)
        cut = next((cut for cut in wide if (near := results[cut]) and not near.agrees and near.real), None)
        if cut is None:
            break
        sure = [one for one in wide if (near := results[one]) and near.excess <= SURELY]
        right = {index for one in sure for index in _inner(b, pairs, one)}
        for found in healing.heal(work, a, b, pairs, cut, frozenset(right), rounds):
            put, healthy = _put(work, a, b, pairs, found)
            guessed = found.score == 0 and found.sole and not rounds  # the next layer is wrong too
            if found.sure or guessed or _borne_out(work, a, healthy, put, found):
                pairs, b = put, healthy
                break
        else:
            hopeless.add(cut.out.b)
    return pairs, b


def _put(work: Work, a: Known, b: Known, pairs: Pairs, found: healing.Healed) -> tuple[Pairs, Known]:
    """The pairs, and what b holds, when a pair is taken for granted."""
    healthy = b.given(found.recorded)
    kept = {index: pair for index, pair in pairs.items() if index not in found.recorded}
    made = plausible(work, a, healthy, pairs_of(a, healthy)) | {found.pair.b: found.pair}
    kept = still(kept, made, {*b.graph.inputs, *b.graph.outputs})
    return made | kept | {found.pair.b: found.pair}, healthy


def still(pairs: Pairs, made: Pairs, ends_of_b: Collection[int]) -> Pairs:
    """The pairs whose tensor of a has no other partner among those `made` behind a fault: they only looked alike."""
    taken = {pair.a: index for index, pair in made.items()}
    return {index: pair for index, pair in pairs.items() if index in ends_of_b or taken.get(pair.a, index) == index}


def _borne_out(work: Work, a: Known, b: Known, pairs: Pairs, found: healing.Healed) -> bool:
    cuts = healing.beside(b, found, segments_of(a, b, pairs))
    return healing.borne_out(b, found, Alone(work, a, b, rough=True).compare(cuts))


def _inner(b: Known, pairs: Pairs, cut: Segment) -> list[int]:
    """Tensors inside a segment that have no partner."""
    made = [index for op in cut.ops_b for index in op.outputs]
    return [index for index in made if index not in pairs and index in b.recorded]


def segments_of(a: Known, b: Known, pairs: Pairs) -> list[Segment]:
    """The segments between known tensors, in the order of computation of a."""
    starts = Starts(pairs)
    found = [segment(a, b, pair, starts) for pair in pairs.values() if pair.b not in b.graph.inputs]
    cuts = [cut for cut in found if cut is not None]
    return sorted(cuts, key=lambda cut: (a.rank.get(cut.out.a, 0), b.rank.get(cut.out.b, 0)))


def inner_ends(results: Mapping[Segment, Nearness | None]) -> set[int]:
    """Tensors of b in which a wrong segment ends that lies inside another wrong one: no partners, they are only alike.

    One from which a segment agrees is one.
    """
    wrong = [cut for cut, found in results.items() if found is not None and not found.agrees]
    right = {start.b for cut, found in results.items() if found is not None and found.agrees for start in cut.given}
    inside = {index for cut in wrong for op in cut.ops_b for index in op.outputs if index != cut.out.b}
    return {cut.out.b for cut in wrong if cut.out.b in inside} - right
