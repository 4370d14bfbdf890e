from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from converters.graph import Op
from pipeline.checks.drift.around import Around
from pipeline.checks.drift.folding import Folded, Held, folded
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.rounding import beyond

PLAIN = Layout((32,), (32,), (0,))
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


def test_one_number_added_behind_a_layer_may_be_in_its_bias_and_no_more():
    bias, step = np.linspace(-1, 1, 32), np.geomspace(1e-4, 2e-3, 32)
    for added, wrong in ((0.0, 0), (4e-4, 0), (0.3, 0)):
        held = constant(np.rint((bias + added) / step) * step, step)
        (one,) = folded([constant(bias)], [held]) or [Folded(constant(bias), held, PLAIN, np.ones(1), 0.0)]
        moved = replace(one, a=replace(one.a, around=Around((), True)))
        assert beyond(moved).sum() == wrong
        held.values[5] += 2 * step[5]
        assert np.flatnonzero(beyond(moved)).tolist() == [5]
