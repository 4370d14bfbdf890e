"""Share of equal elements, for outputs that are integers or booleans."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import measure


@measure(unit="", better="higher")
def agreement(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """The share of elements of each sample that equal the reference's, 0..1."""
    return (reference == got).mean(axis=1)
