from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import onnx
import pytest
import toy_workers
from drift_models import dense
from flat_models import affine
from gates import mini
from gates.in_process import InProcess
from onnx_files import dense_in_onnx
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Signature
from converters.errors import ContractError, ModelError, ToolkitCrash, UsageError
from pipeline import config
from pipeline.compare import compare

LIMITS = config.load().limits
GATES = mini.gates()


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(registry, "missing", lambda packages: ())


@pytest.fixture
def files(tmp_path):
    """A right file, and a function that writes one of other weights."""

    def write(name, weights):
        toy_workers.store(tmp_path / name, weights)
        return tmp_path / name

    return write("right.pt", mini.parameters()), write


def outcomes(found):
    return {check.name: check.outcome.value for check in found.checks}


def test_a_copy_passes_on_made_up_inputs(files, tmp_path):
    right, _ = files
    shutil.copy(right, tmp_path / "copy.pt")
    found = compare(right, tmp_path / "copy.pt", "random", GATES, ToyWorkers(), LIMITS, inside=False)
    assert outcomes(found) == {"precision": "PASSED", "parity": "PASSED"}
    assert found.drift is None
    assert (found.samples, found.runtime_a, found.runtime_b) == (64, "torchscript", "torchscript")


def test_inputs_are_made_up_where_no_bundle_is_beside_a_file(files):
    right, write = files
    found = compare(right, write("copy.pt", mini.parameters()), "", GATES, ToyWorkers(), LIMITS)
    assert (found.inputs, outcomes(found)["parity"]) == ("random", "PASSED")


def test_a_lost_bias_fails_the_second_file(files):
    right, write = files
    lost = {**mini.parameters(), "head_bias": np.zeros(5, np.float32)}
    found = compare(right, write("lost.pt", lost), "random", GATES, ToyWorkers(), LIMITS)
    assert outcomes(found)["parity"] == "FAILED"
    assert "logits" in " ".join(found.checks[1].reasons)


def test_the_less_precise_of_the_two_chooses_the_gate_whichever_side_it_is_on(files):
    right, write = files
    half = write("half.pt", {name: v.astype(np.float16) for name, v in mini.parameters().items()})
    for pair in ((right, half), (half, right)):
        assert outcomes(compare(*pair, "random", GATES, ToyWorkers(), LIMITS))["parity"] == "PASSED"


def test_weights_rounded_in_secret_fail_as_float32(files):
    right, write = files
    found = compare(right, write("r.pt", mini.rounded(mini.parameters(), 16)), "random", GATES, ToyWorkers(), LIMITS)
    assert outcomes(found)["parity"] == "FAILED"


def test_a_guessed_precision_is_told_but_does_not_fail_a_file_that_claims_nothing(files):
    right, _ = files
    precision, parity, *_ = compare(right, right, "random", GATES, ToyWorkers(), LIMITS).checks
    assert not precision.required
    assert parity.required


def test_what_crashes_is_an_error_of_the_command(files):
    right, _ = files
    broken = ToyWorkers(lambda name, arguments: ToolkitCrash("died") if name == "run_samples" else None)
    with pytest.raises(ToolkitCrash, match="died"):
        compare(right, right, "random", GATES, broken, LIMITS)


@pytest.mark.parametrize("kind", [ModelError, ContractError])
def test_a_second_file_that_its_runtime_does_not_load_or_that_breaks_its_word_is_failed(tmp_path, kind):
    right, other = dense(tmp_path / "right.tflite").path, dense(tmp_path / "other.tflite").path

    class Refusing(InProcess):
        def call(self, worker, target, timeout_s, **arguments):
            if target.endswith(":run_samples") and arguments["artifact"].path == other:
                raise kind("this runtime does not load it")
            return super().call(worker, target, timeout_s, **arguments)

    (check,) = compare(right, other, "random", GATES, Refusing(), LIMITS, inside=False).checks[1:]
    assert (check.name, check.outcome.value) == ("parity", "FAILED")
    assert check.reasons == ("other.tflite does not run where right.tflite does: this runtime does not load it",)


def test_a_file_without_a_bundle_has_no_golden_inputs(files):
    right, _ = files
    with pytest.raises(UsageError, match="neither file lies in a bundle"):
        compare(right, right, "golden", GATES, ToyWorkers(), LIMITS)


