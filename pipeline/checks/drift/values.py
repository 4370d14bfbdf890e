"""Whether two tensors hold the same values: as real numbers, within what honest arithmetic leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from converters.graph import Tensor

FLOAT_GAP = 5e-5
"""Of the range: one network by other kernels or in another order of operators differs by 1e-7 to 5e-6."""
HALF_GAP = 2e-3
"""The same in half precision, whose rounding is 5e-4 of a value: 3e-4 was seen behind some layers."""
HALF_LEAN = 5e-4
"""Of the slope there: rounding errs to both sides, a factor of 0.999 that was put in does not."""
MEAN_STEPS = 0.3
"""Of the quantization step: a zero point off by one leaves a mean error of 1.0, honest kernels 0.00 to 0.28."""
MOST_STEPS = 3.0
"""Of the quantization step, for a single value: rounding in another order may add up over a few operators."""
ROUGH_DB = 10.0
"""Signal to error between two precisions: true partners show 24 to 51 dB in 8 bits, others at most 4.4 dB."""
RANGES_DB = 18.0
"""The same between two files of 8 bits, each on ranges of its own."""
_ENDS = 1e-9
SMALL = ("int8", "uint8", "int16", "uint16")
"""Integers that stand on a grid."""
COARSE = (*SMALL, "float16", "bfloat16")
"""Types whose rounding adds up from layer to layer, wherever in the file they stand."""


@dataclass(frozen=True)
class Agreement:
    """How far one side is from the other. `gap` is the largest difference, as a share of the reference's range.

    For quantized tensors `intercept`, `slope` and `spread` are those of got = slope * want + intercept, in steps, with
    the standard error of the intercept; values at the ends of the range are left out, for clipping bends them.
    """

    agrees: bool
    gap: float
    intercept: float = 0.0
    slope: float = 1.0
    spread: float = 0.0
    error: float = 0.0

    def said(self) -> str:
        """In words."""
        if self.spread or self.intercept:
            mean = f"mean error {self.intercept:.2f} +- {self.error:.2g} steps"
            return f"{mean} (sd {self.spread:.2f}, slope {self.slope:.3f})"
        return f"off by up to {self.gap:.3g} of the range"


def agree(want: np.ndarray, got: np.ndarray, ours: Tensor, theirs: Tensor, exact: bool = False) -> Agreement:
    """Compares stored values of tensor `theirs` with those of `ours`, both (n, *shape) with their own quantization.

    `exact` allows rounding only, for one operator run by the same kernel on both sides.
    """
    first, second = real(want, ours), real(got, theirs)
    if first.size != second.size:
        return Agreement(False, float("inf"))
    second = second.reshape(first.shape)
    finite = np.isfinite(first)
    if not np.array_equal(finite, np.isfinite(second)):
        return Agreement(False, float("inf"))
    first, second = first[finite], second[finite]
    span = float(np.ptp(first)) if first.size else 0.0
    largest = float(np.abs(second - first).max(initial=0.0))
    gap = largest / (span or 1.0)
    step = max(_step(ours), _step(theirs))
    if not step:
        limit = FLOAT_GAP / 50 if exact else FLOAT_GAP
        scale = max(span, 1e-3 * float(np.abs(first).max(initial=0.0)))
        return Agreement(largest <= limit * scale + 1e-30, gap)
    if exact and ours.quantization is not None and ours.quantization.same(theirs.quantization):
        return Agreement(largest <= _ENDS, gap)
    return _stepwise(first, second, step, gap, exact)


def agree_in_half(want: np.ndarray, got: np.ndarray, ours: Tensor, theirs: Tensor) -> Agreement:
    """As `agree`, for models that compute, or hold their weights, in half precision."""
    found = agree(want, got, ours, theirs)
    if found.spread or found.agrees or found.gap > HALF_GAP:
        return found
    first, second = real(want, ours).reshape(-1), real(got, theirs).reshape(-1)
    power = float(np.square(first).sum())
    lean = float((first * (second - first)).sum()) / power if power > 0 else 0.0
    return replace(found, agrees=abs(lean) <= HALF_LEAN)


def agree_roughly(
    want: np.ndarray, got: np.ndarray, ours: Tensor, theirs: Tensor, least_db: float = ROUGH_DB
) -> Agreement:
    """As `agree`, for two precisions: by the ratio of signal to error, for errors add up from layer to layer."""
    first, second = real(want, ours), real(got, theirs)
    if first.size != second.size or not np.isfinite(second).all():
        return Agreement(False, float("inf"))
    first, second = first.reshape(-1), second.reshape(-1)
    noise = float(np.square(first - second).sum())
    signal = float(np.square(first - first.mean()).sum()) if np.ptp(first) else float(np.square(first).sum())
    gap = float(np.abs(first - second).max(initial=0.0)) / (float(np.ptp(first)) or 1.0)
    return Agreement(noise <= signal * 10 ** (-least_db / 10), gap)


def agree_on_other_ranges(want: np.ndarray, got: np.ndarray, ours: Tensor, theirs: Tensor) -> Agreement:
    """As `agree_roughly`, for two files of 8 bits that were calibrated on other samples."""
    return agree_roughly(want, got, ours, theirs, RANGES_DB)


def turned(want: np.ndarray, got: np.ndarray) -> np.ndarray:
    """`got`, (n, *shape), with its axes in the order that brings it nearest to `want`; as it is where none fits."""
    if not 4 <= want.ndim <= 5 or want.ndim != got.ndim or want.dtype.kind != "f" or got.dtype.kind != "f":
        return got
    orders = [(0, *order) for order in permutations(range(1, want.ndim))]
    fitting = [order for order in orders if got.transpose(order).shape == want.shape]
    gaps = [float(distance(want[:1], got[:1].transpose(order)).mean()) for order in fitting]
    return got.transpose(fitting[int(np.argmin(gaps))]) if fitting else got


def _stepwise(first: np.ndarray, second: np.ndarray, step: float, gap: float, exact: bool) -> Agreement:
    inside = (first > first.min() + _ENDS) & (first < first.max() - _ENDS) if first.size else np.zeros(0, bool)
    x, y = (first[inside], second[inside]) if inside.sum() >= 8 else (first, second)
    error = (y - x) / step
    mean, spread = float(error.mean()) if error.size else 0.0, float(error.std()) if error.size else 0.0
    slope = 1.0
    if x.size > 2 and np.ptp(x) > 0:
        centred = x - x.mean()
        slope = float((centred * (y - y.mean())).sum() / np.square(centred).sum())
    standard = spread / max(np.sqrt(x.size), 1.0)
    largest = float(np.abs(second - first).max(initial=0.0)) / step
    if exact:
        good = largest <= 1.01 and abs(mean) <= 0.1
    else:
        good = (
            abs(mean) <= MEAN_STEPS + 3 * standard and largest <= MOST_STEPS and abs(slope - 1) <= 0.02 + 3 * standard
        )
    return Agreement(good, gap, mean, slope, spread, standard)


def real(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Stored values of a tensor as the real numbers that they stand for, float64."""
    stored = values.astype(np.float64)
    if tensor.quantization is None or len(tensor.quantization.scales) != 1 or values.dtype.kind == "f":
        return stored
    return (stored - float(tensor.quantization.zero_points[0])) * float(tensor.quantization.scales[0])


def distance(want: np.ndarray, got: np.ndarray) -> np.ndarray:
    """How far each value is off; nothing where both are one infinity, as masks hold, and NaN where either is NaN."""
    with np.errstate(invalid="ignore"):
        return np.where(want == got, 0.0, np.abs(want - got))


def _step(tensor: Tensor) -> float:
    if tensor.quantization is None or len(tensor.quantization.scales) != 1 or tensor.dtype.startswith("float"):
        return 0.0
    return float(tensor.quantization.scales[0])
