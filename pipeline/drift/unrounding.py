"""Segments that store integers between operators in float: what they give where nothing is rounded on the way.

QuantizeLinear and DequantizeLinear only store. Given what was brought to integers as it was before, the operators
between them compute as the reference does, up to the order of sums: what rounding would hide shows. That the integers
are read on the grid that they were made on, and that its range is wide enough, is proved beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from converters.errors import EdgeExportError
from converters.graph import Op
from converters.reach import moves_only
from pipeline.checks.drift import folding, rounded, stress
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import SAME, STORES, Grid, quantized
from pipeline.checks.drift.nearness import EPS, Nearness
from pipeline.checks.drift.stepwise import NEARLY, roughly
from pipeline.checks.drift.values import real

if TYPE_CHECKING:
    from pipeline.drift.alone import Alone

EXACT = 5e-4
"""Of what comes out: honest segments leave 1e-5 and less."""
FITTED = 4.0
"""Times what rounded weights leave of a channel's factor, where a norm was folded into them."""
LIMITS = ("clip", "clamp", "hardtanh", "minimum", "maximum")
"""A quantizer may have the end of a range do what these do, nearly."""
_LYING = 1e-2
"""Of a step: values so near to a grid lie on it."""
MOST = 3
"""Roundings in one segment, each of which may cut off or not."""


def exact(alone: Alone, segment: Segment, rows: stress.Rows | None = None) -> bool:
    """Whether b's segment rounds nothing that is not on its grid already, and the reference has its weights.

    So it is where integers are only stored, and operators compute in float: the order of sums is left, as in float.
    """
    if not alone.rounded or alone.eps > EPS or not rounded.settles(alone.a, alone.b, segment):
        return False
    if rounded.bare(alone.b, segment.ops_b) or _rounds(alone, segment):
        return False
    starts = (rows or alone.values(segment)).starts
    lying = dict(zip((start.b for start in segment.given), starts, strict=True))
    for op in segment.ops_b:
        if alone.b.computed.isdisjoint(op.outputs):  # dead on these inputs it rounds all the same
            continue
        taken = [lying.get(i) for i in op.inputs if i >= 0 and i in alone.b.computed]
        if op.type not in STORES and not moves_only(op.type):
            if any(alone.grid(False, i) is not None for i in op.outputs):
                return False
        elif len(taken) == 1 and taken[0] is not None:
            grid = quantized(alone.b, op)
            if grid is not None and np.abs(grid.settled(taken[0]) - taken[0]).max() > _LYING * grid.scale:
                return False
            lying |= dict.fromkeys(op.outputs, taken[0])
        elif op.type in STORES:
            return False
    return True


def settled(alone: Alone, segment: Segment, found: Nearness) -> Nearness:
    """How near a segment is where nothing is rounded; `found` where it is near then too, or none can tell.

    A grid is no affair of this: one whose range is too narrow does not show here. Only recorded values are: what others
    do beyond the ranges, where they are cut off, nobody needs.
    """
    allowed = _allowed(alone, segment)
    stores = _stores(alone, segment) if allowed else []
    want = alone.wanted(segment) if stores else None
    if want is None:
        return found
    if alone.b.recorded[segment.out.b].dtype.kind != "f" and alone.grid(False, segment.out.b) is None:
        return found  # integers of which nothing says what they stand for
    rows, least = alone.values(segment), -20 * float(np.log10(allowed))
    tried: list[Nearness] = []
    for cutting in product((False, True), repeat=len(stores)):
        got = _given(alone, segment, rows, [(op, grid, cut) for (op, grid), cut in zip(stores, cutting, strict=True)])
        if got is None or got.shape != want.shape:
            return found
        got, right = got[: rows.recorded], want[: rows.recorded]
        ends = stores[-1][1].ends() if cutting[-1] and _last(alone, segment) else (-np.inf, np.inf)
        right = np.clip(right, *ends)
        tried.append(roughly(right, _nearly(right, got), rows.recorded, least_db=least))
        if tried[-1].agrees:
            return found
    return min(tried, key=lambda one: one.excess)


def _nearly(want: np.ndarray, got: np.ndarray) -> np.ndarray:
    """`got` where it is not far beyond: of few values a quantizer may have lost a limit that ends beside its range."""
    gap = np.abs(got - want)
    return np.where(gap > np.quantile(gap, NEARLY), want, got)


