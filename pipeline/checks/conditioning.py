"""Models that make more of a rounding of their inputs than the fp32 gate allows: honest kernels then differ so far too.

A spectrogram's logarithm, or a division by a small spread, turns the last bit of an input into the fourth digit of an
output. How far is measured: the reference is asked again with inputs moved by a few roundings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from converters.contract import Arrays, TensorSpec
from pipeline.checks.gates import ParityGate
from pipeline.checks.metrics.max_rel_range import max_rel_range
from pipeline.checks.metrics.moving_snr_db import moving_snr_db
from pipeline.checks.metrics.snr_db import snr_db

NUDGE = 1e-6
"""Of an input's range: 16 roundings of float32, about what a layer of sums leaves."""
FACTOR = 8.0
"""Kernels round in every layer and not in the first alone. One public model (audio to notes) came to 0.2 to 2.5 times
what the nudge does, one with state (speaker activity, its state drawn too) to 4.5; on inputs that hardly vary to more:
there the limits below bind."""
MOST_REL_RANGE, LEAST_SNR_DB = 1e-3, 60.0
"""However ill-conditioned: 8-bit weights (30 dB) and half precision in a few layers (65 dB) stay beyond it."""
AGAIN = 3.0
"""Times what rounding the inputs does by itself that an artifact may come to: it rounds inside as well."""
Noise = Mapping[str, float]
_WORST: Mapping[str, Callable[[float, float], float]] = {"max_rel_range": max, "snr_db": min, "moving_snr_db": min}


def nudged(inputs: Arrays, seed: int = 0) -> Arrays:
    """The floats of stacked inputs (n, *shape), each sample moved at random by `NUDGE` of its range.

    Of one that hardly varies, of its greatest value: what is rounded is that.
    """
    random = np.random.default_rng(seed)

    def moved(values: np.ndarray) -> np.ndarray:
        if values.dtype.kind != "f" or not values.size:
            return values
        rows = values.reshape(len(values), -1)
        span = np.maximum(np.ptp(rows, axis=1), np.abs(rows).max(axis=1)).reshape(-1, *[1] * (values.ndim - 1))
        return (values + NUDGE * span * random.random(values.shape)).astype(values.dtype)

    return {name: moved(values) for name, values in inputs.items()}


def floats(outputs: Iterable[TensorSpec]) -> tuple[TensorSpec, ...]:
    """The outputs of which noise can be told."""
    return tuple(spec for spec in outputs if np.dtype(spec.dtype).kind == "f")


def noise(reference: Arrays, moved: Arrays, outputs: tuple[TensorSpec, ...]) -> dict[str, float]:
    """What the nudge did to the reference's outputs, the worst of them; empty where that cannot be told.

    Keys are the gate's metrics; infinite dB are left out.
    """
    found: dict[str, list[float]] = {"max_rel_range": [], "snr_db": [], "moving_snr_db": []}
    for spec in outputs:
        want, got = np.asarray(reference[spec.name]), np.asarray(moved[spec.name])
        if (
            want.dtype.kind != "f"
            or want.shape != got.shape
            or not (np.isfinite(want).all() and np.isfinite(got).all())
        ):
            return {}
        found["max_rel_range"].append(float(max_rel_range(want, got).max()))
        found["snr_db"].append(snr_db.over_all(want, got))
        found["moving_snr_db"].append(float(moving_snr_db(want, got)[0]) if len(want) > 1 else math.inf)
    return worst([dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)])


def worst(noises: Iterable[Noise]) -> dict[str, float]:
    """Of each metric the worst of several; infinite ones are left out."""
    found: dict[str, float] = {}
    for name, value in (item for one in noises for item in one.items() if math.isfinite(item[1])):
        found[name] = _WORST[name](found.get(name, value), value)
    return found


def left_db(known: Noise) -> float:
    """What noise leaves of the outputs: the least of its metrics, in dB; infinite where there is none."""
    share = known.get("max_rel_range", 0.0)
    decibels = (known.get("snr_db", math.inf), known.get("moving_snr_db", math.inf))
    return min(*decibels, -20 * math.log10(share) if share > 0 else math.inf)


def eased(gate: ParityGate, known: Noise) -> ParityGate:
    """The gate with `FACTOR` times the noise allowed, where that is more, and never beyond what stands above."""
    decibels = 20 * math.log10(FACTOR)
    allowed = min(FACTOR * known.get("max_rel_range", 0.0), MOST_REL_RANGE)
    least, moving = (max(known.get(name, math.inf) - decibels, LEAST_SNR_DB) for name in ("snr_db", "moving_snr_db"))
    return replace(
        gate,
        max_rel_range=max(gate.max_rel_range, allowed),
        min_snr_db=min(gate.min_snr_db, least),
        min_moving_snr_db=min(gate.min_moving_snr_db, moving),
    )


def beyond(gate: ParityGate, known: Noise) -> ParityGate:
    """The gate with `AGAIN` times the noise allowed wherever that ends: who needs it has lost more than it allows."""
    decibels = 20 * math.log10(AGAIN)
    least = min(known.get(name, math.inf) - decibels for name in ("snr_db", "moving_snr_db"))
    return replace(
        gate,
        max_rel_range=max(gate.max_rel_range, AGAIN * known.get("max_rel_range", 0.0)),
        min_snr_db=min(gate.min_snr_db, least),
        min_moving_snr_db=min(gate.min_moving_snr_db, least),
        min_cosine=gate.min_cosine if math.isinf(least) else -1.0,
        min_top1=gate.min_top1 if math.isinf(least) else 0.0,
    )


def loses(gate: ParityGate, known: Noise) -> bool:
    """Whether the noise alone misses the gate."""
    return (
        known.get("max_rel_range", 0.0) > gate.max_rel_range
        or known.get("snr_db", math.inf) < gate.min_snr_db
        or known.get("moving_snr_db", math.inf) < gate.min_moving_snr_db
    )


def told(gate: ParityGate, known: Noise) -> str:
    """What was allowed and why, in words; empty where nothing was."""
    new = eased(gate, known)
    if new == gate:
        return ""
    return (
        f"rounding (inputs moved by {NUDGE:g} of their range, or other kernels) moves the reference by "
        f"{known.get('max_rel_range', 0.0):.3g} of its own ({known.get('snr_db', math.inf):.4g} dB): held to "
        f"{FACTOR:g} times that, {new.max_rel_range:.3g} and {new.min_snr_db:.4g} dB"
    )
