"""Pools of one to three spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from converters.coreml.ops.convolution import padding, sizes

Array = np.ndarray


def max_pool(
    x: Array,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] | None = None,
    pad_type: str = "valid",
    pad: Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Array:
    """The greatest value of each window; what lies outside counts for nothing."""
    return _pool(x, kernel_sizes, strides, pad_type, pad, ceil_mode, -np.inf, np.max)


def avg_pool(
    x: Array,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] | None = None,
    pad_type: str = "valid",
    pad: Sequence[int] | None = None,
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> Array:
    """The mean of each window. Padding counts as zeros unless excluded; what `ceil_mode` adds never counts."""
    how = (kernel_sizes, strides, pad_type, pad, ceil_mode)
    ones = np.ones((1, 1, *x.shape[2:]), np.float32)
    if not exclude_padding_from_average:
        kernel = [int(k) for k in kernel_sizes]
        strides = sizes(strides, len(kernel))
        pads = padding(pad_type, pad, x.shape[2:], kernel, strides, sizes(None, len(kernel)))
        x = np.pad(x, ((0, 0), (0, 0), *pads))
        ones = np.ones((1, 1, *x.shape[2:]), np.float32)
        how = (kernel, strides, "valid", None, ceil_mode and pad_type in ("valid", "custom"))
        total = _pool(x, *how, 0, np.sum, first=[before for before, _ in pads])
        return total / _pool(ones, *how, 0, np.sum, first=[before for before, _ in pads])
    return _pool(x, *how, 0, np.sum) / _pool(ones, *how, 0, np.sum)


def l2_pool(
    x: Array,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] | None = None,
    pad_type: str = "valid",
    pad: Sequence[int] | None = None,
) -> Array:
    """The square root of the sum of squares of each window."""
    return np.sqrt(_pool(np.square(x), kernel_sizes, strides, pad_type, pad, False, 0, np.sum))


def _pool(
    x: Array,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] | None,
    pad_type: str,
    pad: Sequence[int] | None,
    ceil_mode: bool,
    fill: float,
    reduce: Callable[..., Array],
    first: Sequence[int] = (),
) -> Array:
    """`reduce` over every window of x, padded with `fill`; `first` is padding that x already has before it."""
    kernel = tuple(int(k) for k in kernel_sizes)
    axes = len(kernel)
    strides = sizes(strides, axes)
    pads = padding(pad_type, pad, x.shape[2:], kernel, strides, sizes(None, axes))
    if ceil_mode and pad_type in ("valid", "custom"):
        pads = [
            (before, after + _ceil(n, k, s, before, after, (first or [0] * axes)[i]))
            for i, (n, k, s, (before, after)) in enumerate(zip(x.shape[2:], kernel, strides, pads, strict=True))
        ]
    x = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=fill) if any(map(any, pads)) else x
    windows = sliding_window_view(x, kernel, tuple(range(2, x.ndim)))
    windows = windows[(slice(None), slice(None), *(slice(None, None, s) for s in strides))]
    return reduce(windows, axis=tuple(range(-axes, 0)))


def _ceil(size: int, kernel: int, stride: int, before: int, after: int, first: int) -> int:
    """What `ceil_mode` adds behind an axis: room for one more window, if that one starts before the padding behind."""
    padded = size + before + after
    windows = -(-(padded - kernel) // stride) + 1
    last = padded - (first or before)  # where the padding behind starts, which is as wide as that before
    if (windows - 1) * stride >= last:
        windows -= 1
    return max((windows - 1) * stride + kernel - padded, 0)


KERNELS = {"max_pool": max_pool, "avg_pool": avg_pool, "l2_pool": l2_pool}
