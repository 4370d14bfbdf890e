"""The largest absolute difference as a share of the range of the whole output."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import measure


@measure(unit="", better="lower")
def max_rel_range(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Worst |got - reference| of each sample / (max reference - min reference over ALL samples).

    The range, not the single value, is the scale: a value near zero would make every error infinite. A reference
    that is one constant has no range; its largest magnitude stands in, and 1 where that is zero too.
    """
    spread = float(np.ptp(reference)) or float(np.abs(reference).max()) or 1.0
    return np.abs(got - reference).max(axis=1) / spread
