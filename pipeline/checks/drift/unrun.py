"""Segments that cannot be run alone, as inside of a delegate: judged by what was recorded at both of their ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import Nearness

FAR_DB = 60.0
"""Signal to error behind honest segments in float32 that start near: 80 dB and more."""
LOST_DB = 45.0
"""What a segment takes of the signal to error of its starts: honest ones up to 40 dB."""


def recorded(a: Known, b: Known, cut: Segment) -> Nearness | None:
    """How near both sides are where nothing rounds to less than float32; None where their starts tell nothing.

    Both computed the end from the model's own inputs: starts that are as near as float32 leaves them, and an end that
    is not, have the difference between them.
    """
    if not cut.given or cut.out.a not in a.recorded or cut.out.b not in b.recorded:
        return None
    want, got = a.real(cut.out.a), b.real(cut.out.b)
    if want[0].size != got[0].size or not cut.out.layout.fits:
        return None
    gap = np.abs(cut.out.layout.back(got) - want)
    lost = min(start.db for start in cut.given) - cut.out.db
    if not np.isfinite(gap).all() or cut.out.db >= FAR_DB or lost < LOST_DB:
        return None
    share = float(gap.max()) / (float(np.ptp(want)) or float(np.abs(want).max()) or 1.0)
    return Nearness(False, 10 ** ((FAR_DB - cut.out.db) / 20), share, True, whole=True)


def open_ends(a: Known, b: Known, pairs: Mapping[int, Partner], cuts: Sequence[Segment]) -> Iterator[Segment]:
    """For each output that no segment ends in, as the graph before it is not whole, all of both models."""
    reached = {cut.out.b for cut in cuts}
    starts = tuple(pairs[index] for index in b.graph.inputs if index in pairs)
    for index in b.graph.outputs:
        if index in pairs and index not in reached and index not in b.graph.inputs:
            yield Segment(pairs[index], starts, a.graph.ops, b.graph.ops)
