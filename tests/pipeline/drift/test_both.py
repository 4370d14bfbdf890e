from __future__ import annotations

import numpy as np
from drift_models import dense, tensor
from gates.in_process import InProcess
from onnx_files import normed

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift
from pipeline.drift.both import quantized_anew

LIMITS = config.load().limits


def test_a_clipped_activation_stays_a_fault(tmp_path):
    found = drift(
        dense(tmp_path / "a.tflite").path, dense(tmp_path / "b.tflite", activation=3).path, "", InProcess(), LIMITS
    )
    assert found.outcome is Outcome.FAILED
    assert [suspect.cause for suspect in found.suspects] == ["RELU became RELU6"]


def test_a_rewrite_that_gives_the_same_passes(tmp_path):
    right, folded = tmp_path / "right.onnx", tmp_path / "folded.onnx"
    normed(right)
    normed(folded, fold=True)
    found = drift(right, folded, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def kernels(*scales):
    """Kernels of 8 bits with these scales."""
    return [
        tensor(n, data=np.ones((4, 3)), dtype="int8", scale=(np.resize(scale, 4), np.zeros(4)))
        for n, scale in enumerate(scales)
    ]


def test_files_whose_kernels_lie_on_other_grids_were_quantized_anew():
    right = kernels(0.1, 0.2, 0.3, 0.4)
    assert quantized_anew(right, kernels(0.11, 0.21, 0.31, 0.4))
    assert not quantized_anew(right, kernels(0.1, 0.2, 0.33, 0.44))  # two faults
    assert not quantized_anew(right, right)
    assert not quantized_anew([tensor(0, data=np.ones((4, 3)))], right)
