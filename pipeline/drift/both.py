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

REWRITTEN = frozenset(("type", "extra", "missing", "replaced", "wiring", "attribute", "values", "shape"))
"""Kinds of suspects that a quantizer's own rewriting makes too."""
WHOLE = 0.999
"""Of both sides' operators in segments that agree: then a rewrite is proved honest."""


def both(one: Graph, two: Graph, work: Work) -> Drift:
    """The verdict on a file of the same format."""
    found = alike(one, two, work)
    doubted = {suspect.kind for suspect in found.suspects}
    if not bridged(one, two) or not doubted <= REWRITTEN:
        return found
    known, notes = work.known, list(work.notes)
    try:
        again = across(one, two, work)
    except EdgeExportError:
        return found
    work.known = known
    if doubted and not _proved(again):
        return dataclasses.replace(found, notes=tuple(notes))
    outcome, suspects = judged(again.suspects)
    shares = {name: again.coverage[name] for name in ("proved_a", "proved_b", "ops_isolated")}
    return dataclasses.replace(found, outcome=outcome, suspects=suspects, coverage=found.coverage | shares)


def _proved(found: Drift) -> bool:
    shares = (found.coverage["proved_a"], found.coverage["proved_b"])
    return not found.suspects and all(share is not None and share >= WHOLE for share in shares)
