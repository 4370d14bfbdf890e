"""The bodies of branches and loops: models of their own, held against each other as such."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Graph, Op
from converters.tracer import Seen
from pipeline.binding import introduced
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Outcome
from pipeline.drift.sizes import sized
from pipeline.drift.work import Work
from pipeline.lone import open_artifact

Compare = Callable[[Graph, Graph, Work], Drift]


def alike(work: Work, one: Op, two: Op, compare: Compare) -> bool | None:
    """Whether every body of two operators passes as a model of its own; None where one cannot be taken out.

    What a branch computes that no sample takes is so compared too.
    """
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        homes = [Path(folder) / side for side in "ab"]
        try:
            ours, theirs = (
                work.ask(file, "bodies", place=op.index, folder=home, seen=_seen(work, file, op))
                for file, op, home in ((work.a, one, homes[0]), (work.b, two, homes[1]))
            )
            names = sorted({*ours, *theirs})
            if not names:
                return None
            return all(
                name in ours and name in theirs and _passes(work, name, (ours[name], theirs[name]), compare)
                for name in names
            )
        except EdgeExportError as error:
            work.note(f"the body of {two.type} {two.index} is judged by what the samples take: {error}")
            return None


def _seen(work: Work, file: Artifact, op: Op) -> dict[int, Seen]:
    """What was recorded of the tensors of an operator: files leave the shapes behind a branch open."""
    graph = work.ask(file, "graph")
    try:
        recorded = work.trace(file, graph, [i for i in (*op.inputs, *op.outputs) if i in graph.tensors])
    except EdgeExportError:  # said where it is needed
        return {}
    return {index: (values.shape[1:], str(values.dtype)) for index, values in recorded.items()}


def _passes(work: Work, name: str, paths: tuple[Path, Path], compare: Compare) -> bool:
    a, b = introduced(*(open_artifact(path, work.pool, work.limits)[0] for path in paths))
    a = sized(a, b, work.pool, work.limits)
    inner = Work(a, b, None, work.pool, work.limits)
    graphs = [inner.ask(side, "graph") for side in (a, b)]
    found = compare(graphs[0], graphs[1], inner)
    for suspect in found.suspects[:1]:
        work.note(f"in the {name}: {suspect.b.op_type or suspect.a.op_type}: {suspect.cause}")
    return found.outcome is Outcome.PASSED
