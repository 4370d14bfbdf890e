from __future__ import annotations

from drift_models import dense
from gates.in_process import InProcess
from onnx_files import normed

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

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
