"""Normalisations. Means and variances are taken in float64, as in `converters.coreml.ops.reduction`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def batch_norm(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, one of each a channel; channels are axis 1."""
    shape = (-1, *[1] * (x.ndim - 2))
    made = (x - mean.reshape(shape)) / np.sqrt(variance + epsilon).reshape(shape)
    return _scaled(made, gamma, beta, shape)


def instance_norm(x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-5) -> Array:
    """Every channel of every sample with mean 0 and variance 1; channels are axis 1."""
    return _scaled(_standard(x, tuple(range(2, x.ndim)), epsilon), gamma, beta, (-1, *[1] * (x.ndim - 2)))


def layer_norm(
    x: Array,
    axes: Sequence[int] | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> Array:
    """X with mean 0 and variance 1 over `axes`; gamma and beta have the shape of these."""
    over = tuple(range(x.ndim)) if axes is None else tuple(sorted(int(axis) % x.ndim for axis in np.atleast_1d(axes)))
    shape = tuple(x.shape[axis] if axis in over else 1 for axis in range(x.ndim))
    return _scaled(_standard(x, over, epsilon), gamma, beta, shape)


def l2_norm(x: Array, epsilon: float = 1e-6) -> Array:
    """X / sqrt(the sum of squares over the last three axes + epsilon)."""
    return x / np.sqrt(np.square(x.astype(np.float64)).sum(axis=(-3, -2, -1), keepdims=True) + epsilon)


def local_response_norm(x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Array:
    """X / (k + alpha / size * the sum of squares of `size` channels around) ^ beta; channels are axis 1."""
    size = int(size)
    squares = np.pad(np.square(x), ((0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (x.ndim - 2)))
    around = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x / np.power(k + alpha / size * around, beta)


def _standard(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axis=axes, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(axis=axes, keepdims=True) + epsilon)


def _scaled(x: Array, gamma: Array | None, beta: Array | None, shape: tuple[int, ...]) -> Array:
    x = x if gamma is None else x * np.reshape(gamma, shape)
    return x if beta is None else x + np.reshape(beta, shape)


KERNELS = {
    function.__name__: function for function in (batch_norm, instance_norm, layer_norm, l2_norm, local_response_norm)
}
