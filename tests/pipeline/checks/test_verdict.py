from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from gates import files, mini
from gates.timings import simulated

from converters import errors
from converters.contract import Precision, TensorSpec
from converters.inspection import Needs, TensorInfo
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.made_up import MadeUp
from pipeline.checks.outcome import Cell, Outcome
from pipeline.checks.sequence import Fed
from pipeline.checks.unmade import blocked, failed, outcome_of
from pipeline.checks.verdict import (
    CHECKS,
    Evidence,
    Golden,
    Home,
    Labelled,
    judge,
    judge_unmade,
)

GATES = mini.gates()
PIXELS, TEST = mini.images(256), mini.images(2000, seed=4)
HONEST = mini.parameters()
REFERENCE, TESTED = mini.run(HONEST, PIXELS), mini.run(HONEST, TEST)

SAME = Drift("net in torch", "net.tflite", Outcome.PASSED, (), {"ops": 2, "ops_aligned": 1.0, "weights_compared": 1.0})
SUSPECT = Suspect("attribute", Side(1, "Conv", ("y",), {"strides": [1, 1]}), Side(3, "CONV_2D"), "2 for 1", "stride")

UNDERSTATED = Needs("TensorFlow Lite", "2.3.0", "CONV_2D of version 4", "1.5.0")


def evidence(**changes: object) -> Evidence:
    honest = Evidence(
        precision=Precision.FP32,
        runtime="litert-xnnpack",
        outputs=mini.OUTPUTS,
        golden=Golden({"image": PIXELS}, REFERENCE, mini.labels(REFERENCE["logits"]), np.zeros(256, bool)),
        golden_got=mini.run(HONEST, PIXELS, np.float64),
        inspection=files.tflite_float().inspection(),
        size_bytes=200_000,
        fp32_bytes=200_000,
        parameters=45_000,
        labelled=Labelled(TESTED, mini.labels(TESTED["logits"])),
        labelled_got=mini.run(HONEST, TEST, np.float64),
        placement=[("CONV_2D", "xnnpack"), ("FULLY_CONNECTED", "xnnpack")],
        timings=simulated(0),
        drift=SAME,
    )
    return dataclasses.replace(honest, **changes)


def outcomes(given: Evidence) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in judge(given, GATES)}


