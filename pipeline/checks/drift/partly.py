"""Of which constant another one is most, where some of it was changed: a slice, two rows exchanged, single values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.checks.drift.known import POINTS
from pipeline.checks.drift.layout import Layout, layouts

MOST = 0.6
"""Of the values that are the same: two kernels of different layers share a few percent, in 4 bits a sixth."""
_ENOUGH = 32
"""Fewer values than this agree by chance."""
_ALIKE = 0.4
"""Correlation of two constants of which most is the same."""
_FEW = 8
"""Different values that a constant has at least: masks and ones share what they hold with any other."""


class Mostly(NamedTuple):
    """`got` is `want` in a layout times `scale`, (shaped to multiply `got`), but for `changed` of its values."""

    layout: Layout
    scale: np.ndarray
    changed: float


def mostly(want: np.ndarray, got: np.ndarray, allowed: np.ndarray) -> Mostly | None:
    """How most of `got` is `want`, where it is; both real values, of one size.

    Args:
        want: of the reference.
        got: of the other model.
        allowed: how far each value of `got` may be from that of which it is the rounding; of the shape of `got`.
    """
    if got.ndim < 2 or got.size < _ENOUGH or min(len(np.unique(side)) for side in (want, got)) < _FEW:
        return None
    layout = _likely(want, got)
    if layout is None:
        return None
    turned = layout.carry(want[None])[0]
    best: Mostly | None = None
    for axis in (None, *(axis for axis, size in enumerate(got.shape) if 1 < size < got.size)):
        scale = _scale(turned, got, allowed, axis)
        near, told = _near(turned * scale, got, allowed)
        changed = 1 - float(near[told].mean()) if told.any() else 1.0
        if changed < 1 - MOST and (best is None or changed < best.changed - 0.02):
            best = Mostly(layout, scale, changed)
    return best


def _likely(want: np.ndarray, got: np.ndarray) -> Layout | None:
    """The layout in which both are most alike; None where they are not."""
    size = got.size
    at = np.arange(size) if size <= POINTS else np.sort(np.random.default_rng(0).integers(0, size, POINTS))
    first = _centred(want.reshape(-1)[at])
    best: tuple[float, Layout | None] = (_ALIKE, None)
    for layout in layouts(want.shape, got.shape):
        second = _centred(got.reshape(-1)[layout.places(at)])
        alike = float(first @ second)
        if alike > best[0]:
            best = (alike, layout)
    return best[1]


def _centred(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    return centred / max(float(np.sqrt(np.square(centred).sum())), 1e-300)


def _scale(want: np.ndarray, got: np.ndarray, allowed: np.ndarray, axis: int | None) -> np.ndarray:
    """The factor of each slice of an axis that most of its values have; one where there is no axis."""
    if axis is None:
        return np.ones([1] * got.ndim)
    rows = [np.moveaxis(values, axis, 0).reshape(got.shape[axis], -1) for values in (want, got, allowed)]
    first, second, near = rows
    large = (np.abs(first) > 0) & (np.abs(second) > 4 * near)
    ratio = np.where(large, second / np.where(first == 0, 1, first), np.nan)
    told = large.any(1)
    middle = np.ones(len(first))
    middle[told] = np.nanmedian(ratio[told], axis=1)
    inside = np.abs(first * middle[:, None] - second) <= 2 * near
    power = np.where(inside, np.square(first), 0).sum(1)
    fine = np.where(power > 0, np.where(inside, first * second, 0).sum(1) / np.maximum(power, 1e-300), middle)
    return fine.reshape([-1 if place == axis else 1 for place in range(got.ndim)])


def _near(want: np.ndarray, got: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(where both are the same, where that says anything: zeros are everywhere)."""
    return np.abs(want - got) <= allowed, (np.abs(want) > allowed) | (np.abs(got) > allowed)
