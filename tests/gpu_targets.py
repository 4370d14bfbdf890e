"""What tests call in the worker of a GPU."""

from __future__ import annotations

import time

import numpy as np

from converters import job
from converters.contract import Artifact


def run_and_call_s(runtime: str, artifact: Artifact) -> tuple[float, float]:
    """Seconds of LiteRT's own `run` alone, and of a timed call; the medians of nine."""
    session = job.open_session(runtime, artifact)
    (spec,) = artifact.signature.inputs
    inputs = {spec.name: np.ones((1, *(size or 1 for size in spec.shape)), np.float32)}
    session.time(inputs, 3)
    alone = []
    for _ in range(9):
        start = time.perf_counter()
        session._model.run_by_name(session._signature, session._inputs, session._outputs)  # type: ignore[attr-defined]
        alone.append(time.perf_counter() - start)
        session._call({spec.name: inputs[spec.name][0]})  # waits for the work
    return float(np.median(alone)), float(np.median(session.time(inputs, 9)))
