"""What one model reads where its partner reads something else: rewrites that give the same values, and faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from converters.errors import EdgeExportError
from converters.graph import Op
from pipeline.checks.drift import parameters, precision, values
from pipeline.checks.drift.align import Pairs
from pipeline.checks.drift.grids import STORES
from pipeline.checks.drift.net import Node
from pipeline.checks.drift.suspects import Suspect
from pipeline.checks.drift.wiring import Boundary, Detour, chain_before, corresponds, detours
from pipeline.drift import rewriting
from pipeline.drift.work import Work

_SHIFT = 1e-4
"""Of the range of values: what moves them by more is no rounding in float."""


def same_there(pairs: Pairs, work: Work, one: Op | Node, two: Op | Node) -> bool:
    """Whether two operators give out the same where they stand, in whatever layout."""
    outs = list(zip(one.outputs, two.outputs, strict=False))
    found = agreeing(pairs, work, outs, any_layout=True)
    return len(found) == len(outs) > 0 and all(result.agrees for result in found.values())


def followed(pairs: Pairs, work: Work, doubted: set[int]) -> tuple[list[Suspect], set[float], bool]:
    """(suspects by what is read from where, the partners that a rewrite changed, whether values cleared any).

    `doubted` are partners, by number in graph a, whose parameters differ: what is folded into them changes them too.
    """
    found: list[Detour] = list(detours(pairs))
    agreed = agreeing(pairs, work, [boundary for way in found for boundary in way.boundaries]) if found else {}
    kept: list[Suspect] = []
    rewritten: set[float] = set()
    idle = 0
    moved = not pairs.bridged and parameters.recalibrated(pairs)
    for way in found:
        results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.suspect.kind == "replaced" or (pairs.bridged and "transpose" not in way.suspect.cause.lower()):
            agreed |= agreeing(pairs, work, way.boundaries, any_layout=True)
            results = [agreed.get(boundary) for boundary in way.boundaries]
        agree = way.boundaries and all(result is not None and result.agrees for result in results)
        lone = agree and moved and doubted.isdisjoint((way.reader, *way.touches))
        if agree and not (lone and _shifts(pairs, work, way)):
            rewritten |= way.touches
            continue
        if way.suspect.kind == "extra" and all(_neutral(pairs, work, boundary) for boundary in way.boundaries):
            idle += 1
            continue
        if way.reader in doubted and way.reader in pairs.to_b and way.suspect.kind != "wiring":
            one, two = pairs.a.nodes[way.reader], pairs.b.nodes[pairs.to_b[way.reader]]
            if same_there(pairs, work, one, two):
                rewritten |= {way.reader, *way.touches}
                continue
        said = "; ".join(dict.fromkeys(result.said() for result in results if result is not None and not result.agrees))
        measure = f"{way.suspect.measure}: {said}" if said else way.suspect.measure
        kept.append(dataclasses.replace(way.suspect, measure=measure))
    return kept, rewritten, len(kept) + idle < len(found)


def _shifts(pairs: Pairs, work: Work, way: Detour) -> bool:
    """Whether all that b has more before a boundary changes values, which two calibrations would hide, by itself.

    Nothing beside it makes up for that. What brings values onto a grid may change them.
    """
    chain, starts = chain_before(pairs.b, way.boundaries[0][1], pairs.to_a)
    if way.suspect.kind != "extra" or not starts or any(pairs.b.nodes[n].type in STORES for n in chain):
        return False
    ends = starts[-1], way.boundaries[0][1]
    try:
        seen = work.trace(work.b, pairs.b.graph, list(ends))
    except EdgeExportError:
        return False
    if len(seen) < len(ends) or seen[ends[0]].size != seen[ends[1]].size:
        return False
    before, after = (np.sort(seen[index].astype(np.float64), None) for index in ends)
    return bool(np.abs(after - before).max() > _SHIFT * np.ptp(before))


def _neutral(pairs: Pairs, work: Work, boundary: Boundary) -> bool:
    """Whether all that b has more before a boundary are factors of one, or offsets of zero."""
    first, second = boundary
    while (made := pairs.b.maker.get(second)) is not None and made[0] not in pairs.to_a:
        taken = [i for i in pairs.b.nodes[made[0]].inputs if i >= 0 and not pairs.b.tensors[i].constant]
        held = [tensor.real() for tensor in pairs.b.constants(pairs.b.nodes[made[0]])]
        if len(taken) != 1 or not held or not all((one == one.flat[0]).all() and one.flat[0] in (0, 1) for one in held):
            return False
        try:
            seen = work.trace(work.b, pairs.b.graph, [taken[0], second])
        except EdgeExportError:
            return False
        if len(seen) < 2 or not np.array_equal(seen[taken[0]], seen[second]):
            return False
        second = taken[0]
    return second != boundary[1] and corresponds(pairs, first, second)


def agreeing(
    pairs: Pairs, work: Work, boundaries: Sequence[Boundary], any_layout: bool = False
) -> dict[Boundary, values.Agreement]:
    """Whether both tensors of each boundary hold the same values; none where they cannot be seen."""
    if pairs.bridged:
        behind = {(x, y): (precision.rounded(pairs.a, x), precision.rounded(pairs.b, y)) for x, y in boundaries}
    else:
        behind = {boundary: boundary for boundary in boundaries}
    sides = []
    for artifact, net, place in ((work.a, pairs.a, 0), (work.b, pairs.b, 1)):
        asked = {seen[place] for seen in behind.values()}
        constant = {index: net.tensors[index].data for index in asked if net.tensors[index].constant}
        try:
            computed = work.trace(artifact, net.graph, sorted(asked & set(net.graph.tensors) - set(constant)))
        except EdgeExportError as error:
            work.note(str(error))
            return {}
        sides.append({**{index: data[None] for index, data in constant.items() if data is not None}, **computed})
    half = rewriting.computes_in(pairs.a.graph, ("float16",))
    moved = not pairs.bridged and parameters.recalibrated(pairs)
    compare = (
        values.agree_roughly
        if pairs.bridged
        else values.agree_on_other_ranges
        if moved
        else values.agree_in_half
        if half
        else values.agree
    )
    found = {}
    for boundary, (first, second) in behind.items():
        if first in sides[0] and second in sides[1]:
            ours, theirs = pairs.a.tensors[first], pairs.b.tensors[second]
            want, got = _as_many(sides[0][first], sides[1][second], ours.constant or theirs.constant)
            found[boundary] = compare(want, values.turned(want, got) if any_layout else got, ours, theirs)
    return found


def _as_many(one: np.ndarray, two: np.ndarray, constant: bool) -> tuple[np.ndarray, np.ndarray]:
    """Both for as many samples: a constant is the same for each, a slower file was run on fewer."""
    count = max(len(one), len(two)) if constant else min(len(one), len(two))
    first, second = (np.repeat(v, count, axis=0) if constant and len(v) == 1 else v[:count] for v in (one, two))
    return first, second
