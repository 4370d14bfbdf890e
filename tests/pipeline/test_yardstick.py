from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from gates import mini

from converters import registry
from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.device import Device
from converters.errors import ToolkitCrash, UnsupportedError
from converters.samples import load_samples
from converters.state import Probe
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.checks.sequence import check_sequence
from pipeline.trial import Subject
from pipeline.yardstick import Yardstick, check_yardstick, choose, fed_back, parity_with_nothing

PLAIN, THREADS, REFERENCE = "litert-xnnpack", "litert-xnnpack[4t]", "litert-reference"
OWN = Signature((TensorSpec("x", (1, 4), "float32", limits=(0.0, 1.0)),), (TensorSpec("y", (1, 4), "float32"),))
INPUTS = {"x": np.arange(256, dtype=np.float32).reshape(64, 1, 4)}
GATE = mini.gates().parity[Precision.FP32]


def spec(name):
    return next(found for found in registry.select(name) if found.name == name)


def subject(given, own=OWN, **found):
    """A file and what runtimes have given for it, by name."""
    artifact = Artifact(Path("m.tflite"), Format.TFLITE, Precision.FP32, own, OWN)
    made = Subject(artifact, INPUTS, "made up, seed 0", None, config.load().limits, Probe(**found))
    made._given = given
    return made


RIGHT = {"y": INPUTS["x"] * 2}
REFUSED = UnsupportedError("no kernel for Mystery")


@pytest.mark.parametrize(
    ("judged", "by"),
    [(PLAIN, REFERENCE), (THREADS, PLAIN), (REFERENCE, PLAIN)],
)
def test_each_is_judged_by_other_kernels_and_threads_by_the_plain_runtime(judged, by):
    found = choose(subject(dict.fromkeys((PLAIN, THREADS, REFERENCE), RIGHT)), spec(judged))
    assert found.runtime is not None
    assert found.runtime.name == by
    np.testing.assert_array_equal(found.outputs["y"], RIGHT["y"])


def test_a_device_is_judged_by_the_first_of_this_cpu_that_runs_the_file():
    device = dataclasses.replace(spec(PLAIN), name="litert-gpu[Soft]", device=Device("Soft"))
    given = {PLAIN: REFUSED, THREADS: ToolkitCrash("died"), REFERENCE: RIGHT}
    assert choose(subject(given), device).runtime.name == REFERENCE
    assert choose(subject({**given, PLAIN: RIGHT}), device).runtime.name == PLAIN


def test_an_emulated_device_is_given_few_samples_and_judged_by_the_same():
    device = dataclasses.replace(spec(PLAIN), name="litert-gpu[Soft]", device=Device("Soft", emulated=True))
    few = subject({PLAIN: RIGHT})
    picked = few.samples(device)
    assert len(picked) == 16
    assert (picked[0], picked[-1]) == (0, 63)
    np.testing.assert_array_equal(choose(few, device).outputs["y"], RIGHT["y"][picked])
    assert check_yardstick(few, device, None).metrics["samples"] == 16


@pytest.mark.parametrize("why", ["stateful", "given"])
def test_sequences_and_given_inputs_stay_whole(why):
    device = dataclasses.replace(spec(PLAIN), name="litert-gpu[Soft]", device=Device("Soft", emulated=True))
    whole = subject({})
    whole.found = Probe(stateful=why == "stateful")
    whole.origin = "given" if why == "given" else whole.origin
    assert len(whole.samples(device)) == 64


def test_where_only_one_runs_the_file_nothing_says_what_is_right():
    found = choose(subject({PLAIN: RIGHT, REFERENCE: REFUSED}), spec(PLAIN))
    assert found.runtime is None
    assert "litert-reference: no kernel for Mystery" in found.why_none
    assert "--inputs FILE" in found.why_none
    assert "edge-export compare" in found.why_none


def test_a_format_with_one_runtime_says_so():
    made = subject({})
    made.artifact = dataclasses.replace(made.artifact, format=Format.EXECUTORCH)
    found = choose(made, spec("executorch"))
    assert found.runtime is None
    assert "no other runs executorch files" in found.why_none


def test_the_check_says_by_what_on_what_and_how():
    check = check_yardstick(subject({}), spec(PLAIN), Yardstick(spec(REFERENCE), RIGHT))
    assert check.outcome is Outcome.PASSED
    assert "right is what litert-reference computes" in check.reasons[0]
    assert check.metrics == {
        "runtime": REFERENCE,
        "samples": 64,
        "inputs": "made up, seed 0",
        "input.x": "1x4 float32 0..1",
        "stateful": False,
    }


