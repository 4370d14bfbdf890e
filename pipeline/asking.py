"""What a runtime gives for samples: the question is put to its worker, the samples go through a file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact, RuntimeSpec, Signature
from converters.worker import WorkerPool
from pipeline.binding import speaking
from pipeline.config import Limits
from pipeline.evidence import INPUT as PREFIX
from pipeline.lone import require


def run(
    artifact: Artifact,
    inputs: Arrays,
    source: Signature,
    runtime: RuntimeSpec,
    pool: WorkerPool,
    limits: Limits,
) -> Arrays:
    """The artifact's outputs in the layout and under the names of `source`, for inputs in the same."""
    spoken = speaking(artifact, source)
    own_inputs = {ours.name: inputs[spec.name] for spec, ours in zip(source.inputs, spoken.source.inputs, strict=True)}
    outputs: Arrays = ask(runtime, "run_samples", spoken, own_inputs, pool, limits)
    own_names = {spec.name for spec in spoken.source.outputs}
    by_name = any(spec.name in own_names for spec in source.outputs)
    pairs = zip(source.outputs, spoken.source.outputs, strict=False)
    names = {} if by_name else {ours.name: spec.name for spec, ours in pairs}
    return {names.get(name, name): value for name, value in outputs.items()}


def ask(
    runtime: RuntimeSpec,
    question: str,
    artifact: Artifact,
    inputs: Arrays,
    pool: WorkerPool,
    limits: Limits,
    **more: Any,
) -> Any:
    """What a function that takes samples says, in the worker of the runtime: of `converters.job` or `module:function`.

    Raises:
        UnavailableError: the runtime is not installed, or its device is not here.
    """
    require(runtime)
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        samples = Path(folder) / "inputs.npz"
        np.savez(samples, allow_pickle=False, **{f"{PREFIX}{name}": value for name, value in inputs.items()})
        return pool.call(
            runtime.worker,
            f"converters.{question if ':' in question else f'job:{question}'}",
            limits.measure_s,
            runtime=runtime.name,
            artifact=artifact,
            samples=samples,
            prefix=PREFIX,
            **more,
        )
