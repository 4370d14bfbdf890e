"""Segments that round inside and give out real numbers: how far one step of what is rounded there carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from converters.errors import EdgeExportError
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import STORES, Grid
from pipeline.checks.drift.nearness import EPS, Nearness
from pipeline.checks.drift.stepwise import in_steps
from pipeline.checks.drift.values import real
from pipeline.drift import unrounding
from pipeline.drift.alone import Alone

MOST = 3
"""Roundings in one segment; of more, what each leaves is no longer told."""


def settled(alone: Alone, results: Mapping[Segment, Nearness | None]) -> dict[Segment, Nearness]:
    """Those that differ as signal to error, and by no more than the roundings inside explain.

    Where a sigmoid is nearly 0 one step before it is a tenth of what it gives.
    """
    doubtful = [cut for cut, found in results.items() if found is not None and not found.agrees and _inner(alone, cut)]
    found = ((cut, _carried(alone, cut)) for cut in doubtful)
    return {cut: near for cut, near in found if near is not None and near.agrees}


def _inner(alone: Alone, cut: Segment) -> dict[int, Grid]:
    """The tensors inside a segment of b that are rounded there, with their grids; none where its end is."""
    if alone.grid(False, cut.out.b) is not None or unrounding.exact(alone, cut):
        return {}
    found: dict[int, Grid] = {}
    for op in cut.ops_b:
        if op.type in STORES and op.inputs[0] in found:
            continue
        grids = {index: alone.grid(False, index) for index in op.outputs if index not in alone.b.steady}
        found |= {index: grid for index, grid in grids.items() if grid is not None and index in alone.b.recorded}
    return found if len(found) <= MOST else {}


def _carried(alone: Alone, cut: Segment) -> Nearness | None:
    """The error of a segment in steps of the roundings inside; None where they cannot be moved."""
    rows, want = alone.values(cut), alone.wanted(cut)
    given, (out,) = alone.piece(False, cut, rows.starts)
    grids = _inner(alone, cut)
    try:
        plain = alone.work.ask(alone.work.b, "run", given=given, wanted=(*grids, out))
        moved = [
            alone.work.ask(alone.work.b, "run", given={**given, index: grid.moved(plain[index], by)}, wanted=(out,))
            for index, grid in grids.items()
            for by in (-1, 1)
        ]
    except EdgeExportError as refusal:
        alone.work.note(str(refusal))
        return None
    tensor = alone.b.graph.tensors[out]
    if want is None or plain[out].size != want.size:
        return None
    got = cut.out.layout.back(real(plain[out], tensor))
    if got.shape != want.shape:
        return None
    far = [np.abs(cut.out.layout.back(real(values[out], tensor)) - got) for values in moved]
    steps = sum(np.maximum(far[n], far[n + 1]) for n in range(0, len(far), 2))
    least = 8 * EPS * float(np.abs(want[np.isfinite(want)]).max(initial=0.0))
    error = (got - want) / np.maximum(steps, max(least, 1e-30))
    for index, grid in grids.items():  # what is cut off may be anything
        low, high = (end + side * grid.scale / 2 for end, side in zip(grid.ends(), (1, -1), strict=True))
        inner = real(plain[index], alone.b.graph.tensors[index])
        if inner.shape == plain[out].shape:
            error[cut.out.layout.back((inner <= low) | (inner >= high))] = np.nan
    gap = float(np.nanmax(np.abs(got - want), initial=0.0)) / (float(np.ptp(want)) or 1.0)
    return dataclasses.replace(in_steps(error, rows.recorded), gap=gap)
