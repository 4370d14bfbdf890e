"""Whether stored weights are the rounding of the reference's."""

from __future__ import annotations

import numpy as np

from pipeline.checks.drift.folding import Folded


def beyond(one: Folded) -> np.ndarray:
    """Where b's stored weight is none of the two integers next to the reference's, (as b lies); never at the ends.

    Half a step is rounding to nearest; the scale of a channel is known as well as its weights tell it. A bias of many
    steps is divided in float32, and a step that is stored in float16 is rounded, as its values are.
    """
    assert one.b.step is not None
    want = one.layout.carry(one.a.values[None])[0] * one.scale
    step = one.b.step
    halves = bool((step == step.astype(np.float16)).all())
    allowed = 0.51 * step + (2.0**-10 if halves else 2.0**-22) * np.abs(want)
    if one.scale.size > 1 and np.abs(one.scale - 1).max() > 0:
        axis = next((axis for axis, size in enumerate(one.scale.shape) if size > 1), 0)
        others = tuple(other for other in range(want.ndim) if other != axis)
        length = np.sqrt(np.square(want).sum(others, keepdims=True))
        allowed = allowed + 1.2 * step * np.abs(want) / np.maximum(length, 1e-300)
    inside = np.ones(want.shape, bool) if one.b.ends is None else ~one.b.ends
    gap = one.b.values - want
    if one.b.vector and one.a.around.moved:
        gap = gap - _added(gap, allowed)
    return (np.abs(gap) > allowed) & inside & (step > 0)


def _added(gap: np.ndarray, allowed: np.ndarray) -> float:
    """The one number, added behind a layer and folded into its bias, with which most of it is what it should be."""
    low, high = np.sort((gap - allowed).reshape(-1)), np.sort((gap + allowed).reshape(-1))
    met = np.searchsorted(low, low, "right") - np.searchsorted(high, low, "left")
    first = low[met.argmax()]
    return float(first + high[np.searchsorted(high, first)]) / 2
