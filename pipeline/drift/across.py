"""Two models of any formats: aligned by the values of their tensors, then segment by segment run alone."""

from __future__ import annotations

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Graph
from pipeline.checks.drift import (
    ends,
    factors,
    finite,
    folding,
    numbers,
    recurrences,
    rounded,
    run_time,
    scaling,
    slopes,
    strangers,
    told,
    unrun,
    vectors,
    windows,
)
from pipeline.checks.drift.blame import Blame
from pipeline.checks.drift.cuts import Segment, segment
from pipeline.checks.drift.folding import Folded
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner, best_layout
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.passing import parted, passing
from pipeline.checks.drift.suspects import Drift, Suspect
from pipeline.checks.drift.verdict import judged
from pipeline.drift import inner_steps, repairing, stepping
from pipeline.drift.alone import Alone
from pipeline.drift.anchoring import anchored
from pipeline.drift.blaming import blamed
from pipeline.drift.pairing import Pairs, healed, inner_ends, pairs_of, plausible, segments_of
from pipeline.drift.work import Work

ROUNDED_EXCESS = 1.1
"""In what is allowed: from here on a difference on recorded values is no matter of how rounding adds up."""

CLEARED = 0.5
"""In what is allowed: where something rounds, a longer piece that clears a difference must agree so well."""
MOST_BLAMED = 8
"""Segments, from the first that differs on, of which it is said which operator differs: later ones may come of it."""
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
    if broken := list(finite.broken(a, b)):  # what is computed from them tells nothing
        outcome, found = judged(broken)
        return Drift(str(work.a.path), str(work.b.path), outcome, found, told.coverage(a, b, {}), tuple(work.notes))
    pairs = pairs_of(a, b)
    wrong_ends = list(ends.exchanged(a, b, pairs))
    pairs = plausible(work, a, b, pairs)
    alone = Alone(work, a, b)
    results = alone.compare(segments_of(a, b, pairs))
    results |= inner_steps.settled(alone, results)
    if any(found is not None and found.excess > CLEARED for found in results.values()):
        pairs, healthy = healed(work, a, b, pairs)
        b, alone = (healthy, Alone(work, a, healthy)) if healthy is not b else (b, alone)
    pairs = _repaired(alone, pairs | anchored(alone, pairs, segments_of(a, b, pairs)))
    work.known = {pair.b: pair.a for pair in pairs.values()}
    suspects, proved, same = _told(alone, pairs)
    if not (wrong_ends or suspects):  # else the output has its shape from there
        wrong_ends += [ends.shape_told(a, b, end) for end in ends.resized(a, b)]
        wrong_ends += ends.far(a, b, {cut.out.b for cut, near in proved.items() if near is not None})
    outcome, told_suspects = judged([*wrong_ends, *suspects])
    shares = told.coverage(a, b, proved) | {"weights_compared": rounded.share(a, same)}
    return Drift(str(work.a.path), str(work.b.path), outcome, told_suspects, shares, tuple(work.notes))


def _repaired(alone: Alone, pairs: Pairs) -> Pairs:
    """The pairs with those put right that only look like partners."""
    results = alone.compare(segments_of(alone.a, alone.b, pairs))
    for repair in (repairing.one_by_one, repairing.replaced, repairing.restarted, repairing.moved, repairing.merged):
        if (better := repair(alone, pairs, results)) != pairs:
            pairs = better
            results = alone.compare(segments_of(alone.a, alone.b, pairs))
    inner = inner_ends(results)
    return {index: pair for index, pair in pairs.items() if index not in inner}


def _told(alone: Alone, pairs: Pairs) -> tuple[list[Suspect], dict[Segment, Nearness | None], list[Folded]]:
    """(suspects, how near the segments are, constants that both sides hold)."""
    a, b = alone.a, alone.b
    cuts = segments_of(a, b, pairs)
    results = alone.compare(cuts)
    results |= inner_steps.settled(alone, results)
    wrong = [(cut, found) for cut in cuts if (found := results[cut]) and not found.agrees]
    clear = [_cleared(alone, pairs, cut, found) for cut, found in wrong]
    kept = [one for one, longer in zip(wrong, clear, strict=True) if not longer]
    proved = {**results, **alone.compare([cut for longer in clear for cut in longer])}
    same = rounded.matches(a, b, cuts)
    moved = [
        *windows.changed(a, b, cuts, same),
        *numbers.changed(a, b, cuts),
        *factors.changed(a, b, cuts),
        *factors.put_in(a, b, cuts),
        *recurrences.changed(a, b, cuts),
        *stepping.changed(alone, {cut: results[cut] for cut in cuts}),
    ]
    explained = {suspect.b.op_index for _, suspect in moved}
    kept = [(cut, found) for cut, found in kept if explained.isdisjoint(op.index for op in cut.ops_b)]
    near = [(told.tight(a, b, cut, found, pairs), found) for cut, found in kept]
    hidden = [*(cut for cut in cuts if results[cut] is None), *unrun.open_ends(a, b, pairs, cuts)]
    seen = [(cut, unrun.recorded(a, b, cut)) for cut in hidden if alone.tight(cut)]
    places = {op.index: rounded.order_of(a, cut) for cut in reversed(cuts) for op in cut.ops_b}
    held = [
        *rounded.weights(a, b, same),
        *rounded.changed(a, b, same),
        *rounded.plain(a, b, cuts),
        *vectors.strange(a, b, cuts),
        *vectors.folded_in(a, b, cuts),
        *strangers.strange(a, b, cuts, same),
        *scaling.scaled(a, b, cuts),
        *slopes.scaled(a, b, cuts),
        *scaling.lost(a, b, same),
    ]
    suspects = [
        *parted(a, b, places),
        *(
            told.suspect(a, b, cut, found, blamed(alone, cut, held) if number < MOST_BLAMED else Blame())
            for number, (cut, found) in enumerate(near)
        ),
        *(told.suspect(a, b, cut, found, Blame()) for cut, found in seen if found),
        *(suspect for _, suspect in moved),
        *held,
        *rounded.ranges(a, b, cuts, guessed=alone.work.given is None),
        *rounded.left_in_float(a, b, cuts),
        *passing(a, b, places),
    ]
    return suspects, proved, same


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


