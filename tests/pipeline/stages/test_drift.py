from __future__ import annotations

import numpy as np
import pytest
import toy_workers
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Format, Precision
from converters.errors import UnsupportedError
from converters.graph import Tensor
from pipeline import config, evidence
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.outcome import Outcome
from pipeline.stages.drift import drift_task

LIMITS = config.load().limits
SUSPECT = Suspect(
    "attribute",
    Side(1, "Conv", ("y",), {"strides": np.array([1, 1]), "scale": np.float32(0.5)}),
    Side(3, "CONV_2D", parameters={"strides": [2, 2], "axis": Tensor, "gap": float("inf")}),
    "",
    "the stride is 2, not 1",
    float("inf"),
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drift")
    return toy_workers.finish(toy_workers.request(folder / "p", "fp32", "fp16"), folder / "ws")


def task(done, look, precision="fp16"):
    """A comparison of a file with the source model."""
    cell = next(cell for cell in done.plan.cells if cell.route.precision == precision)
    source, reference = (next(iter(tasks.values())) for tasks in (done.plan.sources, done.plan.references))
    sides = ((Format.TORCH, Precision.FP32), (Format.ONNX, cell.route.precision))
    return drift_task(cell.artifact, source, reference, sides, look, LIMITS)


def test_both_sides_are_looked_at_on_the_golden_inputs_and_called_by_their_names(done, tmp_path):
    seen = {}

    def look(origin, artifact, inputs, pool, limits):
        seen.update(origin=origin, artifact=artifact, inputs=inputs, limits=limits, pool=pool)
        return Drift(str(origin.path), str(artifact.path), Outcome.PASSED, (), {"ops": 1, "ops_aligned": 1.0})

    workers = ToyWorkers()
    found = evidence.read_drift(toy_workers.result(task(done, look), tmp_path, workers))
    assert (found.a, found.b) == ("net in torch", "net_torch_onnx_fp16.onnx")
    assert (seen["origin"].format, seen["artifact"].format) == (Format.TORCH, Format.ONNX)
    assert list(seen["inputs"]) == ["image"]
    assert seen["pool"].call("onnx", "converters.drift_job:graph", 9.0, artifact=seen["artifact"]).ops
    assert workers.calls[-1] == "graph"


def test_a_suspect_comes_back_whole_whatever_its_parameters_are_made_of(done, tmp_path):
    def look(origin, artifact, inputs, pool, limits):
        return Drift("", "", Outcome.FAILED, (SUSPECT,), {"ops": 1, "ops_aligned": None})

    (suspect,) = evidence.read_drift(toy_workers.result(task(done, look, "fp32"), tmp_path)).suspects
    assert suspect.a.parameters == {"strides": [1, 1], "scale": 0.5}
    assert suspect.b.parameters["strides"] == [2, 2]
    assert "Tensor" in suspect.b.parameters["axis"]
    assert suspect.order == float("inf")
    assert suspect.cause == SUSPECT.cause


def test_the_same_file_inputs_and_code_are_compared_once(done):
    look = lambda *_: None  # noqa: E731
    assert task(done, look).key == task(done, print).key
    assert task(done, look).key != task(done, look, "fp32").key


def test_a_format_that_nobody_looks_into_is_said_before_anything_runs(done, monkeypatch):
    others = tuple(spec for spec in registry.tracers() if spec.format is not Format.TORCH)
    monkeypatch.setattr(registry, "tracers", lambda: others)
    with pytest.raises(UnsupportedError, match="nobody looks inside torch models"):
        task(done, print)


def test_a_run_has_the_comparison_in_every_cell(done):
    for cell in done.cells:
        (check,) = [check for check in cell.checks if check.name == "drift"]
        assert check.outcome is Outcome.PASSED, check.reasons
    against = {cell.precision: cell.metrics["drift.against"] for cell in done.cells}
    assert against == {"fp32": "net in torch", "fp16": "net_torch_onnx_fp32.onnx"}
