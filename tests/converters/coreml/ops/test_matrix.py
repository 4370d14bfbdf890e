"""Products of matrices, and attention."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.matrix import einsum, linear, matmul, scaled_dot_product_attention

RANDOM = np.random.default_rng(0)
A, B = RANDOM.standard_normal((2, 3, 4)), RANDOM.standard_normal((2, 5, 4))


def test_products() -> None:
    np.testing.assert_allclose(linear(A, B[0], np.ones(5)), A @ B[0].T + 1)
    np.testing.assert_allclose(matmul(A, B, transpose_y=True), A @ B.swapaxes(1, 2))
    np.testing.assert_allclose(matmul(A.swapaxes(1, 2), B, transpose_x=True, transpose_y=True), A @ B.swapaxes(1, 2))
    np.testing.assert_allclose(einsum([A, B], "b i k, b j k -> b j i"), B @ A.swapaxes(1, 2))


def test_attention_with_flags_and_with_numbers() -> None:
    flags = np.tril(np.ones((3, 5), bool))
    numbers = np.where(flags, 0, -1e9)
    one, other = (scaled_dot_product_attention(A, B, B, mask) for mask in (flags, numbers))
    np.testing.assert_allclose(one, other)
    np.testing.assert_allclose(one[:, 0], B[:, 0])
