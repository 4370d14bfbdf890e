"""What proving costs: running and judging n samples, beside a bare loop over the same samples."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.by_hand import LOOPS
from benchmarks.figure import Figure
from benchmarks.workshop import Workshop
from converters import job, registry
from converters.contract import Arrays, Artifact, Framework, Precision
from converters.errors import ContractError
from converters.samples import load_samples
from pipeline.checks.gates import ParityGate
from pipeline.checks.parity import check_parity
from pipeline.configs import load_configs

GOAL = 1.2
REPEATS = 15
CASES = (
    (Framework.TENSORFLOW, "tflite", Precision.FP32, "litert-xnnpack"),
    (Framework.TENSORFLOW, "tflite", Precision.INT8, "litert-xnnpack"),
    (Framework.TORCH, "onnx", Precision.FP32, "onnxruntime"),
)


def figures(workshop: Workshop) -> Iterator[Figure]:
    """The ratio on each runtime; n is the test split of the subset."""
    _, gates = load_configs(None, None)
    for framework, target, precision, runtime in CASES:
        artifact, samples = workshop.artifact(framework, target, precision)
        pairs = workshop.pool.call(
            registry.runtime(runtime).worker,
            "benchmarks.parity:race",
            600,
            runtime=runtime,
            artifact=artifact,
            samples=samples,
            gate=gates.parity[precision],
            repeats=REPEATS,
        )
        count = len(next(iter(load_samples(samples).values())))
        bare_us = 1e6 * statistics.median(bare for _, bare in pairs) / count
        yield Figure(
            "parity",
            f"parity / bare inference, {runtime} {precision.value}",
            statistics.median(ours / bare for ours, bare in pairs),
            GOAL,
            "x",
            f"{count} samples of {bare_us:.0f} us, median of {REPEATS} pairs",
        )


def race(runtime: str, artifact: Artifact, samples: Path, gate: ParityGate, repeats: int) -> list[tuple[float, float]]:
    """(seconds to run and judge the samples, seconds of the bare loop), interleaved; runs in the runtime's worker.

    Both sides open their file anew for each pair, before the clock starts: where a session's memory lies changes its
    speed.

    Raises:
        ContractError: the two gave different outputs, so that they did not do the same work.
    """
    inputs = load_samples(samples)["image"]
    reference = job.run_samples(runtime, artifact, samples)
    if not np.array_equal(LOOPS[runtime](artifact.path)(inputs), next(iter(reference.values()))):
        raise ContractError(f"{runtime}: the bare loop gives other outputs, so the two did not do the same work")
    pairs = []
    for index in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            copy = replace(artifact, path=Path(shutil.copy(artifact.path, folder)))
            bare = LOOPS[runtime](copy.path)
            job.open_session(runtime, copy).run({"image": inputs[0]})
            bare(inputs[:8])
            ours_s = partial(_judged_s, runtime, copy, samples, reference, gate)
            bare_s = partial(_seconds, bare, inputs)
            pairs.append((ours_s(), bare_s()) if index % 2 else (bare_s(), ours_s())[::-1])
    return pairs


def _judged_s(runtime: str, artifact: Artifact, samples: Path, reference: Arrays, gate: ParityGate) -> float:
    start = time.perf_counter()
    check_parity(reference, job.run_samples(runtime, artifact, samples), artifact.source.outputs, gate)
    return time.perf_counter() - start


def _seconds(run: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray) -> float:
    start = time.perf_counter()
    run(inputs)
    return time.perf_counter() - start
