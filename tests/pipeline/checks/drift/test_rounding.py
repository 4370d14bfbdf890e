from __future__ import annotations

import numpy as np
import pytest

from converters.graph import Op
from pipeline.checks.drift.folding import Held, folded
from pipeline.checks.drift.rounding import beyond

KERNEL = np.random.default_rng(0).normal(size=(6, 3, 3, 5))


def constant(values, step=None):
    return Held(0, Op(0, "CONV", (0,), (1,)), values, step, None)


def rounded(values, kind=np.float64):
    """Integers of the best step, made numbers again by that step in another type, and the numbers too."""
    best = np.abs(values).max((1, 2, 3), keepdims=True) / 127
    step = np.broadcast_to(best.astype(kind).astype(np.float64), values.shape)
    return constant((np.rint(values / best) * step).astype(kind).astype(np.float64), step)


@pytest.mark.parametrize("kind", [np.float64, np.float16])
def test_rounding_to_nearest_is_none_of_beyond_and_one_step_is(kind):
    (honest,) = folded([constant(KERNEL)], [rounded(KERNEL, kind)])
    assert not beyond(honest).any()
    wrong = rounded(KERNEL, kind)
    assert wrong.step is not None
    wrong.values[2, 1, 1, 3] += wrong.step[2, 1, 1, 3]
    (found,) = folded([constant(KERNEL)], [wrong])
    assert beyond(found).sum() == 1
