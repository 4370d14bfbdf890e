from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import toy_workers
from toy_workers import ToyWorkers

from converters.contract import Precision
from converters.errors import (
    ToolkitCrash,
    ToolkitError,
    ToolkitTimeout,
    UnavailableError,
    UnsupportedError,
)
from converters.samples import every
from pipeline.checks.outcome import Outcome
from pipeline.checks.verdict import CHECKS
from pipeline.stages.judge import Subject, judge_task, read_cell
from pipeline.store import Store
from pipeline.task import Context

SUBJECT = Subject("net", "torch", "onnx", Precision.FP32, "onnxruntime", "onnx", "net_torch_onnx_fp32.onnx")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    request = dataclasses.replace(
        toy_workers.request(folder / "p", "fp32", "fp16"), data=str(toy_workers.write_data(folder / "toy.npz"))
    )
    return toy_workers.finish(request, folder / "ws")


def steps(done, precision="fp32"):
    cell = next(cell for cell in done.plan.cells if cell.route.precision == precision)
    return {
        "source": next(iter(done.plan.sources.values())),
        "reference": next(iter(done.plan.references.values())),
        "artifact": cell.artifact,
        "inspection": cell.inspection,
        "measurement": cell.measurement,
        "timing": cell.timing,
        "baseline": cell.baseline,
        "drift": cell.drift,
    }


def judged(done, tmp_path, errors=(), gates=None, subject=SUBJECT, precision="fp32"):
    """The cell as it is read back, where the steps in `errors` have failed."""
    errors = dict(errors)
    have = {name: task for name, task in steps(done, precision).items() if name not in errors}
    task = judge_task(subject, gates or done.gates, have, errors)

    def fill(folder):
        needs = {name: done.results[need.name].entry for name, need in task.needs.items()}
        task.work(Context(folder, needs, None, None, None, None))
        return 0.0

    return read_cell(Store(tmp_path).add(task.key, task.all_ingredients, fill))


def outcomes(cell):
    return {check.name: check.outcome for check in cell.checks}


def test_a_sound_cell_answers_every_question_and_keeps_its_numbers(done, tmp_path):
    cell = judged(done, tmp_path)
    assert cell.outcome is Outcome.PASSED, cell.reasons
    assert tuple(outcomes(cell)) == CHECKS
    assert cell.id == "net_torch_onnx_fp32@onnxruntime"
    assert cell.artifact == SUBJECT.file
    assert cell.metrics["accuracy.drop_points"] == 0.0
    assert cell.metrics["parity.snr_db"] > 100 or math.isinf(cell.metrics["parity.snr_db"])
    assert cell.metrics["size.ratio_to_fp32"] == 1.0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ToolkitCrash("died of SIGSEGV"), Outcome.CRASHED),
        (ToolkitTimeout("too slow"), Outcome.TIMED_OUT),
        (ToolkitError("a bug"), Outcome.FAILED),
        (UnsupportedError("no such operator"), Outcome.UNSUPPORTED),
        (UnavailableError("pip install x"), Outcome.NOT_RUN),
    ],
)
def test_a_failed_measurement_fails_what_it_would_have_shown_and_nothing_else(done, tmp_path, error, outcome):
    cell = judged(done, tmp_path, {"measurement": error})
    found = outcomes(cell)
    assert [name for name, value in found.items() if value is outcome] == ["parity"]
    assert found["accuracy"] is found["placement"] is Outcome.BLOCKED
    assert found["precision"] is found["size"] is found["coverage"] is Outcome.PASSED
    assert cell.outcome is outcome
    assert cell.reasons == (f"parity: {error}",)


@pytest.mark.parametrize(("step", "check"), [("inspection", "precision"), ("timing", "latency")])
def test_every_other_step_fails_its_own_check(done, tmp_path, step, check):
    found = outcomes(judged(done, tmp_path, {step: ToolkitCrash("died")}))
    assert [name for name, value in found.items() if value is Outcome.CRASHED] == [check]


def test_told_but_not_judged_latency_does_not_colour_the_cell(done, tmp_path):
    assert judged(done, tmp_path, {"timing": ToolkitCrash("died")}).outcome is Outcome.PASSED
    gates = dataclasses.replace(done.gates, latency=dataclasses.replace(done.gates.latency, max_ratio=2.0))
    assert judged(done, tmp_path, {"timing": ToolkitCrash("died")}, gates).outcome is Outcome.CRASHED


