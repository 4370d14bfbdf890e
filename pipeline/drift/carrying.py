"""How far a segment of integers carries the rounding of what it computes inside: by one step more or less there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from converters.errors import EdgeExportError
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.values import real

if TYPE_CHECKING:
    from pipeline.drift.alone import Alone

_MOST = 24
"""Tensors inside that are moved; of longer segments those nearest to the end."""


def moved(alone: Alone, segment: Segment) -> Iterator[np.ndarray]:
    """Real values of b's end, (rows, *shape) as they lie in b, with one tensor inside a step off, each.

    Nothing of a tensor of which the file does not run alone what lies behind.
    """
    b, end = alone.b, segment.out.b
    rows = alone.values(segment)
    starts, _ = alone.piece(False, segment, rows.starts)
    inner = [i for op in segment.ops_b for i in op.outputs if i != end and i not in b.steady]
    grids = dict([(i, grid) for i in inner if (grid := alone.grid(False, i)) is not None][-_MOST:])
    if not grids:
        return
    (found,) = alone.work.ask(alone.work.b, "run_many", pieces=[(starts, tuple(grids))])
    if isinstance(found, EdgeExportError):
        return
    rng = np.random.default_rng(0)
    pieces = []
    for index, grid in grids.items():
        put = {index: grid.moved(found[index], rng.choice((-1, 1), found[index].shape))}
        beside = {i: v for i, v in {**starts, **found}.items() if not b.before[i] >> b.rank[index] & 1}
        pieces.append((b.needed(end, {**beside, **put}), (end,)))
    for values in alone.asked(alone.work.b, pieces):
        if values is not None:
            yield real(values, b.graph.tensors[end])
