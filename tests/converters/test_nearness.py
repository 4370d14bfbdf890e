"""When a result is the expected one."""

from __future__ import annotations

import numpy as np
import pytest

from converters.nearness import near

WANT = np.array([1.0, np.nan, np.inf, 100.0], np.float32)


def test_rounding_and_what_is_no_number_are_the_same() -> None:
    assert near(WANT, WANT * np.float32(1 + 1e-4))
    assert near([1, 2], [1, 2])


@pytest.mark.parametrize(
    "got",
    [
        WANT.astype(np.float64),
        WANT[None],
        np.array([1.0, 0.0, np.inf, 100.0], np.float32),
        np.array([1.0, np.nan, -np.inf, 100.0], np.float32),
        np.array([1.01, np.nan, np.inf, 100.0], np.float32),
    ],
)
def test_another_type_shape_or_value_is_not(got) -> None:
    assert not near(WANT, got)


def test_integers_are_exact() -> None:
    assert not near(np.array([1, 2]), np.array([1, 3]))
