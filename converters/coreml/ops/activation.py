"""Activations."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.elementwise import erf

Array = np.ndarray


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def relu6(x: Array) -> Array:
    """min(max(x, 0), 6)."""
    return np.minimum(np.maximum(x, 0), 6)


def leaky_relu(x: Array, alpha: float = 0.01) -> Array:
    """x, times alpha where it is negative."""
    return np.where(x >= 0, x, alpha * x)


def clamped_relu(x: Array, alpha: float, beta: float) -> Array:
    """A leaky relu with slope alpha that ends at beta."""
    return np.minimum(np.where(x >= 0, x, alpha * x), beta)


def thresholded_relu(x: Array, alpha: float = 1.0) -> Array:
    """x, zero below alpha."""
    return np.where(x >= alpha, x, 0)


def prelu(x: Array, alpha: Array) -> Array:
    """x, times its channel's alpha where it is negative; channels are axis 1."""
    return np.where(x >= 0, x, _channels(alpha, x) * x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x, alpha * (exp(x) - 1) where it is negative."""
    return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x: Array, mode: str = "EXACT") -> Array:
    """X times the normal distribution's share below x, exact or by one of two approximations."""
    if mode == "TANH_APPROXIMATION":
        return 0.5 * x * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * (x + 0.044715 * x**3)))
    if mode == "SIGMOID_APPROXIMATION":
        return x * sigmoid(1.702 * x)
    return 0.5 * x * (1 + erf(x * np.float32(np.sqrt(0.5))))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def silu(x: Array) -> Array:
    """X * sigmoid(x)."""
    return x * sigmoid(x)


def sigmoid_hard(x: Array, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """min(max(alpha * x + beta, 0), 1)."""
    return np.clip(alpha * x + beta, 0, 1)


def linear_activation(x: Array, alpha: float, beta: float = 0.0) -> Array:
    """Alpha * x + beta."""
    return alpha * x + beta


def scaled_tanh(x: Array, alpha: float = 1.0, beta: float = 1.0) -> Array:
    """Alpha * tanh(beta * x)."""
    return alpha * np.tanh(beta * x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    return np.logaddexp(0, x)


def softplus_parametric(x: Array, alpha: Array, beta: Array) -> Array:
    """Alpha * log(1 + exp(beta * x)), one of each a channel; channels are axis 1."""
    return _channels(alpha, x) * np.logaddexp(0, _channels(beta, x) * x)


def softsign(x: Array) -> Array:
    """X / (1 + |x|)."""
    return x / (1 + np.abs(x))


def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x), with a sum of 1 along an axis."""
    powers = np.exp(x - x.max(axis=int(axis), keepdims=True))
    return powers / powers.sum(axis=int(axis), keepdims=True)


def _channels(values: Array, x: Array) -> Array:
    return np.reshape(values, (-1, *[1] * (x.ndim - 2)))


KERNELS = {
    function.__name__: function
    for function in (
        *(relu, relu6, leaky_relu, clamped_relu, thresholded_relu, prelu, elu, gelu, sigmoid, silu, sigmoid_hard),
        *(linear_activation, scaled_tanh, softplus, softplus_parametric, softsign, softmax),
    )
}
