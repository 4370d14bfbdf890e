"""Cosine similarity."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import measure


@measure(unit="", better="higher")
def cosine(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Cosine of each sample, reference . got / (|reference| |got|), -1..1; 1 where both are zero, 0 where one is.

    Blind to a scale: never a gate by itself.
    """
    norms = np.linalg.norm(reference, axis=1) * np.linalg.norm(got, axis=1)
    both_zero = ~reference.any(axis=1) & ~got.any(axis=1)
    dots = np.einsum("nk,nk->n", reference, got)
    return np.where(both_zero, 1.0, np.clip(dots / np.where(norms == 0, 1.0, norms), -1.0, 1.0))
