"""Products of matrices, and attention."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.activation import softmax

Array = np.ndarray


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """X @ weight transposed + bias; weight is (outputs, inputs)."""
    made = np.matmul(x, weight.T)
    return made if bias is None else made + bias


def matmul(x: Array, y: Array, transpose_x: bool = False, transpose_y: bool = False) -> Array:
    """X @ y, the last two axes of either exchanged before."""
    x = x.swapaxes(-1, -2) if transpose_x and x.ndim > 1 else x
    return np.matmul(x, y.swapaxes(-1, -2) if transpose_y and y.ndim > 1 else y)


def einsum(values: list[Array], equation: str) -> Array:
    """Einstein's sum, by products of matrices."""
    return np.einsum(equation.replace(" ", ""), *values, optimize=True)


def scaled_dot_product_attention(query: Array, key: Array, value: Array, attn_mask: Array | None = None) -> Array:
    """softmax(query @ key^T / sqrt(size) + mask) @ value; a mask of flags lets through what is true."""
    scores = np.matmul(query, key.swapaxes(-1, -2)) / np.float32(np.sqrt(query.shape[-1]))
    if attn_mask is not None and attn_mask.dtype == np.bool_:
        scores = np.where(attn_mask, scores, -np.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return np.matmul(softmax(scores), value)


KERNELS = {function.__name__: function for function in (linear, matmul, einsum, scaled_dot_product_attention)}
