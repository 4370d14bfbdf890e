from __future__ import annotations

import numpy as np
import pytest
from drift_models import tensor

from converters.graph import Op
from pipeline.checks.drift import stress

RECORDED = np.random.default_rng(0).uniform(0, 2, size=(6, 1, 30)).astype(np.float32)


def test_recorded_rows_come_first_then_made_up_ones_of_many_sizes():
    found = stress.rows([RECORDED], 0, 10)
    (values,) = found.starts
    assert (found.recorded, found.made_up, len(values)) == (5, 5, 10)
    assert np.array_equal(values[:5], RECORDED[:5])
    assert np.abs(values).max() > 30
    assert values[5:].min() < 0


def test_nudged_rows_are_moved_by_their_rounding_and_integers_not():
    found = stress.rows([RECORDED, np.arange(60).reshape(6, 10)], 0, 4)
    first, second = stress.nudged(found, 1)
    assert len(first) == found.count * (1 + stress.NUDGES)
    gap = np.abs(first[found.count : 2 * found.count] / found.starts[0] - 1)
    assert 0 < np.nanmax(gap) < 1e-6
    assert np.array_equal(second[: found.count], second[found.count : 2 * found.count])


def test_values_are_moved_to_what_a_tensor_stores():
    eight = tensor(0, dtype="int8", scale=(0.5, 3))
    assert stress.stored(np.array([0.3, 1e3]), eight, np.dtype(np.int8)).tolist() == [4, 127]
    assert stress.stored(np.array([np.nan, np.inf]), eight, np.dtype(np.int8)).tolist() == [3, 127]
    assert stress.settled(np.array([0.3, 1e3]), eight, np.dtype(np.int8)).tolist() == [0.5, 62.0]
    assert stress.settled(np.float32([0.1]), tensor(0), np.dtype(np.float16)).tolist() == [float(np.float16(0.1))]


def test_floats_go_beyond_what_examples_told_where_no_type_ends_soon():
    values = np.array([-100.0, 0.5, 100.0], np.float32)
    assert stress.legal(values, (0.0, 1.0), plain=True).tolist() == [-8.0, 0.5, 9.0]
    assert stress.legal(values, (0.0, 1.0), plain=False).tolist() == [0.0, 0.5, 1.0]
    assert stress.legal(np.array([-1, 300]), (0, 255), plain=True).tolist() == [0, 255]


def test_whole_numbers_within_limits_stay_whole_so_that_no_rounding_makes_another_row_of_a_table():
    ids = np.arange(-2, 8, dtype=np.int64)
    found = stress.legal(ids, (0.0, 4.0), True)
    assert found.dtype == np.int64
    assert found.tolist() == [0, 0, 0, 1, 2, 3, 4, 4, 4, 4]


def test_made_up_logarithms_end_where_exponentials_do_and_recorded_ones_stay():
    values = np.array([[-300.0, 300.0], [-300.0, 300.0]], np.float32)
    recorded, made_up = stress.within_logarithms(values, 1)
    assert recorded.tolist() == [-300.0, 300.0]
    assert np.abs(made_up).max() < np.log(np.finfo(np.float32).max)
    assert stress.within_logarithms(np.array([[999]]), 0).tolist() == [[999]]


@pytest.mark.parametrize(("kind", "hidden"), [("float32", -np.inf), ("float32", -3.4e38), ("float16", -65504.0)])
def test_what_a_mask_hides_makes_no_value_that_a_type_has_not(kind, hidden):
    recorded = np.where(RECORDED > 1, hidden, RECORDED).astype(kind)
    found = stress.rows([recorded], 0, 16)
    (values,) = stress.nudged(found, 1)  # numpy warns of what lies beyond, and warnings are errors here
    assert values.dtype == kind
    assert np.isfinite(values[found.recorded : found.count]).mean() > 0.9
    assert np.array_equal(np.isfinite(values[: found.recorded]), np.isfinite(recorded[: found.recorded]))


@pytest.mark.parametrize(
    ("kind", "is_one"), [("Log", True), ("aten.log_softmax", True), ("LOG_SOFTMAX", True), ("Logit", False)]
)
def test_logarithms_are_known_in_every_format(kind, is_one):
    assert stress.is_logarithm(Op(0, kind, (0,), (1,), {})) is is_one