@pytest.mark.parametrize("yardstick", [Yardstick(spec(REFERENCE), RIGHT), Yardstick(None, {}, "nothing"), None])
def test_state_is_told_whatever_became_of_the_runtime(yardstick):
    check = check_yardstick(subject({}, stateful=True), spec(PLAIN), yardstick)
    assert check.metrics["stateful"] is True
    assert "stateful: two equal calls differ; 64 samples as one sequence from a fresh state" in check.reasons


def test_no_yardstick_is_never_green_and_no_outputs_do_not_colour_the_cell():
    without = check_yardstick(subject({}), spec(PLAIN), Yardstick(None, {}, "nothing else runs it"))
    assert (without.outcome, without.required) == (Outcome.NOT_RUN, True)
    unrun = check_yardstick(subject({}), spec(PLAIN), None)
    assert (unrun.outcome, unrun.required) == (Outcome.BLOCKED, False)


def test_an_8_bit_output_that_hardly_moves_is_said_to():
    output = dataclasses.replace(OWN.outputs[0], dtype="uint8", scale=1 / 256, zero_point=0)
    quantized = subject({}, dataclasses.replace(OWN, outputs=(output,)))
    few = np.zeros((64, 1, 4), np.float32)
    few[3] = 5 / 256
    hardly = check_yardstick(quantized, spec(PLAIN), Yardstick(spec(REFERENCE), {"y": few}))
    assert "spans 5 steps on these inputs: one step" in hardly.reasons[-1]
    assert "20% of that" in hardly.reasons[-1]
    assert len(check_yardstick(quantized, spec(PLAIN), Yardstick(spec(REFERENCE), {"y": few * 50})).reasons) == 1


def test_outputs_that_nothing_is_known_about_fail_where_they_prove_nothing_and_else_are_not_run():
    runs = parity_with_nothing(subject({}), RIGHT, GATE)
    assert runs.outcome is Outcome.NOT_RUN
    assert "finite and follow the inputs" in runs.reasons[0]
    nan = parity_with_nothing(subject({}), {"y": RIGHT["y"] * np.nan}, GATE)
    same = parity_with_nothing(subject({}), {"y": RIGHT["y"] * 0}, GATE)
    assert nan.outcome is same.outcome is Outcome.FAILED
    assert "NaN" in nan.reasons[0]
    assert "proves nothing" in same.reasons[0]


def test_kernels_that_agree_bit_for_bit_may_be_the_same_and_that_is_said():
    near = {"y": RIGHT["y"] * np.float32(1 + 1e-6)}
    for given, by, said in (
        (RIGHT, "torchscript-plain", True),
        (near, "torchscript-plain", False),
        (RIGHT, REFERENCE, False),
    ):
        told = check_yardstick(subject({PLAIN: given}), spec(PLAIN), Yardstick(spec(by), RIGHT))
        assert any("bit for bit: where they ran the same kernels" in reason for reason in told.reasons) == said


RECURRENT = Signature(
    (TensorSpec("x", (1, 4), "float32", limits=(0.0, 1.0)), TensorSpec("state", (1, 4), "float32")),
    (TensorSpec("y", (1, 4), "float32"), TensorSpec("stateN", (1, 4), "float32")),
)


class Feeding:
    """Workers of a model whose state is the sum of what came in; a second runtime loses a little of it each time."""

    def __init__(self, lost):
        self.lost = lost

    def call(self, worker, target, timeout_s, *, runtime, samples, prefix, carried, shake, **more):
        assert (target, carried) == ("converters.carry_job:run_sequences", {"stateN": "state"})
        x = load_samples(samples, prefix)["x"]
        kept = 1 - self.lost * (runtime == REFERENCE)
        state, sums = np.zeros_like(x[0]), []
        for each in x:
            state = np.float32(kept * (1 + shake)) * state + each
            sums.append(state)
        return {"y": np.stack(sums) / 2, "stateN": np.stack(sums)}


@pytest.mark.parametrize(("lost", "outcome"), [(0.0, Outcome.PASSED), (0.1, Outcome.FAILED)])
def test_a_state_that_goes_back_in_is_fed_to_both_kernels(monkeypatch, lost, outcome):
    monkeypatch.setattr(registry, "missing", lambda packages: ())
    artifact = Artifact(Path("m.tflite"), Format.TFLITE, Precision.FP32, RECURRENT, RECURRENT)
    inputs = {"x": np.random.default_rng(0).random((64, 1, 4)).astype("f4"), "state": np.ones((64, 1, 4), "f4")}
    one = Subject(artifact, inputs, "given", Feeding(lost), config.load().limits, Probe())
    fed = fed_back(one, spec(REFERENCE), spec(PLAIN))
    assert check_sequence(fed, RECURRENT.outputs, GATE).outcome is outcome
    kept = dataclasses.replace(one, found=Probe(stateful=True))
    assert fed_back(kept, spec(REFERENCE), spec(PLAIN)) is None
    assert fed_back(subject({}), spec(REFERENCE), spec(PLAIN)) is None
