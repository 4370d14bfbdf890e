from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.strangers import strange

RNG = np.random.default_rng(0)
KERNEL, OTHER = (RNG.normal(size=(8, 6)).astype(np.float32) for _ in range(2))
FACTORS = RNG.uniform(0.5, 2, (8, 6)).astype(np.float32)


def dense(kernel, kind="FULLY_CONNECTED"):
    tensors = [tensor(0, (1, 6)), tensor(1, data=kernel), tensor(2, (1, 8))]
    ops = [Op(0, kind, (0, 1), (2,))]
    return Known(graph(tensors, ops, (0,), (2,)), {0: RNG.normal(size=(3, 1, 6)), 2: RNG.normal(size=(3, 1, 8))})


def told(kernel, kind="FULLY_CONNECTED"):
    one, two = dense(KERNEL, kind), dense(kernel, kind)
    cut = Segment(Partner(2, 2, Layout((1, 8), (1, 8), (0,)), 50.0), (), one.graph.ops, two.graph.ops)
    return list(strange(one, two, [cut], []))


@pytest.mark.parametrize("kernel", [KERNEL, KERNEL * FACTORS[:, :1], KERNEL * FACTORS, KERNEL[:, ::-1], -KERNEL])
def test_what_is_scaled_or_reversed_is_no_stranger(kernel):
    assert told(np.ascontiguousarray(kernel)) == []


@pytest.mark.parametrize("kernel", [OTHER, RNG.permutation(KERNEL.reshape(-1)).reshape(KERNEL.shape)])
def test_the_kernel_of_another_layer_is_told(kernel):
    (found,) = told(kernel)
    assert (found.b.op_type, found.kind) == ("FULLY_CONNECTED", "weights")


def test_a_table_of_positions_may_hold_the_bias_before_it_and_no_other_table():
    biased = KERNEL + RNG.normal(size=(1, 6)).astype(np.float32) * 5
    assert told(biased, "ADD") == told(biased, "aten.add") == []
    assert len(told(biased)) == 1, "a kernel may not"
    assert len(told(OTHER + (biased - KERNEL), "ADD")) == 1
