"""The figures that need toolkits, measured for real with few repetitions: what they say must make sense."""

from __future__ import annotations

import pytest

from benchmarks import export, latency, parity
from benchmarks.workshop import Workshop
from converters.contract import Framework, Precision
from converters.errors import ContractError


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    made = Workshop(tmp_path_factory.mktemp("bench"), tmp_path_factory.mktemp("workspace"), trials=2)
    yield made
    made.close()


@pytest.mark.torch
def test_an_export_is_measured_beside_the_same_by_hand(workshop, monkeypatch):
    monkeypatch.setattr(export, "REPEATS", 1)
    monkeypatch.setattr(export, "EXPORTS", export.EXPORTS[1:])
    (figure,) = export.figures(workshop)
    assert 0.3 < figure.value < 3  # a single pair on a machine that may be busy
    assert figure.goal == 1.05


@pytest.mark.torch
def test_parity_is_measured_beside_bare_inference(workshop, monkeypatch):
    monkeypatch.setattr(parity, "REPEATS", 2)
    monkeypatch.setattr(parity, "CASES", parity.CASES[2:])
    (figure,) = parity.figures(workshop)
    assert 0.5 < figure.value < 3
    assert "2000 samples" in figure.detail


@pytest.mark.torch
def test_a_bare_loop_that_computes_something_else_is_refused(workshop, monkeypatch):
    artifact, samples = workshop.artifact(Framework.TORCH, "onnx", Precision.FP32)
    monkeypatch.setitem(parity.LOOPS, "onnxruntime", lambda path: lambda inputs: inputs[:, 0, 0, 0, :10])
    with pytest.raises(ContractError, match="did not do the same work"):
        parity.race("onnxruntime", artifact, samples, None, 1)


@pytest.mark.tensorflow
def test_a_file_is_timed_against_itself(workshop, monkeypatch):
    monkeypatch.setattr(latency, "BUDGET_S", 0.2)
    monkeypatch.setattr(latency, "AA_BUDGET_S", 0.2)
    monkeypatch.setattr(latency, "MODELS", latency.MODELS[:1])
    wrong, missed, longest = latency.figures(workshop)
    assert wrong.value in (0.0, 50.0, 100.0)
    assert missed.value in (0.0, 100.0)
    assert [figure.goal for figure in (wrong, missed, longest)] == [5.0, 10.0, 20.0]
    assert wrong.detail.startswith("2 trials: ")
    assert longest.value > 0
