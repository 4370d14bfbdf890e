from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.blame import by_constants, skippable
from pipeline.checks.drift.blame import by_values as blamed
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

INPUT = np.random.default_rng(0).normal(size=(3, 4, 6))
MIXED = np.random.default_rng(1).normal(size=(3, 4, 6))
OPS = (Op(0, "Conv", (0,), (1,)), Op(1, "Relu", (1,), (2,)), Op(2, "Transpose", (2,), (3,)))


def inside(activation):
    made = activation(MIXED)
    return {0: INPUT, 1: MIXED, 2: made, 3: made.transpose(0, 2, 1)}


@pytest.mark.parametrize(
    ("want", "place"),
    [(np.maximum(MIXED, 0.3), 1), (1 / (1 + np.exp(-MIXED)), 1), (np.flip(MIXED, 1), 0)],
)
def test_the_first_operator_behind_which_the_result_is_out_of_reach_is_to_blame(want, place):
    found = blamed(OPS, inside(lambda values: np.maximum(values, -2.0)), want)
    if place:
        assert found is not None
        assert found.index == place
    else:
        assert found is None or found.index == place


def test_of_two_casts_there_and_back_the_first_is_the_one_too_many():
    ops = (Op(0, "Cast", (0,), (1,)), Op(1, "Cast", (1,), (2,)), Op(2, "Relu", (2,), (3,)))
    rounded = INPUT.astype(np.float16).astype(np.float64)
    values = {0: INPUT, 1: rounded, 2: rounded, 3: np.maximum(rounded, 0)}
    found = [(one.op.index, one.taken, one.made) for one in skippable(ops, values, frozenset())]
    assert found == [(0, 0, 1), (0, 0, 2), (2, 2, 3)]


def test_a_kernel_in_16_bits_is_to_blame_where_rounding_does_not_explain_it_before_a_bias_without_a_partner():
    kernel, bias = MIXED[0].repeat(4, 0), INPUT[0, 0]
    wrong = kernel.astype(np.float16)
    wrong[2, 3] += 0.3

    def side(dtype, weights, vector):
        held = [tensor(2, data=weights, dtype=dtype), tensor(3, data=vector, dtype=dtype)]
        ops = [Op(0, "Add", (0, 3), (4,)), Op(1, "MatMul", (4, 2), (1,))]
        return Known(graph([tensor(0), tensor(1), *held, tensor(4)], ops, (0,), (1,)), {})

    a, b = side("float32", kernel, bias), side("float16", wrong, -bias[::-1])
    cut = Segment(Partner(1, 1, Layout((6,), (6,), (0,)), 40.0), (), a.graph.ops, b.graph.ops)
    found = by_constants(a, b, cut)
    assert (found.b.type, found.guess) == ("MatMul", False)
