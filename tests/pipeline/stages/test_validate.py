from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_workers
from gates import mini
from gates.timings import simulated
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Format, Framework, Precision
from converters.errors import ToolkitCrash
from pipeline import config, evidence
from pipeline.stages.convert import convert_task
from pipeline.stages.data import data_task
from pipeline.stages.reference import reference_task
from pipeline.stages.train import capture_task
from pipeline.stages.validate import MEASURED_S, inspect_task, latency_task, measure_task

CONFIGS = config.load()
LIMITS = CONFIGS.limits
GATE = mini.gates().latency
RUNTIME = registry.runtime("onnxruntime")
INSPECTOR = registry.inspector(Format.ONNX)


@pytest.fixture
def tasks(tmp_path):
    """data, source, reference, fp32 and fp16 of a toy model."""
    toy_workers.request(tmp_path / "p")
    data = data_task(str(toy_workers.write_data(tmp_path / "toy.npz")))
    source = capture_task(f"{tmp_path / 'p' / 'net.py'}:build", Framework.TORCH, (), LIMITS, name="net")

    def convert(precision):
        recipe, edge = CONFIGS.recipes[precision], registry.edge("onnx_from_torch")
        return convert_task(
            source, edge, precision, recipe, LIMITS, identity=f"net_torch_onnx_{precision}", route="onnx"
        )

    made = {"reference": reference_task(source, data, LIMITS, golden_samples=64)}
    return made | {precision.value: convert(precision) for precision in (Precision.FP32, Precision.FP16)}


def measure(tasks, precision="fp32", runtime=RUNTIME, has_test=True):
    return measure_task(tasks[precision], tasks["reference"], runtime, LIMITS, has_test=has_test)


def time(tasks, precision="fp16", limits=LIMITS, seed=0):
    return latency_task(tasks[precision], tasks["fp32"], tasks["reference"], RUNTIME, limits, seed=seed)


def test_an_inspection_is_of_the_artifact_not_of_its_source(tasks, tmp_path):
    entry = toy_workers.result(inspect_task(tasks["fp16"], INSPECTOR, LIMITS), tmp_path / "ws")
    found = evidence.read_inspection(entry)
    assert {tensor.dtype for tensor in found.tensors if tensor.constant} == {"float16"}
    assert found.format is Format.ONNX


def test_a_measurement_is_what_the_artifact_itself_answers(tasks, tmp_path):
    entry = toy_workers.result(measure(tasks, "fp16"), tmp_path / "ws")
    measured = evidence.read_measured(entry)
    with np.load(tmp_path / "toy.npz") as arrays:
        pictures = arrays["x_test"][:, None].astype(np.float32)
    half = {name: values.astype(np.float16) for name, values in mini.parameters().items()}
    np.testing.assert_array_equal(measured.test["logits"], mini.run(half, pictures)["logits"])
    assert not np.array_equal(measured.test["logits"], mini.run(mini.parameters(), pictures)["logits"])
    assert len(measured.golden["logits"]) == 64
    assert measured.placement == [("CONV_2D", "CPUExecutionProvider")]


def test_a_slow_runtime_is_given_so_many_seconds_for_the_pack_and_the_test_split_is_whole(tasks, tmp_path):
    asked = {}

    class Workers(ToyWorkers):
        def _run_samples(self, runtime, artifact, samples, prefix="", budget_s=0.0):
            asked[samples.name] = budget_s
            return super()._run_samples(runtime, artifact, samples, prefix)

    toy_workers.result(measure(tasks), tmp_path / "ws", Workers())
    assert (asked[evidence.GOLDEN], asked[evidence.TEST]) == (MEASURED_S, 0.0)


def test_without_a_test_split_only_the_pack_is_run(tasks, tmp_path):
    workers = ToyWorkers()
    entry = toy_workers.result(measure(tasks, has_test=False), tmp_path / "ws", workers)
    assert evidence.read_measured(entry).test is None


def test_outputs_of_the_reference_are_never_fed_as_inputs(tasks, tmp_path):
    workers = ToyWorkers()
    toy_workers.result(measure(tasks), tmp_path / "ws", workers)
    assert workers.asked["run_samples"]["prefix"] == evidence.INPUT
    assert workers.asked["run_samples"]["runtime"] == "onnxruntime"


def test_a_crash_in_one_question_gives_no_half_measurement(tasks, tmp_path):
    crash = ToyWorkers(lambda name, arguments: ToolkitCrash("died") if name == "placement" else None)
    with pytest.raises(ToolkitCrash, match="died"):
        toy_workers.result(measure(tasks), tmp_path / "ws", crash)
    assert not list((tmp_path / "ws").rglob(evidence.GOLDEN_OUTPUTS))


def test_the_artifact_is_a_and_its_baseline_b_in_one_runtime(tasks, tmp_path):
    workers = ToyWorkers()
    entry = toy_workers.result(time(tasks), tmp_path / "ws", workers)
    for asked in (workers.asked["rehearse"], workers.asked["time_round"]):
        pairing = asked["pairing"]
        assert (pairing.artifact_a.path.name, pairing.artifact_b.path.name) == (
            "net_torch_onnx_fp16.onnx",
            "net_torch_onnx_fp32.onnx",
        )
        assert pairing.runtime_a == pairing.runtime_b == "onnxruntime"
        assert pairing.threads == 1
    timed = evidence.read_timings(entry)
    assert len(timed.a_s) == workers.calls.count("time_round") >= GATE.min_rounds
    np.testing.assert_array_equal(timed.a_s[:8], simulated(0).a_s[:8])


def test_only_timing_wants_the_machine_for_itself(tasks):
    assert time(tasks).exclusive
    assert not measure(tasks).exclusive
    assert not inspect_task(tasks["fp32"], INSPECTOR, LIMITS).exclusive


def test_a_longer_budget_times_again_and_measures_nothing_else(tasks):
    longer = dataclasses.replace(LIMITS, latency_budget_s=9.0)
    assert time(tasks, limits=longer).key != time(tasks).key
    assert time(tasks, seed=1).key != time(tasks).key
    assert measure_task(tasks["fp32"], tasks["reference"], RUNTIME, longer, has_test=True).key == measure(tasks).key


def test_every_runtime_and_artifact_is_measured_for_itself(tasks):
    other = dataclasses.replace(RUNTIME, name="onnxruntime-other")
    keys = [measure(tasks).key, measure(tasks, runtime=other).key, measure(tasks, "fp16").key]
    assert len(set(keys)) == 3
    names = [measure(tasks).name, measure(tasks, runtime=other).name, measure(tasks, "fp16").name, time(tasks).name]
    assert len(set(names)) == 4


def test_another_version_of_the_runtime_measures_again(tasks):
    newer = dataclasses.replace(RUNTIME, packages=("no-such-package",))
    assert measure(tasks, runtime=newer).ingredients["packages"] == "no-such-package missing"
    assert measure(tasks, runtime=newer).key != measure(tasks).key
