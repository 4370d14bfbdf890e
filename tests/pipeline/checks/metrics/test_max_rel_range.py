from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.max_rel_range import max_rel_range


def test_the_scale_is_the_range_of_the_reference_over_all_samples() -> None:
    reference = np.array([[0.0, 1.0], [2.0, 10.0]])
    np.testing.assert_allclose(max_rel_range(reference, reference + np.array([[1.0, 0.0], [0.0, -5.0]])), [0.1, 0.5])


def test_the_reference_comes_first() -> None:
    small, large = np.array([[0.0, 1.0]]), np.array([[0.0, 10.0]])
    assert max_rel_range(small, large)[0] == 9.0
    assert max_rel_range(large, small)[0] == 0.9


def test_a_constant_reference_is_measured_by_its_magnitude() -> None:
    assert max_rel_range(np.full((2, 2), 4.0), np.full((2, 2), 5.0)).tolist() == [0.25, 0.25]
    assert max_rel_range(np.zeros((1, 2)), np.full((1, 2), 5.0)).tolist() == [5.0]
