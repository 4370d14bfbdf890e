from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.run_time import RunTimeGrid, grid_at, groups, rounds, rounds_inside

OPS = [Op(0, "DynamicQuantizeLinear", (0,), (1, 2, 3)), Op(1, "Relu", (0,), (4,))]


def test_settled_values_have_256_steps_a_row_and_settle_where_they_are():
    values = np.random.default_rng(0).normal(size=(3, 40, 50)).astype(np.float32) * [[[1]], [[100]], [[1e-3]]]
    found = RunTimeGrid().settled(values)
    for row, plain in zip(found, values, strict=True):
        assert len(np.unique(row)) <= 256
        assert np.abs(row - plain).max() <= 0.51 * np.ptp(plain) / 255
    again = RunTimeGrid().settled(found)
    np.testing.assert_allclose(again, found, rtol=1e-6, atol=0)


def test_a_range_of_equal_ends_keeps_both_of_them():
    values = np.random.default_rng(0).uniform(-1, 1, (1, 400)).astype(np.float32)
    values[0, :2] = -1, 1  # 127.5 steps each
    found = RunTimeGrid().settled(values)
    assert round(float(np.ptp(found)) / (2 / 255)) == 255
    np.testing.assert_allclose(RunTimeGrid().settled(found), found, rtol=1e-6, atol=0)


def test_nothing_but_zero_stays_zero():
    assert not RunTimeGrid().settled(np.zeros((2, 5), np.float32)).any()


def test_a_tensor_has_a_grid_where_a_reader_rounds_it():
    known = Known(graph([tensor(n) for n in range(5)], OPS, (0,), (4,)), {})
    assert grid_at(known, 0) is not None
    assert grid_at(known, 4) is None


def test_rounding_inside_is_of_what_is_not_given():
    assert [op.index for op in rounds(OPS)] == [0]
    assert rounds_inside(OPS, {4})
    assert not rounds_inside(OPS, {0})


def test_an_integer_operator_is_one_with_what_makes_its_sums_real():
    ops = [
        Op(0, "DynamicQuantizeLinear", (0,), (1, 2, 3)),
        Op(1, "Mul", (2, 4), (5,)),
        Op(2, "MatMulInteger", (1, 6, 3), (7,)),
        Op(3, "Cast", (7,), (8,)),
        Op(4, "Mul", (8, 5), (9,)),
        Op(5, "Add", (9, 10), (11,)),
    ]
    known = Known(graph([tensor(n) for n in range(12)], ops, (0,), (11,)), {})
    (found,) = groups(known, ops)
    assert (found.main.type, set(found.inside), found.end) == ("MatMulInteger", {1, 2, 3}, 4)
    assert not list(groups(known, [ops[5]]))
