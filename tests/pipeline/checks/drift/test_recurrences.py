from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.recurrences import changed

UNITS = 4
RNG = np.random.default_rng(0)
KERNELS = [RNG.normal(size=(2 * UNITS, 6)).astype(np.float32) for _ in range(2)]
BIAS = RNG.normal(size=(1, 2 * UNITS)).astype(np.float32)
TURNED = [*range(UNITS, 2 * UNITS), *range(UNITS)]
"""The gates the other way round."""


def recurrent():
    tensors = [tensor(0, (1, 6)), tensor(1, data=np.stack(KERNELS)), tensor(2, data=BIAS), tensor(3, (1, 8))]
    return _known(tensors, [Op(0, "LSTM", (0, 1, 2), (3,))], 3)


def written_out(kernels=KERNELS, bias=BIAS):
    """Two layers that hold the rows in another order, one bias."""
    tensors = [
        tensor(0, (1, 6)),
        tensor(1, data=kernels[0][TURNED]),
        tensor(2, data=bias[0][TURNED]),
        tensor(3, (1, 8)),
    ]
    tensors += [tensor(4, data=kernels[1][TURNED]), tensor(5, (1, 8)), tensor(6, (1, 8))]
    ops = [
        Op(0, "FULLY_CONNECTED", (0, 1, 2), (3,)),
        Op(1, "FULLY_CONNECTED", (0, 4), (5,)),
        Op(2, "ADD", (3, 5), (6,)),
    ]
    return _known(tensors, ops, 6)


def _known(tensors, ops, end):
    values = {t.index: RNG.normal(size=(3, *t.shape)) for t in tensors if t.data is None}
    return Known(graph(tensors, ops, (0,), (end,)), values)


def told(one, two):
    ends = [side.graph.outputs[0] for side in (one, two)]
    out = Partner(*ends, Layout((1, 8), (1, 8), (0,)), 100.0)
    return [suspect for _, suspect in changed(one, two, [Segment(out, (), one.graph.ops, two.graph.ops)])]


def test_gates_in_another_order_are_the_same():
    assert told(recurrent(), written_out()) == []
    assert told(written_out(), recurrent()) == []


def _with(values, place, value):
    other = values.copy()
    other[place] = value
    return other


@pytest.mark.parametrize(
    ("kernels", "bias", "place", "said"),
    [
        ([_with(KERNELS[0], (1, 2), 9), KERNELS[1]], BIAS, 0, "1 of 8 rows are none"),
        ([KERNELS[0], np.roll(KERNELS[1], 1, 0)], BIAS, 1, "rows do not follow"),
        ([KERNELS[1], KERNELS[1]], BIAS, 0, "another layer's"),
    ],
)
def test_a_kernel_that_is_another_is_told(kernels, bias, place, said):
    found = told(recurrent(), written_out(kernels, bias))
    assert [suspect.b.op_index for suspect in found] == [place]
    assert said in found[0].measure


def test_of_two_biases_one_that_is_another_is_told():
    def two(bias):
        side = written_out()
        tensors = dict(side.graph.tensors)
        tensors[7] = tensor(7, data=bias[0][TURNED])
        ops = [side.graph.ops[0], Op(1, "FULLY_CONNECTED", (0, 4, 7), (5,)), side.graph.ops[2]]
        return _known(list(tensors.values()), ops, 6)

    assert told(recurrent(), two(BIAS)) == []
    (found,) = told(recurrent(), two(_with(BIAS, (0, 3), 2)))
    assert (found.b.op_index, found.measure) == (1, "1 of 8 values are not the reference's")


def test_two_recurrences_are_the_graphs_affair():
    assert told(recurrent(), recurrent()) == []
