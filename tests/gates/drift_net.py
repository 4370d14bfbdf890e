"""A small network with what networks are made of: branches, two outputs, pooling, a resize; for files to compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.mutation.subjects import NETS
from converters.contract import ConversionRequest, Precision
from pipeline.golden_inputs import synthesise

NET = NETS["branches"]


def convert(folder: Path, edge: str, precision: str) -> Path:
    """The file that a converter makes of it."""
    from converters import job, registry, source

    weights = folder / "drift_net.weights.h5"
    artifact = source.capture(NET.builder, {}, weights, NET.inputs, NET.framework)
    calibration = folder / "calibration.npz"
    np.savez(calibration, **synthesise(NET.inputs, 64, 0))
    target = folder / f"{edge}_{precision}{registry.edge(edge).target.suffix}"
    return job.convert(edge, ConversionRequest(artifact, target, Precision(precision), calibration)).path
