from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.metrics.cosine import cosine


def test_directions() -> None:
    reference = np.array([[1.0, 0.0]] * 4)
    got = np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(cosine(reference, got), [1.0, 0.0, -1.0, np.sqrt(0.5)])


def test_zero_vectors() -> None:
    zero, one = np.zeros((1, 2)), np.ones((1, 2))
    assert [cosine(zero, zero)[0], cosine(zero, one)[0], cosine(one, zero)[0]] == [1.0, 0.0, 0.0]


def test_it_never_leaves_its_range() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 7)) * 1e-3
    assert cosine(rows, rows * 3).max() <= 1.0
    assert cosine(rows, rows * 3).min() == pytest.approx(1.0)