@pytest.mark.parametrize(("step", "name"), [("reference", "reference"), ("artifact", "convert")])
def test_without_reference_or_artifact_the_step_is_the_verdict_and_the_rest_blocked(done, tmp_path, step, name):
    cell = judged(done, tmp_path, {step: UnsupportedError("cannot"), "measurement": UnsupportedError("cannot")})
    found = outcomes(cell)
    assert found.pop(name) is Outcome.UNSUPPORTED
    assert set(found.values()) == {Outcome.BLOCKED}
    assert cell.outcome is Outcome.UNSUPPORTED
    assert cell.artifact == ("" if step == "artifact" else SUBJECT.file)


def test_a_measurement_that_is_neither_there_nor_failed_is_a_fault_of_ours_not_a_pass(done, tmp_path):
    have = {name: task for name, task in steps(done).items() if name != "measurement"}
    task = judge_task(SUBJECT, done.gates, have, {})

    def fill(folder):
        needs = {name: done.results[need.name].entry for name, need in have.items()}
        task.work(Context(folder, needs, None, None, None, None))
        return 0.0

    cell = read_cell(Store(tmp_path).add(task.key, {}, fill))
    assert outcomes(cell)["parity"] is Outcome.FAILED
    assert outcomes(cell)["accuracy"] is Outcome.BLOCKED


def test_a_half_precision_file_that_claims_fp32_fails(done, tmp_path):
    found = outcomes(judged(done, tmp_path, precision="fp16"))
    assert found["precision"] is Outcome.FAILED
    assert found["parity"] is Outcome.FAILED
    subject = dataclasses.replace(SUBJECT, precision=Precision.FP16)
    assert judged(done, tmp_path, subject=subject, precision="fp16").outcome is Outcome.PASSED


def test_a_missing_baseline_leaves_the_ratio_out_and_passes_nothing_that_was_not_asked(done, tmp_path):
    subject = dataclasses.replace(SUBJECT, precision=Precision.FP16)
    cell = judged(done, tmp_path, {"baseline": ToolkitError("x")}, subject=subject, precision="fp16")
    assert "size.ratio_to_fp32" not in cell.metrics
    assert outcomes(cell)["size"] is Outcome.PASSED


def key(done, gates=None, errors=(), subject=SUBJECT):
    have = {name: task for name, task in steps(done).items() if name not in dict(errors)}
    return judge_task(subject, gates or done.gates, have, dict(errors)).key


def test_a_changed_gate_another_failure_and_another_cell_are_judged_anew(done):
    latency = dataclasses.replace(done.gates.latency, max_ratio=2.0)
    keys = [
        key(done),
        key(done, gates=dataclasses.replace(done.gates, latency=latency)),
        key(done, errors={"timing": ToolkitCrash("died")}),
        key(done, errors={"timing": ToolkitTimeout("died")}),
        key(done, errors={"timing": ToolkitCrash("died again")}),
        key(done, subject=dataclasses.replace(SUBJECT, runtime="other")),
    ]
    assert len(set(keys)) == len(keys)
    assert key(done) == key(done)


def test_not_a_number_survives_the_way_through_the_store(tmp_path_factory, tmp_path):
    class Broken(ToyWorkers):
        def _run_samples(self, runtime, **arguments):
            outputs = super()._run_samples(runtime, **arguments)
            return {n: v if "eager" in runtime else np.full_like(v, np.nan) for n, v in outputs.items()}

    folder = tmp_path_factory.mktemp("nan")
    made = toy_workers.finish(toy_workers.request(folder / "p"), folder / "ws", Broken())
    (cell,) = made.cells
    assert outcomes(cell)["parity"] is Outcome.FAILED
    assert any("NaN" in reason for reason in cell.reasons)


def test_a_slow_runtime_is_judged_on_the_samples_it_ran_beside_the_same_of_its_home(tmp_path_factory):
    class Slow(ToyWorkers):
        def _run_samples(self, runtime, artifact, samples, prefix="", fresh=False, budget_s=0.0):
            outputs = super()._run_samples(runtime, artifact, samples, prefix)
            few = "reference" in runtime and budget_s
            return {name: values[every(len(values), 40, 32)] if few else values for name, values in outputs.items()}

    folder = tmp_path_factory.mktemp("slow")
    request = toy_workers.request(folder / "p", targets=("tflite",))
    made = toy_workers.finish(request, folder / "ws", Slow())
    quick, slow = (next(c for c in made.cells if c.runtime == f"litert-{kind}") for kind in ("xnnpack", "reference"))
    assert outcomes(slow)["parity"] is outcomes(slow)["kernels"] is Outcome.PASSED
    assert (quick.metrics["parity.samples"], slow.metrics["parity.samples"]) == (256, 32)
    parity = next(check for check in slow.checks if check.name == "parity")
    assert "calls take so long here that 32 of the 256 golden samples were run" in parity.reasons
    assert not any("take so long" in reason for check in quick.checks for reason in check.reasons)
