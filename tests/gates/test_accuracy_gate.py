"""The accuracy gate fails on lost points, changed predictions and labels that do not fit, and passes honest files."""

from __future__ import annotations

import re

import numpy as np
import pytest
from gates import mini

from converters.contract import Precision
from pipeline.checks import paired
from pipeline.checks.accuracy import check_accuracy, flips
from pipeline.checks.outcome import Check, Outcome

GATES = mini.gates()
PIXELS = mini.images(4000)
HONEST = mini.parameters()
REFERENCE = mini.run(HONEST, PIXELS)["logits"]
LABELS = mini.labels(REFERENCE)
HONEST_FILES = [("fp32", 0.0, 0.0), ("fp16", 0.0003, 0.0001), ("dynamic", 0.003, 0.0005), ("int8", 0.0035, 0.0)]
"""Share of samples that an honest file of the reference model turns from right to wrong or back, and its drop."""


def judge(got: np.ndarray, targets: np.ndarray | None = LABELS, precision: str = "int8") -> Check:
    return check_accuracy(REFERENCE, got, targets, GATES.accuracy[Precision(precision)])


def said(check: Check, pattern: str) -> None:
    assert check.outcome is Outcome.FAILED
    assert re.search(pattern, " ".join(check.reasons)), check.reasons


def test_the_reference_is_good_and_uneven_enough_to_test_with() -> None:
    accuracy = float((REFERENCE.reshape(len(LABELS), -1).argmax(axis=1) == LABELS).mean())
    assert 0.8 < accuracy < 0.99
    assert (np.bincount(LABELS) > 40).all()


@pytest.mark.parametrize(
    ("precision", "bits"), [("fp32", 32), ("fp16", 16), ("dynamic", 8), ("int8", 8), ("int8-io", 8)]
)
def test_honest_variants_pass(precision: str, bits: int) -> None:
    p = mini.rounded(HONEST, bits) if bits < 32 else HONEST
    check = judge(mini.run(p, PIXELS, np.float64)["logits"], precision=precision)
    assert check.outcome is Outcome.PASSED, check.reasons
    assert check.metrics["accuracy_reference"] == pytest.approx(check.metrics["accuracy"], abs=0.005)


@pytest.mark.parametrize(
    "fault",
    [
        {"kernel_bias": np.zeros(8)},
        {"head_bias": np.zeros(5)},
        {"square": HONEST["square"].T},
        {"shift": np.array(0.0)},
    ],
    ids=["lost bias", "lost last bias", "transposed square weights", "mean not subtracted"],
)
def test_faults_in_the_weights_fail(fault: dict[str, np.ndarray]) -> None:
    said(judge(mini.run({**HONEST, **fault}, PIXELS)["logits"]), "accuracy drops by .* McNemar p|predictions changed")


def test_swapped_channels_fail() -> None:
    said(judge(mini.run(HONEST, PIXELS[..., ::-1])["logits"]), "accuracy drops by")


def test_pixels_scaled_twice_fail() -> None:
    said(judge(mini.run(HONEST, PIXELS / 256)["logits"]), "accuracy drops by")


def test_a_saturated_output_fails() -> None:
    said(judge(np.clip(REFERENCE, -0.01, 0.01)), "accuracy drops by")


def test_a_file_that_looks_better_fails_by_its_flips() -> None:
    got = REFERENCE.copy().reshape(len(LABELS), -1)
    wrong = np.flatnonzero(got.argmax(axis=1) != LABELS)
    right = np.flatnonzero(got.argmax(axis=1) == LABELS)[: len(wrong) // 2]
    got[wrong, LABELS[wrong]] = got.max() + 1
    got[right] = -got[right]
    check = judge(got.reshape(REFERENCE.shape), precision="fp16")
    assert check.metrics["drop_points"] < 0
    said(check, "of the predictions changed, allowed 1.0%")


@pytest.mark.parametrize("shift", [1, -1])
def test_labels_shifted_by_one_do_not_fit(shift: int) -> None:
    fitting = (LABELS + shift >= 0) & (LABELS + shift < 5)
    check = check_accuracy(
        REFERENCE[fitting], REFERENCE[fitting], LABELS[fitting] + shift, GATES.accuracy[Precision.INT8]
    )
    said(check, rf"labels do not fit: .* with every label \{-shift:+d} .* shifted by one")


def test_labels_from_one_to_n_do_not_fit() -> None:
    said(judge(REFERENCE, LABELS + 1), r"labels do not fit: they are 1\.\.5, the model knows the classes 0\.\.4")


def test_labels_of_other_images_do_not_fit() -> None:
    said(judge(REFERENCE, np.random.default_rng(3).permutation(LABELS)), "labels do not fit: .* by chance")


def test_a_model_that_always_says_the_same_proves_nothing() -> None:
    constant = np.zeros_like(REFERENCE)
    constant[..., 2] = 1
    check = check_accuracy(constant, constant, LABELS, GATES.accuracy[Precision.FP32])
    said(check, "labels do not fit")


UNCOMPARABLE = {
    "NaN": (
        np.where(np.isin(REFERENCE, REFERENCE.max()), np.nan, REFERENCE),
        LABELS,
        "the artifact gives NaN or Inf in 1 of",
    ),
    "another count": (REFERENCE[:-1], LABELS, "not the same samples"),
    "another class count": (REFERENCE[..., :-1], LABELS, "not the same samples"),
    "labels missing": (REFERENCE, LABELS[:-1], "labels of shape"),
    "labels as floats": (REFERENCE, LABELS.astype(float), "not whole numbers"),
}


@pytest.mark.parametrize("fault", UNCOMPARABLE)
def test_what_cannot_be_compared_fails(fault: str) -> None:
    got, targets, reason = UNCOMPARABLE[fault]
    said(judge(got, targets), reason)


def test_no_samples_fail() -> None:
    check = check_accuracy(REFERENCE[:0], REFERENCE[:0], LABELS[:0], GATES.accuracy[Precision.FP32])
    said(check, "0 labelled samples")


def test_without_labels_it_is_not_run_and_says_what_would_make_it_run() -> None:
    check = judge(REFERENCE, None)
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
    assert "--data" in check.reasons[0]


def test_too_few_samples_are_no_pass() -> None:
    check = check_accuracy(REFERENCE[:60], REFERENCE[:60], LABELS[:60], GATES.accuracy[Precision.INT8])
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, True)
    assert "the gate wants 100 samples" in check.reasons[0]


