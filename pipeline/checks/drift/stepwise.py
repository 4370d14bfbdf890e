"""Whether a segment that rounds to 8 or 16 bits gives what exact arithmetic gives, within its rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.checks.drift.grids import Grid
from pipeline.checks.drift.nearness import Nearness, floor

MEAN_STEPS = 0.3
"""Of all values: a zero point off by one is 1.00, honest kernels leave 0.00 to 0.28."""
CHANNEL_STEPS = 0.6
"""Of the values of one channel, whose bias is rounded on its own."""
SLOPE = 0.02
MOST_STEPS = 3.0
"""Of nearly all values (`NEARLY`): more is no rounding."""
NEARLY = 0.995
FINE, _BYTE = 8, 255
_ENOUGH = 12
"""Fewer values that are not cut off say nothing of a channel."""
ROUGH_DB = 22.0
"""Signal to error of layers that round by themselves: honest ones show 30 to 45 dB; several add up as squares."""

INNER_DB = 26.0
"""The same where the grids of 8 bits inside are known, for one rounding: honest ones show 40 dB and more."""

FOLDED_DB = 46.0
"""Signal to error of 16 bits behind weights of 8, whose channels' factors are known to a few tenths of a percent."""
UNEQUAL = 2.0
"""Times as far, where the reference could not be given the rounded weights."""
ADDING, MEANS = 2.0, 2.0
"""Roundings up to which errors are taken to add up, and means to move: behind more of them honest segments of 8 bits
show means as of one, and single values as far as 1.4 steps behind 5, 3.4 behind 16."""
_ROOT = 0.25
_OWN, _PAIR = 0.3, 0.6
"""Of a step: the deviation that one rounding leaves, and two of them with what lies between."""


def stepwise(
    want: np.ndarray,
    got: np.ndarray,
    grid: Grid,
    recorded: int,
    roundings: float,
    grain: float = 1.0,
    farther: float = 1.0,
) -> Nearness:
    """Compares real values, (rows, ...), in steps of the grid, all together and slice by slice of each axis.

    Of a grid of 16 bits `FINE` steps count as one: kernels look functions up in tables of 513 entries, and leave more.

    `roundings` is how many times as far as one rounding the segment may be: more operators, weights not put equal.
    `grain` steps count as one, as `grain` tells them; `farther` times as far are values and means where the reference
    has other weights.
    Values that the grid cuts off are left out: clipping bends them.
    """
    worst = Nearness(True, 0.0, 0.0, steps=True)
    for real, rows in ((True, slice(0, recorded)), (False, slice(recorded, len(want)))):
        if len(want[rows]):
            found = _judged(want[rows], got[rows], grid, roundings, real, grain, farther)
            if found.excess > worst.excess and (worst.agrees or found.real):
                worst = found
    return worst


def _judged(
    want: np.ndarray, got: np.ndarray, grid: Grid, roundings: float, real: bool, grain: float, farther: float
) -> Nearness:
    low, high = grid.ends()
    fine = grid.most - grid.least > _BYTE
    far = roundings if fine or roundings <= ADDING else ADDING * (roundings / ADDING) ** _ROOT
    far, roundings = far * farther, (roundings if fine else min(roundings, MEANS)) * farther
    finite = np.isfinite(want) & np.isfinite(got)
    cut = np.clip(np.where(finite, want, 0.0), low, high)
    step = grid.scale * grain * (FINE if fine else 1)
    error = np.where(finite, (got - cut) / step, 0.0)
    inside = finite & (want > low + step) & (want < high - step)
    nearly = float(np.quantile(np.abs(error), NEARLY)) if error.size else 0.0
    excess = nearly / (MOST_STEPS * far)
    mean = spread = standard = 0.0
    slope = 1.0
    if int(inside.sum()) >= _ENOUGH:
        x, e = want[inside] / step, error[inside]
        mean, spread = float(e.mean()), float(e.std())
        standard = spread / np.sqrt(e.size)
        centred = x - x.mean()
        power = float(np.square(centred).sum())
        lean = float((centred * (e - mean)).sum()) / power if power > 0 else 0.0
        slope = 1 + lean
        lean_error = spread / np.sqrt(power) if power > 0 else np.inf
        excess = max(excess, abs(mean) / (MEAN_STEPS * roundings + 4 * standard))
        if power > 9 * e.size:
            excess = max(excess, abs(lean) / (SLOPE * roundings + 4 * lean_error))
        slices = (_by_slice(error, inside, roundings, axis) for axis in range(1, error.ndim))
        excess = max(excess, *slices, 0.0)
    gap = float(np.abs(error).max(initial=0.0)) * step / (high - low)
    return Nearness(bool(excess <= 1.0), float(excess), gap, real, mean, slope, spread, standard, True)


