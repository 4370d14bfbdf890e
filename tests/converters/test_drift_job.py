from __future__ import annotations

import numpy as np
import pytest
from drift_models import KERNEL, dense

from converters import drift_job
from converters.contract import Format
from converters.errors import ModelError, UnsupportedError


def test_a_format_without_a_reader_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="graphs of torchscript files are not read; of tflite, onnx they are"):
        drift_job.graph(tmp_path / "model.pt", Format.TORCHSCRIPT)


def test_a_damaged_file_is_a_model_error(tmp_path):
    (tmp_path / "m.tflite").write_bytes(b"\0\0\0\0TFL3")
    with pytest.raises(ModelError):
        drift_job.graph(tmp_path / "m.tflite", Format.TFLITE)


def test_values_inside_are_those_of_each_sample(tmp_path):
    made = dense(tmp_path / "m.tflite")
    rng = np.random.default_rng(1)
    stacks = {name: rng.normal(size=(3, 1, 6)).astype(np.float32) for name in "ab"}
    np.savez(tmp_path / "inputs.npz", **{f"input/{name}": values for name, values in stacks.items()})
    found = drift_job.trace(made, tmp_path / "inputs.npz", "input/", (2, 5))
    np.testing.assert_allclose(found[2], stacks["a"] - stacks["b"], rtol=1e-6)
    assert found[5].shape == (3, 1, 4)
    alone = drift_job.run_alone(made.path, made.format, 1, [[value] for value in found[2]])
    np.testing.assert_allclose(alone[0], found[5], rtol=1e-5)
    want = np.maximum(found[2] @ KERNEL.T + [0.1, 0.2, 0.3, -0.4], 0)
    np.testing.assert_allclose(alone[0], want, rtol=1e-4, atol=1e-5)
