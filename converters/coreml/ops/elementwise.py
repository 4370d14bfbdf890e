"""Operators that compute each value by itself: unary, binary, comparisons, logic, choices and types."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Kernel = Callable[..., Array]


def _unary(function: Callable[[Array], Array]) -> Kernel:
    return lambda x: function(x)


def _binary(function: Callable[[Array, Array], Array]) -> Kernel:
    return lambda x, y: function(x, y)


def _divide(x: Array, y: Array) -> Array:
    """Of integers the quotient without its fraction, as the declared type of the result is theirs."""
    return np.trunc(np.true_divide(x, y)) if np.asarray(x).dtype.kind in "iu" else np.true_divide(x, y)


def erf(x: Array) -> Array:
    """The error function."""
    from scipy.special import erf as function

    return function(x)


def clip(x: Array, alpha: float, beta: float) -> Array:
    """min(max(x, alpha), beta)."""
    return np.minimum(np.maximum(x, np.asarray(alpha, x.dtype)), np.asarray(beta, x.dtype))


def inverse(x: Array, epsilon: float = 1e-4) -> Array:
    """1 / (x + epsilon)."""
    return 1 / (x + epsilon)


def log(x: Array, epsilon: float = 1e-45) -> Array:
    """The logarithm of x + epsilon."""
    return np.log(x + epsilon)


def rsqrt(x: Array, epsilon: float = 1e-12) -> Array:
    """1 / sqrt(x + epsilon)."""
    return 1 / np.sqrt(x + epsilon)


def threshold(x: Array, alpha: float) -> Array:
    """max(x, alpha)."""
    return np.maximum(x, np.asarray(alpha, x.dtype))


def select(cond: Array, a: Array, b: Array) -> Array:
    """`a` where `cond`, else `b`."""
    return np.where(cond, a, b)


def cast(x: Array, dtype: str) -> Array:
    """The values in another type; fractions are cut off."""
    return np.asarray(x).astype({"fp16": "float32", "fp32": "float32", "fp64": "float64"}.get(dtype, dtype))


def identity(x: Array) -> Array:
    """X."""
    return x


KERNELS: dict[str, Kernel] = {
    "abs": _unary(np.abs),
    "acos": _unary(np.arccos),
    "asin": _unary(np.arcsin),
    "atan": _unary(np.arctan),
    "atanh": _unary(np.arctanh),
    "ceil": _unary(np.ceil),
    "cos": _unary(np.cos),
    "cosh": _unary(np.cosh),
    "erf": erf,
    "exp": _unary(np.exp),
    "exp2": _unary(np.exp2),
    "floor": _unary(np.floor),
    "logical_not": _unary(np.logical_not),
    "round": _unary(np.rint),
    "sign": _unary(np.sign),
    "sin": _unary(np.sin),
    "sinh": _unary(np.sinh),
    "sqrt": _unary(np.sqrt),
    "square": _unary(np.square),
    "tan": _unary(np.tan),
    "tanh": _unary(np.tanh),
    "add": _binary(np.add),
    "sub": _binary(np.subtract),
    "mul": _binary(np.multiply),
    "real_div": _binary(_divide),
    "floor_div": _binary(np.floor_divide),
    "mod": _binary(np.mod),
    "pow": _binary(np.power),
    "maximum": _binary(np.maximum),
    "minimum": _binary(np.minimum),
    "equal": _binary(np.equal),
    "not_equal": _binary(np.not_equal),
    "greater": _binary(np.greater),
    "greater_equal": _binary(np.greater_equal),
    "less": _binary(np.less),
    "less_equal": _binary(np.less_equal),
    "logical_and": _binary(np.logical_and),
    "logical_or": _binary(np.logical_or),
    "logical_xor": _binary(np.logical_xor),
    "clip": clip,
    "inverse": inverse,
    "log": log,
    "rsqrt": rsqrt,
    "threshold": threshold,
    "select": select,
    "cast": cast,
    "identity": identity,
}
