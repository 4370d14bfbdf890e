"""Reductions, orders and running sums."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.reduction import KERNELS

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 7


def test_axes_and_kept_dimensions() -> None:
    np.testing.assert_array_equal(
        KERNELS["reduce_sum"](x=X, axes=np.array([0, 2]), keep_dims=True), X.sum((0, 2), keepdims=True)
    )
    np.testing.assert_array_equal(KERNELS["reduce_max"](x=X), X.max())
    np.testing.assert_allclose(KERNELS["reduce_l2_norm"](x=X, axes=[1]), np.linalg.norm(X, axis=1))
    np.testing.assert_allclose(KERNELS["reduce_log_sum_exp"](x=X * 100, axes=[2]), X[..., 3] * 100)
    np.testing.assert_allclose(KERNELS["reduce_log_sum_exp"](x=X, axes=[0, 1]).shape, (4,))


def test_a_mean_of_many_values_is_exact() -> None:
    many = np.full(10**6, 16.1, np.float32)
    assert abs(float(KERNELS["reduce_mean"](x=many)) - float(np.float32(16.1))) < 1e-6


def test_orders_keep_equals_as_they_stand() -> None:
    x = np.array([[2, 1, 2, 3]], np.float32)
    np.testing.assert_array_equal(KERNELS["argsort"](x=x, axis=-1), [[3, 0, 2, 1]])
    values, places = KERNELS["topk"](x=x, k=2, axis=-1)
    np.testing.assert_array_equal((values, places), ([[3, 2]], [[3, 0]]))
    values, places = KERNELS["topk"](x=x, k=-1, axis=-1, ascending=True)
    np.testing.assert_array_equal(places, [[1, 0, 2, 3]])
    assert KERNELS["reduce_argmax"](x=np.array([5, 5], np.float32)) == 0


def test_running_sums() -> None:
    x = np.array([1, 2, 3], np.float32)
    np.testing.assert_array_equal(KERNELS["cumsum"](x=x), [1, 3, 6])
    np.testing.assert_array_equal(KERNELS["cumsum"](x=x, exclusive=True), [0, 1, 3])
    np.testing.assert_array_equal(KERNELS["cumsum"](x=x, reverse=True), [6, 5, 3])
    np.testing.assert_array_equal(KERNELS["cumsum"](x=x, reverse=True, exclusive=True), [5, 3, 0])
