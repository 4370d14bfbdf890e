"""The range that an activation gets, from the values that it takes on the calibration samples. numpy only."""

from __future__ import annotations

import numpy as np

MOST_VALUES = 1 << 16
"""Of a tensor that are looked at by `mse`, evenly spread."""
_STEPS = 255
_SHARES = np.linspace(1.0, 0.05, 58)


def choose(values: np.ndarray, method: str) -> tuple[float, float]:
    """The range (least, greatest) of real numbers that 8 bits shall stand for; it holds 0.

    Args:
        values: everything that the tensor was seen to hold, of any shape.
        method: `minmax`, all of it; `percentile-P`, all but the (100 - P)/2 % at either end; `mse`, the range whose
            256 steps leave the least mean squared error, of those with either end drawn in, one after the other.
    """
    flat = np.asarray(values, np.float64).ravel()
    low, high = min(float(flat.min()), 0.0), max(float(flat.max()), 0.0)
    if method.startswith("percentile-"):
        tail = (100.0 - float(method.removeprefix("percentile-"))) / 2
        ends = np.percentile(flat, [tail, 100.0 - tail])
        return min(float(ends[0]), 0.0), max(float(ends[1]), 0.0)
    return _least_error(flat, low, high) if method == "mse" else (low, high)


def _least_error(flat: np.ndarray, low: float, high: float) -> tuple[float, float]:
    some = flat[:: max(1, len(flat) // MOST_VALUES)]
    high *= float(_SHARES[int(np.argmin([_error(some, low, high * share) for share in _SHARES]))])
    low *= float(_SHARES[int(np.argmin([_error(some, low * share, high) for share in _SHARES]))])
    return low, high


def _error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / _STEPS
    if step <= 0:
        return 0.0
    zero = np.rint(-low / step)
    stored = np.clip(np.rint(values / step) + zero, 0, _STEPS)
    return float(np.mean(((stored - zero) * step - values) ** 2))
