"""What a failed comparison looks like: cheap tests for the faults that converters are known to make.

A cause is a hint, never a verdict: it is added to the reasons of a check that has already failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from converters.contract import Arrays

_EXPLAINS = 0.02
"""A transformed reference explains the output when at most this share of its range is left as error ..."""
_BETTER = 10.0
"""... and at least this many times less than without the transformation."""


def exchanged(reference: Arrays, got: Arrays, tolerance: float) -> list[str]:
    """Outputs that hold another output's values within `tolerance` of its range, as sentences."""
    limit = max(tolerance, 1e-5)
    said = []
    for name, have in got.items():
        own = reference.get(name)
        if own is not None and _gap(own, have) <= limit:
            continue
        said += [
            f"`{name}` equals the reference's `{other}`: outputs are exchanged"
            for other, values in reference.items()
            if other != name and _gap(values, have) <= limit
        ]
    return said


def likely(reference: np.ndarray, got: np.ndarray, tolerance: float) -> list[str]:
    """The first cause that explains `got` (n, *shape) from `reference` of the same shape; none or one sentence."""
    want, have = reference.astype(np.float64), got.astype(np.float64)
    limit = min(max(tolerance, _EXPLAINS), _gap(want, have) / _BETTER)
    for cause, explained in _explanations(want, have):
        if _gap(explained, have) <= limit:
            return [f"likely cause: {cause}"]
    moved = float(np.abs(have - have.mean(axis=0)).mean())
    if moved < 0.05 * float(np.abs(want - want.mean(axis=0)).mean()):
        return ["likely cause: the output hardly follows its input: is the input scaled twice, or not fed at all?"]
    return _rounding(want, have)


def _explanations(want: np.ndarray, have: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """(cause, what the output would be if that were all), most specific first."""
    count = len(want)
    if count > 2:
        for shift in (1, -1):
            rolled = np.roll(want, shift, axis=0)
            edge = 0 if shift == 1 else -1
            rolled[edge] = have[edge]
            yield "each sample gives its neighbour's output: the result is read before the work is done", rolled
    last = want.shape[-1]
    if last > 2:
        for shift in (1, -1):
            yield f"classes are shifted by {shift:+d} along the last axis", np.roll(want, shift, axis=-1)
        yield "the last axis is reversed (RGB and BGR?)", want[..., ::-1]
    yield from _layouts(want)
    if 2 < last <= 4096 and want.size <= 1 << 20 and want[0].size == last:
        order = _nearest_columns(want.reshape(count, -1), have.reshape(count, -1))
        yield "classes are in another order", want.reshape(count, -1)[:, order].reshape(want.shape)
    yield (
        "the output is off by the same amount in every sample: a bias is lost or differs",
        want + (have - want).mean(axis=0),
    )
    scale = float((want * have).sum() / max(float(np.square(want).sum()), 1e-300))
    yield f"the output is scaled by {scale:.4g}: a scale or the preprocessing is lost or applied twice", want * scale


def _layouts(want: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Axes exchanged inside a sample: truly, or only in memory with the shape kept."""
    axes = [axis for axis in range(1, want.ndim) if want.shape[axis] > 1]
    if not 2 <= len(axes) <= 4:
        return
    for order in permutations(axes):
        if list(order) == axes:
            continue
        full = list(range(want.ndim))
        for place, axis in zip(axes, order, strict=True):
            full[place] = axis
        turned = want.transpose(full)
        how = "transposed" if turned.shape == want.shape else "transposed in memory, with the shape kept"
        yield (
            f"the output is {how} (axes {', '.join(map(str, order))}): a layout is not adapted",
            turned.reshape(want.shape),
        )


def _nearest_columns(want: np.ndarray, have: np.ndarray) -> np.ndarray:
    """For each column of `have`, the column of `want` nearest to it."""
    first = want[: max(8, min(len(want), 64))]
    columns = have[: len(first)].T  # one at a time: thousands of classes by thousands would fill the memory
    return np.array([np.abs(first - column[:, None]).mean(axis=0).argmin() for column in columns])


def _rounding(want: np.ndarray, have: np.ndarray) -> list[str]:
    """Whether the error has the size of a narrower number type."""
    noise = float(np.square(have - want).sum())
    snr = 10 * np.log10(float(np.square(want).sum()) / noise) if noise else np.inf
    if 50 <= snr < 95:
        return [f"likely cause: an error of {snr:.0f} dB has the size of 16-bit weights or arithmetic"]
    if 15 <= snr < 50:
        return [f"likely cause: an error of {snr:.0f} dB has the size of 8-bit weights or activations"]
    return []


def _gap(want: np.ndarray, have: np.ndarray) -> float:
    """The largest difference as a share of the range of `want`; infinite where they cannot be compared."""
    want, have = np.asarray(want), np.asarray(have)
    if want.shape != have.shape or want.size == 0 or want.dtype.kind not in "fiub" or have.dtype.kind not in "fiub":
        return float("inf")
    gap = float(np.abs(have.astype(np.float64) - want).max()) / (float(np.ptp(want.astype(np.float64))) or 1.0)
    return gap if np.isfinite(gap) else float("inf")
