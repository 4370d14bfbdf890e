"""Two models of any formats: aligned by the values of their tensors, then segment by segment run alone."""

from __future__ import annotations

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Graph
from pipeline.checks.drift import ends, folding, numbers, rounded, scaling, told, vectors, windows
from pipeline.checks.drift.cuts import Segment, segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import SAME_DB, Partner, best_layout, matched
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.passing import parted, passing
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.drift.values import COARSE
from pipeline.checks.drift.verdict import judged
from pipeline.drift import healing, repairing
from pipeline.drift.alone import SURELY, Alone
from pipeline.drift.blaming import blamed
from pipeline.drift.work import Work

Pairs = dict[int, Partner]
"""Tensors known on both sides, by index in b."""
_ROUNDS = 3
ROUNDED_EXCESS = 1.1
"""In what is allowed: from here on a difference on recorded values is no matter of how rounding adds up."""

CLEARED = 0.5
"""In what is allowed: where something rounds, a longer piece that clears a difference must agree so well."""
_AS_LIKE_DB = 1.0
"""Of two tensors of b that may be the partner of one of a: less tells nothing."""


def across(one: Graph, two: Graph, work: Work) -> Drift:
    """The verdict on a model that need not share a format with the reference."""
    seen = [_recorded(work, file, graph) for file, graph in ((work.a, one), (work.b, two))]
    count = min((len(values) for side in seen for values in side.values()), default=0)
    a, b = (
        Known(graph, {index: values[:count] for index, values in side.items()})
        for graph, side in zip((one, two), seen, strict=True)
    )
    pairs = _pairs(a, b)
    wrong_ends = list(ends.exchanged(a, b, pairs))
    pairs = _plausible(work, a, b, pairs)
    alone = Alone(work, a, b)
    results = alone.compare(_segments(a, b, pairs))
    if any(found is not None and found.excess > CLEARED for found in results.values()):
        pairs, healthy = _healed(work, a, b, pairs)
        b, alone = (healthy, Alone(work, a, healthy)) if healthy is not b else (b, alone)
    work.known = {pair.b: pair.a for pair in pairs.values()}
    cuts = _segments(a, b, pairs)
    results = alone.compare(cuts)
    if better := repairing.better(alone, pairs, results):
        pairs |= better
        work.known = {pair.b: pair.a for pair in pairs.values()}
        cuts = _segments(a, b, pairs)
        results = alone.compare(cuts)
    wrong = [(cut, found) for cut in cuts if (found := results[cut]) and not found.agrees]
    clear = [_cleared(alone, pairs, cut, found) for cut, found in wrong]
    kept = [one for one, longer in zip(wrong, clear, strict=True) if not longer]
    proved = {**results, **alone.compare([cut for longer in clear for cut in longer])}
    same = rounded.matches(a, b, cuts)
    moved = [*windows.changed(a, b, cuts, same), *numbers.changed(a, b, cuts)]
    explained = {suspect.b.op_index for _, suspect in moved}
    kept = [(cut, found) for cut, found in kept if explained.isdisjoint(op.index for op in cut.ops_b)]
    near = [(told.tight(a, b, cut, found, pairs), found) for cut, found in kept]
    suspects = [told.suspect(a, b, cut, found, blamed(alone, cut)) for cut, found in near]
    proofs = [
        *(suspect for _, suspect in moved),
        *rounded.broken(a, b),
        *rounded.weights(a, b, same),
        *rounded.changed(a, b, same),
        *rounded.plain(a, b, cuts),
        *vectors.strange(a, b, cuts),
        *scaling.scaled(a, b, cuts),
        *scaling.lost(a, b, same),
        *rounded.ranges(a, b, cuts),
        *rounded.left_in_float(a, b, cuts),
        *passing(a, b),
        *parted(a, b),
    ]
    if not (wrong_ends or suspects or proofs):  # else the output has its shape from there
        wrong_ends += [ends.shape_told(a, b, end) for end in ends.resized(a, b)]
    outcome, told_suspects = judged([*wrong_ends, *suspects, *proofs])
    shares = told.coverage(a, b, proved) | {"weights_compared": rounded.share(a, same)}
    return Drift(str(work.a.path), str(work.b.path), outcome, told_suspects, shares, tuple(work.notes))


