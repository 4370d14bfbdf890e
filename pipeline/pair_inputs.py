"""Inputs for two models that are held against each other, where nobody gave any."""

from __future__ import annotations

import contextlib

from converters.contract import Arrays, Artifact, Precision
from converters.errors import EdgeExportError
from converters.graph import Graph
from converters.worker import WorkerPool
from pipeline.checks.gates import ParityGate
from pipeline.config import Limits
from pipeline.drift.feeding import fitted
from pipeline.drift.sizes import sized
from pipeline.drift.work import Work
from pipeline.lone import inputs_for
from pipeline.trial import prepare

STEADY_DB = 96.0
"""Which a rounding of float32 must leave of the outputs of `a`: 24 of it where 8 bits round 4,096 times as coarsely."""


def made_up(a: Artifact, b: Artifact, gate: ParityGate, pool: WorkerPool, limits: Limits) -> tuple[Artifact, Arrays]:
    """(`a` with the sizes and limits that it is fed with, stacked inputs, (n, *shape) by name).

    As large as the grid of an input tells that one of the two has; else those on which the outputs of `a` prove most:
    what hardly moves them would show the rounding of few bits alone.

    Raises:
        UnsupportedError: an input for which no values can be made up.
        ModelError: an output that declares other sizes than it has.
    """
    a = sized(a, b, pool, limits)
    drawn = inputs_for(a, "random", [])
    told = fitted(drawn, a.source.inputs, _graphs(Work(a, b, drawn, pool, limits)))
    if any(told[name] is not drawn[name] for name in drawn):
        return a, told
    subject = prepare(a, None, gate, pool, limits, STEADY_DB)
    return subject.artifact, subject.inputs


def _graphs(work: Work) -> list[Graph]:
    """The graphs of those of the two that hold few bits, where they can be read."""
    found = []
    for artifact in (work.a, work.b):
        if artifact.precision is not Precision.FP32:
            with contextlib.suppress(EdgeExportError):
                found.append(work.ask(artifact, "graph"))
    return found
