"""Pools: padding, what counts, and the last window."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.pool import avg_pool, l2_pool, max_pool

X = np.arange(1, 11, dtype=np.float32).reshape(1, 1, 10)


def test_the_greatest_value_ignores_what_lies_outside() -> None:
    np.testing.assert_array_equal(max_pool(-X, [3], [2], "custom", [1, 1])[0, 0], [-1, -2, -4, -6, -8])
    np.testing.assert_array_equal(max_pool(X, [3], [3], "valid", None, True)[0, 0], [3, 6, 9, 10])
    np.testing.assert_array_equal(max_pool(X, [3], [4], "same")[0, 0], [3, 7, 10])


def test_padding_counts_unless_excluded_and_what_ceil_mode_adds_never() -> None:
    np.testing.assert_allclose(avg_pool(X, [3], [3], "custom", [1, 1])[0, 0], [1, 4, 7, 19 / 3])
    np.testing.assert_allclose(avg_pool(X, [3], [3], "custom", [1, 1], True)[0, 0], [1.5, 4, 7, 9.5])
    np.testing.assert_allclose(avg_pool(X, [4], [4], "valid", None, False, True)[0, 0], [2.5, 6.5, 9.5])


def test_a_window_that_starts_in_the_padding_behind_is_none() -> None:
    x = X[..., :5]
    assert max_pool(x, [2], [2], "custom", [1, 1], True).shape[-1] == 3
    assert avg_pool(x, [2], [2], "custom", [1, 1], False, True).shape[-1] == 3


def test_squares() -> None:
    np.testing.assert_allclose(l2_pool(X, [2], [2], "valid")[0, 0, 0], np.sqrt(5), rtol=1e-6)