def opinion(one: Graph, two: Graph, work: Work) -> Drift | None:
    """What `across` says, with the work left as it was; None where a file does not run: its graph has said why."""
    known, notes = work.known, list(work.notes)
    try:
        return across(one, two, work)
    except EdgeExportError:
        return None
    finally:
        work.known, work.notes[:] = known, notes


def proved(found: Drift, least: float) -> bool:
    """Whether nothing differs, and this share of both sides' operators lies in segments that agree."""
    shares = (found.coverage["proved_a"], found.coverage["proved_b"])
    return not found.suspects and all(share is not None and share >= least for share in shares)


def _pairs(a: Known, b: Known) -> Pairs:
    """Tensors known on both sides: by their values, the ends also by name or place."""
    pairs = matched(a, b)
    return pairs | _inputs(a, b) | ends.outputs(a, b, pairs)


def _coarse(a: Known, b: Known) -> bool:
    """Whether rounding to 16 or 8 bits adds up in one of them."""
    return any(tensor.dtype in COARSE for side in (a, b) for tensor in side.graph.tensors.values())


def _plausible(work: Work, a: Known, b: Known, pairs: Pairs) -> Pairs:
    """The pairs without those that are only alike, and do not end a segment that agrees roughly.

    Between two float models, where only a fault leaves a partner so far off, it may also start one.
    """
    kept = dict(pairs)
    ends_of_b = {*b.graph.inputs, *b.graph.outputs}
    alone = Alone(work, a, b, rough=True)
    for _ in range(_ROUNDS):
        near = {pair.b for pair in kept.values() if pair.db < SAME_DB} - ends_of_b
        cuts = [cut for cut in _segments(a, b, kept) if near & {cut.out.b, *(start.b for start in cut.given)}]
        right = [cut for cut, found in alone.compare(cuts).items() if found is None or found.agrees]
        good = {cut.out.b for cut in right}
        good |= set() if _coarse(a, b) else {start.b for cut in right for start in cut.given}
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


def _healed(work: Work, a: Known, b: Known, pairs: Pairs) -> tuple[Pairs, Known]:
    """The pairs with those behind faults, and what b holds there when it is given the reference's values."""
    coarse = _coarse(a, b)
    hopeless: set[int] = set()
    for _ in range(healing.MOST_HEALED):
        alone = Alone(work, a, b, rough=True)
        wide = [cut for cut in _segments(a, b, pairs) if len(cut.ops_b) > 1 and cut.out.b not in hopeless]
        wide = [cut for cut in wide if _inner(b, pairs, cut)]
        results = alone.compare(wide)
        cut = next((cut for cut in wide if (near := results[cut]) and not near.agrees and near.real), None)
        if cut is None:
            break
        sure = [one for one in wide if (near := results[one]) and near.excess <= SURELY]
        right = {index for one in sure for index in _inner(b, pairs, one)}
        found = healing.heal(work, a, b, pairs, cut, frozenset(right), coarse)
        if found is None:
            hopeless.add(cut.out.b)
            continue
        b = Known(b.graph, {**b.recorded, **found.recorded})
        kept = {index: pair for index, pair in pairs.items() if index not in found.recorded}
        pairs = _plausible(work, a, b, _pairs(a, b)) | kept | {found.pair.b: found.pair}
    return pairs, b


def _inner(b: Known, pairs: Pairs, cut: Segment) -> list[int]:
    """Tensors inside a segment that have no partner."""
    made = [index for op in cut.ops_b for index in op.outputs]
    return [index for index in made if index not in pairs and index in b.recorded]


def _recorded(work: Work, file: Artifact, graph: Graph) -> dict[int, np.ndarray]:
    """The values of every tensor that can be seen."""
    made = dict.fromkeys((*graph.inputs, *(index for op in graph.ops for index in op.outputs)))
    try:
        return work.trace(file, graph, list(made))
    except EdgeExportError:
        return work.trace(file, graph, [index for index in made if graph.tensors[index].shape is not None])


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


