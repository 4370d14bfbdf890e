"""The largest absolute difference."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import measure


@measure(unit="", better="lower")
def max_abs(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Worst |got - reference| of each sample, in the output's own unit."""
    return np.abs(got - reference).max(axis=1)
