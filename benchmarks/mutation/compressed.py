"""What compressors, pruners and hands do to kernels: plausible, close to the original, and another model."""

from __future__ import annotations

import numpy as np

from benchmarks.mutation.layer import Planter
from benchmarks.mutation.planting import Array, kernels

_LEAST = 8


def _low_rank(kernel: Array, rng: np.random.Generator) -> Array | None:
    """Without the smallest of its singular values."""
    rows = kernel.reshape(kernel.shape[0], -1)
    if min(rows.shape) < _LEAST // 2:
        return None
    left, sizes, right = np.linalg.svd(rows.astype(np.float64), full_matrices=False)
    sizes[-1] = 0
    return np.asarray((left * sizes) @ right).reshape(kernel.shape)


def _two_of_four(kernel: Array, rng: np.random.Generator) -> Array | None:
    """The two smaller ones of every four values are zero, as an accelerator for sparse kernels wants it."""
    if kernel.size % 4 or kernel.size < _LEAST:
        return None
    fours = kernel.reshape(-1, 4).copy()
    np.put_along_axis(fours, np.abs(fours.astype(np.float64)).argsort(1)[:, :2], 0, 1)
    return fours.reshape(kernel.shape)


def _ternary(kernel: Array, rng: np.random.Generator) -> Array:
    """Each channel holds one size, its negative, and zero."""
    flat = kernel.reshape(len(kernel), -1).astype(np.float64)
    size = np.abs(flat).mean(1, keepdims=True)
    return np.asarray(np.sign(flat) * size * (np.abs(flat) > 0.7 * size)).reshape(kernel.shape)


def _powers(kernel: Array, rng: np.random.Generator) -> Array:
    """Every value is the nearest power of two."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.sign(kernel) * np.exp2(np.rint(np.log2(np.abs(kernel.astype(np.float64))))))


def _stochastic(kernel: Array, rng: np.random.Generator) -> Array:
    """Rounded up or down to bfloat16 by chance, as a training in it does."""
    bits = np.ascontiguousarray(kernel, np.float32).view(np.uint32)
    up = rng.integers(0, 1 << 16, kernel.shape, dtype=np.uint32)
    return np.asarray((bits + up) & np.uint32(0xFFFF0000)).view(np.float32)


def _one_trained_on(kernel: Array, rng: np.random.Generator) -> Array:
    """One output channel went one small step of training further."""
    changed = kernel.astype(np.float64).copy()
    place = int(rng.integers(len(changed)))
    changed[place] += rng.normal(size=changed[place].shape) * 0.02 * np.abs(changed).max()
    return changed


COMPRESSED: dict[str, Planter] = {
    "least singular value taken out": kernels(_low_rank, "f"),
    "two of four weights zero": kernels(_two_of_four),
    "kernel in three values a channel": kernels(_ternary, "f"),
    "kernel in powers of two": kernels(_powers, "f"),
    "kernel rounded to bfloat16 by chance": kernels(_stochastic, "f"),
    "one channel trained on": kernels(_one_trained_on, "f"),
    "channels of unit length": kernels(
        lambda k, r: k / np.maximum(np.sqrt(np.square(k).sum((1, 2, 3), keepdims=True)), 1e-9), "f"
    ),
    "kernel made symmetric": kernels(lambda k, r: (k + np.flip(k, 2)) / 2 if k.shape[2] > 1 else None, "f"),
    "halves of the input channels exchanged": kernels(
        lambda k, r: np.roll(k, k.shape[3] // 2, 3) if k.shape[3] > 3 and k.shape[3] % 2 == 0 else None
    ),
    "one value beside each window": kernels(lambda k, r: np.roll(k, 1, 2) if k.shape[2] > 1 else None),
}