def test_an_honest_cell_passes_every_check() -> None:
    assert outcomes(evidence()) == dict.fromkeys(CHECKS, Outcome.PASSED)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"golden_got": mini.run(HONEST, PIXELS / 255)}, "parity"),
        ({"labelled_got": mini.run(HONEST, TEST / 255)}, "accuracy"),
        ({"labelled_got": {}}, "accuracy"),
        ({"inspection": files.tflite_int8().inspection()}, "precision"),
        ({"inspection": dataclasses.replace(files.tflite_float().inspection(), needs=UNDERSTATED)}, "requirements"),
        ({"size_bytes": 900_000}, "size"),
        ({"drift": dataclasses.replace(SAME, outcome=Outcome.FAILED, suspects=(SUSPECT,))}, "drift"),
        ({"placement": [("CONV_2D", "builtin")]}, "placement"),
        ({"timings": dataclasses.replace(simulated(0), a_s=np.zeros((0, 0)))}, "latency"),
    ],
)
def test_one_fault_fails_one_check(changes: dict[str, object], broken: str) -> None:
    expected = {name: Outcome.FAILED if name == broken else Outcome.PASSED for name in CHECKS}
    assert outcomes(evidence(**changes)) == expected


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (errors.UnsupportedError("no"), Outcome.UNSUPPORTED),
        (errors.ToolkitTimeout("slow"), Outcome.TIMED_OUT),
        (errors.ToolkitCrash("signal 11"), Outcome.CRASHED),
        (errors.UnavailableError("no GPU"), Outcome.NOT_RUN),
        (errors.ToolkitError("bad"), Outcome.FAILED),
        (errors.ModelError("damaged"), Outcome.FAILED),
        (errors.ContractError("names"), Outcome.FAILED),
    ],
)
def test_an_error_in_the_place_of_a_result_is_its_outcome(error: errors.EdgeExportError, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome
    for place, check in {
        "golden_got": "parity", "labelled_got": "accuracy", "inspection": "precision", "placement": "placement",
    }.items():  # fmt: skip
        found = outcomes(evidence(**{place: error}))
        assert found[check] is outcome
        assert found["size"] is Outcome.PASSED


def test_one_error_of_a_measurement_is_told_once() -> None:
    error = errors.ToolkitError("tensor data is null")
    checks = judge(evidence(golden_got=error, labelled_got=error, placement=error), GATES)
    found = {check.name: check.outcome for check in checks}
    assert found["parity"] is Outcome.FAILED
    assert found["accuracy"] is found["placement"] is Outcome.BLOCKED
    assert Cell("m", "torch", "r", "fp32", "x", "tflite", "f", checks).reasons == ("parity: tensor data is null",)


def test_a_failed_measurement_does_not_fail_the_accuracy_that_nobody_asked_for() -> None:
    error = errors.ToolkitError("tensor data is null")
    assert outcomes(evidence(golden_got=error, labelled=None, labelled_got=error))["accuracy"] is Outcome.NOT_RUN


def test_a_latency_that_failed_is_told_and_does_not_colour_the_cell() -> None:
    checks = judge(evidence(timings=errors.ToolkitTimeout("slow")), GATES)
    assert checks[-1].outcome is Outcome.TIMED_OUT
    assert Cell("m", "torch", "r", "fp32", "x", "tflite", "f", checks).outcome is Outcome.PASSED


def test_a_cell_without_an_artifact_is_as_bad_as_its_failed_step() -> None:
    checks = judge_unmade("convert", errors.ToolkitCrash("signal 11: last words"))
    assert [check.name for check in checks] == ["convert", *CHECKS]
    assert checks[0].reasons == ("signal 11: last words",)
    assert {check.outcome for check in checks[1:]} == {Outcome.BLOCKED}
    assert Cell("m", "torch", "r", "fp32", "x", "tflite", "", checks).outcome is Outcome.CRASHED


def test_an_unsupported_conversion_is_not_worsened_by_what_it_blocks() -> None:
    checks = judge_unmade("convert", errors.UnsupportedError("no such operator"))
    assert Cell("m", "torch", "r", "fp32", "x", "tflite", "", checks).outcome is Outcome.UNSUPPORTED


def test_an_error_without_words_still_has_a_reason() -> None:
    assert failed("parity", errors.ToolkitCrash()).reasons == ("ToolkitCrash",)
    assert blocked(["size"], "convert")[0].reasons == ("`convert` did not succeed",)


def test_without_labels_or_baseline_or_promise_nothing_is_said_to_pass() -> None:
    found = outcomes(evidence(labelled=None, labelled_got=None, timings=None, runtime="torch-eager"))
    assert found["accuracy"] is found["latency"] is found["placement"] is Outcome.NOT_RUN


def test_labels_without_an_output_of_classes_are_not_run() -> None:
    outputs = (mini.OUTPUTS[1], TensorSpec("logits", (1, 5), "float32", "NC"))
    assert outcomes(evidence(outputs=outputs))["accuracy"] is Outcome.NOT_RUN


def test_a_cell_is_judged_quickly() -> None:
    given = evidence()
    judge(given, GATES)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        judge(given, GATES)
        times.append(time.perf_counter() - start)
    assert min(times) <= 0.05


AT_HOME = Home("litert-xnnpack", REFERENCE)
ON_GPU = {"runtime": "litert-gpu[G]", "placement": [("CONV_2D", "gpu")], "home": AT_HOME, "on_device": True}


def off_by(share: float) -> dict[str, np.ndarray]:
    """The reference with one value moved by a share of its range."""
    moved = REFERENCE["logits"].copy()
    moved.reshape(-1)[7] += share * np.ptp(moved)
    return {**REFERENCE, "logits": moved}


def test_a_device_is_held_to_its_own_gate_beside_home_and_no_tighter_to_the_framework() -> None:
    near = outcomes(evidence(**ON_GPU, golden_got=off_by(5e-5)))
    assert (near["parity"], near["kernels"]) == (Outcome.PASSED, Outcome.PASSED)
    assert outcomes(evidence(golden_got=off_by(5e-5)))["parity"] is Outcome.FAILED
    far = outcomes(evidence(**ON_GPU, golden_got=off_by(1e-2)))
    assert (far["parity"], far["kernels"]) == (Outcome.FAILED, Outcome.FAILED)


def test_half_floats_are_forgiven_only_where_the_device_computes_in_them() -> None:
    half = {name: value.astype(np.float16).astype(np.float32) for name, value in REFERENCE.items()}
    assert outcomes(evidence(**ON_GPU, golden_got=half))["kernels"] is Outcome.FAILED
    found = outcomes(evidence(**ON_GPU, golden_got=half, arithmetic="fp16"))
    assert (found["parity"], found["kernels"]) == (Outcome.PASSED, Outcome.PASSED)


def test_what_stands_for_no_device_gets_no_verdict_on_its_seconds_whatever_is_asked_of_them() -> None:
    strict = dataclasses.replace(GATES, latency=dataclasses.replace(GATES.latency, max_ratio=1.0))
    emulated = {check.name: check for check in judge(evidence(**ON_GPU, emulated="QEMU"), strict)}
    proving = {check.name: check for check in judge(evidence(timed=False), strict)}
    told = (emulated["latency"], "QEMU"), (emulated["accuracy"], "QEMU"), (proving["latency"], "proves files")
    for check, why in told:
        assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
        assert why in check.reasons[0]


def test_kernels_that_home_does_not_have_are_not_run() -> None:
    away = Home("litert-xnnpack", errors.ModelError("a custom operator"))
    check = next(c for c in judge(evidence(**{**ON_GPU, "home": away}), GATES) if c.name == "kernels")
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
    assert "a custom operator" in check.reasons[0]
    assert "kernels" not in outcomes(evidence())


def test_a_file_alone_is_judged_as_kernels_are_and_a_broken_one_still_fails() -> None:
    assert outcomes(evidence(alone=True, golden_got=off_by(5e-3)))["parity"] is Outcome.PASSED
    assert outcomes(evidence(alone=True, golden_got=off_by(0.1)))["parity"] is Outcome.FAILED


def test_a_dynamic_file_may_differ_between_kernels_as_its_rounding_does() -> None:
    dynamic = {**ON_GPU, "precision": Precision.DYNAMIC}
    assert outcomes(evidence(**dynamic, golden_got=off_by(2e-2)))["kernels"] is Outcome.PASSED
    assert outcomes(evidence(**dynamic, golden_got=off_by(0.5)))["kernels"] is Outcome.FAILED


def test_a_file_of_float16_activations_may_differ_as_that_rounding_does() -> None:
    """Not one that only stores its weights in float16: its kernels compute in float32."""
    file = files.tflite_float().inspection()
    for constant, outcome in ((False, Outcome.PASSED), (True, Outcome.FAILED)):
        tensors = (*file.tensors, TensorInfo("inside", (1, 4), "float16", constant))
        half = {**ON_GPU, "precision": Precision.FP16, "inspection": dataclasses.replace(file, tensors=tensors)}
        assert outcomes(evidence(**half, golden_got=off_by(2e-3)))["kernels"] is outcome
        assert outcomes(evidence(**half, golden_got=off_by(0.5)))["kernels"] is Outcome.FAILED


def fed(got: object = None) -> dict[str, object]:
    """Sequences in which the first output is the state, got as they should be or as given."""
    return {"fed": Fed(REFERENCE, got or REFERENCE, {"logits": "before"}, 32, {})}


def test_a_model_whose_state_goes_back_in_is_judged_in_sequence_too() -> None:
    assert "sequence" not in outcomes(evidence())
    assert outcomes(evidence(**fed()))["sequence"] is Outcome.PASSED
    far = {name: np.roll(values, 1, axis=0) for name, values in REFERENCE.items()}
    assert outcomes(evidence(**fed(far)))["sequence"] is Outcome.FAILED
    assert outcomes(evidence(fed=errors.ToolkitCrash("signal 11")))["sequence"] is Outcome.CRASHED
    assert outcomes(evidence(golden_got=errors.ToolkitError("x"), **fed()))["sequence"] is Outcome.BLOCKED


@pytest.mark.parametrize(("far", "outcome"), [(0.05, Outcome.UNDECIDED), (2.0, Outcome.FAILED)])
def test_a_sequence_on_made_up_inputs_is_left_to_real_ones_where_every_layer_is_right(far, outcome) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, REFERENCE["logits"].shape)
    got = REFERENCE | {"logits": (REFERENCE["logits"] + far * np.ptp(REFERENCE["logits"]) * noise).astype(np.float32)}
    golden, right = dataclasses.replace(evidence().golden, made_up=MadeUp()), {**fed(got), "precision": Precision.FP16}
    assert outcomes(evidence(**right))["sequence"] is Outcome.FAILED, "on inputs that somebody gave"
    assert outcomes(evidence(**right, golden=golden))["sequence"] is outcome


