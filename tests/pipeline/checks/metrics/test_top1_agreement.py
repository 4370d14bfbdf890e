from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.top1_agreement import top1_agreement, top1_agreement_within

REFERENCE = np.array([[1.0, 5.0, 2.0], [4.0, 3.999, 0.0], [2.0, 2.0, 0.0]])


def test_the_class_of_each_sample() -> None:
    assert top1_agreement(REFERENCE, REFERENCE * 2).tolist() == [1.0, 1.0, 1.0]
    assert top1_agreement(REFERENCE, -REFERENCE).tolist() == [0.0, 0.0, 0.0]


def test_a_tie_of_the_reference_is_no_disagreement() -> None:
    got = np.array([[1.0, 5.0, 2.0], [3.0, 4.0, 0.0], [0.0, 2.0, 1.0]])
    assert top1_agreement(REFERENCE, got).tolist() == [1.0, 0.0, 1.0]
    assert top1_agreement_within(0.01)(REFERENCE, got).tolist() == [1.0, 1.0, 1.0]
