"""Which inputs drive a source model to its limits: what its channels reach, and climbing along gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact
from converters.eager.caller import Caller, Goals
from converters.errors import UnsupportedError
from converters.reach import Reach, Recorder
from converters.samples import load_samples
from converters.words import last_words

NUDGE = 1e-6
"""Of the input's range: how far inputs are moved to see whether the outputs stand still; 16 roundings of float32."""
UNSTEADY = 1e-5
"""Of an output's range: moved further by that nudge, honest kernels would differ as well."""
CALL_WORK = 1 << 21
"""`Reach.work` that is done in the time which one call takes in any case."""
Legal = Mapping[str, tuple[float, float]]


def survey(artifact: Artifact, samples: Path, prefix: str, legal: Legal, nudged: bool) -> Reach:
    """What each channel of a source model reaches on stacked samples; `legal` are the ranges of the inputs.

    `nudged` also asks whether the outputs stand still where the inputs hardly move; it takes as long again.

    Raises:
        UnsupportedError: the model runs on none of them.
    """
    stacked = load_samples(samples, prefix)
    caller = Caller(artifact)
    recorder, outputs, others = Recorder(), [], []
    random = np.random.default_rng(0)
    refused: Exception | None = None
    for call in caller.calls(stacked):
        count = len(next(iter(call.values())))
        moved = {name: shaken(values, legal.get(name), random) for name, values in call.items()}
        try:
            plain = caller.watched(call, recorder)
            other = caller.run(moved) if nudged else plain
        except Exception as error:  # a made-up input that the model cannot take, such as a mask of nothing
            refused = error
            plain = other = [np.full((count, 1), np.nan) for _ in artifact.source.outputs]
        outputs.append(plain)
        others.append(other)
        recorder.end_of_call(count)
    kept = usable(outputs, others)
    if refused is not None and not kept.any():
        raise UnsupportedError(f"the model does not run on these inputs: {last_words(refused)}") from refused
    found = recorder.reach(kept)
    return dataclasses.replace(found, work=max(found.work, CALL_WORK // caller.size))


def climb(artifact: Artifact, samples: Path, prefix: str, legal: Legal, steps: int, goals: Goals) -> Arrays:
    """The samples moved along gradients within their legal range, each towards a limit of a channel of its own.

    Integers stay as they are. Projected sign ascent; the step shrinks from a quarter of the range to 1 %.

    Raises:
        UnsupportedError: no input is of floats, or the framework gives no gradients.
    """
    stacked = load_samples(samples, prefix)
    moving = [name for name, values in stacked.items() if values.dtype.kind == "f" and name in legal]
    if not moving:
        raise UnsupportedError("no input is of floats, so that there is no gradient to follow")
    caller = Caller(artifact)
    done: list[Arrays] = []
    start = 0
    for call in caller.calls(stacked):
        count = len(next(iter(call.values())))
        own = goals[start : start + count]
        start += count
        for step in np.geomspace(0.25, 0.01, steps):
            try:
                slopes = caller.slopes(call, moving, own)
            except Exception as error:
                raise UnsupportedError(f"no gradients: {last_words(error)}") from error
            for name in moving:
                low, high = legal[name]
                moved = call[name] + step * (high - low) * np.sign(slopes[name])
                call[name] = np.clip(moved, low, high).astype(call[name].dtype)
        done.append(call)
    return {name: caller.stacked(np.concatenate([call[name] for call in done])) for name in stacked}


def shaken(values: np.ndarray, legal: tuple[float, float] | None, random: np.random.Generator) -> np.ndarray:
    """Floats moved by a few roundings; all else as it is."""
    if values.dtype.kind != "f":
        return values
    span = legal[1] - legal[0] if legal else float(np.ptp(values)) or 1.0
    return (values + NUDGE * span * random.random(values.shape)).astype(values.dtype)


def usable(outputs: list[list[np.ndarray]], nudged: list[list[np.ndarray]]) -> np.ndarray:
    """Which samples have finite outputs that stand still where the input hardly moves, (n,) bool."""
    kept = np.ones(sum(len(part[0]) for part in outputs), dtype=bool)
    for each in range(len(outputs[0])):
        left, right = (
            [part[each].reshape(len(part[each]), -1).astype(np.float64) for part in parts]
            for parts in (outputs, nudged)
        )
        finite = [np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1) for a, b in zip(left, right, strict=True)]
        ends = [values[good] for values, good in zip(left, finite, strict=True) if good.any()]
        span = max((values.max() for values in ends), default=0.0) - min((values.min() for values in ends), default=0.0)
        with np.errstate(invalid="ignore"):
            moved = [np.abs(a - b).max(axis=1) for a, b in zip(left, right, strict=True)]
        kept &= np.concatenate(finite) & (np.concatenate(moved) <= UNSTEADY * (span or 1.0))
    return kept
