from __future__ import annotations

import numpy as np
import pytest

from converters.graph import Op
from pipeline.checks.drift.blame import by_values as blamed

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
