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
    inner = [i for i in inner if alone.grid(False, i) is not None][-_MOST:]
    if not inner:
        return
    (found,) = alone.work.ask(alone.work.b, "run_many", pieces=[(starts, tuple(inner))])
    if isinstance(found, EdgeExportError):
        return
    rng = np.random.default_rng(0)
    pieces = []
    for index in inner:
        put = {index: _off(alone, index, found[index], rng)}
        beside = {i: v for i, v in {**starts, **found}.items() if not b.before[i] >> b.rank[index] & 1}
        pieces.append((b.needed(end, {**beside, **put}), (end,)))
    for values in alone.asked(alone.work.b, pieces):
        if values is not None:
            yield real(values, b.graph.tensors[end])


def _off(alone: Alone, index: int, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stored values of a tensor, each a step of its grid more or less."""
    steps = rng.choice((-1, 1), values.shape)
    if values.dtype.kind == "f":
        grid = alone.grid(False, index)
        assert grid is not None
        return np.clip(values + steps * grid.scale, *grid.ends()).astype(values.dtype)
    ends = np.iinfo(values.dtype)
    return np.clip(values.astype(np.int64) + steps, ends.min, ends.max).astype(values.dtype)
