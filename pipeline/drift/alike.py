"""Two models of one format: by their graphs, and by values where those must decide."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift import bits, ends, parameters, precision, run_time, segments, values
from pipeline.checks.drift.align import Pairs, align
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.net import Net, Node, comparable
from pipeline.checks.drift.passing import parted
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.drift.verdict import coverage, judged, notes_differ
from pipeline.checks.drift.wiring import Boundary, Detour, corresponds, detours, unanswered
from pipeline.drift import bodies, rewriting
from pipeline.drift.work import Work

SMALL = frozenset(("int8", "uint8", "float16", "int16", "uint16"))
MANY_SHARE = 0.3
"""Of the computed tensors: from here on a type is what the file computes in."""


def alike(one: Graph, two: Graph, work: Work) -> Drift:
    """The verdict on a file of the same format."""
    two = in_order(one, two)
    precisions = bridged(one, two)
    pairs = align(comparable(one, precisions), comparable(two, precisions), precisions)
    work.known = pairs.tensors()
    found = [*notes_differ(one, two), *unanswered(pairs), *(precision.suspects(pairs) if precisions else ())]
    doubted = [*parameters.suspects(pairs), *bits.odd(pairs)]
    proved = _proved(pairs, work, doubted)
    ways, rewritten, cleared = _followed(pairs, work, {int(suspect.order) for suspect in doubted})
    found += [*ways, *(s for s in proved if s.order not in rewritten or _certain(s, work))]
    if not found and not precisions:
        found += parted(Known(one, {}), Known(two, {}))
    if not found:
        found += _unexplained(pairs, work, bool(rewritten))
    if not precisions and (found or cleared):
        found = rewriting.settled(found, one, two, work, paired=len(pairs.to_b) == len(pairs.a.nodes))
    outcome, suspects = judged(found)
    return Drift(
        str(work.a.path), str(work.b.path), outcome, suspects, coverage(pairs, work.isolated), tuple(work.notes)
    )


def in_order(one: Graph, two: Graph) -> Graph:
    """The second graph with its inputs as the first has them by name, which binds where both have the same names."""
    order = [two.input_names.index(name) for name in one.input_names if name in two.input_names]
    if not len(order) == len(set(order)) == len(one.inputs) == len(two.inputs):
        return two
    inputs, names = tuple(two.inputs[n] for n in order), tuple(two.input_names[n] for n in order)
    return dataclasses.replace(two, inputs=inputs, input_names=names)


def bridged(a: Graph, b: Graph) -> bool:
    """Whether the files are of two precisions: their inputs, weights or most of what they compute have other types.

    One tensor that passes through 8 or 16 bits makes no other precision: it is a fault.
    """
    ends = [[graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] for graph in (a, b)]
    return ends[0] != ends[1] or _small(a) != _small(b)


def _certain(suspect: Suspect, work: Work) -> bool:
    """Whether no rewrite beside it explains a suspect.

    A layer of 8 bits computes in float: its values do not tell, an accelerator for integers does. Or it holds no
    weights, and alone it gives something else.
    """
    ours, theirs = suspect.a.parameters.get("dtype"), suspect.b.parameters.get("dtype")
    return (ours in SMALL and theirs == "float32") or suspect.b.op_index in work.other


def _small(graph: Graph) -> set[str]:
    """The types of 8 and 16 bits in which weights, or many of the computed tensors, are held.

    Tables are one too, and what is rounded as the file runs: ONNX Runtime also rounds weights so.
    """
    tables = {"table" for t in graph.tensors.values() if t.palettized} | {op.type for op in run_time.rounds(graph.ops)}
    weights = {t.dtype for t in graph.tensors.values() if t.data is not None and t.data.size > 1}
    made = [graph.tensors[index].dtype for op in graph.ops for index in op.outputs]
    many = {dtype for dtype in set(made) if made.count(dtype) >= MANY_SHARE * len(made)}
    return set(SMALL & (weights | many)) | tables


def _proved(pairs: Pairs, work: Work, found: list[Suspect]) -> list[Suspect]:
    """Suspects by their parameters, without those that do the same work on the same values."""
    doubtful = {suspect.a.op_index for suspect in found if suspect.kind in segments.CLEARABLE}
    ops = [op for op in pairs.a.graph.ops if op.index in doubtful]
    needed = {tensor.index for op in ops for tensor in segments.computed(pairs.a.graph, op)}
    if needed:
        with contextlib.suppress(EdgeExportError):  # said where it is needed
            work.trace(work.a, pairs.a.graph, sorted(needed))
    if doubtful and _resized(pairs, work):
        return found  # whatever they give, it has another shape in the end
    return [s for s in found if s.kind not in segments.CLEARABLE or not _harmless(pairs, s, work)]


def _resized(pairs: Pairs, work: Work) -> bool:
    """Whether an output has another size or rank."""
    try:
        a, b = (
            Known(net.graph, work.trace(file, net.graph, list(net.graph.outputs)))
            for file, net in ((work.a, pairs.a), (work.b, pairs.b))
        )
    except EdgeExportError:  # said where it is needed
        return False
    return bool(ends.resized(a, b))


def _harmless(pairs: Pairs, suspect: Suspect, work: Work) -> bool:
    """Whether both files' operators give the same, alone, on recorded and made-up values."""
    one, two = (
        next(op for op in net.graph.ops if op.index == side.op_index)
        for net, side in ((pairs.a, suspect.a), (pairs.b, suspect.b))
    )
    ours, theirs = segments.computed(pairs.a.graph, one), segments.computed(pairs.b.graph, two)
    if suspect.kind == "body" and (same := bodies.alike(work, one, two, alike)) is not None:
        return same
    if one.type != two.type or not ours or len(ours) != len(theirs) or len(one.outputs) != len(two.outputs):
        return False
    if any(first.shape != second.shape for first, second in zip(ours, theirs, strict=True)):  # another layout
        return _alike(pairs, work, one, two)
    try:
        recorded = work.trace(work.a, pairs.a.graph, [tensor.index for tensor in ours])
        if any(tensor.index not in recorded for tensor in ours):
            return False
        samples = segments.stressed([recorded[tensor.index] for tensor in ours], ours)
        sides = ((work.a, one, ours, samples), (work.b, two, theirs, segments.regridded(samples, ours, theirs)))
        want, got = (_alone(work, file, op, tensors, rows) for file, op, tensors, rows in sides)
    except EdgeExportError:
        return suspect.kind == "attribute" and _alike(pairs, work, one, two)
    work.isolated += 1
    outs = [[net.graph.tensors[i] for i in op.outputs] for net, op in ((pairs.a, one), (pairs.b, two))]
    same = all(result.agrees for result in segments.same_work(want, got, *outs))
    if not same and suspect.kind == "attribute" and _bare(pairs, one, two):
        taken = list(zip(one.inputs, two.inputs, strict=True))
        if all(result.agrees for result in _agreeing(pairs, work, taken).values()):  # they stand at the same place
            work.other.add(two.index)
    return same


