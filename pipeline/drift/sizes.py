"""Sizes for the open axes of two models that are held against each other: the first with which both run."""

from __future__ import annotations

import time

from converters.contract import Artifact, TensorSpec
from converters.errors import EdgeExportError
from converters.worker import WorkerPool
from pipeline.config import Limits
from pipeline.drift.work import Work
from pipeline.golden_inputs import synthesise
from pipeline.lone import SEED
from pipeline.plausible import proposals, with_inputs

TRIED = 2
"""Samples with which a size is tried."""
SEARCH_S = 30.0
"""For all sizes of two models: of graphs of molecules, whose indices hang on another input's size, none runs."""
_nothing: set[tuple[str, str, tuple[TensorSpec, ...]]] = set()
"""Models, by their bytes, for which nothing was found: what one question costs is not spent again for the next."""


def sized(a: Artifact, b: Artifact, pool: WorkerPool, limits: Limits) -> Artifact:
    """`a`, spoken to with sizes for what it leaves open: such that both run, else such that it runs itself.

    As it is where all sizes are said, and where no proposal runs in time: what is asked of it next says why.
    """
    if all(None not in spec.shape for spec in a.source.inputs):
        return a
    key = (a.sha256, b.sha256, a.source.inputs)
    if key in _nothing:
        return a
    fallback, stop = None, time.monotonic() + SEARCH_S
    try:
        groups = list(proposals(a))
    except EdgeExportError:
        return a
    for group in groups:
        for specs in group:
            if time.monotonic() > stop:
                break
            tried = with_inputs(a, specs)
            if not _runs(tried, b, pool, limits, second=False):
                continue
            if _runs(tried, b, pool, limits, second=True):
                return tried
            fallback = fallback or tried
            break
    if fallback is None and a.sha256 and b.sha256:
        _nothing.add(key)
    return fallback or a


def _runs(a: Artifact, b: Artifact, pool: WorkerPool, limits: Limits, *, second: bool) -> bool:
    """Whether one of the two gives all its outputs on inputs of `a`'s sizes, with something in them."""
    work = Work(a, b, synthesise(a.source.inputs, TRIED, SEED), pool, limits)
    file = b if second else a
    try:
        graph = work.ask(file, "graph")
        found = work.trace(file, graph, graph.outputs)
    except EdgeExportError:
        return False
    return all(index in found and found[index].size for index in graph.outputs if not graph.tensors[index].constant)