def _segments(a: Known, b: Known, pairs: Pairs) -> list[Segment]:
    """The segments between known tensors, in the order of computation of a."""
    found = [segment(a, b, pair, pairs) for pair in pairs.values() if pair.b not in b.graph.inputs]
    cuts = [cut for cut in found if cut is not None]
    return sorted(cuts, key=lambda cut: (a.rank.get(cut.out.a, 0), b.rank.get(cut.out.b, 0)))


def _cleared(alone: Alone, pairs: Pairs, cut: Segment, found: Nearness) -> list[Segment]:
    """Longer segments that agree, and in which a difference is gone: with what comes next, or with what comes before.

    Models may do the same work in another order, and made-up values may be such as never come. Where rounding adds up
    that would hide too much: what recorded values show is only gone where nothing rounds.
    """
    a, b = alone.a, alone.b
    shown = found.real and found.excess > ROUNDED_EXCESS
    inner = {index: pair for index, pair in pairs.items() if index != cut.out.b}
    if cut.out.b not in b.graph.outputs:
        behind = [other for other in _segments(a, b, pairs) if cut.out in other.given]
        longer = [segment(a, b, other.out, inner) for other in behind]
        if longer and _agree(alone, longer, tight=shown):
            del pairs[cut.out.b]
            return [one for one in longer if one]
    before = {start.b for start in cut.given if start.b not in b.graph.inputs}
    for _ in range(2):
        if not before:
            break
        earlier = {index: pair for index, pair in pairs.items() if index not in before}
        longer = [segment(a, b, cut.out, earlier)]
        if _agree(alone, longer, tight=shown):
            return [one for one in longer if one]
        before |= {start.b for one in longer if one for start in one.given if start.b not in b.graph.inputs}
    return _biased(alone, pairs, cut)


def _biased(alone: Alone, pairs: Pairs, cut: Segment) -> list[Segment]:
    """Segments one of which ends one operator of b later, where a bias is added, and what is behind it; all agree.

    Before a bias is added a tensor may be as like the reference's as behind it, where integers are summed up to a
    rounding: then the segment that ends there, or the one that starts there, differs by the bias.
    """
    behind = [other.out for other in _segments(alone.a, alone.b, pairs) if cut.out in other.given]
    movable = [(start, [cut.out]) for start in cut.given if len(cut.given) == 1 and start.b not in alone.b.graph.inputs]
    found = (_ended_later(alone, pairs, start, outs) for start, outs in (*movable, (cut.out, behind)))
    return next((parts for parts in found if parts), [])


def _ended_later(alone: Alone, pairs: Pairs, start: Partner, outs: list[Partner]) -> list[Segment]:
    """The segment that ended at `start` up to the bias behind it, and those to `outs` from there.

    A segment that has its bias takes no second one.
    """
    a, b = alone.a, alone.b
    rest = {index: pair for index, pair in pairs.items() if index != start.b}
    before = segment(a, b, start, rest)
    readers = b.readers.get(start.b, [])
    if before is None or len(readers) != 1 or any(one.vector for one in folding.held(b, before.ops_b)):
        return []
    (later,) = readers[0].outputs[:1]
    if later in pairs or later not in b.recorded or not any(one.vector for one in folding.held(b, readers)):
        return []
    db, layout = best_layout(a.real(start.a), b.real(later))
    if layout is None or db < start.db - _AS_LIKE_DB:
        return []
    moved = {**rest, later: Partner(start.a, later, layout, db)}
    parts = [segment(a, b, out, moved) for out in (moved[later], *outs)]
    return [one for one in parts if one] if _agree(alone, parts, tight=False) else []


def _agree(alone: Alone, cuts: list[Segment | None], tight: bool) -> bool:
    whole = [cut for cut in cuts if cut is not None]
    if len(whole) != len(cuts) or (tight and not all(map(alone.tight, whole))):
        return False
    results = alone.compare(whole).items()
    return all(near is not None and near.excess <= (1.0 if alone.tight(cut) else CLEARED) for cut, near in results)
