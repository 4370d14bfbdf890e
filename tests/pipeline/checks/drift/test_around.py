from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.around import Around, around
from pipeline.checks.drift.known import Known

VALUES = {n: np.random.default_rng(n).normal(size=(4, 1, 6)).astype(np.float32) for n in range(6)}


def told(*behind, outputs=(5,), attributes=None):
    """What stands around the FC of x * 0.5 -> FC -> two operators, each with a constant."""
    ops = [Op(0, "MUL", (0, 10), (1,)), Op(1, "FC", (1, 11), (2,))]
    tensors = [tensor(n, (1, 6)) for n in range(6)]
    tensors += [tensor(10, data=np.array([0.5])), tensor(11, data=np.ones((6, 6)))]
    for place, (kind, values) in enumerate(behind):
        tensors.append(tensor(20 + place, data=np.asarray(values)))
        ops.append(Op(2 + place, kind, (2 + place, 20 + place), (3 + place,)))
    last = 2 + len(behind)
    ops.append(Op(9, "HardSigmoid", (last,), (5,), attributes or {}))
    return around(Known(graph(tensors, ops, (0,), outputs), VALUES), ops[1])


def test_factors_before_and_behind_and_their_products_are_told():
    assert told(("Mul", [3.0])) == Around((0.5, 1.5, 3.0), True)
    assert told(("aten.div.Tensor", 4.0), ("ADD", [1.0])) == Around((0.125, 0.25, 0.5), True)


def test_the_numbers_of_what_ends_them_may_be_folded_in_too():
    assert told(attributes={"beta": 0.25, "alpha": 0.2, "axis": 1}).factors == (0.1, 0.125, 0.2, 0.25, 0.5)


@pytest.mark.parametrize("kind", ["MUL", "POW", "MAXIMUM"])
def test_a_vector_or_another_operator_ends_them(kind):
    assert told((kind, np.arange(6.0)), ("Mul", [3.0])).factors == (0.5,)


def test_an_output_ends_them():
    assert told(("Mul", [3.0]), outputs=(2, 5)).factors == (0.5,)
