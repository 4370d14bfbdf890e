from __future__ import annotations

from drift_models import KERNEL, dense
from gates.in_process import InProcess
from onnx_files import dense_in_onnx

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


def test_the_same_network_in_two_formats_passes_and_other_weights_fail(tmp_path):
    right = tmp_path / "right.onnx"
    dense_in_onnx(right)
    assert drift(right, dense(tmp_path / "same.tflite").path, "", InProcess(), LIMITS).outcome is Outcome.PASSED
    found = drift(right, dense(tmp_path / "wrong.tflite", kernel=-KERNEL).path, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
