"""Operators that give values another shape or order, and those that make values of a shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray


def reshape(x: Array, shape: Sequence[int]) -> Array:
    """X in `shape`: -1 is what is left, 0 the size of x's axis, counted from the last one."""
    wanted = [int(n) for n in shape]
    ahead = x.ndim - len(wanted)
    kept = [(x.shape[i + ahead] if i + ahead >= 0 else 1) if n == 0 else n for i, n in enumerate(wanted)]
    return x.reshape(kept if x.size else [n or 0 for n in wanted])


def reshape_like(
    x: Array, ref_tensors: list[Array], begins: Sequence[int], ends: Sequence[int], end_masks: Sequence[bool]
) -> Array:
    """X in the shape that parts of the reference tensors' shapes give together."""
    parts = zip(ref_tensors, begins, ends, end_masks, strict=True)
    shape = [n for ref, begin, end, open_end in parts for n in ref.shape[int(begin) : None if open_end else int(end)]]
    return x.reshape(shape)


def transpose(x: Array, perm: Sequence[int]) -> Array:
    """The axes in another order."""
    return np.transpose(x, [int(axis) for axis in perm])


def expand_dims(x: Array, axes: Sequence[int]) -> Array:
    """X with axes of size 1 at these places of the result."""
    return np.expand_dims(x, tuple(int(axis) for axis in np.atleast_1d(axes)))


def squeeze(x: Array, axes: Sequence[int] | None = None) -> Array:
    """X without these axes of size 1, or without all."""
    return np.squeeze(x, None if axes is None else tuple(int(axis) for axis in np.atleast_1d(axes)))


def flatten2d(x: Array, axis: int = 1) -> Array:
    """Two axes: those before `axis`, and the others."""
    return x.reshape(int(np.prod(x.shape[: int(axis)])), -1)


def concat(values: list[Array], axis: int, interleave: bool = False) -> Array:
    """The values one behind the other along an axis; interleaved, one slice of each in turn."""
    if not interleave:
        return np.concatenate(values, axis=int(axis))
    return np.stack(values, axis=int(axis) % values[0].ndim + 1).reshape(
        [n * (len(values) if i == int(axis) % values[0].ndim else 1) for i, n in enumerate(values[0].shape)]
    )


def stack(values: list[Array], axis: int) -> Array:
    """The values along a new axis."""
    return np.stack(values, axis=int(axis))


def split(x: Array, axis: int, num_splits: int | None = None, split_sizes: Sequence[int] | None = None) -> list[Array]:
    """Parts of x along an axis."""
    if split_sizes is None or not np.size(split_sizes):
        return np.split(x, int(num_splits or 1), axis=int(axis))
    return np.split(x, np.cumsum(np.asarray(split_sizes, np.int64))[:-1], axis=int(axis))


def tile(x: Array, reps: Sequence[int]) -> Array:
    """X so many times along each axis."""
    return np.tile(x, [int(n) for n in reps])


def reverse(x: Array, axes: Sequence[int] | None = None) -> Array:
    """X from the end, along these axes or all."""
    return np.flip(x, None if axes is None else tuple(int(axis) for axis in np.atleast_1d(axes)))


def reverse_sequence(x: Array, lengths: Sequence[int], seq_axis: int = 0, batch_axis: int = 0) -> Array:
    """Of each slice along `batch_axis` the first so many steps along `seq_axis` from their end."""
    made = np.moveaxis(x, (int(batch_axis), int(seq_axis)), (0, 1)).copy()
    for row, length in zip(made, lengths, strict=True):
        row[: int(length)] = row[: int(length)][::-1].copy()
    return np.moveaxis(made, (0, 1), (int(batch_axis), int(seq_axis)))


def pad(x: Array, pad: Sequence[int], mode: str = "constant", constant_val: float = 0.0) -> Array:
    """X with values before and behind its last axes: a constant, mirrored, or the edge's own."""
    flat = [int(n) for n in pad]
    widths = [(0, 0)] * (x.ndim - len(flat) // 2) + list(zip(flat[::2], flat[1::2], strict=True))
    if mode == "constant":
        return np.pad(x, widths, constant_values=np.asarray(constant_val).astype(x.dtype))
    return np.pad(x, widths, mode="edge" if mode in ("replicate", "replication") else "reflect")  # type: ignore[arg-type]


def depth_to_space(x: Array, block_size: int) -> Array:
    """(N, C, H, W) to (N, C / b^2, H b, W b): channels are taken block row, block column, channel."""
    b, (n, c, h, w) = int(block_size), x.shape
    return x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


def space_to_depth(x: Array, block_size: int) -> Array:
    """(N, C, H, W) to (N, C b^2, H / b, W / b), the inverse of `depth_to_space`."""
    b, (n, c, h, w) = int(block_size), x.shape
    return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)


