"""Whether the predicted class is the label; here the reference is the truth, not the framework's output."""

from __future__ import annotations

import numpy as np

from converters.errors import ContractError


def predictions(scores: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """The class of each sample, (n,) int64, of scores (n, ..., classes) with one answer a sample.

    A single score a sample is a two-class answer: its sign as a logit, or against 0.5 where all scores (of `like`,
    the reference, when given) lie within 0..1.

    Raises:
        ContractError: no samples, or a NaN or Inf, which has no class.
    """
    scores = np.asarray(scores)
    if scores.ndim < 2 or scores.size == 0:
        raise ContractError(f"scores of shape {scores.shape} hold no samples of classes")
    if not np.isfinite(scores).all():
        raise ContractError("scores hold NaN or Inf: no class can be read from them")
    rows = scores.reshape(len(scores), -1)
    if rows.shape[1] > 1:
        return rows.argmax(axis=1)
    scale = rows if like is None else np.asarray(like)
    threshold = 0.5 if scale.min() >= 0 and scale.max() <= 1 else 0.0
    return (rows[:, 0] > threshold).astype(np.int64)


def correct(targets: np.ndarray, scores: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """True for each sample whose predicted class is its label, (n,) bool. `like` as in `predictions`.

    Raises:
        ContractError: as `predictions`, or targets that are not one label a sample.
    """
    found, targets = predictions(scores, like), np.asarray(targets)
    if targets.shape != found.shape:
        raise ContractError(f"{len(found)} samples, but labels of shape {targets.shape}")
    return found == targets
