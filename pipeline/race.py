"""Two artifacts timed against each other in interleaved rounds, in one process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import RuntimeSpec, TensorSpec
from converters.errors import UsageError
from converters.timing import Pairing
from converters.worker import WorkerPool
from pipeline.binding import speaking
from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import check_latency
from pipeline.checks.outcome import Check
from pipeline.checks.sequential import time_in_worker
from pipeline.config import Limits
from pipeline.lone import default_runtime, inputs_for, open_artifact

WORKER = "bench"
"""A process of its own, which loads the runtimes of both sides, so that their calls take turns."""


def race(
    path_a: Path | str,
    path_b: Path | str,
    inputs: str,
    runtimes: tuple[str, str],
    budget_s: float,
    threads: int,
    gate: LatencyGate,
    pool: WorkerPool,
    limits: Limits,
    sizes: tuple[TensorSpec, ...] = (),
) -> Check:
    """The check `latency` of a beside b; the ratio is a's time to b's.

    Either may be a builder, `file.py:function`; `sizes` are as the `inputs` of `open_artifact`.

    Raises:
        ModelError, UsageError: as `compare`; or runtimes that no one process reaches.
    """
    a, pack_a = open_artifact(path_a, pool, limits, sizes, beside=path_b)
    b, pack_b = open_artifact(path_b, pool, limits, sizes, beside=path_a)
    runtime_a, runtime_b = default_runtime(a, runtimes[0]), default_runtime(b, runtimes[1])
    arrays = inputs_for(a, inputs, [pack_a, pack_b])
    other = speaking(b, a.source)
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        samples = Path(folder) / "inputs.npz"
        # both sides may name a single input differently: each finds its own
        own = {spec.name: arrays[first.name] for first, spec in zip(a.source.inputs, other.source.inputs, strict=True)}
        np.savez(samples, allow_pickle=False, **{f"input/{name}": value for name, value in {**arrays, **own}.items()})
        worker = _worker(runtime_a, runtime_b)

        def call(target: str, **arguments: Any) -> Any:
            return pool.call(worker, target, limits.latency_s, **arguments)

        pairing = Pairing(runtime_a.name, a, runtime_b.name, other, samples, threads)
        timings = time_in_worker(call, pairing, gate, budget_s)
    return check_latency(timings, gate)


def _worker(runtime_a: RuntimeSpec, runtime_b: RuntimeSpec) -> str:
    """The process that reaches both: that of a device runs what this machine's CPU runs as well, where it can.

    Raises:
        UsageError: two devices with processes of their own, or one that only emulates.
    """
    workers = list(dict.fromkeys(spec.worker for spec in (runtime_a, runtime_b) if spec.device is not None))
    emulated = [spec for spec in (runtime_a, runtime_b) if spec.device is not None and spec.device.emulated]
    if emulated:
        raise UsageError(f"{emulated[0].name} is emulated: its seconds say nothing, so that there is nothing to time")
    if len(workers) > 1:
        raise UsageError(
            f"{runtime_a.name} and {runtime_b.name} run in two processes, so that their calls cannot take turns; time "
            "each against a runtime of this machine's CPU"
        )
    return workers[0] if workers else WORKER
