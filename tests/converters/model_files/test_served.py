from pathlib import Path

import numpy as np
import pytest
import saved_models

from converters.model_files import saved_model

pytestmark = pytest.mark.tensorflow


def test_tensors_are_bound_by_name(tmp_path: Path) -> None:
    served = saved_model.load(saved_models.saved_model(tmp_path))
    given = {
        "zeta": np.eye(1, 3, dtype=np.float32),
        "alpha": np.array([[1, 2, 3]], np.int32),
        "mask": np.array([False]),
    }
    outputs = served(given)
    np.testing.assert_array_equal(outputs["a"], np.full((1, 4), 6.0))
    np.testing.assert_allclose(outputs["z"], served.variables[0].value.numpy()[:1])
    assert not served.stateful


def test_state_is_kept_and_put_back(tmp_path: Path) -> None:
    served = saved_model.load(saved_models.saved_model(tmp_path, "counter"))
    assert served.stateful
    one = {"x": np.ones((1, 3), np.float32)}
    assert [float(served(one)["sum"][0, 0]) for _ in range(2)] == [2.0, 4.0]
    served.reset()
    assert float(served(one)["sum"][0, 0]) == 2.0
