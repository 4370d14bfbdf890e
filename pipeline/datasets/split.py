"""Seeded parts of labelled samples in which every class keeps its share."""

from __future__ import annotations

import numpy as np


def stratified(targets: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(indices kept, indices held out), both sorted: `share` of every class is held out, `targets` are (n,).

    A class of two samples or more has at least one on each side; a single sample is kept.
    """
    random = np.random.default_rng(seed)
    held = []
    for label in np.unique(targets):
        rows = random.permutation(np.flatnonzero(targets == label))
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        held.append(rows[:count])
    out = np.sort(np.concatenate(held)) if held else np.zeros(0, np.int64)
    return np.setdiff1d(np.arange(len(targets)), out), out


def balanced(targets: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Sorted indices of `per_class` samples of every class."""
    random = np.random.default_rng(seed)
    rows = [random.permutation(np.flatnonzero(targets == label))[:per_class] for label in np.unique(targets)]
    return np.sort(np.concatenate(rows))
