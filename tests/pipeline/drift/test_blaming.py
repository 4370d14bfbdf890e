from __future__ import annotations

import numpy as np
import pytest
from drift_models import KERNEL, dense
from gates.in_process import InProcess
from onnx_files import dense_in_onnx

from pipeline import config
from pipeline.drift import drift

LIMITS = config.load().limits


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"kernel": np.roll(KERNEL, 1, 0)}, "kernel: output channels are shifted by one"),
        ({"bias": [0.2, 0.3, -0.4, 0.1]}, "bias: values are shifted by one channel"),
        ({"activation": 0}, "Relu is skipped"),
    ],
)
def test_the_operator_and_the_cause_are_told_across_formats(tmp_path, changes, cause):
    right = tmp_path / "right.onnx"
    dense_in_onnx(right)
    found = drift(right, dense(tmp_path / "wrong.tflite", **changes).path, "", InProcess(), LIMITS)
    assert [suspect.b.op_index for suspect in found.suspects] == [1]
    assert cause in found.suspects[0].cause
