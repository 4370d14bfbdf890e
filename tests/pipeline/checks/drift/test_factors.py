from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.factors import changed
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
