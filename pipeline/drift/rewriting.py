"""Two float models whose graphs differ: whether one is another way to write the other, piece by piece."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from converters.errors import EdgeExportError
from converters.graph import Graph, Op
from pipeline.checks.drift import values
from pipeline.checks.drift.suspects import Drift, Suspect
from pipeline.drift.across import opinion, proved
from pipeline.drift.work import Work

FAR_DB = 20.0
"""Of an output's signal to its error: what float32 rounds is 100 dB, a logarithm may make 40 of it."""
ELSEWHERE = 0.01
"""Of an output's values: so many may be no number on one side alone, where rounding decides it."""
REWRITABLE = frozenset(("attribute", "type", "shape", "weights", "wiring", "missing", "extra", "replaced", "values"))
"""Kinds of differences that may only be another way to compute the same."""


def settled(found: list[Suspect], one: Graph, two: Graph, work: Work, *, paired: bool) -> list[Suspect]:
    """The suspects that remain when every piece between tensors that both hold is run alone.

    `paired`: every operator of the reference has its partner, so that nothing else can make up for one that differs.

    A bias as an addition of its own, a padding apart, channels in another order: the graphs differ, and each piece, on
    recorded and made-up values, gives the same. Where values had cleared all differences, `found` is empty, and a piece
    that does not agree is a suspect: what an output of this network forgives is none the less a fault.
    """
    coarse = any(computes_in(graph, values.COARSE) for graph in (one, two))
    if coarse and {suspect.kind for suspect in found} == {"values"}:  # a choice between two branches turns on rounding
        second = opinion(one, two, work)
        return [] if second is not None and _same(second, found, one, two, work) else found
    if coarse or (found and not _rewritable(found, one, two, paired)):
        return found
    second = None if found and _far(one, two, work) else opinion(one, two, work)
    if second is None:
        return found
    if not found:
        return list(second.suspects)
    return [] if _same(second, found, one, two, work) else found


def _far(one: Graph, two: Graph, work: Work) -> bool:
    """Whether outputs are so far apart that no rewrite is honest, whatever its pieces give."""
    try:
        sides = [work.trace(file, graph, list(graph.outputs)) for file, graph in ((work.a, one), (work.b, two))]
    except EdgeExportError:
        return False
    for first, second in zip(one.outputs, two.outputs, strict=False):
        if first not in sides[0] or second not in sides[1]:
            continue
        want, got = sides[0][first], sides[1][second]
        if want.shape != got.shape or not want.dtype.kind == "f" == got.dtype.kind:
            continue
        fine, other = np.isfinite(want), np.isfinite(got)
        if (fine != other).mean() > ELSEWHERE:
            return True
        want, got = (np.where(fine & other, side, 0.0) for side in (want, got))  # no pitch, where nobody speaks
        if not values.agree_roughly(want, got, one.tensors[first], two.tensors[second], FAR_DB).agrees:
            return True
    return False


def _rewritable(found: Sequence[Suspect], one: Graph, two: Graph, paired: bool) -> bool:
    """Whether another way to compute the same may be behind what differs."""
    kinds = {suspect.kind for suspect in found}
    stored = {t.dtype for graph in (one, two) for t in graph.tensors.values()} & set(values.COARSE)
    moved = "type" in kinds or ("extra" in kinds and kinds & {"weights", "attribute"})  # taken over by an operator
    lone = paired and kinds == {"weights"} and _one_constant(found, two)  # nothing there makes up for it
    if "type" in kinds:  # what became of the operators that give them out is not known by their graphs
        kinds -= {"outputs"}
    return not lone and kinds <= REWRITABLE and (not stored or bool(moved))


def _one_constant(found: Sequence[Suspect], two: Graph) -> bool:
    """Whether it is one operator whose constants differ, or all those that read one constant."""
    places = {suspect.b.op_index for suspect in found}
    held = [{i for i in op.inputs if i >= 0 and two.tensors[i].constant} for op in two.ops if op.index in places]
    return len(found) == 1 or (len(held) == len(places) and bool(set.intersection(*held)))


def _same(second: Drift, found: Sequence[Suspect], one: Graph, two: Graph, work: Work) -> bool:
    """Whether every piece gives the same, and moves where an operator was changed; then that is noted."""
    same = proved(second, 1.0) and not any(_unmoved(suspect, one, two, work) for suspect in found)
    if same:
        changed = ", ".join(dict.fromkeys(suspect.b.op_type or suspect.a.op_type for suspect in found))
        work.note(f"written another way, and each piece alone gives the same: {changed}")
    return same


def _unmoved(suspect: Suspect, one: Graph, two: Graph, work: Work) -> bool:
    """Whether another operator stands there, and what it gives does not move on any sample, and is not the reference's.

    So is a comparison that is always false where it should be always true: what comes behind may not show it on these.
    """
    ops = [
        next((op for op in graph.ops if op.index == side.op_index), None)
        for graph, side in ((one, suspect.a), (two, suspect.b))
    ]
    if suspect.kind != "type" or ops[0] is None or ops[1] is None or len(ops[0].outputs) != len(ops[1].outputs):
        return False
    for first, second in zip(ops[0].outputs, ops[1].outputs, strict=True):
        try:
            want, got = (
                work.trace(file, graph, [index]).get(index)
                for file, graph, index in ((work.a, one, first), (work.b, two, second))
            )
        except EdgeExportError:
            return False
        if want is None or got is None or want.shape != got.shape or want.dtype.kind not in "bf":
            continue
        still = not (_moves(want) and _moves(got))
        asked = want.dtype.kind == "b" and _read_alike(ops[0], ops[1], one, two, work)
        if still and (asked or not np.array_equal(want, got, equal_nan=want.dtype.kind == "f")):
            return True
    return False


def _read_alike(first: Op, second: Op, one: Graph, two: Graph, work: Work) -> bool:
    """Whether two operators read what stands one for the other, in one order."""
    both = list(zip(first.inputs, second.inputs, strict=False))
    held = [(one.tensors[i].data, two.tensors[k].data) if i >= 0 and k >= 0 else (None, None) for i, k in both]
    known = {**dict(zip(two.inputs, one.inputs, strict=False)), **work.known}
    return len(first.inputs) == len(second.inputs) and all(
        known.get(k) == i or (x is not None and y is not None and np.array_equal(x, y))
        for (i, k), (x, y) in zip(both, held, strict=True)
    )


def _moves(values: np.ndarray) -> bool:
    """Whether samples give different numbers."""
    with np.errstate(invalid="ignore"):
        return bool((np.isfinite(values[1:]) & (values[1:] != values[:1])).any())


def computes_in(graph: Graph, dtypes: Collection[str]) -> bool:
    """Whether results are kept in one of these types: weights that are only stored so give all the same values."""
    return any(graph.tensors[index].dtype in dtypes for op in graph.ops for index in op.outputs)
