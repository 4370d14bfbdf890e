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


def found(bias, kernel=None, step=None):
    def side(weights, vector):
        ops = [Op(0, "FC", (0, 2, 3), (1,))]
        return Known(graph([tensor(0), tensor(1), weights, vector], ops, (0,), (1,)), VALUES)

    stored = tensor(2, data=np.rint((KERNEL if kernel is None else kernel) / STEP), dtype="int8", scale=(STEP, 0))
    a, b = side(tensor(2, data=KERNEL), tensor(3, data=BIAS)), side(stored, tensor(3, data=bias))
    if step:
        b = side(stored, tensor(3, data=np.rint(bias / step), dtype="int32", scale=(step, 0)))
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


@pytest.mark.parametrize(
    ("bias", "cause"), [(-BIAS, "sign"), (BIAS[::-1], ""), (np.where(np.arange(8) == 1, 0, BIAS), "1 of 8")]
)
def test_a_bias_of_integers_is_told_where_no_sum_shows_it(bias, cause):
    assert found(BIAS, step=1e-3) == []
    (suspect,) = found(bias, step=1e-3)
    assert cause in f"{suspect.measure} {suspect.cause}"


def test_a_bias_of_a_few_steps_is_left_to_the_sums():
    assert found(BIAS[::-1], step=0.5) == []


NORMED = RNG.normal(size=6)


def folded(change):
    """A norm's offset, a kernel and a bias in float, and the two of a file in which the offset is in the bias."""
    ends = [tensor(0), tensor(1), tensor(4)]
    held = [tensor(2, data=KERNEL), tensor(3, data=BIAS), tensor(5, data=NORMED)]
    ops = [Op(0, "Norm", (0, 5), (4,)), Op(1, "FC", (4, 2, 3), (1,))]
    a = Known(graph([*ends, *held], ops, (0,), (1,)), {**VALUES, 4: VALUES[0]})
    stored = tensor(2, data=np.rint(KERNEL / STEP), dtype="int8", scale=(STEP, 0))
    bias = change(KERNEL @ NORMED + BIAS)
    b = Known(graph([*ends[:2], stored, tensor(3, data=bias)], [Op(0, "FC", (0, 2, 3), (1,))], (0,), (1,)), VALUES)
    cut = segment(a, b, PAIRS[1], PAIRS)
    assert cut is not None
    return list(vectors.folded_in(a, b, [cut]))


def test_one_value_of_a_bias_into_which_an_offset_was_folded_is_told():
    assert folded(lambda bias: bias) == []
    (suspect,) = folded(lambda bias: bias * (1 + 0.01 * (np.arange(8) == 2)))
    assert "1 of 8 values" in suspect.measure
    assert suspect.b.op_type == "FC"


def test_a_bias_that_was_corrected_throughout_is_not():
    assert folded(lambda bias: bias + RNG.normal(size=8) * 0.02) == []
