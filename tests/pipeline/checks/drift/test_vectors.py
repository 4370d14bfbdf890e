from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import vectors
from pipeline.checks.drift.cuts import segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

RNG = np.random.default_rng(0)
KERNEL, BIAS = RNG.normal(size=(8, 6)), RNG.normal(size=8)
STEP = np.abs(KERNEL).max() / 127
PAIRS = {0: Partner(0, 0, Layout((6,), (6,), (0,)), 99.0), 1: Partner(1, 1, Layout((8,), (8,), (0,)), 99.0)}
VALUES = {0: RNG.normal(size=(4, 6)).astype(np.float32), 1: RNG.normal(size=(4, 8)).astype(np.float32)}


def found(bias, kernel=None):
    def side(weights, vector):
        ops = [Op(0, "FC", (0, 2, 3), (1,))]
        return Known(graph([tensor(0), tensor(1), weights, tensor(3, data=vector)], ops, (0,), (1,)), VALUES)

    stored = tensor(2, data=np.rint((KERNEL if kernel is None else kernel) / STEP), dtype="int8", scale=(STEP, 0))
    a, b = side(tensor(2, data=KERNEL), BIAS), side(stored, bias)
    cut = segment(a, b, PAIRS[1], PAIRS)
    assert cut is not None
    return list(vectors.strange(a, b, [cut]))


def test_the_same_bias_beside_rounded_weights_passes():
    assert found(BIAS) == []


@pytest.mark.parametrize(("bias", "cause"), [(np.roll(BIAS, 1), "shifted"), (BIAS * 1.001, "")])
def test_another_bias_is_told_whatever_rounding_leaves(bias, cause):
    (suspect,) = found(bias)
    assert cause in suspect.cause


def test_where_a_kernel_was_scaled_a_bias_may_have_been_folded():
    assert found(BIAS * 1.3, KERNEL * np.linspace(0.6, 1, 8)[:, None]) == []