def _recorded(work: Work, file: Artifact, graph: Graph) -> dict[int, np.ndarray]:
    """The values of every tensor that can be seen."""
    made = dict.fromkeys((*graph.inputs, *(index for op in graph.ops for index in op.outputs)))
    try:
        return work.trace(file, graph, list(made))
    except EdgeExportError:
        return work.trace(file, graph, [index for index in made if graph.tensors[index].shape is not None])


def _cleared(alone: Alone, pairs: Pairs, cut: Segment, found: Nearness) -> list[Segment]:
    """Longer segments that agree, and in which a difference is gone: with what comes next, or with what comes before.

    Models may do the same work in another order, and made-up values may be such as never come. Where rounding adds up
    that would hide too much: what recorded values show is only gone where nothing rounds.
    """
    a, b = alone.a, alone.b
    shown = found.real and found.excess > ROUNDED_EXCESS
    inner = {index: pair for index, pair in pairs.items() if index != cut.out.b}
    if cut.out.b not in b.graph.outputs:
        behind = [other for other in segments_of(a, b, pairs) if cut.out in other.given]
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
    behind = [other.out for other in segments_of(alone.a, alone.b, pairs) if cut.out in other.given]
    movable = [(start, [cut.out]) for start in cut.given if len(cut.given) == 1 and start.b not in alone.b.graph.inputs]
    ended = (_ended_later, _begun_later)
    found = (end(alone, pairs, start, outs) for start, outs in (*movable, (cut.out, behind)) for end in ended)
    return next((parts for parts in found if parts), [])


def _ended_later(alone: Alone, pairs: Pairs, start: Partner, outs: list[Partner]) -> list[Segment]:
    """The segment that ended at `start` up to the bias behind it, and those to `outs` from there.

    A segment that has its bias takes no second one.
    """
    a, b = alone.a, alone.b
    rest = {index: pair for index, pair in pairs.items() if index != start.b}
    before = segment(a, b, start, rest)
    readers = b.readers.get(start.b, [])
    if before is None or len(readers) != 1:
        return []
    scales = {place for one in run_time.groups(b, before.ops_b) for place in one.inside}  # of weights: no bias
    if any(one.vector and one.op.index not in scales for one in folding.held(b, before.ops_b)):
        return []
    (later,) = readers[0].outputs[:1]
    if later in pairs or later not in b.recorded or not any(one.vector for one in folding.held(b, readers, 1)):
        return []
    db, layout = best_layout(a.real(start.a), b.real(later))
    if layout is None or db < start.db - _AS_LIKE_DB:
        return []
    moved = {**rest, later: Partner(start.a, later, layout, db)}
    parts = [segment(a, b, out, moved) for out in (moved[later], *outs)]
    return [one for one in parts if one] if _agree(alone, parts, tight=False) else []


def _begun_later(alone: Alone, pairs: Pairs, start: Partner, outs: list[Partner]) -> list[Segment]:
    """The same, where it is the reference's tensor that has its bias one operator later."""
    a, b = alone.a, alone.b
    rest = {index: pair for index, pair in pairs.items() if index != start.b}
    readers = a.readers.get(start.a, [])
    if len(readers) != 1:
        return []
    (later,) = readers[0].outputs[:1]
    if later not in a.recorded or later in {pair.a for pair in rest.values()} or not folding.held(a, readers, 1):
        return []
    db, layout = best_layout(a.real(later), b.real(start.b))
    if layout is None or db < start.db - _AS_LIKE_DB:
        return []
    moved = {**rest, start.b: Partner(later, start.b, layout, db)}
    first, *parts = [segment(a, b, out, moved) for out in (moved[start.b], *outs)]
    was = segment(a, b, start, rest)
    if first is None or was is None or not _has_bias(alone, was):
        return []
    pieces = [(first, was), *((part, segment(a, b, part.out, pairs)) for part in parts if part)]
    better = len(pieces) > len(parts) and all(_no_worse(alone, one, other) for one, other in pieces)
    return [one for one, _ in pieces] if better else []


def _no_worse(alone: Alone, one: Segment, before: Segment | None) -> bool:
    """Whether a segment agrees, and no worse than it did with another start or end."""
    near = alone.compare([one])[one]
    was = alone.compare([before])[before] if before else None
    allowed = max(ROUNDED_EXCESS * was.excess, CLEARED) if was else CLEARED
    return near is not None and near.agrees and near.excess <= (1.0 if alone.tight(one) else allowed)


def _has_bias(alone: Alone, cut: Segment) -> bool:
    """Whether b adds something in a segment: it holds more than a there, or a vector that may hold what comes later."""
    ours, theirs = folding.held(alone.a, cut.ops_a, 1), folding.held(alone.b, cut.ops_b, 1)
    return len(theirs) > len(ours) or any(one.vector and one.values.size > 1 for one in theirs)


def _agree(alone: Alone, cuts: list[Segment | None], tight: bool) -> bool:
    whole = [cut for cut in cuts if cut is not None]
    if len(whole) != len(cuts) or (tight and not all(map(alone.tight, whole))):
        return False
    results = alone.compare(whole).items()
    return all(near is not None and near.excess <= (1.0 if alone.tight(cut) else CLEARED) for cut, near in results)
