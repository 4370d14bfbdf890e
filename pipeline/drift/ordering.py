"""Which input of one model is which of the other, where their names do not tell and two have one size."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from converters.contract import Arrays, Artifact, Signature
from converters.errors import EdgeExportError
from converters.graph import Graph
from converters.worker import WorkerPool
from pipeline.checks.drift.matching import best_layout
from pipeline.checks.drift.values import real
from pipeline.config import Limits
from pipeline.drift.work import Work

MOST = 6
"""Orders that are tried."""
BETTER_DB = 4.0
"""Mean signal to error of the outputs: by so much another order must be nearer than the file's own."""


def ordered(a: Artifact, b: Artifact, given: Arrays | None, pool: WorkerPool, limits: Limits) -> Artifact:
    """`b` with its inputs in the order in which its outputs are nearest to those of `a`.

    As it is where shared names tell which is which, or sizes do.
    """
    ours, theirs = a.source.inputs, b.signature.inputs
    names = [spec.name for spec in theirs]
    if len(ours) != len(theirs) or len(theirs) != len(b.source.inputs) or {spec.name for spec in ours} & {*names}:
        return b
    if len({(spec.shape, spec.dtype) for spec in theirs}) == len(theirs):
        return b
    kinds = [(sorted(map(str, spec.shape)), spec.dtype) for spec in b.source.inputs]
    orders = [
        order
        for order in itertools.permutations(range(len(theirs)))
        if all(kinds[place] == kinds[number] for number, place in enumerate(order))
    ]
    tried = [(_nearness(a, _turned(b, order), given, pool, limits), order) for order in orders[:MOST]]
    own, best = tried[0][0], max(tried, key=lambda one: one[0])
    return _turned(b, best[1]) if best[0] > own + BETTER_DB else b


def _turned(b: Artifact, order: tuple[int, ...]) -> Artifact:
    signature, source = (
        Signature(tuple(side.inputs[place] for place in order), side.outputs) for side in (b.signature, b.source)
    )
    return dataclasses.replace(b, signature=signature, source=source)


def _nearness(a: Artifact, b: Artifact, given: Arrays | None, pool: WorkerPool, limits: Limits) -> float:
    """The mean signal to error of the outputs, in dB; minus infinity where the two cannot be run."""
    work = Work(a, b, given, pool, limits)
    try:
        graphs: list[Graph] = [work.ask(file, "graph") for file in (a, b)]
        work.told = graphs
        sides = [work.trace(file, graph, graph.outputs) for file, graph in zip((a, b), graphs, strict=True)]
    except EdgeExportError:
        return -np.inf
    found = [
        max(best_layout(*_alike(values, other))[0] for _, values in _real(sides[1], graphs[1]))
        for _, other in _real(sides[0], graphs[0])
    ]
    return float(np.mean(found)) if found else -np.inf


def _real(seen: dict[int, np.ndarray], graph: Graph) -> list[tuple[int, np.ndarray]]:
    return [(index, real(values, graph.tensors[index])) for index, values in seen.items()]


def _alike(got: np.ndarray, want: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = min(len(got), len(want))
    return want[:count], got[:count]
