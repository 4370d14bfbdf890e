"""Values on which segments of two models are run: recorded ones, and made-up ones that reach what those do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from converters.graph import Op, Tensor

_SIZES = (1.0, 4.0, 32.0, 0.1, 12.0)
"""Of made-up values against the largest recorded one: small ones show offsets, large ones reach every clip."""
_NUDGE = 2.0**-22
"""Of each value: what rounding changes, to see how far the segment carries it."""
NUDGES = 2
_HIDDEN = 1e30
"""As the least number of float32, in a mask: nothing that a network computes with is so large."""
_BEYOND = 8
"""Ranges of an input: two float models that are one compute the same so far beyond what examples tell of its range."""
_LEAST_LOGARITHM = float(np.log(np.finfo(np.float32).tiny))
_MOST_LOGARITHM = 88.0
"""Of an exponential in float32: from 88.4 on kernels give the largest they know, or infinity."""


@dataclass(frozen=True)
class Rows:
    """Real values for each start of a segment, (rows, *shape) as they lie in a: recorded, made up, nudged.

    The nudged ones are the first two kinds `NUDGES` times over, each value moved by its rounding.
    """

    starts: tuple[np.ndarray, ...]
    recorded: int
    made_up: int

    @property
    def count(self) -> int:
        """Rows that are compared."""
        return self.recorded + self.made_up


def rows(recorded: Sequence[np.ndarray], seed: int, most: int) -> Rows:
    """Rows for a segment, at most `most` of them compared."""
    rng = np.random.default_rng(seed)
    real = max(1, min(len(recorded[0]), most // 2))
    turns = max(0, most - real)
    starts = []
    for values in recorded:
        plain = [values[n] for n in range(real)] + [_made_up(values, turn, rng) for turn in range(turns)]
        stacked = np.stack(plain)
        starts.append(stacked)
    return Rows(tuple(starts), real, turns)


def nudged(found: Rows, seed: int) -> tuple[np.ndarray, ...]:
    """The starts of `found` with the nudged rows behind."""
    rng = np.random.default_rng(seed)
    return tuple(np.concatenate([values, *(_nudged(values, rng) for _ in range(NUDGES))]) for values in found.starts)


def _nudged(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if values.dtype.kind != "f":
        return values
    signs = rng.integers(0, 2, values.shape, np.int8) * 2 - 1
    return within(values * (1 + signs * np.float64(_NUDGE)), values.dtype)


def _made_up(recorded: np.ndarray, turn: int, rng: np.random.Generator) -> np.ndarray:
    value = recorded[turn % len(recorded)]
    if value.dtype.kind != "f":
        return rng.permutation(value.reshape(-1)).reshape(value.shape) if turn else value
    turn %= len(_SIZES) + 1
    if turn == len(_SIZES):
        signs = rng.integers(0, 2, value.shape, np.int8) * 2 - 1
        return (value * signs).astype(value.dtype)
    size = max(largest(recorded), 1.0) * _SIZES[turn] / 2
    return within(rng.standard_normal(value.shape, np.float32) * size, value.dtype)


def largest(values: np.ndarray) -> float:
    """The greatest absolute value, but for infinities and for what masks hold in their place."""
    sizes = np.abs(values)
    return float(sizes.max(initial=0.0, where=sizes < min(_HIDDEN, float(np.finfo(values.dtype).max))))


def within(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats as a type holds them, the nearest where they are beyond its ends; infinities stay."""
    ends = np.finfo(dtype)
    return np.where(np.isfinite(values), np.clip(values, ends.min, ends.max), values).astype(dtype)


def legal(values: np.ndarray, limits: tuple[float, float], plain: bool) -> np.ndarray:
    """Within the limits of an input; floats of `plain` models, where no type and no grid ends soon, also beyond.

    Whole numbers stay such: they index a table, and a rounding of one is another row.
    """
    low, high = limits
    room = _BEYOND * (high - low) if plain and values.dtype.kind == "f" else 0.0
    return np.clip(values, low - room, high + room).astype(values.dtype)


def stored(values: np.ndarray, tensor: Tensor, dtype: np.dtype) -> np.ndarray:
    """Real values as a tensor stores them; what is no number, on a grid of integers, as zero."""
    found = tensor.quantization
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    if found is None or len(found.scales) != 1:
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(np.where(np.isnan(values), 0.0, values).astype(np.float64) / found.scales[0]) + found.zero_points[0]
    return np.clip(steps, limits.min, limits.max).astype(dtype)


def settled(values: np.ndarray, tensor: Tensor, dtype: np.dtype) -> np.ndarray:
    """Real values, moved to the nearest that a tensor can store."""
    kept = stored(values, tensor, dtype)
    if dtype.kind == "f" or tensor.quantization is None or len(tensor.quantization.scales) != 1:
        return kept.astype(values.dtype)
    real = (kept.astype(np.float64) - tensor.quantization.zero_points[0]) * tensor.quantization.scales[0]
    return real.astype(values.dtype)


def within_logarithms(values: np.ndarray, recorded: int) -> np.ndarray:
    """Logarithms, of made-up values none that is not one of a float32 that an exponential gives.

    A softmax by itself gives 0 below, and a softplus that is written out overflows above.
    """
    if values.dtype.kind != "f":
        return values
    held = np.clip(values[recorded:], _LEAST_LOGARITHM, _MOST_LOGARITHM, dtype=values.dtype)
    return np.concatenate([values[:recorded], held])


def is_logarithm(op: Op) -> bool:
    """Whether an operator of any format gives out logarithms, which blow up what lies near zero."""
    return op.type.lower().rpartition(".")[2].strip("_").replace("_", "") in ("log", "logsoftmax")