def grain(got: np.ndarray, moved: Sequence[np.ndarray], grid: Grid) -> float:
    """How many times as far as two roundings those inside a segment may be carried to its end; 1 at least.

    Args:
        got: real values that it gives, (rows, ...).
        moved: those that it gives when one tensor inside is a step off everywhere, up or down at random, each.
        grid: of its end.

    A variance of few steps under a root carries its rounding far.
    """
    power = sum(float(np.square(values - got).mean()) for values in moved) / 12
    return max(1.0, (np.sqrt(power) / grid.scale + _OWN) / _PAIR)


def in_steps(error: np.ndarray, recorded: int) -> Nearness:
    """Whether an error in steps, (rows, ...), is what rounding leaves: none of more than one, none that lasts."""
    finite = np.isfinite(error)
    kept = np.where(finite, error, 0.0)
    spread, count = float(kept.std()), max(int(finite.sum()), 1)
    standard, mean = spread / np.sqrt(count), float(kept.sum()) / count
    excess = max(float(np.quantile(np.abs(kept), NEARLY)), abs(mean) / (MEAN_STEPS + 4 * standard))
    excess = max([excess, *(_by_slice(kept, finite, 1.0, axis) for axis in range(1, kept.ndim))])
    real = bool(np.abs(kept[:recorded]).max(initial=0.0) > 1)
    return Nearness(excess <= 1.0, excess, 0.0, real, mean, 1.0, spread, standard, True)


def _by_slice(error: np.ndarray, inside: np.ndarray, roundings: float, axis: int) -> float:
    """The largest mean error of a slice of an axis, in units of what is allowed."""
    if error.shape[axis] < 2:
        return 0.0
    rows = np.moveaxis(error, axis, 0).reshape(error.shape[axis], -1)
    kept = np.moveaxis(inside, axis, 0).reshape(error.shape[axis], -1)
    count = kept.sum(1)
    enough = count >= _ENOUGH
    if not enough.any():
        return 0.0
    sums = np.where(kept, rows, 0.0).sum(1)[enough]
    squares = np.where(kept, np.square(rows), 0.0).sum(1)[enough]
    mean = sums / count[enough]
    spread = np.sqrt(np.maximum(squares / count[enough] - np.square(mean), 0.0))
    allowed = CHANNEL_STEPS * roundings + 5 * spread / np.sqrt(count[enough])
    return float((np.abs(mean) / allowed).max())


_SMALL_ROW = 3
"""Values of a row: fewer say little of how large they are."""


def roughly(
    want: np.ndarray,
    got: np.ndarray,
    recorded: int,
    roundings: float = 1.0,
    least_db: float = ROUGH_DB,
    least: float = 0.0,
) -> Nearness:
    """Compares real values, (rows, ...), by signal to error alone: the rounding inside is not known.

    Gaps up to `least` are none: rounding the output alone leaves as much, however small a single value is. Of few
    values a row may by chance hold none that is large: its signal is then that of the recorded rows.
    """
    worst, least = Nearness(True, 0.0, 0.0), max(floor(want, recorded), least)
    usual = 0.0
    if want[0].size < _SMALL_ROW and recorded:
        usual = float(np.square(np.nan_to_num(want[:recorded].astype(np.float64), posinf=0, neginf=0)).sum()) / recorded
    for row in range(len(want)):
        first, second = want[row].astype(np.float64), got[row].astype(np.float64)
        fine = np.isfinite(first) & np.isfinite(second)
        if not fine.any():
            continue
        first, second = first[fine], second[fine]
        signal = float(np.square(first).sum())
        noise = float(np.square(np.maximum(np.abs(first - second) - least, 0.0)).sum())
        excess = roundings**-0.5 * np.sqrt(noise / max(signal, usual, 1e-300)) * 10 ** (least_db / 20)
        if excess > worst.excess and not (worst.real and not worst.agrees and row >= recorded):
            gap = float(np.abs(first - second).max()) / (float(np.ptp(first)) or 1.0)
            worst = Nearness(excess <= 1.0, float(excess), gap, row < recorded)
    return worst
