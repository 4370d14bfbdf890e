"""Two models of one format: by their graphs, and by values where those must decide."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift import bits, ends, parameters, precision, run_time, segments
from pipeline.checks.drift.align import Pairs, align
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.net import Net, comparable
from pipeline.checks.drift.passing import parted
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.drift.verdict import coverage, judged, notes_differ
from pipeline.checks.drift.wiring import unanswered
from pipeline.drift import bodies, rewriting
from pipeline.drift.following import agreeing, followed, same_there
from pipeline.drift.work import Work

SMALL = frozenset(("int8", "uint8", "float16", "int16", "uint16", "int4", "uint4"))
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
    ways, rewritten, cleared = followed(pairs, work, {int(suspect.order) for suspect in doubted})
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

    One tensor that passes through 8 or 16 bits makes no other precision: it is a fault. Of two files of float16 one may
    compute in float32 between casts: ONNX Runtime's optimizer writes its own so for processors without half precision.
    """
    ends = [[graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] for graph in (a, b)]
    small = [_small(graph) for graph in (a, b)]
    return ends[0] != ends[1] or small[0] != small[1] or ("float16" in small[0] and _whole(a) != _whole(b))


def _certain(suspect: Suspect, work: Work) -> bool:
    """Whether no rewrite beside it explains a suspect.

    A layer of 8 bits computes in float: its values do not tell, an accelerator for integers does. Or it holds no
    weights, and alone it gives something else.
    """
    ours, theirs = suspect.a.parameters.get("dtype"), suspect.b.parameters.get("dtype")
    return (ours in SMALL and theirs == "float32") or suspect.b.op_index in work.other


def _small(graph: Graph) -> set[str]:
    """The types of 4 to 16 bits in which weights, or many of the computed tensors, are held.

    Tables are one too, and what is rounded as the file runs: ONNX Runtime also rounds weights so. What is rounded and
    made float again at once is none: no quantizer does that.
    """
    back = {op.inputs[0] for op in graph.ops if op.type == "DequantizeLinear"}
    tables = {"table" for t in graph.tensors.values() if t.palettized}
    tables |= {op.type for op in run_time.rounds(graph.ops) if op.outputs[0] not in back}
    weights = {t.dtype for t in graph.tensors.values() if t.data is not None and t.data.size > 1}
    made = [graph.tensors[index].dtype for op in graph.ops for index in op.outputs]
    many = {dtype for dtype in set(made) if made.count(dtype) >= MANY_SHARE * len(made)}
    return set(SMALL & (weights | many)) | tables


def _whole(graph: Graph) -> bool:
    """Whether many operators, casts aside, give out float32."""
    made = [graph.tensors[index].dtype for op in graph.ops if op.type != "Cast" for index in op.outputs]
    return made.count("float32") >= MANY_SHARE * len(made)


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
        return same_there(pairs, work, one, two)
    try:
        recorded = work.trace(work.a, pairs.a.graph, [tensor.index for tensor in ours])
        if any(tensor.index not in recorded for tensor in ours):
            return False
        samples = segments.stressed([recorded[tensor.index] for tensor in ours], ours)
        sides = ((work.a, one, ours, samples), (work.b, two, theirs, segments.regridded(samples, ours, theirs)))
        want, got = (_alone(work, file, op, tensors, rows) for file, op, tensors, rows in sides)
    except EdgeExportError:
        return suspect.kind == "attribute" and same_there(pairs, work, one, two)
    work.isolated += 1
    outs = [[net.graph.tensors[i] for i in op.outputs] for net, op in ((pairs.a, one), (pairs.b, two))]
    same = all(result.agrees for result in segments.same_work(want, got, *outs))
    if not same and suspect.kind == "attribute" and _bare(pairs, one, two):
        taken = list(zip(one.inputs, two.inputs, strict=True))
        if all(result.agrees for result in agreeing(pairs, work, taken).values()):  # they stand at the same place
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


def _unexplained(pairs: Pairs, work: Work, cleared: bool) -> Iterator[Suspect]:
    """Where nothing was found, the first partners whose values differ all the same.

    Not asked where every operator has its partner: that is proof, and a logarithm may blow up what rounding leaves.
    """
    if len(pairs.to_b) == len(pairs.a.nodes) and not cleared:  # what b has more gives out what it takes
        return
    if len(pairs.to_b) == len(pairs.a.nodes) and parameters.recalibrated(pairs):
        return  # the reference's operators are all there, each on ranges of its own
    outs = list(zip(pairs.a.outputs, pairs.b.outputs, strict=False))
    agreed = agreeing(pairs, work, outs)
    if all(result.agrees for result in agreed.values()):
        return
    inner = [
        (first, second)
        for in_a, in_b in sorted(pairs.to_b.items())
        for first, second in zip(pairs.a.nodes[in_a].outputs, pairs.b.nodes[in_b].outputs, strict=False)
    ]
    for boundary, result in {**agreeing(pairs, work, inner), **agreed}.items():
        if not result.agrees:
            ours, theirs = (_maker(net, index) for net, index in zip((pairs.a, pairs.b), boundary, strict=True))
            yield Suspect("values", ours, theirs, result.said(), "its values differ, and no parameter says why")
            return


def _maker(net: Net, index: int) -> Side:
    made = net.maker.get(index)
    return parameters.side(net, net.nodes[made[0]]) if made else Side(None, "INPUT")