def pixel_shuffle(x: Array, upscale_factor: int) -> Array:
    """(N, C f^2, H, W) to (N, C, H f, W f): channels are taken channel, block row, block column."""
    f, (n, c, h, w) = int(upscale_factor), x.shape
    return x.reshape(n, c // f**2, f, f, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // f**2, h * f, w * f)


def pixel_unshuffle(x: Array, downscale_factor: int) -> Array:
    """(N, C, H, W) to (N, C f^2, H / f, W / f), the inverse of `pixel_shuffle`."""
    f, (n, c, h, w) = int(downscale_factor), x.shape
    return x.reshape(n, c, h // f, f, w // f, f).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * f**2, h // f, w // f)


def space_to_batch(x: Array, block_shape: Sequence[int], paddings: Array) -> Array:
    """(N, C, H, W) to (N a b, C, H / a, W / b), padded before."""
    a, b = (int(n) for n in block_shape)
    x = np.pad(x, ((0, 0), (0, 0), *((int(one), int(other)) for one, other in paddings)))
    n, c, h, w = x.shape
    return x.reshape(n, c, h // a, a, w // b, b).transpose(3, 5, 0, 1, 2, 4).reshape(n * a * b, c, h // a, w // b)


def batch_to_space(x: Array, block_shape: Sequence[int], crops: Array) -> Array:
    """(N a b, C, H, W) to (N, C, H a, W b), cropped behind; the inverse of `space_to_batch`."""
    a, b = (int(n) for n in block_shape)
    n, c, h, w = x.shape
    made = x.reshape(a, b, n // (a * b), c, h, w).transpose(2, 3, 4, 0, 5, 1).reshape(n // (a * b), c, h * a, w * b)
    (top, bottom), (left, right) = ((int(one), int(other)) for one, other in crops)
    return made[:, :, top : made.shape[2] - bottom, left : made.shape[3] - right]


def sliding_windows(x: Array, axis: int, size: int, stride: int = 1) -> Array:
    """Every window of `size` along an axis, which becomes two: the window, and the place in it."""
    axis = int(axis) % x.ndim
    windows = np.lib.stride_tricks.sliding_window_view(x, int(size), axis)
    return np.moveaxis(windows[(slice(None),) * axis + (slice(None, None, int(stride)),)], -1, axis + 1)


def shape(x: Array) -> Array:
    """The sizes of the axes."""
    return np.asarray(x.shape, np.int32)


def fill(shape: Sequence[int], value: Any = 0.0) -> Array:
    """One value everywhere."""
    return np.full([int(n) for n in shape], value)


def fill_like(ref_tensor: Array, value: Any = 0.0) -> Array:
    """One value everywhere, in the shape of another tensor."""
    return np.full(ref_tensor.shape, value)


def range_1d(end: float, start: float, step: float) -> Array:
    """start, start + step, ... below end."""
    return np.arange(start, end, step)


def band_part(x: Array, lower: int = -1, upper: int = -1) -> Array:
    """The last two axes with zeros beyond so many diagonals below and above; -1 keeps all."""
    rows, columns = np.indices(x.shape[-2:])
    kept = ((int(lower) < 0) | (rows - columns <= int(lower))) & ((int(upper) < 0) | (columns - rows <= int(upper)))
    return np.where(kept, x, 0)


def crop(x: Array, crop_height: Sequence[int], crop_width: Sequence[int]) -> Array:
    """The last two axes without so much at their ends."""
    (top, bottom), (left, right) = crop_height, crop_width
    return x[..., int(top) : x.shape[-2] - int(bottom), int(left) : x.shape[-1] - int(right)]


KERNELS = {
    function.__name__: function
    for function in (
        *(reshape, reshape_like, transpose, expand_dims, squeeze, flatten2d, concat, stack, split, tile, reverse),
        *(reverse_sequence, pad, depth_to_space, space_to_depth, pixel_shuffle, pixel_unshuffle, space_to_batch),
        *(batch_to_space, sliding_windows, shape, fill, fill_like, range_1d, band_part, crop),
    )
}
