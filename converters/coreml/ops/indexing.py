"""Operators that take values from places, or put them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converters.errors import ModelError

Array = np.ndarray
Numbers = Sequence[int] | None
Flags = Sequence[bool] | None


def slice_by_index(
    x: Array,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Numbers = None,
    begin_mask: Flags = None,
    end_mask: Flags = None,
    squeeze_mask: Flags = None,
) -> Array:
    """x[begin:end:stride] of each axis; a masked end is the axis' own, a squeezed axis is one place of it."""
    return x[_places(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)]


def slice_update(
    x: Array,
    update: Array,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Numbers = None,
    begin_mask: Flags = None,
    end_mask: Flags = None,
    squeeze_mask: Flags = None,
) -> Array:
    """X with `update` in the place that `slice_by_index` would take."""
    made = x.copy()
    made[_places(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)] = update
    return made


def slice_by_size(x: Array, begin: Sequence[int], size: Sequence[int]) -> Array:
    """So much of each axis from `begin` on; -1 is all that is left."""
    starts = [int(b) + (n if b < 0 else 0) for b, n in zip(begin, x.shape, strict=True)]
    return x[tuple(slice(b, None if s == -1 else b + int(s)) for b, s in zip(starts, size, strict=True))]


def gather(x: Array, indices: Array, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False) -> Array:
    """Slices of x along an axis; the first `batch_dims` axes of both go together."""
    axis, batch = int(axis) % x.ndim, int(batch_dims)
    indices = _inside(np.asarray(indices), x.shape[axis])
    if not batch:
        return np.take(x, indices, axis=axis)
    rows = x.reshape(-1, *x.shape[batch:])
    places = indices.reshape(len(rows), *indices.shape[batch:])
    made = np.stack([np.take(row, place, axis=axis - batch) for row, place in zip(rows, places, strict=True)])
    return made.reshape(*x.shape[:batch], *made.shape[1:])


def gather_along_axis(x: Array, indices: Array, axis: int = 0, validate_indices: bool = False) -> Array:
    """For each place of `indices`, the value of x there, but for the axis, where it is that of the index."""
    axis = int(axis) % x.ndim
    found = _inside(indices, x.shape[axis])
    kept = tuple(slice(None if i == axis else n) for i, n in enumerate(found.shape))
    return np.take_along_axis(x[kept], found, axis=axis)


def gather_nd(x: Array, indices: Array, batch_dims: int = 0, validate_indices: bool = False) -> Array:
    """Slices of x at places whose first coordinates are the last axis of `indices`."""
    batch = int(batch_dims)
    if not batch:
        return x[_coordinates(indices, x.shape)]
    rows, places = x.reshape(-1, *x.shape[batch:]), indices.reshape(-1, *indices.shape[batch:])
    made = np.stack([row[_coordinates(place, row.shape)] for row, place in zip(rows, places, strict=True)])
    return made.reshape(*x.shape[:batch], *made.shape[1:])


def scatter(
    data: Array, indices: Array, updates: Array, axis: int = 0, mode: str = "add", validate_indices: bool = False
) -> Array:
    """`data` with slices along an axis changed by `updates`."""
    axis = int(axis) % data.ndim
    made = data.copy()
    _put(made, (slice(None),) * axis + (_inside(indices, data.shape[axis]),), updates, mode)
    return made


def scatter_along_axis(
    data: Array, indices: Array, updates: Array, axis: int = 0, mode: str = "add", validate_indices: bool = False
) -> Array:
    """`data` changed by `updates` at the places that `gather_along_axis` would take."""
    axis = int(axis) % data.ndim
    places: list[Any] = list(np.indices(indices.shape, sparse=True))
    places[axis] = _inside(indices, data.shape[axis])
    made = data.copy()
    _put(made, tuple(places), updates, mode)
    return made


def scatter_nd(data: Array, indices: Array, updates: Array, mode: str = "add", validate_indices: bool = False) -> Array:
    """`data` changed by `updates` at the places that `gather_nd` would take."""
    made = data.copy()
    _put(made, _coordinates(indices, data.shape), updates, mode)
    return made


def one_hot(indices: Array, one_hot_vector_size: int, axis: int = -1, on_value: Any = 1, off_value: Any = 0) -> Array:
    """A new axis with `on_value` at the index, `off_value` elsewhere, and everywhere for an index outside."""
    axis = int(axis) % (indices.ndim + 1)
    places = np.expand_dims(indices, axis)
    steps = np.arange(int(one_hot_vector_size)).reshape([-1 if i == axis else 1 for i in range(indices.ndim + 1)])
    return np.where(places == steps, on_value, off_value)


def non_zero(x: Array) -> Array:
    """The places of all values but zero, (n, rank)."""
    return np.argwhere(x)


def _places(
    x: Array,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Numbers,
    begin_mask: Flags,
    end_mask: Flags,
    squeeze_mask: Flags,
) -> tuple[int | slice, ...]:
    def flag(flags: Flags, axis: int) -> bool:
        return flags is not None and bool(flags[axis])

    found: list[int | slice] = []
    for axis in range(x.ndim):
        start, stop = int(begin[axis]), int(end[axis])
        if flag(squeeze_mask, axis):
            found.append(start)
            continue
        first = None if flag(begin_mask, axis) else start
        found.append(
            slice(first, None if flag(end_mask, axis) else stop, None if stride is None else int(stride[axis]))
        )
    return tuple(found)


def _inside(indices: Array, size: int) -> Array:
    """Indices from 0 on; ModelError beyond the axis, where Core ML promises nothing."""
    if indices.size and (int(indices.min()) < -size or int(indices.max()) >= size):
        raise ModelError(f"an index of {int(indices.min())}..{int(indices.max())} is outside of an axis of {size}")
    return np.where(indices < 0, indices.astype(np.int64) + size, indices).astype(np.int64)


def _coordinates(indices: Array, shape: Sequence[int]) -> tuple[Array, ...]:
    return tuple(_inside(indices[..., i], shape[i]) for i in range(indices.shape[-1]))


def _put(data: Array, places: Any, updates: Array, mode: str) -> None:
    if mode == "update":
        data[places] = updates
        return
    _CHANGES[mode].at(data, places, updates)


_CHANGES: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
}
KERNELS = {
    function.__name__: function
    for function in (
        *(slice_by_index, slice_update, slice_by_size, gather, gather_along_axis, gather_nd, scatter),
        *(scatter_along_axis, scatter_nd, one_hot, non_zero),
    )
}
