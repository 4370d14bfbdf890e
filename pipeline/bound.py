"""Inputs that always have one value, as a sampling rate: written into copies of the files that are compared."""

from __future__ import annotations

import dataclasses

from converters.contract import Artifact, Format
from converters.worker import WorkerPool
from pipeline.config import Limits
from pipeline.lone import bound_copy, open_artifact
from pipeline.plausible import with_inputs


def bound(a: Artifact, b: Artifact, pool: WorkerPool, limits: Limits) -> tuple[Artifact, Artifact]:
    """Both models, ONNX files without the inputs that the user gave one value, `--input sr=16000`.

    Of a file beside one of another format, only those that the other lacks. What the values decide against is no part
    of the comparison. The copies lie beside the pool's logs.
    """
    return _bound(a, b, pool, limits), _bound(b, a, pool, limits)


def _bound(one: Artifact, other: Artifact, pool: WorkerPool, limits: Limits) -> Artifact:
    kept = {spec.name for spec in other.source.inputs if other.format is not Format.ONNX}
    held = {
        spec.name: spec.limits[0]
        for spec in one.source.inputs
        if spec.limits and spec.limits[0] == spec.limits[1] and spec.name not in kept
    }
    if one.format is not Format.ONNX or one.builder or not held or not other.source.inputs:
        return one
    copy = bound_copy(one.path, pool)
    pool.call("onnx", "converters.onnx.adopt:bind", limits.inspect_s, path=one.path, copy=copy, values=held)
    found = open_artifact(copy, pool, limits)[0]
    own = {spec.name: spec for spec in one.source.inputs}
    found = with_inputs(found, tuple(own.get(spec.name, spec) for spec in found.source.inputs))
    return dataclasses.replace(found, kept=one.kept)
