from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import scaling
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

RNG = np.random.default_rng(0)
FACTOR = RNG.uniform(0.5, 1.5, 24)
KERNELS = RNG.normal(size=(2, 24, 24))
VALUES = {n: RNG.normal(size=(4, 1, 24)).astype(np.float32) for n in (0, 1, 3, 5)}
OUT, IN = (Partner(n, n, Layout((1, 24), (1, 24), (0,)), 99.0) for n in (5, 0))


def judged(scales, divided=1.0):
    """What is said of two matrices in 8 bits behind a norm whose factor was folded into the first, times `scales`."""
    ops = [Op(0, "LayerNorm", (0, 6), (1,)), Op(1, "FC", (1, 2), (3,)), Op(2, "FC", (3, 4), (5,))]
    tensors = [tensor(n, (1, 24)) for n in (0, 1, 3, 5)] + [tensor(6, data=FACTOR)]
    tensors += [tensor(n, data=kernel) for n, kernel in zip((2, 4), KERNELS, strict=True)]
    if divided != 1:
        ops.append(Op(3, "DIV", (5, 7), (8,)))
        tensors += [tensor(7, data=np.array([divided])), tensor(8, (1, 24))]
    a = Known(graph(tensors, ops, (0,), (5,)), VALUES)
    theirs = [tensor(n, (1, 24)) for n in (0, 3, 5)]
    for index, values in ((2, KERNELS[0] * FACTOR * scales[0]), (4, KERNELS[1] * scales[1])):
        step = np.abs(values).max() / 127
        theirs.append(tensor(index, data=np.rint(values / step), dtype="int8", scale=(step, 0)))
    b = Known(graph(theirs, [Op(1, "FC", (0, 2), (3,)), Op(2, "FC", (3, 4), (5,))], (0,), (5,)), VALUES)
    cut = Segment(OUT, (IN,), a.graph.ops, b.graph.ops)
    return [(suspect.b.op_index, suspect.measure) for suspect in scaling.scaled(a, b, [cut])]


def test_a_factor_that_was_folded_in_is_no_fault_and_more_is():
    assert judged((1.0, 1.0)) == []
    assert judged((1.1, 1.0)) == [(1, "all channels scaled by x1.1")]
    assert judged((1.0, 0.9)) == [(2, "all channels scaled by x0.9")]


@pytest.mark.parametrize("scales", [(2.0, 0.5), (0.7, 1 / 0.7), (24**-0.5, 1.0)])
def test_two_kernels_that_make_up_for_each_other_and_the_root_of_a_width_are_no_faults(scales):
    assert judged(scales) == []


def test_a_division_of_the_reference_may_be_folded_in():
    assert judged((1.0, 1 / 1.3), 1.3) == []
