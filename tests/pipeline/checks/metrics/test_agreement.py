from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.agreement import agreement


def test_the_share_of_equal_elements() -> None:
    reference = np.array([[1, 2, 3, 4], [0, 0, 0, 0]])
    assert agreement(reference, np.array([[1, 2, 3, 5], [0, 0, 0, 0]])).tolist() == [0.75, 1.0]
    assert agreement(np.array([[True, False]]), np.array([[True, True]])).tolist() == [0.5]
