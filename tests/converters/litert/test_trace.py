from __future__ import annotations

import numpy as np
import pytest
from drift_models import dense
from flat_models import affine, running_sum

from converters.errors import UnsupportedError
from converters.litert.trace import run_alone, trace


def test_values_of_any_tensor_by_index(tmp_path):
    made = affine(tmp_path / "m.tflite")
    samples = [{"x": np.full((1, 2, 3), n, np.float32)} for n in range(3)]
    found = trace(made.path, samples, [3, 4])
    assert [found[index][:, 0, 0, 0].tolist() for index in (3, 4)] == [[0, 2, 4], [1, 3, 5]]


def test_one_operator_alone_takes_its_computed_inputs_only(tmp_path):
    made = dense(tmp_path / "m.tflite")
    one, two = np.ones((1, 6), np.float32), np.full((1, 6), 0.25, np.float32)
    (found,) = run_alone(made.path, 0, [[one, two], [two, one]])
    assert found[:, 0, 0].tolist() == [0.75, -0.75]


def test_a_call_of_another_graph_cannot_stand_alone(tmp_path):
    with pytest.raises(UnsupportedError, match="operator 0 calls another graph"):
        run_alone(running_sum(tmp_path / "m.tflite").path, 0, [])
