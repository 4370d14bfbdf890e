from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.segments import STRESS, computed, regridded, same_work, stressed

FLOAT, EIGHT = tensor(0), tensor(1, dtype="int8", scale=(0.5, 1))


def test_computed_inputs_are_those_without_constants_each_once():
    op = Op(0, "ADD_N", (0, 2, 0, 1, -1), (1,))
    made = graph([FLOAT, EIGHT, tensor(2, data=[1.0])], [op], (0,), (1,))
    assert [t.index for t in computed(made, op)] == [0, 1]


def test_made_up_samples_reach_further_than_recorded_ones():
    recorded = [np.ones((2, 1, 40), np.float32), np.zeros((2, 1, 40), np.int8), np.ones((2, 3), np.int32)]
    samples = stressed(recorded, [FLOAT, EIGHT, tensor(2, dtype="int32")])
    assert len(samples) == 2 + STRESS
    assert max(np.abs(sample[0]).max() for sample in samples) > 20
    assert np.ptp(samples[-1][1].astype(int)) > 200
    np.testing.assert_array_equal(samples[-1][2], [1, 1, 1])


def test_values_are_stored_as_the_other_file_stores_them():
    other = tensor(1, dtype="int8", scale=(0.25, 0))
    ((moved,),) = regridded([[np.array([3, 1], np.int8)]], [EIGHT], [other])
    assert moved.tolist() == [4, 0]


def test_each_output_is_judged():
    values = np.ones((2, 4), np.float32) * np.arange(4, dtype=np.float32)
    results = same_work([values, values], [values, values + 1], [FLOAT, FLOAT], [FLOAT, FLOAT])
    assert [result.agrees for result in results] == [True, False]
