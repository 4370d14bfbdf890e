from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.known import Known

RNG = np.random.default_rng(0)
MOVING = RNG.normal(size=(3, 1, 4)).astype(np.float32)


def known():
    tensors = [tensor(n) for n in range(4)] + [tensor(4, dtype="int64")]
    ops = [Op(0, "EXP", (0,), (1,)), Op(1, "NEG", (1,), (2,)), Op(2, "ABS", (1,), (3,)), Op(3, "SHAPE", (1,), (4,))]
    values = {0: MOVING, 1: MOVING, 2: np.ones((3, 1, 4)), 3: MOVING, 4: np.ones((3, 4), np.int64)}
    return Known(graph(tensors, ops, (0,), (2,)), values)


def test_it_says_who_makes_reads_and_comes_before():
    found = known()
    assert found.maker[2].type == "NEG"
    assert [op.type for op in found.readers[1]] == ["NEG", "ABS", "SHAPE"]
    assert found.before[2] >> found.rank[0] & 1
    assert not found.before[2] >> found.rank[3] & 1


def test_what_no_sample_changes_is_steady_and_sizes_are_settled():
    found = known()
    assert found.steady == {2, 4}
    assert found.settled == {4}
    assert found.live == {0, 1, 2}


def test_a_zero_point_beside_a_scale_is_no_size():
    tensors = [tensor(n) for n in range(3)] + [tensor(3, dtype="uint8")]
    values = {0: MOVING, 1: MOVING, 2: MOVING, 3: np.zeros((3, 1), np.uint8)}
    found = Known(graph(tensors, [Op(0, "DynamicQuantizeLinear", (0,), (1, 2, 3))], (0,), (1,)), values)
    assert 3 in found.steady
    assert found.settled == frozenset()


def test_sums_that_are_the_same_in_all_samples_are_no_sizes():
    values = {0: MOVING, 1: np.zeros((3, 2), np.int32)}
    for kind, settled in (("ConvInteger", frozenset()), ("SHAPE", {1})):
        found = Known(graph([tensor(0), tensor(1, dtype="int32")], [Op(0, kind, (0,), (1,))], (0,), (1,)), values)
        assert (found.steady, found.settled) == ({1}, settled)


def test_what_was_not_recorded_is_stored_as_the_graph_says():
    assert (known().dtype(1), Known(known().graph, {}).dtype(4)) == (np.float32, np.int64)


def test_averages_and_what_is_made_of_them_alone_are_known():
    ops = [Op(0, "MEAN", (0,), (1,)), Op(1, "FULLY_CONNECTED", (1,), (2,)), Op(2, "MUL", (0, 1), (3,))]
    wide = RNG.normal(size=(3, 1, 32)).astype(np.float32)
    values = {0: wide, 1: wide[..., :2], 2: wide[..., :4], 3: wide}
    assert Known(graph([tensor(n) for n in range(4)], ops, (0,), (3,)), values).averaged == {1, 2}


def test_what_rounding_has_made_the_same_for_all_samples_is_computed_all_the_same():
    found = known()
    assert 2 in found.steady
    assert {0, 1, 2, 3} <= found.computed
    assert not Known(graph([tensor(0), tensor(1)], [Op(0, "FILL", (), (1,))], (0,), (1,)), {}).computed & {1}
