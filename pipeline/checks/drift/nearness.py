"""Whether two segments run alone on the same values give the same, within what honest arithmetic leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

EPS, HALF_EPS = 2.0**-23, 2.0**-10
WEIGHT_EPS = 2.0**-12
"""Of weights that are stored in 16 bits and computed with in 32."""
LARGEST = 8.0
"""In roundings of the largest value."""
_HALF_LEAST = 2.0**-25
"""Half a step of the subnormal numbers of float16: no value near zero rounds finer."""
_LEAN = 1e-4
"""Of the slope between two segments in half precision, beside its noise: honest ones show a third of both."""
_USUAL = 0.1
"""Of the size of recorded rows: smaller ones count less."""
_ENOUGH = 12
"""Fewer values tell no mean."""
_TYPICAL, _OWN = 12.0, 32.0
"""In what nudging every input by two roundings changes: of the whole output, and of the value itself."""


@dataclass(frozen=True)
class Nearness:
    """`excess` is the largest error in units of what is allowed; `gap` as a share of the reference's range."""

    agrees: bool
    excess: float
    gap: float
    real: bool = False
    """Whether it already shows on recorded values."""
    mean: float = 0.0
    slope: float = 1.0
    spread: float = 0.0
    error: float = 0.0
    steps: bool = False
    whole: bool = False
    """Whether the models as a whole gave the values, not the segments alone."""

    def said(self) -> str:
        """In words."""
        where = "on recorded values" if self.real else "on made-up values"
        if self.steps:
            mean = f"mean error {self.mean:.2f} +- {self.error:.2g} steps"
            return f"{mean} (sd {self.spread:.2f}, slope {self.slope:.3f}) alone, {where}"
        if self.whole:
            return f"off by up to {self.gap:.3g} of the range, behind inputs that are the same"
        lean = f", slope {self.slope:.5f}" if self.slope != 1 else ""
        lean += f", mean error {self.mean:.3g}" if self.mean else ""
        return f"off by up to {self.gap:.3g} of the range{lean} alone, {where}"


def near(want: np.ndarray, got: np.ndarray, moved: np.ndarray, recorded: int, eps: float = EPS) -> Nearness:
    """Compares real values `got` with `want`, (rows, ...) each, the first `recorded` rows on recorded values.

    `moved`, (nudges, rows, ...), is what the reference gives on nudged inputs: how far it carries rounding. Without
    any, what is allowed is the least that ever is.
    """
    shape = (len(want), -1)
    first, second = (values.reshape(shape).astype(np.float64, copy=False) for values in (want, got))
    least = floor(first, recorded)
    other = moved.reshape(len(moved), *first.shape).astype(np.float64, copy=False)
    worst = Nearness(True, 0.0, 0.0)
    for row in range(len(want)):
        found = _row(first[row], second[row], other[:, row], row < recorded, eps, least)
        if found.excess > worst.excess and not (worst.real and not worst.agrees and not found.real):
            worst = found
    return worst


def floor(want: np.ndarray, recorded: int) -> float:
    """Of real values, (rows, ...), what is nothing beside the largest of the recorded rows, or of made-up ones up to 1.

    In rows where a sigmoid is saturated, kernels give 0 or 1e-9, as they approximate it; a fault in it shows where the
    made-up rows are not.
    """
    largest, made = (np.abs(rows[np.isfinite(rows)]).max(initial=0.0) for rows in (want[:recorded], want[recorded:]))
    return max(EPS * float(max(largest, min(made, 1.0))), 1e-30)


def _row(want: np.ndarray, got: np.ndarray, moved: np.ndarray, real: bool, eps: float, least: float) -> Nearness:
    fine = np.isfinite(want)
    if real and not np.array_equal(fine, np.isfinite(got)):
        return Nearness(False, float("inf"), float("inf"), real)
    fine &= np.isfinite(moved).all(0) & np.isfinite(got)
    if not fine.any():
        return Nearness(True, 0.0, 0.0, real)
    if not fine.all():
        want, got, moved = want[fine], got[fine], moved[:, fine]
    carried = np.abs(moved - want).max(0) if len(moved) else np.zeros(1)
    typical = float(np.sqrt(np.square(carried).mean()))
    scale = eps / EPS
    allowed = scale * (LARGEST * EPS * float(np.abs(want).max()) + _TYPICAL * typical + _OWN * carried) + least
    gap = np.abs(got - want)
    excess = float((gap / allowed).max())
    return Nearness(
        excess <= 1.0, excess, float(gap.max()) / (float(np.ptp(want)) or float(np.abs(want).max()) or 1.0), real
    )


