from __future__ import annotations

import numpy as np
import pytest

from converters.tuning.ranges import choose

VALUES = np.random.default_rng(0).normal(size=20_000).astype(np.float32)


def error(values: np.ndarray, low: float, high: float) -> float:
    """Mean squared, of 256 steps of which one is zero."""
    step = (high - low) / 255
    zero = np.rint(-low / step)
    stored = np.clip(np.rint(values / step) + zero, 0, 255)
    return float(np.mean(((stored - zero) * step - values) ** 2))


def test_minmax_is_all_of_it_and_holds_zero() -> None:
    assert choose(VALUES, "minmax") == (VALUES.min(), VALUES.max())
    assert choose(np.float32([3, 5]), "minmax") == (0, 5)
    assert choose(np.float32([-3, -1]), "minmax") == (-3, 0)


def test_a_percentile_leaves_out_as_much_at_either_end() -> None:
    low, high = choose(VALUES, "percentile-99.9")
    outside = np.mean((low > VALUES) | (high < VALUES))
    assert outside == pytest.approx(0.001, rel=0.1)
    assert VALUES.min() < low < 0 < high < VALUES.max()


def test_least_squared_error_beats_minmax_where_a_few_values_are_far_out() -> None:
    values = VALUES**3
    assert error(values, *choose(values, "mse")) < error(values, *choose(values, "minmax"))


def test_least_squared_error_keeps_everything_of_an_even_spread() -> None:
    even = np.linspace(0, 1, 4096, dtype=np.float32)
    assert choose(even, "mse") == pytest.approx((0, 1), abs=0.02)


@pytest.mark.parametrize("method", ["minmax", "percentile-99.99", "mse"])
def test_a_tensor_of_zeros_has_the_range_zero(method: str) -> None:
    assert choose(np.zeros(8, np.float32), method) == (0, 0)
