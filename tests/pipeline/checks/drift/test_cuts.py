from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

PLAIN = Layout((1, 4), (1, 4), (0,))


def pair(a, b):
    return Partner(a, b, PLAIN, 100.0)


def side(ops):
    count = 1 + max(index for op in ops for index in op.outputs)
    values = {n: np.random.default_rng(n).normal(size=(2, 1, 4)) for n in range(count)}
    return Known(graph([tensor(n) for n in range(count)], ops, (0,), (count - 1,)), values)


THREE = side([Op(0, "CONV", (0,), (1,)), Op(1, "RELU", (1,), (2,)), Op(2, "ADD", (2, 0), (3,))])
TWO = side([Op(0, "FUSED", (0,), (1,)), Op(1, "SUM", (1, 0), (2,))])


def test_a_fused_operator_is_held_against_all_that_it_does():
    pairs = {0: pair(0, 0), 1: pair(2, 1), 2: pair(3, 2)}
    found = segment(THREE, TWO, pairs[1], pairs)
    assert found is not None
    assert [op.type for op in found.ops_a] == ["CONV", "RELU"]
    assert [op.type for op in found.ops_b] == ["FUSED"]
    last = segment(THREE, TWO, pairs[2], pairs)
    assert last is not None
    assert {start.b for start in last.given} == {0, 1}


def test_a_start_that_only_one_side_reads_is_taken_away():
    wrong = side([Op(0, "FUSED", (0,), (1,)), Op(1, "OTHER", (0,), (2,)), Op(2, "SUM", (2, 0), (3,))])
    pairs = {0: pair(0, 0), 1: pair(2, 1), 3: pair(3, 3)}
    found = segment(THREE, wrong, pairs[3], pairs)
    assert found is not None
    assert [start.b for start in found.given] == [0]
    assert [op.type for op in found.ops_a] == ["CONV", "RELU", "ADD"]


def test_equal_cuts_are_equal():
    pairs = {0: pair(0, 0), 1: pair(2, 1)}
    assert segment(THREE, TWO, pairs[1], pairs) == segment(THREE, TWO, pairs[1], pairs)


def test_a_start_that_is_no_partner_is_left_out_where_that_makes_the_segment_smaller():
    one = side([Op(0, "CONV", (0,), (1,)), Op(1, "NORM", (1,), (2,)), Op(2, "DENSE", (2,), (3,))])
    two = side(
        [
            Op(0, "CONV", (0,), (1,)),
            Op(1, "MUL", (1,), (2,)),
            Op(2, "MEAN", (1,), (3,)),
            Op(3, "SUB", (2, 3), (4,)),
            Op(4, "DENSE", (4,), (5,)),
        ]
    )
    pairs = {0: pair(0, 0), 1: pair(1, 1), 2: pair(2, 2), 5: pair(3, 5)}  # the norm is not what is only scaled
    found = segment(one, two, pairs[5], pairs)
    assert found is not None
    assert [start.b for start in found.given] == [1]
    assert [op.type for op in found.ops_a] == ["NORM", "DENSE"]
    assert [op.type for op in found.ops_b] == ["MUL", "MEAN", "SUB", "DENSE"]