def _bare(pairs: Pairs, one: Op, two: Op) -> bool:
    """Whether two operators hold no weights and compute in float32: no quantizer has a reason to change them."""
    for net, op in ((pairs.a, one), (pairs.b, two)):
        tensors = [net.graph.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]
        computed = [tensor for tensor in tensors if not tensor.constant]
        if any(tensor.dtype != "float32" for tensor in computed) or len(computed) < len(tensors):
            return False
    return True


def _alone(
    work: Work, file: Artifact, op: Op, computed: list[Tensor], rows: list[list[np.ndarray]]
) -> list[np.ndarray]:
    """What one operator gives out, stacked, for rows of values of its computed inputs."""
    given = {tensor.index: np.stack(column) for tensor, column in zip(computed, zip(*rows, strict=True), strict=True)}
    found = work.ask(file, "run", given=given, wanted=op.outputs)
    return [found[index] for index in op.outputs]


def _alike(pairs: Pairs, work: Work, one: Op | Node, two: Op | Node) -> bool:
    """Whether two operators give out the same where they stand, in whatever layout."""
    outs = list(zip(one.outputs, two.outputs, strict=False))
    found = _agreeing(pairs, work, outs, any_layout=True)
    return len(found) == len(outs) > 0 and all(result.agrees for result in found.values())


def _followed(pairs: Pairs, work: Work, doubted: set[int]) -> tuple[list[Suspect], set[float], bool]:
    """(suspects by what is read from where, the partners that a rewrite changed, whether values cleared any).

    `doubted` are partners, by number in graph a, whose parameters differ: what is folded into them changes them too.
    """
    found: list[Detour] = list(detours(pairs))
    agreed = _agreeing(pairs, work, [boundary for way in found for boundary in way.boundaries]) if found else {}
    kept: list[Suspect] = []
    rewritten: set[float] = set()
    idle = 0
    for way in found:
        results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.suspect.kind == "replaced" or (pairs.bridged and "transpose" not in way.suspect.cause.lower()):
            agreed |= _agreeing(pairs, work, way.boundaries, any_layout=True)
            results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.boundaries and all(result is not None and result.agrees for result in results):
            rewritten |= way.touches
            continue
        if way.suspect.kind == "extra" and all(_neutral(pairs, work, boundary) for boundary in way.boundaries):
            idle += 1
            continue
        if way.reader in doubted and way.reader in pairs.to_b and way.suspect.kind != "wiring":
            one, two = pairs.a.nodes[way.reader], pairs.b.nodes[pairs.to_b[way.reader]]
            if _alike(pairs, work, one, two):
                rewritten |= {way.reader, *way.touches}
                continue
        said = "; ".join(dict.fromkeys(result.said() for result in results if result is not None and not result.agrees))
        measure = f"{way.suspect.measure}: {said}" if said else way.suspect.measure
        kept.append(dataclasses.replace(way.suspect, measure=measure))
    return kept, rewritten, len(kept) + idle < len(found)


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


def _agreeing(
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
            work.notes.append(str(error))
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


def _unexplained(pairs: Pairs, work: Work, cleared: bool) -> Iterator[Suspect]:
    """Where nothing was found, the first partners whose values differ all the same.

    Not asked where every operator has its partner: that is proof, and a logarithm may blow up what rounding leaves.
    """
    if len(pairs.to_b) == len(pairs.a.nodes) and not cleared:  # what b has more gives out what it takes
        return
    if len(pairs.to_b) == len(pairs.a.nodes) and parameters.recalibrated(pairs):
        return  # the reference's operators are all there, each on ranges of its own
    outs = list(zip(pairs.a.outputs, pairs.b.outputs, strict=False))
    agreed = _agreeing(pairs, work, outs)
    if all(result.agrees for result in agreed.values()):
        return
    inner = [
        (first, second)
        for in_a, in_b in sorted(pairs.to_b.items())
        for first, second in zip(pairs.a.nodes[in_a].outputs, pairs.b.nodes[in_b].outputs, strict=False)
    ]
    for boundary, result in {**_agreeing(pairs, work, inner), **agreed}.items():
        if not result.agrees:
            ours, theirs = (_maker(net, index) for net, index in zip((pairs.a, pairs.b), boundary, strict=True))
            yield Suspect("values", ours, theirs, result.said(), "its values differ, and no parameter says why")
            return


def _maker(net: Net, index: int) -> Side:
    made = net.maker.get(index)
    return parameters.side(net, net.nodes[made[0]]) if made else Side(None, "INPUT")
