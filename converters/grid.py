"""How many bits the values of a float32 tensor really use. numpy only; called by the inspectors.

A file may hold float32 weights that were once int8 or float16: its tensor types are right and its claim is not.
"""

from __future__ import annotations

import numpy as np

MIN_VALUES = 64
"""Fewer non-zero values than this lie on a grid by chance."""

_OFF_GRID_STEPS = 0.01  # float32 rounding moves a value on a 16-bit grid by at most 0.004 steps


def grid_bits(values: np.ndarray) -> int:
    """8, 16 or 32: the smallest width that holds every value of `values` (any shape, floating point).

    8: symmetric integers of 8 bits times one scale, per tensor or per slice of one axis. 16: the same of 16 bits, or
    float16, or bfloat16. 32: none of these, or fewer than `MIN_VALUES` distinct values to tell by.
    """
    values = np.asarray(values)
    if values.dtype.itemsize <= 2:
        return 8 * values.dtype.itemsize
    values = np.where(np.isfinite(values), values, 0)
    flat = np.abs(values[values != 0].astype(np.float32))
    if flat.size < MIN_VALUES or _few_distinct(flat):
        return 32
    if _on_integer_grid(values, 127):
        return 8
    if _held_by_half(flat) or _held_by_bfloat(flat) or _on_integer_grid(values, 32767):
        return 16
    return 32


def _few_distinct(flat: np.ndarray) -> bool:
    """Whether the tensor is a mask, a constant fill or the like: such values say nothing of rounding."""
    return np.unique(flat[:4096]).size < MIN_VALUES // 4


def _held_by_half(flat: np.ndarray) -> bool:
    if float(flat.max()) > 65504.0:
        return False
    return bool(np.array_equal(flat, flat.astype(np.float16).astype(np.float32)))


def _held_by_bfloat(flat: np.ndarray) -> bool:
    return not np.any(flat.view(np.uint32) & np.uint32(0xFFFF))


def _on_integer_grid(values: np.ndarray, levels: int) -> bool:
    """Whether every slice, along some axis or none, is an integer up to `levels` times the slice's own scale."""
    if _fits(values.reshape(1, -1), levels):
        return True
    axes = {0, values.ndim - 1} if values.ndim > 1 else set()
    return any(_fits(np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1), levels) for axis in sorted(axes))


def _fits(rows: np.ndarray, levels: int) -> bool:
    if rows.shape[1] < 4:  # the largest value is on the grid by construction: short rows would always fit
        return False
    for row in (rows[:1], rows):  # the first row alone refuses almost every honest tensor
        largest = np.abs(row).max(axis=1, keepdims=True).astype(np.float64)
        steps = row * (levels / np.where(largest == 0, 1.0, largest))
        if np.any(np.abs(steps - np.rint(steps)) > _OFF_GRID_STEPS):
            return False
    return True