def test_too_few_samples_still_fail_a_clear_loss() -> None:
    check = check_accuracy(REFERENCE[:60], -REFERENCE[:60], LABELS[:60], GATES.accuracy[Precision.INT8])
    said(check, "accuracy drops by")


def test_one_flip_among_few_samples_is_no_loss() -> None:
    got = REFERENCE[:15].copy()
    right = np.flatnonzero(got.reshape(15, -1).argmax(axis=1) == LABELS[:15])
    got[right[:1]] *= -1
    check = check_accuracy(REFERENCE[:15], got, LABELS[:15], GATES.accuracy[Precision.INT8])
    assert check.metrics["drop_points"] == pytest.approx(100 / 15)
    assert check.outcome is Outcome.NOT_RUN


def lost_in(share: float, samples: int) -> Check:
    """The check of a file that gets a share of its samples wrong which the reference gets right."""
    targets = np.arange(samples) % 5
    scores = np.eye(5)[targets][:, None]
    got = scores.copy()
    wrong = np.arange(round(share * samples)) * 7 % samples
    got[wrong] = np.roll(got[wrong], 1, axis=-1)
    return check_accuracy(scores, got, targets, GATES.accuracy[Precision.INT8])


@pytest.mark.parametrize(
    ("samples", "outcome"),
    [(200, Outcome.UNDECIDED), (500, Outcome.UNDECIDED), (2000, Outcome.FAILED), (10_000, Outcome.FAILED)],
)
def test_a_real_loss_is_undecided_on_few_samples_and_failed_on_many(samples: int, outcome: Outcome) -> None:
    check = lost_in(0.01, samples)
    assert (check.outcome, check.required) == (outcome, True)


def test_a_loss_far_beyond_the_gate_fails_on_few_samples() -> None:
    assert lost_in(0.05, 200).outcome is Outcome.FAILED


@pytest.mark.parametrize("precision", list(Precision))
def test_a_file_that_loses_more_than_the_margin_seldom_passes(precision: Precision) -> None:
    gate = GATES.accuracy[precision]
    loss = (gate.max_drop_points + gate.margin_points) / 100
    rng = np.random.default_rng(5)
    n = 2000
    trials = rng.multinomial(n, [loss + 0.001, 0.001, 1 - loss - 0.002], size=300)
    intervals = [paired.drop_interval(int(lost), int(won), n, gate.confidence) for lost, won, _ in trials]
    passed = np.mean([100 * high <= gate.max_drop_points + gate.margin_points for _, high in intervals])
    assert passed <= 0.05


@pytest.mark.parametrize(("precision", "changed", "drop"), HONEST_FILES)
def test_honest_files_of_the_reference_model_are_decided_on_both_test_splits(
    precision: str, changed: float, drop: float
) -> None:
    gate = GATES.accuracy[Precision(precision)]
    rng = np.random.default_rng(6)
    for n in (2000, 10_000):
        rates = [(changed + drop) / 2, (changed - drop) / 2, 1 - changed]
        trials = rng.multinomial(n, rates, size=300)
        intervals = [paired.drop_interval(int(lost), int(won), n, gate.confidence) for lost, won, _ in trials]
        limit = gate.max_drop_points + gate.margin_points
        passed = [
            100 * (lost - won) / n <= gate.max_drop_points and 100 * high <= limit
            for (lost, won, _), (_, high) in zip(trials, intervals, strict=True)
        ]
        assert np.mean(passed) >= 0.97


def test_flips_are_listed() -> None:
    got = REFERENCE.copy()
    got[[3, 11]] = -got[[3, 11]]
    assert flips(REFERENCE, got).tolist() == [3, 11]
    assert judge(got).metrics["flip_samples"] == "3 11"


def test_one_score_a_sample_is_a_two_class_answer() -> None:
    scores = np.random.default_rng(0).normal(size=(1000, 1, 1))
    targets = (scores[:, 0, 0] > 0).astype(int)
    gate = GATES.accuracy[Precision.INT8]
    assert check_accuracy(scores, scores * 1.01, targets, gate).outcome is Outcome.PASSED
    said(check_accuracy(scores, -scores, targets, gate), "accuracy drops by 100.00 points")