def test_a_file_that_keeps_state_is_said_to(files):
    class Remembering(ToyWorkers):
        def _inspect(self, path, format):
            return dataclasses.replace(super()._inspect(path, format), stateful=True)

    right, _ = files
    assert compare(right, right, "random", GATES, Remembering(), LIMITS).stateful
    assert not compare(right, right, "random", GATES, ToyWorkers(), LIMITS).stateful


def test_a_file_that_takes_more_or_fewer_inputs_is_refused_before_anything_runs(files):
    class Silent(ToyWorkers):
        def _inspect(self, path, format):
            found = super()._inspect(path, format)
            return replaced(found) if path.name == "silent.pt" else found

    def replaced(found):
        return dataclasses.replace(found, signature=Signature((), ()), metadata={"inputs": "x, h, rate"})

    right, write = files
    workers = Silent()
    told = r"silent.pt is called with 3 inputs \(x, h, rate\), right.pt with 1 \(image\): .*--input rate=VALUE"
    for pair in ((right, write("silent.pt", mini.parameters())), (write("silent.pt", mini.parameters()), right)):
        with pytest.raises(ModelError, match=told):
            compare(*pair, "random", GATES, workers, LIMITS)
    assert not [call for call in workers.calls if "run" in str(call)]


def test_a_second_file_that_is_damaged_or_takes_something_else_is_failed_and_a_first_one_refused(tmp_path):
    right, damaged = dense(tmp_path / "right.tflite").path, tmp_path / "damaged.onnx"
    dense_in_onnx(damaged)
    model = onnx.load(damaged)
    model.graph.node[0].input[0] = "nothing"
    damaged.write_bytes(model.SerializeToString())
    found = compare(right, damaged, "random", GATES, InProcess(), LIMITS)
    assert (outcomes(found), found.runtime_b) == ({"file": "FAILED"}, "not run")
    assert found.drift is not None
    with pytest.raises(ModelError, match="damaged.onnx"):
        compare(damaged, right, "random", GATES, InProcess(), LIMITS)
    other = affine(tmp_path / "other.tflite").path
    assert outcomes(compare(right, other, "random", GATES, InProcess(), LIMITS)) == {"file": "FAILED"}
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(ModelError, match="text.tflite"):
        compare(right, tmp_path / "text.tflite", "random", GATES, InProcess(), LIMITS)


@pytest.fixture
def small(tmp_path):
    """Inputs on which no activation is driven to its limit."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.uniform(-0.1, 0.1, (32, 1, 6)).astype(np.float32) for name in "ab"}
    np.savez(tmp_path / "small.npz", allow_pickle=False, **arrays)
    return str(tmp_path / "small.npz")


def test_what_the_outputs_of_these_inputs_hide_is_found_by_the_layers(tmp_path, small):
    right, other = dense(tmp_path / "right.tflite").path, dense(tmp_path / "other.tflite", activation=3).path
    found = compare(right, other, small, GATES, InProcess(), LIMITS)
    assert outcomes(found) == {"precision": "PASSED", "parity": "PASSED", "drift": "FAILED"}
    (reason,) = found.checks[-1].reasons
    assert reason.startswith("FULLY_CONNECTED 1 (y): RELU became RELU6")
    assert found.drift.suspects[0].b.op_index == 1
    assert outcomes(compare(right, right, small, GATES, InProcess(), LIMITS))["drift"] == "PASSED"
    assert "drift" not in outcomes(compare(right, other, small, GATES, InProcess(), LIMITS, inside=False))


def test_what_nobody_looks_into_is_said_and_colours_nothing(tmp_path, small, monkeypatch):
    right = dense(tmp_path / "right.tflite").path
    monkeypatch.setattr(registry, "tracers", lambda: ())
    check = compare(right, right, small, GATES, InProcess(), LIMITS).checks[-1]
    assert (check.name, check.outcome.value, check.required) == ("drift", "UNSUPPORTED", False)
    assert "nobody looks inside tflite models" in check.reasons[0]


def test_a_fault_of_ours_in_looking_inside_is_red_and_hides_no_other_check(tmp_path, small):
    class Broken(InProcess):
        def call(self, worker, target, timeout_s, **arguments):
            if target == "converters.drift_job:graph":
                raise KeyError(7)
            return super().call(worker, target, timeout_s, **arguments)

    right = dense(tmp_path / "right.tflite").path
    found = compare(right, right, small, GATES, Broken(), LIMITS)
    assert outcomes(found) == {"precision": "PASSED", "parity": "PASSED", "drift": "FAILED"}
    assert "KeyError: 7" in found.checks[-1].reasons[0]
