"""Signal to noise ratio of what moves: an output that always says the average scores 0 dB."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import measure
from pipeline.checks.metrics.snr_db import decibel


@measure(unit="dB", better="higher")
def moving_snr_db(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """10 log10(sum (reference - mean over samples)^2 / sum (got - reference)^2) over all samples, the same for each.

    Plain SNR counts a constant part of the output as signal: a detector stuck at its usual answer of 0.9 +- 0.05
    has 25 dB of it, and 0 dB of this.
    """
    moving = np.square(reference - reference.mean(axis=0)).sum(keepdims=True)
    noise = np.square(got - reference).sum(keepdims=True)
    return np.broadcast_to(decibel(moving, noise).reshape(()), (len(reference),))
