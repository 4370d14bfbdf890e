"""Convolutions of one to three spatial axes, as products of matrices; depthwise ones as sums over the window."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray
LARGEST_WINDOWS = 1 << 26
"""Values of all windows together that are laid side by side; beyond, one place of the window after the other."""


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    strides: Sequence[int] | None = None,
    pad_type: str = "valid",
    pad: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    groups: int = 1,
) -> Array:
    """Convolution of x (N, C, *D) with weight (O, C / groups, *K): (N, O, *D')."""
    axes = x.ndim - 2
    strides, dilations, groups = sizes(strides, axes), sizes(dilations, axes), int(groups)
    kernel = weight.shape[2:]
    pads = padding(pad_type, pad, x.shape[2:], kernel, strides, dilations)
    x = np.pad(x, ((0, 0), (0, 0), *pads))
    outside = tuple(
        (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    )
    made = _convolve(x, weight, strides, dilations, groups, outside)
    return made if bias is None else made + bias.reshape(-1, *[1] * axes)


def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    pad: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pad_type: str = "valid",
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    groups: int = 1,
) -> Array:
    """The gradient of a convolution: x (N, C, *D), weight (C, O / groups, *K), (N, O, *D')."""
    axes, groups = x.ndim - 2, int(groups)
    strides, dilations = sizes(strides, axes), sizes(dilations, axes)
    count, inside, kernel = x.shape[0], x.shape[2:], weight.shape[2:]
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(inside, strides, kernel, dilations, strict=True)]
    columns = x.reshape(count, groups, -1, int(np.prod(inside)))
    taps = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], *kernel)
    made = np.zeros((count, groups * weight.shape[1], *full), np.float32)
    for place in itertools.product(*map(range, kernel)):
        part = np.matmul(_tap(taps, place).swapaxes(1, 2), columns).reshape(count, -1, *inside)
        made[_there(place, inside, strides, dilations)] += part
    made = _cut(made, pad_type, pad, output_shape, [n * s for n, s in zip(inside, strides, strict=True)])
    return made if bias is None else made + bias.reshape(-1, *[1] * axes)


def sizes(given: Sequence[int] | None, axes: int) -> tuple[int, ...]:
    """One number an axis; ones where nothing is given."""
    return (1,) * axes if given is None else tuple(int(n) for n in given)


def padding(
    pad_type: str,
    pad: Sequence[int] | None,
    inside: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[tuple[int, int]]:
    """(before, after) of each spatial axis. `same`: as many windows as ceil(size / stride), the odd one after."""
    if pad_type == "valid":
        return [(0, 0)] * len(inside)
    if pad_type == "custom":
        flat = [0] * 2 * len(inside) if pad is None else [int(n) for n in pad]
        return list(zip(flat[::2], flat[1::2], strict=True))
    found = []
    for n, k, s, d in zip(inside, kernel, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        less, more = total // 2, total - total // 2
        found.append((more, less) if pad_type == "same_lower" else (less, more))
    return found


def _convolve(
    x: Array, weight: Array, strides: Sequence[int], dilations: Sequence[int], groups: int, outside: tuple[int, ...]
) -> Array:
    count, kernel = x.shape[0], weight.shape[2:]
    if groups == x.shape[1] and groups > 1:
        return _depthwise(x, weight, strides, dilations, outside)
    if count * x.shape[1] * np.prod(kernel) * np.prod(outside) > LARGEST_WINDOWS:
        return _place_by_place(x, weight, strides, dilations, groups, outside)
    spans = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    spatial = tuple(range(2, x.ndim))
    windows = sliding_window_view(x, spans, spatial)[
        (slice(None), slice(None), *(slice(None, None, s) for s in strides), *(slice(None, None, d) for d in dilations))
    ]
    order = (1, *range(x.ndim, 2 * x.ndim - 2), 0, *spatial)
    columns = windows.transpose(order).reshape(groups, -1, count * int(np.prod(outside)))
    made = np.matmul(weight.reshape(groups, weight.shape[0] // groups, -1), columns)
    return np.moveaxis(made.reshape(weight.shape[0], count, *outside), 0, 1)


def _there(place: Sequence[int], counts: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Any:
    """The index of the values that every window has at a place of it."""
    rows = zip(place, counts, strides, dilations, strict=True)
    return (..., *(slice(i * d, i * d + (n - 1) * s + 1, s) for i, n, s, d in rows))


def _tap(taps: Array, place: Sequence[int]) -> Array:
    """The weights at a place of the window, which are the last axes."""
    index: Any = (..., *place)
    return taps[index]


def _depthwise(
    x: Array, weight: Array, strides: Sequence[int], dilations: Sequence[int], outside: tuple[int, ...]
) -> Array:
    count, channels = x.shape[:2]
    times = weight.shape[0] // channels
    taps = weight.reshape(channels, times, *weight.shape[2:])
    made = np.zeros((count, channels, times, *outside), np.float32)
    for place in itertools.product(*map(range, weight.shape[2:])):
        values = x[_there(place, outside, strides, dilations)]
        made += values[:, :, None] * _tap(taps, place).reshape(channels, times, *[1] * len(outside))
    return made.reshape(count, -1, *outside)


def _place_by_place(
    x: Array, weight: Array, strides: Sequence[int], dilations: Sequence[int], groups: int, outside: tuple[int, ...]
) -> Array:
    count, out = x.shape[0], weight.shape[0]
    taps = weight.reshape(groups, out // groups, -1, *weight.shape[2:])
    made = np.zeros((count, groups, out // groups, int(np.prod(outside))), np.float32)
    for place in itertools.product(*map(range, weight.shape[2:])):
        values = x[_there(place, outside, strides, dilations)].reshape(count, groups, -1, made.shape[-1])
        made += np.matmul(_tap(taps, place), values)
    return made.reshape(count, out, *outside)


def _cut(
    full: Array, pad_type: str, pad: Sequence[int] | None, output_shape: Sequence[int] | None, same: Sequence[int]
) -> Array:
    """The part of the whole gradient that is the result; zeros where it is asked for more."""
    inside = full.shape[2:]
    if pad_type == "custom":
        pads = padding("custom", pad, inside, (), (), ())
        wanted = [n - before - after for n, (before, after) in zip(inside, pads, strict=True)]
        starts = [before for before, _ in pads]
    else:
        wanted = list(inside if pad_type == "valid" else same)
        starts = [max(n - size, 0) // 2 for n, size in zip(inside, wanted, strict=True)]
    if output_shape is not None:
        wanted = [int(n) for n in output_shape][-len(inside) :]
        if pad_type == "same":
            starts = [max(n - size, 0) // 2 for n, size in zip(inside, wanted, strict=True)]
    missing = [max(start + size - n, 0) for start, size, n in zip(starts, wanted, inside, strict=True)]
    full = np.pad(full, ((0, 0), (0, 0), *((0, n) for n in missing))) if any(missing) else full
    ones = (1,) * len(wanted)
    return full[_there(starts, wanted, ones, ones)]


KERNELS = {"conv": conv, "conv_transpose": conv_transpose}