def test_what_8_bits_of_the_inputs_lose_by_themselves_is_not_the_files_fault() -> None:
    lost = {"max_rel_range": 0.4, "snr_db": 12.0, "moving_snr_db": 9.0}
    random = np.random.default_rng(0)

    def off(share: float) -> dict[str, np.ndarray]:
        def moved(values: np.ndarray) -> np.ndarray:
            return (values + share * np.ptp(values) * random.uniform(-1, 1, values.shape)).astype(np.float32)

        return {name: moved(values) for name, values in REFERENCE.items()}

    def on(rounded: dict[str, float]) -> Golden:
        return dataclasses.replace(evidence().golden, made_up=MadeUp(rounded=rounded))

    little = {"precision": Precision.INT8, "golden_got": off(0.12), "drift": None}
    assert outcomes(evidence(**little))["parity"] is Outcome.FAILED
    assert outcomes(evidence(**little, golden=on(lost)))["parity"] is Outcome.UNDECIDED
    slight = {"max_rel_range": 0.01, "snr_db": 40.0, "moving_snr_db": 38.0}
    assert outcomes(evidence(**little, golden=on(slight)))["parity"] is Outcome.FAILED
    for fault in (off(20.0), {name: values * np.nan for name, values in REFERENCE.items()}):
        far = {"precision": Precision.INT8, "golden_got": fault}
        assert outcomes(evidence(**far, golden=on(lost)))["parity"] is Outcome.FAILED
    assert outcomes(evidence(precision=Precision.INT8, golden=on(lost)))["parity"] is Outcome.PASSED