def leaning(
    found: Nearness, want: np.ndarray, got: np.ndarray, moved: np.ndarray, recorded: int, lone: int
) -> Nearness:
    """What `near` found of two segments in half precision, and whether one gives more than the other throughout.

    Rounding errs to both sides, so that the slope of one on the other is nearly 1; each of `lone` constants that stands
    for itself, as the factor of a multiplication, may be off by its own rounding. A factor off by 0.1 % shows. Where a
    few large values decide, they may lean by what rounding their inputs does to them (`moved`, as for `near`). So may
    the mean error of a row, or of one channel, which an offset moves.
    """
    fine = np.isfinite(want) & np.isfinite(got) & np.isfinite(moved).all(0)
    around = np.abs(moved.astype(np.float64) - want).max(0) * (HALF_EPS / EPS / 2)
    unit, sample = _units(np.where(fine, want, 0.0), recorded), np.nonzero(fine)[0]
    x, error = want[fine] / unit[sample], (got[fine].astype(np.float64) - want[fine]) / unit[sample]
    power = float(np.square(x).sum())
    if power <= 0 or not found.agrees:
        return found
    lean = float((x * error).sum()) / power
    few = float(np.sqrt(np.square(x * around[fine] / unit[sample]).sum())) / power
    allowed = _LEAN + lone * HALF_EPS / 2 + few
    left = x * (error - lean * x)
    noise = float(np.sqrt(np.square(left).sum())) / power
    if abs(lean) > allowed + 5 * noise:
        _, equals = np.unique(want[fine], return_inverse=True)
        noise = max(_noise_together(equals, x * error), _noise_together(sample, left)) / power
    gap = float(np.abs(got[fine] - want[fine]).max()) / (float(np.ptp(want[fine])) or 1.0)
    excess = abs(lean) / (allowed + 5 * noise)
    if excess > 1:
        return Nearness(False, excess, gap, True, slope=1 + lean)
    for rows in (slice(0, recorded), slice(recorded, len(want))):
        level, mean = _level(want[rows], got[rows], around[rows], fine[rows])
        if level > 1:
            return Nearness(False, level, gap, True, mean=mean)
    return found


def _units(want: np.ndarray, recorded: int) -> np.ndarray:
    """The size of each row, by which it counts as much as any other: made-up ones differ by orders of magnitude.

    A row that is far smaller than the recorded ones, where subnormal numbers round coarsely, counts for as little.
    """
    rows = np.sqrt(np.square(want.reshape(len(want), -1), dtype=np.float64).mean(1))
    usual = float(np.median(rows[: max(recorded, 1)]))
    return np.maximum(np.maximum(rows, _USUAL * usual), 1e-30)


def _noise_together(groups: np.ndarray, parts: np.ndarray) -> float:
    """The deviation of the sum of `parts` where those of one group, numbered from 0, err together.

    Equal values round alike, and so does a row, all of which is divided by its one greatest value, rounded.
    """
    return float(np.sqrt(np.square(np.bincount(groups, parts)).sum()))


def _level(want: np.ndarray, got: np.ndarray, carried: np.ndarray, fine: np.ndarray) -> tuple[float, float]:
    """(largest mean error in units of what is allowed, that mean) of each row, and of each slice of each other axis.

    Values that are all alike round alike, so that a whole rounding of them is allowed, and of what they come from: a
    row that holds an offset of 2.65e-6 alone was off by the 3e-8 that float16 leaves of it.
    """
    error = np.where(fine, got.astype(np.float64) - want, 0.0)
    allowed = np.where(fine, HALF_EPS / 2 * np.abs(want) + _HALF_LEAST + carried, 0.0)
    worst = 0.0, 0.0
    for axis in range(error.ndim):
        others = tuple(other for other in range(error.ndim) if other != axis)
        count = fine.sum(others)
        safe = np.maximum(count, 1)
        mean = error.sum(others) / safe
        spread = np.sqrt(np.maximum(np.square(error).sum(others) / safe - np.square(mean), 0.0))
        excess = np.abs(mean) / np.maximum(allowed.sum(others) / safe + 6 * spread / np.sqrt(safe), 1e-30)
        excess = np.where(count >= _ENOUGH, excess, 0.0)
        if excess.max(initial=0.0) > worst[0]:
            worst = float(excess.max()), float(mean[excess.argmax()])
    return worst


def half_share(dtypes: Iterable[str]) -> float:
    """The share of float16 in what a model computes with."""
    floats = [dtype for dtype in dtypes if dtype.startswith(("float", "bfloat"))]
    return sum(dtype != "float32" for dtype in floats) / len(floats) if floats else 0.0
