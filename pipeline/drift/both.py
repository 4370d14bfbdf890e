"""Two models of one format: their graphs say first; between two precisions segments run alone say too."""

from __future__ import annotations

import dataclasses

from converters.errors import EdgeExportError
from converters.graph import Graph
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.drift.verdict import judged
from pipeline.drift.across import across
from pipeline.drift.alike import alike, bridged
from pipeline.drift.work import Work


def both(one: Graph, two: Graph, work: Work) -> Drift:
    """The verdict on a file of the same format."""
    found = alike(one, two, work)
    if found.suspects or not bridged(one, two):
        return found
    known = work.known
    try:
        again = across(one, two, work)
    except EdgeExportError:
        return found
    work.known = known
    outcome, suspects = judged(again.suspects)
    shares = {name: again.coverage[name] for name in ("proved_a", "proved_b", "ops_isolated")}
    return dataclasses.replace(found, outcome=outcome, suspects=suspects, coverage=found.coverage | shares)
