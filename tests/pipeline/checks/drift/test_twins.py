from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.twins import twins

PLAIN = Layout((1, 4), (1, 4), (0,))
RNG = np.random.default_rng(0)
VALUES = {n: RNG.normal(size=(4, 1, 4)) for n in range(4)}
FLOATS = [Op(0, "aten.tanh", (0,), (1,)), Op(1, "aten.add", (1, 0), (2,)), Op(2, "aten.mul", (2, 1), (3,))]
INTEGERS = [Op(0, "TANH", (0,), (1,)), Op(1, "ADD", (1, 0), (2,)), Op(2, "QUANTIZE", (2,), (4,))]


def side(ops, values):
    return Known(graph([tensor(n) for n in range(6)], ops, (0,), (3,)), values)


A = side(FLOATS, VALUES)
B = side([*INTEGERS, Op(3, "MUL", (2, 1), (3,)), Op(4, "NEG", (4,), (5,))], {**VALUES, 4: VALUES[2], 5: -VALUES[2]})
ENDS = {0: Partner(0, 0, PLAIN, 200.0), 3: Partner(3, 3, PLAIN, 40.0)}


def cut(ops_b):
    return Segment(ENDS[3], (ENDS[0],), A.graph.ops, tuple(ops_b))


def test_operators_that_stand_one_for_one_give_partners():
    working = [op for op in B.graph.ops if op.type not in ("QUANTIZE", "NEG")]
    found = twins(A, B, [cut(working)], ENDS)
    assert {index: pair.a for index, pair in found.items()} == {0: 0, 1: 1, 2: 2, 3: 3}


def test_a_copy_that_is_stored_anew_gives_its_partner_back():
    copied = {**ENDS, 4: Partner(2, 4, PLAIN, 41.0)}
    working = [op for op in B.graph.ops if op.type not in ("QUANTIZE", "NEG")]
    found = twins(A, B, [cut(working)], copied)
    assert {index: pair.a for index, pair in found.items()} == {0: 0, 1: 1, 2: 2, 3: 3}
    other = {**ENDS, 5: Partner(2, 5, PLAIN, 41.0)}  # what computes is no copy
    assert {index: pair.a for index, pair in twins(A, B, [cut(working)], other).items()} == {0: 0, 1: 1, 3: 3, 5: 2}


def test_other_operators_give_none():
    assert twins(A, B, [cut(B.graph.ops)], ENDS) == ENDS
