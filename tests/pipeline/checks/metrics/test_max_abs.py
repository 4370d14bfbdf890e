from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.max_abs import max_abs


def test_the_largest_difference_of_each_sample() -> None:
    reference = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(max_abs(reference, np.array([[1.0, -1.0], [3.5, 4.25]])), [3.0, 0.5])


def test_integers_do_not_wrap_around() -> None:
    assert max_abs(np.array([[0]], np.uint8), np.array([[255]], np.uint8)).tolist() == [255.0]
