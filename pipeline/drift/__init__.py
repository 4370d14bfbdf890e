"""Is model `b` the model that `a` is, and where not: by their graphs, by pieces run alone, and by values."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from converters import registry
from converters.contract import Arrays, Artifact, TensorSpec
from converters.errors import EdgeExportError, ModelError, ToolkitError
from converters.worker import WorkerPool
from pipeline.bound import bound
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.drift.verdict import declared
from pipeline.config import Limits
from pipeline.drift.across import across
from pipeline.drift.both import both
from pipeline.drift.ordering import ordered
from pipeline.drift.refused import complained, opened, stands, unreadable, unrunnable
from pipeline.drift.sizes import sized
from pipeline.drift.work import Work
from pipeline.lone import inputs_for, met, open_artifact


def drift(
    path_a: Path | str,
    path_b: Path | str,
    inputs: str,
    pool: WorkerPool,
    limits: Limits,
    sizes: tuple[TensorSpec, ...] = (),
) -> Drift:
    """The verdict on `path_b`, with `path_a` counting as right; either may be a builder, `file.py:function`.

    `inputs` is as of `inputs_for`; empty: the golden pack where one of the files lies in a bundle, else made-up ones.
    `sizes` are as the `inputs` of `open_artifact`.

    A file that is damaged, or that cannot be run where the reference can, is FAILED.

    Raises:
        ModelError: no model file, a reference that cannot be read, or models that are not called alike.
        UsageError: a format whose graphs are not read, or inputs that are not there.
    """
    a, pack_a = open_artifact(path_a, pool, limits, sizes, beside=path_b)
    try:
        b, pack_b, complaint = opened(path_b, pool, limits, sizes, beside=path_a)
    except ModelError as error:
        return dataclasses.replace(unreadable(path_b, error), a=str(path_a), b=str(path_b))
    for artifact in (a, b):
        registry.tracer(artifact.format)
    a, b = met(*bound(a, b, pool, limits), pool, limits)
    packs = [pack_a, pack_b]
    wanted = inputs or ("golden" if any(packs) else "random")
    try:
        given = None if wanted == "random" else inputs_for(a, wanted, packs)
        found = stands(verdict_on(a, b, given, pool, limits), a, b, pool, limits)
    except ModelError as error:
        found = unrunnable(a, b, error, pool, limits)
    return dataclasses.replace(complained(found, complaint), a=str(path_a), b=str(path_b))


def verdict_on(a: Artifact, b: Artifact, given: Arrays | None, pool: WorkerPool, limits: Limits) -> Drift:
    """As `drift_of`, with a verdict too where `b` cannot be fed or run, and `a` can."""
    try:
        return drift_of(a, b, given, pool, limits)
    except EdgeExportError as error:
        return unrunnable(a, b, error, pool, limits)


def drift_of(
    a: Artifact, b: Artifact, given: Arrays | None, pool: WorkerPool, limits: Limits, *, layers: bool = False
) -> Drift:
    """The verdict on artifact `b`, with `a` counting as right, on stacked inputs in the layout of `a.source`.

    Made-up inputs where none are given, of sizes with which both run. With `layers` also how far apart every two
    partners are, for the report.
    """
    a = sized(a, b, pool, limits) if given is None else a
    b = ordered(a, b, given, pool, limits)
    work = Work(a, b, given, pool, limits)
    graphs = [work.ask(artifact, "graph") for artifact in (a, b)]
    work.told = graphs
    work.settle_inputs(graphs[1])
    if given is None and any(None in spec.shape for spec in a.source.inputs):
        work.note("no sizes of the open axes were found with which A runs: its graph alone was compared; give --input")
    found = (both if a.format is b.format else across)(graphs[0], graphs[1], work)
    found = declared(found, graphs[1], b.kept)
    return dataclasses.replace(found, layers=work.layers(graphs[0], graphs[1])) if layers else found


def tried(
    a: Artifact, b: Artifact, given: Arrays | None, pool: WorkerPool, limits: Limits, *, layers: bool = False
) -> Drift | EdgeExportError:
    """What `drift_of` says, or why it says nothing: for who asks more of two models than this."""
    try:
        for artifact in (a, b):
            registry.tracer(artifact.format, artifact.precision)
        return drift_of(a, b, given, pool, limits, layers=layers)
    except EdgeExportError as error:
        return error
    except Exception as error:
        return ToolkitError(f"{type(error).__name__}: {error}")
