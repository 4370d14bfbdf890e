"""Whether a fault changes an output on some legal input: only those that do are counted.

Both files are run, each by the same kernels, on made-up inputs, on flat ones at the ends of their range, on noise of
several sizes and on stretches that last. Runs inside a worker process: a file may end it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, TensorSpec
from pipeline.golden_inputs import in_stretches, synthesise

COUNT = 6
"""Samples of each sort."""
NOISE = 1e-6
"""Of an output's range: less is another order of sums in the same kernel."""


_known: dict[str, list[np.ndarray]] = {}
"""The outputs of the honest file that was last asked about."""


def inputs_for(specs: tuple[TensorSpec, ...], seed: int = 7) -> Arrays:
    """Inputs, (n, *shape) by name, of every sort that a model's specification allows."""
    sorts = [synthesise(specs, COUNT, seed), in_stretches(specs, COUNT, seed)]
    rng = np.random.default_rng(seed)
    for size in (0.0, 0.01, 30.0):
        sorts.append({spec.name: _sized(spec, sorts[0][spec.name][:2], size, rng) for spec in specs})
    return {spec.name: np.concatenate([sort[spec.name] for sort in sorts]) for spec in specs}


def _sized(spec: TensorSpec, like: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Two samples of noise of a size, within the limits of the specification."""
    if like.dtype.kind != "f":
        return like[::-1]
    image = spec.meaning == "image" or float(np.abs(like).max(initial=0)) > 16
    low, high = spec.limits or ((0.0, 255.0) if image else (-np.inf, np.inf))
    values = rng.normal(size=like.shape) * (size or 1) * (255 if image else 1)
    flat = np.full_like(like, 0.0 if image else -1.0)
    flat[1:] = 255.0 if image else 1.0
    return np.clip(flat if not size else values, low, high).astype(like.dtype)


def outputs(path: Path, inputs: Arrays) -> list[np.ndarray]:
    """What a file gives out by place, (n, ...) each, as real numbers; by one thread of its format's plainest runtime.

    Raises:
        Exception: whatever the toolkit raises where the file cannot be run.
    """
    return importlib.import_module("benchmarks.mutation.run").run(path, inputs)


def differ(honest: list[np.ndarray], other: list[np.ndarray]) -> float:
    """The largest difference of an output as a share of its range; infinite where shapes or finite values differ."""
    if len(honest) != len(other):
        return float("inf")
    worst = 0.0
    for want, got in zip(honest, other, strict=True):
        if want.shape != got.shape or not np.array_equal(np.isfinite(want), np.isfinite(got)):
            return float("inf")
        finite = np.isfinite(want)
        if finite.any():
            span = float(np.ptp(want[finite])) or float(np.abs(want[finite]).max()) or 1.0
            worst = max(worst, float(np.abs(want[finite] - got[finite]).max()) / span)
    return worst


def naive(honest: list[np.ndarray], other: list[np.ndarray]) -> dict[str, bool]:
    """Whether gates as they are used elsewhere would have seen it, on the same outputs of random inputs."""
    if any(want.shape != got.shape for want, got in zip(honest, other, strict=False)) or len(honest) != len(other):
        return {"max_abs_1e-2": True, "top_1": True}
    one = any(
        not bool(np.abs(want[0] - got[0]).max(initial=0) <= 1e-2) for want, got in zip(honest, other, strict=True)
    )
    flips = [
        (want.reshape(len(want), -1).argmax(1) != got.reshape(len(got), -1).argmax(1))[:COUNT].any()
        for want, got in zip(honest[:1], other[:1], strict=True)
    ]
    return {"max_abs_1e-2": one, "top_1": bool(any(flips))}


def effect(honest: Path, other: Path, specs: tuple[TensorSpec, ...]) -> dict[str, Any]:
    """How far a changed file's outputs are from the honest file's: `size` of the range, and what naive gates see."""
    inputs = inputs_for(specs)
    stamp = repr((honest, honest.stat().st_mtime_ns))
    with np.errstate(all="ignore"):
        if stamp not in _known:
            _known.clear()
            _known[stamp] = outputs(honest, inputs)
        want, got = _known[stamp], outputs(other, inputs)
        return {"size": differ(want, got), **naive(want, got)}
