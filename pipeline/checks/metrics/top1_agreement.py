"""Whether the predicted class is the reference's."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import Measure, measure


def top1_agreement_within(tie: float) -> Measure:
    """1.0 for each sample whose predicted class scores, in the reference, within `tie` of the reference's best.

    Two classes that the reference itself holds equal to within the numeric tolerance are no disagreement.
    """

    @measure(unit="", better="higher")
    def top1_agreement(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
        chosen = np.take_along_axis(reference, got.argmax(axis=1)[:, None], axis=1)[:, 0]
        return (chosen >= reference.max(axis=1) - tie).astype(np.float64)

    return top1_agreement


top1_agreement = top1_agreement_within(0.0)
"""The strict form: only an exact tie of the reference counts as agreement."""
