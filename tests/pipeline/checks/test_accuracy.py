"""What the record of a comparison holds; tests/gates/test_accuracy_gate.py shows the gate failing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.checks.accuracy import LISTED_FLIPS, check_accuracy
from pipeline.checks.gates import AccuracyGate
from pipeline.checks.outcome import Outcome

GATE = AccuracyGate(
    min_samples=100,
    max_drop_points=0.5,
    margin_points=0.5,
    confidence=0.95,
    max_flip_share=1.0,
    chance_p=0.01,
    reason="test",
)
LABELS = np.arange(1000) % 10
RIGHT = np.eye(10)[LABELS][:, None]


def wrong_at(indices: range) -> np.ndarray:
    scores = RIGHT.copy()
    scores[list(indices)] = np.roll(RIGHT[list(indices)], 1, axis=-1)
    return scores


def test_the_numbers() -> None:
    metrics = check_accuracy(wrong_at(range(3)), wrong_at(range(2, 7)), LABELS, GATE).metrics
    assert metrics["accuracy_reference"] == 0.997
    assert metrics["accuracy"] == 0.995
    assert metrics["drop_points"] == pytest.approx(0.2)
    assert (metrics["lost"], metrics["won"], metrics["flips"]) == (4, 2, 6)
    assert metrics["flip_samples"] == "0 1 3 4 5 6"
    assert metrics["drop_points_low"] < 0.2 < metrics["drop_points_high"]
    assert metrics["mcnemar_p"] == pytest.approx(0.6875)
    assert metrics["power"] == (
        "1,000 samples, of which 6 became right or wrong, show a drop of 1.2 points or more; 0.5 needs 3,500"
    )


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [(0, Outcome.PASSED), (3, Outcome.PASSED), (5, Outcome.UNDECIDED), (9, Outcome.UNDECIDED), (14, Outcome.FAILED)],
)
def test_the_interval_decides_or_it_does_not(lost: int, outcome: Outcome) -> None:
    assert check_accuracy(RIGHT, wrong_at(range(lost)), LABELS, GATE).outcome is outcome


def test_samples_that_do_not_tell_say_how_many_would() -> None:
    check = check_accuracy(RIGHT, wrong_at(range(5)), LABELS, GATE)
    assert check.required
    assert check.reasons == (
        "accuracy drops by 0.50 points (95 % interval 0.12 to 1.17), allowed 0.5 and surely below 1: 1,000 samples "
        "do not tell, about 1,700 would tell; give more labelled data, or a gate that this data can show",
    )


def test_so_many_samples_do_tell() -> None:
    assert check_accuracy(
        np.repeat(RIGHT, 2, 0), np.repeat(wrong_at(range(5)), 2, 0), np.repeat(LABELS, 2), GATE
    ).outcome is (Outcome.PASSED)
    assert check_accuracy(RIGHT, wrong_at(range(7)), LABELS, GATE).reasons[0].count("about 5,100 would tell") == 1


@pytest.mark.parametrize(("samples", "outcome"), [(300, Outcome.UNDECIDED), (500, Outcome.PASSED)])
def test_no_change_at_all_is_decided_by_the_rule_of_three(samples: int, outcome: Outcome) -> None:
    check = check_accuracy(RIGHT[:samples], RIGHT[:samples], LABELS[:samples], GATE)
    assert check.outcome is outcome
    assert check.metrics["drop_points_high"] == pytest.approx(100 * 3.84 / samples, rel=0.02)


def test_an_imbalanced_set_is_no_reason_to_doubt_the_labels() -> None:
    labels = np.where(np.arange(1000) < 950, 0, 1)
    scores = np.eye(2)[np.where((np.arange(1000) < 900) | (np.arange(1000) >= 990), 0, 1)]
    check = check_accuracy(scores, scores, labels, GATE)
    assert check.outcome is Outcome.PASSED, check.reasons
    assert check.metrics["accuracy"] < 0.95, "less than the commonest label alone, and yet no accident"


def test_many_flips_are_counted_and_some_listed() -> None:
    metrics = check_accuracy(RIGHT, wrong_at(range(80)), LABELS, GATE).metrics
    assert metrics["flips"] == 80
    assert str(metrics["flip_samples"]).endswith(f" {LISTED_FLIPS - 1} ...")


def test_the_record_is_json() -> None:
    metrics = check_accuracy(RIGHT, RIGHT, LABELS, GATE).metrics
    assert json.loads(json.dumps(dict(metrics), allow_nan=False)) == dict(metrics)
