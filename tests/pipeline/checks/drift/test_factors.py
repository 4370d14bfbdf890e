from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.factors import changed, put_in
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

OUT = Partner(2, 2, Layout((1, 4), (1, 4), (0,)), 40.0)
X = np.random.default_rng(0).normal(size=(2, 1, 4))


def floats(kind, number):
    ops = (Op(0, kind, (0, 1), (2,)),)
    return Known(graph([tensor(0), tensor(1, data=[number]), tensor(2)], list(ops), (0,), (2,)), {0: X, 2: X})


def integers(number, code=127):
    """The number as a quantizer stores it, or with another code as one of many."""
    held = tensor(1, data=[code], dtype="int8", scale=(number / code, 0))
    ops = [Op(0, "QUANTIZE", (0,), (3,)), Op(1, "MUL", (3, 1), (2,))]
    return Known(graph([tensor(0), held, tensor(2), tensor(3)], ops, (0,), (2,)), {0: X, 2: X, 3: X})


def told(a, b):
    cut = Segment(OUT, (), a.graph.ops, b.graph.ops)
    return [suspect.cause for _, suspect in changed(a, b, [cut])]


@pytest.mark.parametrize("right", [floats("MUL", 1 / 255), floats("RealDiv", 255.0)])
def test_a_256th_in_the_place_of_a_255th_is_told_though_values_move_by_less_than_a_step(right):
    assert told(right, integers(1 / 255)) == []
    assert told(right, integers(1 / 256)) == ["values are multiplied by 0.00390625, not 0.00392157"]


def test_a_number_that_shares_its_grid_or_has_work_beside_it_tells_nothing():
    assert told(floats("MUL", 1 / 255), integers(1 / 256, code=64)) == []
    right = floats("MUL", 1 / 255)
    more = Known(
        graph(list(right.graph.tensors.values()), [*right.graph.ops, Op(1, "ADD", (2, 0), (3,))], (0,), (2,)),
        right.recorded,
    )
    assert told(more, integers(1 / 256)) == []


def multiplied(number, held=None):
    """A convolution with a kernel and, where there is one, a number behind it."""
    kernel = tensor(3, data=KERNEL if held is None else held)
    ops = [
        Op(0, "Conv", (0, 3), (1,)),
        Op(1, "mul", (1,), (2,), {"y": number}) if number else Op(1, "Tanh", (1,), (2,)),
    ]
    tensors = [tensor(0), tensor(1), tensor(2), kernel]
    return Known(graph(tensors, ops, (0,), (2,)), {0: X, 1: X, 2: X})


KERNEL = np.random.default_rng(1).normal(size=(4, 3, 3, 2)).astype(np.float32)


@pytest.mark.parametrize(("number", "told"), [(0.999, True), (1.0, False), (2.0, False), (None, False)])
def test_a_factor_of_nearly_one_where_the_reference_holds_the_same_kernel_and_no_number_is_put_in(number, told):
    a, b = multiplied(None), multiplied(number)
    found = list(put_in(a, b, [Segment(OUT, (), a.graph.ops, b.graph.ops)]))
    assert [suspect.b.op_index for _, suspect in found] == [1] * told


def test_a_factor_may_have_been_taken_out_of_another_kernel():
    a, b = multiplied(None, held=KERNEL * 0.999), multiplied(0.999)
    assert not list(put_in(a, b, [Segment(OUT, (), a.graph.ops, b.graph.ops)]))
