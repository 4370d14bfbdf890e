from __future__ import annotations

from drift_models import dense
from gates.in_process import InProcess

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift.alike import alike
from pipeline.drift.work import Work


def test_a_fused_activation_that_changed_is_told_by_the_graphs(tmp_path):
    a, b = dense(tmp_path / "a.tflite"), dense(tmp_path / "b.tflite", activation=3)
    work = Work(a, b, None, InProcess(), config.load().limits)
    found = alike(work.ask(a, "graph"), work.ask(b, "graph"), work)
    assert found.outcome is Outcome.FAILED
    assert [suspect.cause for suspect in found.suspects] == ["RELU became RELU6"]
