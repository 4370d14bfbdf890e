"""Two models of different formats: aligned by the values of their tensors."""

from __future__ import annotations

from converters.graph import Graph
from pipeline.checks.drift import by_value
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.drift.verdict import judged
from pipeline.drift.work import Work


def across(one: Graph, two: Graph, work: Work) -> Drift:
    """The verdict on a file of another format, by values alone."""
    recorded = []
    for artifact, graph in ((work.a, one), (work.b, two)):
        made = [index for op in graph.ops for index in op.outputs if graph.tensors[index].shape is not None]
        recorded.append(work.trace(artifact, graph, list(dict.fromkeys((*graph.inputs, *made)))))
    known = work.known = by_value.partners(recorded[0], recorded[1], one.tensors, two.tensors)
    found = by_value.wrong_ends(one, two, known)
    lost = by_value.first_lost(one, two, known) if found else None
    outcome, suspects = judged([*found, *([lost] if lost else [])])
    share = len(set(known) & set(recorded[1])) / max(len(recorded[1]), 1)
    shares: dict[str, float | int | None] = {"ops": len(one.ops), "ops_aligned": share, "weights_compared": None}
    note = "two formats: aligned by value on these inputs, weights and attributes not compared"
    names = str(work.a.path), str(work.b.path)
    return Drift(*names, outcome, suspects, {**shares, "ops_isolated": 0}, (*work.notes, note))
