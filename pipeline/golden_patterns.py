"""Made-up inputs that drive a model where data does not: patterns, and real inputs turned and mixed; all legal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from converters.contract import Arrays, TensorSpec
from pipeline.golden_inputs import IMAGE_RANGE, in_stretches, synthesise

Legal = Mapping[str, tuple[float, float]]
_WHOLE_SPAN = 64
"""An image whose range is this wide holds whole numbers, as pixels are."""


def of_every_kind(specs: tuple[TensorSpec, ...], count: int, seed: int) -> Arrays:
    """`count` samples for a model that came without data, (count, *shape) by name: noise, stretches and patterns mixed.

    Nobody knows what goes in. A detector answers noise with the same value for ever, where an edge may wake it.
    Without limits, patterns lie within -2..2.
    """
    noise, lasting = synthesise(specs, count, seed), in_stretches(specs, count, seed)
    legal = legal_ranges(specs, noise)
    legal |= {s.name: (-2.0, 2.0) for s in specs if not s.limits and not s.meaning and np.dtype(s.dtype).kind == "f"}
    drawn = made_up(specs, legal, noise, count, seed)
    kind = np.random.default_rng(seed).permutation(np.arange(count) % 3)

    def mixed(name: str) -> np.ndarray:
        chosen = kind.reshape(-1, *[1] * (noise[name].ndim - 1))
        return np.select([chosen == 0, chosen == 1], [noise[name], lasting[name]], drawn[name])

    return {spec.name: mixed(spec.name) for spec in specs}


def legal_ranges(specs: tuple[TensorSpec, ...], real: Arrays) -> dict[str, tuple[float, float]]:
    """The least and the greatest value that each input may take: its limits, those of pixels, else what real ones show.

    Booleans take 0 and 1. Real values beyond the limits widen them.
    """
    ranges = {}
    for spec in specs:
        values = real[spec.name]
        low, high = float(values.min()), float(values.max())
        said = spec.limits or (IMAGE_RANGE if spec.meaning == "image" and values.dtype.kind == "f" else (low, high))
        ranges[spec.name] = (min(low, said[0]), max(high, said[1]))
    return ranges


def made_up(specs: tuple[TensorSpec, ...], legal: Legal, real: Arrays, count: int, seed: int) -> Arrays:
    """`count` made-up samples, (count, *shape) by name; of several inputs one is made up at least, the others are real.

    Kinds take turns: flat, coarse, striped, waved, sparse, blobs, two-valued, noise, and real ones turned, saturated,
    strengthened, mixed and cut together.
    """
    random = np.random.default_rng(seed)
    total = len(next(iter(real.values())))
    made = {spec.name: real[spec.name][random.integers(0, total, count)].copy() for spec in specs}
    for i in range(count):
        forced = random.integers(len(specs))
        for place, spec in enumerate(specs):
            if place == forced or random.random() < 0.5:
                kind = _KINDS[(i + place) % len(_KINDS)]
                pair = [real[spec.name][random.integers(total)] for _ in range(2)]
                made[spec.name][i] = _one(kind, spec, legal[spec.name], pair, random)
    return {spec.name: legalised(made[spec.name], spec, legal[spec.name]) for spec in specs}


def bred(specs: tuple[TensorSpec, ...], legal: Legal, parents: Arrays, count: int, seed: int) -> Arrays:
    """`count` children of made-up samples that drive channels to their ends: parts of two parents, and some change."""
    random = np.random.default_rng(seed)
    total = len(next(iter(parents.values())))
    mothers, fathers = random.integers(0, total, (2, count))
    children = {}
    for spec in specs:
        values = parents[spec.name]
        child = values[mothers].copy()
        for i in range(count):
            of_father = _coarse(child.shape[1:], random) < random.random()
            child[i] = np.where(of_father, values[fathers[i]], child[i])
            if random.random() < 0.5:
                fresh = _one("noise", spec, legal[spec.name], [child[i], child[i]], random)
                child[i] = np.where(random.random(child.shape[1:]) < 0.1 * random.random(), fresh, child[i])
        children[spec.name] = legalised(child, spec, legal[spec.name])
    return children


def legalised(values: np.ndarray, spec: TensorSpec, legal: tuple[float, float]) -> np.ndarray:
    """The values within their range, whole where they are pixels or integers, of the input's type."""
    kind = np.dtype(spec.dtype).kind
    if kind == "b":
        return np.clip(values.astype(np.float64), *legal).astype(bool)
    clipped = np.clip(values, *legal)
    whole = kind in "iu" or (spec.meaning == "image" and legal[1] - legal[0] >= _WHOLE_SPAN)
    return (np.rint(clipped) if whole else clipped).astype(spec.dtype)


