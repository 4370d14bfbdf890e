"""Reductions, orders and running sums. Sums are taken in float64: a device has its own order, and none is nearer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray


def _reduction(function: Callable[..., Array]) -> Callable[..., Array]:
    def kernel(x: Array, axes: Sequence[int] | None = None, keep_dims: bool = False) -> Array:
        over = None if axes is None else tuple(int(axis) for axis in np.atleast_1d(axes))
        return function(x, axis=over, keepdims=bool(keep_dims))

    return kernel


def _wide(x: Array) -> Array:
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def _log_sum_exp(x: Array, axis: Any, keepdims: bool) -> Array:
    top = x.max(axis=axis, keepdims=True)
    found = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return found if keepdims else found.reshape(np.sum(x, axis=axis).shape)


def reduce_argmax(x: Array, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Array:
    """The first place of the greatest value."""
    return np.argmax(x, axis=int(axis), keepdims=bool(keep_dims))


def reduce_argmin(x: Array, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Array:
    """The first place of the least value."""
    return np.argmin(x, axis=int(axis), keepdims=bool(keep_dims))


def argsort(x: Array, axis: int = -1, ascending: bool = False, output_dtype: str = "int32") -> Array:
    """The places of the values in order; equal ones as they stand."""
    keys = x if ascending else -x.astype(np.float64 if x.dtype.kind == "f" else np.int64)
    return np.argsort(keys, axis=int(axis), kind="stable")


def topk(
    x: Array,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> Array | tuple[Array, Array]:
    """(the k greatest, or least, values along an axis, their places); the first of equals first."""
    count = x.shape[int(axis)] if int(k) == -1 else int(k)
    places = np.take(argsort(x, axis, ascending), np.arange(count), axis=int(axis))
    values = np.take_along_axis(x, places, axis=int(axis))
    return (values, places) if return_indices else values


def cumsum(x: Array, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Array:
    """Running sums along an axis; `exclusive` without the value itself, `reverse` from the end."""
    values = np.flip(x, int(axis)) if reverse else x
    sums = np.cumsum(_wide(values), axis=int(axis))
    if exclusive:
        sums = sums - values
    return np.flip(sums, int(axis)) if reverse else sums


KERNELS: dict[str, Callable[..., Any]] = {
    "reduce_sum": _reduction(lambda x, **how: np.sum(_wide(x), **how)),
    "reduce_mean": _reduction(lambda x, **how: np.mean(_wide(x), **how)),
    "reduce_prod": _reduction(lambda x, **how: np.prod(_wide(x), **how)),
    "reduce_max": _reduction(np.max),
    "reduce_min": _reduction(np.min),
    "reduce_l1_norm": _reduction(lambda x, **how: np.sum(np.abs(_wide(x)), **how)),
    "reduce_l2_norm": _reduction(lambda x, **how: np.sqrt(np.sum(np.square(_wide(x)), **how))),
    "reduce_sum_square": _reduction(lambda x, **how: np.sum(np.square(_wide(x)), **how)),
    "reduce_log_sum": _reduction(lambda x, **how: np.log(np.sum(_wide(x), **how))),
    "reduce_log_sum_exp": _reduction(lambda x, **how: _log_sum_exp(_wide(x), **how)),
    "reduce_argmax": reduce_argmax,
    "reduce_argmin": reduce_argmin,
    "argsort": argsort,
    "topk": topk,
    "cumsum": cumsum,
}
