"""Two models of one format: their graphs say first; between two precisions segments run alone say too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from converters.graph import Graph, Tensor
from pipeline.checks.drift import run_time
from pipeline.checks.drift.net import comparable
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.drift.verdict import judged
from pipeline.drift.across import opinion, proved
from pipeline.drift.alike import alike, bridged
from pipeline.drift.work import Work

REWRITTEN = frozenset(("type", "extra", "missing", "replaced", "wiring", "attribute", "values", "shape"))
"""Kinds of suspects that a quantizer's own rewriting makes too."""
ANEW, _FEW = 0.5, 3
"""Share of the stored kernels on grids that the reference has not, and how many at least: another quantizer's."""
WHOLE = 0.999
"""Of both sides' operators in segments that agree: then a rewrite is proved honest."""


def both(one: Graph, two: Graph, work: Work) -> Drift:
    """The verdict on a file of the same format."""
    found = alike(one, two, work)
    doubted = {suspect.kind for suspect in found.suspects}
    nets = [comparable(graph, bridged=True) for graph in (one, two)]
    nodes = [len(net.nodes) for net in nets]
    kernels = [suspect for suspect in found.suspects if suspect.kind == "weights"]
    # then a constant may have become another operator's, or operators of one size were taken for each other
    moved = nodes[0] != nodes[1] or len(kernels) > 1
    certain = [
        suspect for suspect in found.suspects if suspect.kind == "attribute" and suspect.b.op_index in work.other
    ]
    if certain and bridged(one, two) and doubted <= REWRITTEN:
        outcome, suspects = judged(certain)  # the others may be a quantizer's own rewriting
        return dataclasses.replace(found, outcome=outcome, suspects=suspects)
    anew = quantized_anew(nets[0].tensors.values(), nets[1].tensors.values())
    may = REWRITTEN | {"weights", "quantization"} if anew else REWRITTEN | {"weights"} if moved else REWRITTEN
    if not (bridged(one, two) or (anew and doubted)) or not doubted <= may:
        return found
    again = opinion(one, two, work)
    parted = any(run_time.rounds(two.ops)) and not any(run_time.rounds(one.ops))  # no operator is left as it was
    if again is None or (doubted and not parted and not again.suspects and not proved(again, WHOLE)):
        return found
    outcome, suspects = judged(again.suspects)
    shares = {name: again.coverage[name] for name in ("proved_a", "proved_b", "ops_isolated")}
    shares |= {name: _most(found, again, name) for name in ("ops_aligned", "weights_compared")}
    return dataclasses.replace(found, outcome=outcome, suspects=suspects, coverage=found.coverage | shares)


def quantized_anew(one: Iterable[Tensor], two: Iterable[Tensor]) -> bool:
    """Whether most kernels lie on other grids, of a channel or a tensor each: then graphs tell no partners."""
    ours, theirs = ([_grid(tensor) for tensor in side if _kernel(tensor)] for side in (one, two))
    other = [grid for grid in theirs if grid not in ours]
    return len(ours) > 0 and len(other) >= max(_FEW, ANEW * len(theirs))


def _kernel(tensor: Tensor) -> bool:
    stored = tensor.data is not None and tensor.data.ndim > 1 and tensor.data.size > 1
    return stored and tensor.quantization is not None


def _grid(tensor: Tensor) -> tuple[float, ...]:
    assert tensor.quantization is not None
    return tuple(tensor.quantization.scales.tolist())


def _most(found: Drift, again: Drift, name: str) -> float | int | None:
    """The larger share of what the graphs and what the values say."""
    return max((share for one in (found, again) if (share := one.coverage[name]) is not None), default=None)