def test_made_up_inputs_fail_no_file_of_few_bits_whose_layers_are_right_and_turn_it_green_neither() -> None:
    golden = dataclasses.replace(evidence().golden, made_up=MadeUp())
    random = np.random.default_rng(0)
    off = {name: v + 0.12 * np.ptp(v) * random.uniform(-1, 1, v.shape) for name, v in REFERENCE.items()}
    cell = {"precision": Precision.INT8, "golden_got": off}
    judged = {check.name: check for check in judge(evidence(**cell, golden=golden), GATES)}
    assert judged["parity"].outcome is Outcome.UNDECIDED
    assert judged["parity"].required
    assert not any("likely cause" in reason for reason in judged["parity"].reasons)
    assert "give --data" in judged["parity"].reasons[-1]
    faults = {
        "nothing looked into": {"drift": None},
        "a device": {"on_device": True},
        "real inputs": {"golden": evidence().golden},
        "float32": {"precision": Precision.FP32},
        "no numbers": {"golden_got": {name: values * np.nan for name, values in REFERENCE.items()}},
        "another model": {"golden_got": {name: values[::-1] for name, values in REFERENCE.items()}},
        "an output less": {"golden_got": {}},
    }
    for fault, changes in faults.items():
        assert outcomes(evidence(**{"golden": golden, **cell, **changes}))["parity"] is Outcome.FAILED, fault
