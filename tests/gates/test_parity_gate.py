"""The parity gate fails on every planted fault and passes every honest variant."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from gates import mini

from converters.contract import Arrays, Precision, TensorSpec
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity

GATES = mini.gates()
PIXELS = mini.images()
HONEST = mini.parameters()
REFERENCE = mini.run(HONEST, PIXELS)
EVERY_PRECISION = [precision.value for precision in Precision]


def judge(got: Arrays, precision: str = "fp32", reference: Arrays = REFERENCE) -> Check:
    return check_parity(reference, got, mini.OUTPUTS, GATES.parity[Precision(precision)])


def changed(name: str, value: np.ndarray) -> mini.Parameters:
    return {**HONEST, name: value.astype(np.float32)}


def swapped_pixels(order: tuple[int, ...]) -> Arrays:
    return mini.run(HONEST, PIXELS[..., list(order)])


WEIGHT_FAULTS: dict[str, Callable[[], Arrays]] = {
    "transposed square weights": lambda: mini.run(changed("square", HONEST["square"].T), PIXELS),
    "lost bias of the first layer": lambda: mini.run(changed("kernel_bias", 0 * HONEST["kernel_bias"]), PIXELS),
    "lost bias of the last layer": lambda: mini.run(changed("head_bias", 0 * HONEST["head_bias"]), PIXELS),
    "kernel turned by 180 degrees": lambda: mini.run(changed("kernel", HONEST["kernel"][::-1, ::-1]), PIXELS),
    "kernel height and width exchanged": lambda: mini.run(
        changed("kernel", HONEST["kernel"].transpose(1, 0, 2, 3)), PIXELS
    ),
    "swapped image channels": lambda: swapped_pixels((2, 1, 0)),
    "pixels scaled twice": lambda: mini.run(HONEST, PIXELS / 255),
    "mean not subtracted": lambda: mini.run(changed("shift", np.array(0.0)), PIXELS),
    "image flipped": lambda: mini.run(HONEST, PIXELS[:, :, :, ::-1]),
    "classes shifted by one": lambda: {**REFERENCE, "logits": np.roll(REFERENCE["logits"], 1, axis=-1)},
    "two output channels exchanged": lambda: {**REFERENCE, "logits": REFERENCE["logits"][..., [1, 0, 2, 3, 4]]},
    "output saturated": lambda: {**REFERENCE, "logits": np.clip(REFERENCE["logits"], -0.05, 0.05)},
    "output stuck at its mean": lambda: {
        name: np.broadcast_to(values.mean(axis=0), values.shape) for name, values in REFERENCE.items()
    },
    "answers of the sample before": lambda: {name: np.roll(values, 1, axis=0) for name, values in REFERENCE.items()},
    "one sample of 128 is wrong": lambda: {
        name: np.concatenate([values[:-1], -values[-1:]]) for name, values in REFERENCE.items()
    },
    "outputs exchanged": lambda: {"logits": REFERENCE["box"], "box": REFERENCE["logits"]},
    "sign lost": lambda: {name: np.abs(values) for name, values in REFERENCE.items()},
}


@pytest.mark.parametrize("precision", EVERY_PRECISION)
@pytest.mark.parametrize("fault", WEIGHT_FAULTS)
def test_a_fault_fails_in_every_precision(fault: str, precision: str) -> None:
    assert judge(WEIGHT_FAULTS[fault](), precision).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("lost bias of the last layer", "a bias is lost"),
        ("classes shifted by one", r"classes are shifted by \+1"),
        ("two output channels exchanged", "classes are in another order"),
        ("answers of the sample before", "neighbour's output"),
        ("outputs exchanged", "`logits` equals the reference's `box`: outputs are exchanged"),
        ("output stuck at its mean", "hardly follows its input"),
    ],
)
def test_the_likely_cause_is_named(fault: str, cause: str) -> None:
    check = judge(WEIGHT_FAULTS[fault]())
    assert re.search(cause, " ".join(check.reasons)), check.reasons


NARROWER = [
    ("fp32", 16, Outcome.FAILED),  # float32 rounded to float16 weights is not float32
    ("fp32", 8, Outcome.FAILED),
    ("fp16", 16, Outcome.PASSED),
    ("fp16", 8, Outcome.FAILED),
    ("dynamic", 8, Outcome.PASSED),
    ("dynamic", 3, Outcome.FAILED),
    ("int8", 8, Outcome.PASSED),
    ("int8", 2, Outcome.FAILED),
    ("int8-io", 8, Outcome.PASSED),
    ("int8-io", 2, Outcome.FAILED),
]


@pytest.mark.parametrize(("precision", "bits", "outcome"), NARROWER)
def test_weights_of_so_many_bits_under_each_gate(precision: str, bits: int, outcome: Outcome) -> None:
    assert judge(mini.run(mini.rounded(HONEST, bits), PIXELS), precision).outcome is outcome


def test_another_honest_kernel_passes_as_fp32() -> None:
    check = judge(mini.run(HONEST, PIXELS, np.float64))
    assert check.outcome is Outcome.PASSED, check.reasons
    assert check.metrics["snr_db"] > 120


@pytest.mark.parametrize("precision", EVERY_PRECISION)
def test_the_reference_itself_passes(precision: str) -> None:
    check = judge(REFERENCE, precision)
    assert check.outcome is Outcome.PASSED
    assert check.metrics["snr_db"] == 200.0
    assert check.metrics["samples"] == len(PIXELS)


def with_value(value: float) -> Arrays:
    logits = REFERENCE["logits"].copy()
    logits[5, 0, 2] = value
    return {**REFERENCE, "logits": logits}


UNCOMPARABLE: dict[str, tuple[Arrays, str]] = {
    "NaN": (with_value(np.nan), r"NaN or Inf in 1 of 128 samples \(first: 5\)"),
    "Inf": (with_value(np.inf), "NaN or Inf"),
    "wrong shape": ({**REFERENCE, "logits": REFERENCE["logits"][:, 0]}, "wrong shape"),
    "a sample missing": ({name: values[:-1] for name, values in REFERENCE.items()}, "wrong shape"),
    "integers": ({**REFERENCE, "logits": REFERENCE["logits"].astype(np.int8)}, "wrong kind of number int8"),
    "a missing output": ({"logits": REFERENCE["logits"]}, "missing output `box`"),
    "an extra output": ({**REFERENCE, "extra": REFERENCE["box"]}, "unexpected output `extra`"),
    "no outputs": ({}, "missing output `logits`, `box`; the artifact gives nothing"),
}


@pytest.mark.parametrize("fault", UNCOMPARABLE)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_what_cannot_be_compared_fails_before_any_tolerance(fault: str, precision: str) -> None:
    got, reason = UNCOMPARABLE[fault]
    check = judge(got, precision)
    assert check.outcome is Outcome.FAILED
    assert re.search(reason, " ".join(check.reasons)), check.reasons
    assert "snr_db" not in check.metrics


def unproving(values: np.ndarray) -> Check:
    return judge({**REFERENCE, "logits": values}, "int8", {**REFERENCE, "logits": values})


def test_an_output_without_elements_fails() -> None:
    empty = {"y": np.zeros((32, 0, 3), np.float32)}
    spec = (TensorSpec("y", (0, 3), "float32"),)
    check = check_parity(empty, empty, spec, GATES.parity["fp32"])
    assert check.outcome is Outcome.FAILED
    assert check.reasons == ("output `y`: the reference has no elements: nothing compared proves nothing",)


def test_nothing_compared_fails() -> None:
    none = {name: values[:0] for name, values in REFERENCE.items()}
    assert judge(none, "fp32", none).reasons == ("0 samples: nothing compared proves nothing",)


def test_few_samples_fail() -> None:
    few = {name: values[:8] for name, values in REFERENCE.items()}
    assert "8 samples compared; the gate wants 16" in judge(few, "fp32", few).reasons


def test_a_reference_that_never_moves_proves_nothing() -> None:
    still = np.broadcast_to(REFERENCE["logits"][:1], REFERENCE["logits"].shape)
    check = unproving(still)
    assert check.outcome is Outcome.FAILED
    assert "agreeing with it proves nothing" in check.reasons[0]


def test_a_saturated_reference_proves_nothing() -> None:
    saturated = np.zeros_like(REFERENCE["logits"])
    saturated[3, 0, 1] = 1.0
    check = unproving(saturated)
    assert check.outcome is Outcome.FAILED
    assert "saturated, 100.0% of its values" in check.reasons[0]


def test_a_reference_with_nan_fails_too() -> None:
    check = judge(REFERENCE, "fp32", with_value(np.nan))
    assert check.outcome is Outcome.FAILED
    assert "the reference gives NaN" in check.reasons[0]


def test_samples_at_the_limits_are_judged_where_the_gate_says() -> None:
    limits = np.zeros(len(PIXELS), dtype=bool)
    limits[-1] = True
    got = WEIGHT_FAULTS["one sample of 128 is wrong"]()
    for precision, outcome in (("int8", Outcome.PASSED), ("fp32", Outcome.FAILED)):
        gate = GATES.parity[Precision(precision)]
        assert check_parity(REFERENCE, got, mini.OUTPUTS, gate, limits).outcome is outcome


def test_a_transposed_layout_with_its_shape_kept_is_named() -> None:
    rng = np.random.default_rng(0)
    mask = rng.normal(size=(32, 1, 6, 10, 2)).astype(np.float32)
    spec = (TensorSpec("mask", (1, 6, 10, 2), "float32", "NHWC"),)
    for axes in ((0, 1, 4, 2, 3), (0, 1, 3, 2, 4)):
        got = mask.transpose(axes).reshape(mask.shape)
        check = check_parity({"mask": mask}, {"mask": got}, spec, GATES.parity[Precision.INT8])
        assert "transposed in memory, with the shape kept" in check.reasons[1]


def test_integer_outputs_are_compared_by_equality() -> None:
    answers = REFERENCE["logits"].argmax(axis=-1)
    spec = (TensorSpec("class", (1,), "int64", "N"),)
    wrong = answers.copy()
    wrong[0] += 1
    gate = GATES.parity[Precision.FP32]
    assert check_parity({"class": answers}, {"class": answers}, spec, gate).outcome is Outcome.PASSED
    check = check_parity({"class": answers}, {"class": wrong}, spec, gate)
    assert check.outcome is Outcome.FAILED
    assert "99.22% of the values equal" in check.reasons[0]


@pytest.mark.parametrize("precision", ["dynamic", "int8", "int8-io"])
def test_the_angle_of_a_score_near_zero_is_no_fault(precision: str) -> None:
    """One score a sample: 8 bits make the smallest of them 0, or turn their sign."""
    score = np.random.default_rng(0).normal(size=(128, 1, 1)).astype(np.float32)
    score[7] = 0.001
    step = float(np.ptp(score)) / 255
    spec = (TensorSpec("score", (1, 1), "float32", "NC"),)
    gate = GATES.parity[Precision(precision)]
    quantized = np.round(score / step + 0.4) * step
    assert check_parity({"score": score}, {"score": quantized}, spec, gate).outcome is Outcome.PASSED
    loud = quantized.copy()
    loud[np.abs(score).argmax()] *= -1
    assert check_parity({"score": score}, {"score": loud}, spec, gate).outcome is Outcome.FAILED


def test_an_output_of_next_to_nothing_proves_nothing() -> None:
    """sigmoid(-60): a runtime that flushes small numbers gives 0, another does not, and both are right."""
    tiny = REFERENCE["logits"] * 1e-27
    assert "never leaves 0 by more than" in unproving(tiny).reasons[0]


@pytest.mark.parametrize(("precision", "noise"), [("int4-weights", 0.65), ("palettized", 0.25)])
def test_a_mask_whose_worst_pixel_crosses_over_is_honest_and_a_ruined_one_is_not(precision: str, noise: float) -> None:
    """Thousands of steep pixels have some that move by most of the range where weights are coarse."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(24, 1, 1, 48, 48)) * 4
    spec = TensorSpec("mask", (1, 1, 48, 48), "float32", "NCHW")

    def mask(error: float) -> Arrays:
        return {"mask": (1 / (1 + np.exp(-logits - error * random.normal(size=logits.shape)))).astype(np.float32)}

    gate = GATES.parity[Precision(precision)]
    honest = check_parity(mask(0.0), mask(noise), (spec,), gate)
    assert honest.outcome is Outcome.PASSED, honest.reasons
    assert honest.metrics["max_rel_range"] > (0.5 if precision == "int4-weights" else 0.15), "the case that it is about"
    assert check_parity(mask(0.0), mask(8 * noise), (spec,), gate).outcome is Outcome.FAILED