def _one(
    kind: str, spec: TensorSpec, legal: tuple[float, float], pair: list[np.ndarray], random: np.random.Generator
) -> np.ndarray:
    """One sample of a kind, in the units of the input."""
    low, high = (0.0, 1.0) if np.dtype(spec.dtype).kind == "b" else legal
    span = (high - low) or 1.0
    first, second = ((sample.astype(np.float64) - low) / span for sample in pair)
    unit = _unit(kind, first, second, random)
    values = low + span * np.clip(unit, 0, 1)
    return np.rint(values) if np.dtype(spec.dtype).kind in "iub" else values


def _unit(kind: str, first: np.ndarray, second: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One sample within 0..1, of the shape of two real ones."""
    shape = first.shape
    if kind == "flat":
        channels = _least_axis(shape)
        sizes = [size if axis == channels else 1 for axis, size in enumerate(shape)]
        return np.broadcast_to(random.choice([0.0, 1.0, random.random()], sizes), shape)
    if kind == "coarse":
        return _coarse(shape, random) if random.random() < 0.5 else np.rint(_coarse(shape, random))
    if kind in ("striped", "waved"):
        wave = 0.5 + 0.5 * np.sin(_phase(shape, random))
        return np.rint(wave) if kind == "striped" else wave
    if kind == "sparse":
        spots = (random.random(shape) < random.choice([0.003, 0.03, 0.1])).astype(np.float64)
        return spots if random.random() < 0.5 else 1 - spots
    if kind == "blobs":
        blob = _blob(shape, random)
        return blob if random.random() < 0.5 else 1 - blob
    if kind == "two-valued":
        return (random.random(shape) < random.random()).astype(np.float64)
    if kind == "noise":
        level, amount = random.random(2)
        return level + amount * (random.random(shape) - 0.5)
    if kind == "turned":
        return 1 - first
    if kind == "saturated":
        return (first > np.quantile(first, random.uniform(0.2, 0.8))).astype(np.float64)
    if kind == "strengthened":
        return (first - first.mean()) * random.uniform(1.5, 6) + random.random()
    if kind == "mixed":
        ways = (np.maximum, np.minimum, lambda a, b: np.abs(a - b), lambda a, b: a + b)
        return np.asarray(ways[random.integers(len(ways))](first, second))
    return np.where(_coarse(shape, random) < 0.5, first, second)  # cut together


_KINDS = (
    "flat", "coarse", "striped", "waved", "sparse", "blobs", "two-valued", "noise",
    "turned", "saturated", "strengthened", "mixed", "cut together",
)  # fmt: skip


def _least_axis(shape: tuple[int, ...]) -> int:
    """The axis that is most like channels: the shortest that is longer than 1, else the last."""
    longer = [axis for axis, size in enumerate(shape) if size > 1]
    return min(longer, key=lambda axis: shape[axis], default=len(shape) - 1)


def _coarse(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Random fields of some cells along each axis, within 0..1."""
    cells = [min(size, int(random.choice([1, 2, 3, 4, 8]))) for size in shape]
    values = random.random(cells)
    for axis, (size, count) in enumerate(zip(shape, cells, strict=True)):
        values = np.take(values, np.arange(size) * count // size, axis=axis)
    return values


def _phase(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """The phase of a wave of some direction: half a turn an element at most."""
    phase = np.full(shape, random.uniform(0, 2 * np.pi))
    for axis, size in enumerate(shape):
        if size > 1:
            slope = random.choice([0.0, 1.0]) * np.pi * 2.0 ** random.uniform(-5, 0)
            phase = phase + slope * np.arange(size).reshape([size if a == axis else 1 for a in range(len(shape))])
    return phase


def _blob(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A bump somewhere, 1 at its top."""
    distance = np.zeros(shape)
    for axis, size in enumerate(shape):
        if size > 1:
            across = (np.arange(size) - random.uniform(0, size - 1)) / (size * random.uniform(0.05, 0.5))
            distance = distance + np.square(across).reshape([size if a == axis else 1 for a in range(len(shape))])
    return np.exp(-distance)