def _allowed(alone: Alone, segment: Segment) -> float:
    """What may be left, as a share of what comes out; 0 where the reference has not all of the rounded weights."""
    if not alone.rounded or alone.rough or not alone.roundings(segment):
        return 0.0
    if rounded.bare(alone.b, segment.ops_b) or _rounds(alone, segment):
        return 0.0
    if any(word in op.type.lower() for op in segment.ops_a for word in LIMITS):
        return 0.0
    return EXACT if rounded.settles(alone.a, alone.b, segment) else fitted(alone, segment)


def fitted(alone: Alone, segment: Segment) -> float:
    """The same where a norm was folded into rounded weights: its factors are known as well as these tell them."""
    theirs = rounded.read(alone.b, segment.ops_b)
    pairs = folding.folded(folding.held(alone.a, segment.ops_a), theirs)
    kernels = [one for one in theirs if one.rounded and one.values.ndim > 1]
    known = [one for one in pairs if one.b.step is not None and not one.partly and one.scale.size > 1]
    if len(kernels) != len(known) or any(one.b.index not in {k.index for k in kernels} for one in known):
        return 0.0
    paired = {one.b.index for one in pairs}
    if any(one.rounded and one.vector and one.coarseness > EXACT for one in theirs if one.index not in paired):
        return 0.0  # a norm of its own, which the reference has in its kernel
    left = (one.b.coarseness / np.sqrt(one.b.values.size / one.scale.size) for one in known)
    return max(EXACT, FITTED * max(left, default=0.0))


def _rounds(alone: Alone, segment: Segment) -> bool:
    """Whether the reference brings something to integers there itself: what it gives is rounded, too."""
    return any(alone.grid(True, index) is not None for op in segment.ops_a for index in op.outputs)


def _stores(alone: Alone, segment: Segment) -> list[tuple[Op, Grid]]:
    """The operators of b's segment that bring to integers what is computed, with their grids; none beside others."""
    b, found = alone.b, []
    inside = {op.index for op in segment.ops_b}
    for op in segment.ops_b:
        if b.computed.isdisjoint(op.outputs):
            continue
        if op.type not in STORES:
            if op.type != SAME and any(alone.grid(False, index) is not None for index in op.outputs):
                return []
        elif (grid := quantized(b, op)) is not None:
            readers = [one for one in b.readers.get(op.outputs[0], ()) if one.index in inside]
            if any(one.type not in (*STORES, SAME) for one in readers):
                return []  # what moves integers
            found.append((op, grid))
    return found if len(found) <= MOST else []


def _last(alone: Alone, segment: Segment) -> Op | None:
    """The operator that brings the segment's end to integers, where one does."""
    op = alone.b.maker.get(segment.out.b)
    if op is not None and op.type in STORES and quantized(alone.b, op) is None:
        op = alone.b.maker.get(op.inputs[0])
    return op if op is not None and op.type in STORES else None


def _given(
    alone: Alone, segment: Segment, rows: stress.Rows, stores: Sequence[tuple[Op, Grid, bool]]
) -> np.ndarray | None:
    """What b gives without its roundings, (rows, ...) as it lies in a; cut off at the ends of some grids."""
    b, last = alone.b, _last(alone, segment)
    given, _ = alone.piece(False, segment, rows.starts)
    end = segment.out.b
    try:
        for op, grid, cut in stores:
            taken = op.inputs[0]
            values = real(_run(alone, given, taken), b.graph.tensors[taken])
            values = np.clip(values, *grid.ends()) if cut else values
            if op is last:
                return _back(segment, values)
            given |= {out: values.astype(np.float32) for out in _behind(alone, segment, op)}
        return _back(segment, real(_run(alone, given, end), b.graph.tensors[end]))
    except (EdgeExportError, KeyError):
        return None


def _back(segment: Segment, values: np.ndarray) -> np.ndarray | None:
    """Values as they lie in a; None where they are of another size."""
    whole = values[0].size == np.prod(segment.out.layout.shape_a, dtype=int)
    return segment.out.layout.back(values) if whole else None


def _behind(alone: Alone, segment: Segment, op: Op) -> Iterator[int]:
    """The real numbers that are made of an operator's integers."""
    for reader in alone.b.readers.get(op.outputs[0], ()):
        if reader in segment.ops_b:
            yield from _behind(alone, segment, reader) if reader.type == SAME else reader.outputs


def _run(alone: Alone, given: dict[int, np.ndarray], wanted: int) -> np.ndarray:
    """A tensor of b, of values that others hold: those from which it is computed alone."""
    if wanted in given:
        return given[wanted]
    needed = alone.b.needed(wanted, given)
    found: dict[int, np.ndarray] = alone.work.ask(alone.work.b, "run", given=needed, wanted=(wanted,))
    return found[wanted]
