from __future__ import annotations

import dataclasses
import json
import math
import re

import numpy as np
import pytest
from gates.timings import simulated

from converters.disturbance import Disturbance
from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import aa_error_rate, bootstrap, check_latency, compare, warm
from pipeline.checks.outcome import Outcome

GATE = LatencyGate(confidence=0.98, min_rounds=8, equal_within=0.02, race_within=0.005, max_ratio=0.0, reason="test")
LIMITED = dataclasses.replace(GATE, max_ratio=1.1)


@pytest.mark.parametrize(("effect", "decision"), [(0.7, "faster"), (1.0, "equal"), (1.4, "slower")])
def test_the_decision(effect: float, decision: str) -> None:
    compared = compare(simulated(3, effect=effect, rounds=29, noise="quiet"), GATE)
    assert compared.decision == decision
    assert compared.found.low < effect < compared.found.high
    assert compared.control_decision == "equal"


def test_a_wide_interval_cannot_tell() -> None:
    assert compare(simulated(3, effect=1.01, noise="sessions differ"), GATE).decision == "cannot tell"


def test_exchanging_the_sides_inverts_the_ratio() -> None:
    timings = simulated(5, effect=1.4)
    mirrored = dataclasses.replace(timings, a_s=timings.b_s, b_s=timings.a_s)
    assert compare(mirrored, GATE).found.ratio == pytest.approx(1 / compare(timings, GATE).found.ratio)


@pytest.mark.parametrize(("effect", "decision"), [(0.7, "slower"), (1.0, "equal"), (1.4, "faster")])
def test_turned_round_it_says_what_exchanged_sides_say(effect: float, decision: str) -> None:
    timings = simulated(3, effect=effect, rounds=29, noise="quiet")
    mirrored = compare(dataclasses.replace(timings, a_s=timings.b_s, b_s=timings.a_s), GATE)
    turned = compare(timings, GATE).turned()
    assert turned.decision == decision
    found, expected = dataclasses.astuple(turned.found), dataclasses.astuple(mirrored.found)
    assert found == pytest.approx(expected, rel=1e-9)


def test_an_open_interval_stays_open_turned_round() -> None:
    few = compare(simulated(5, rounds=2), GATE).turned().found
    assert (few.low, few.high) == (0.0, math.inf)


def test_spikes_do_not_move_the_ratio() -> None:
    timings = simulated(5, effect=1.4, noise="quiet")
    spiky = timings.a_s.copy()
    spiky[:, 1] *= 50
    found = compare(dataclasses.replace(timings, a_s=spiky), GATE).found
    assert found.ratio == pytest.approx(1.4, rel=0.03)


def test_drift_cancels_within_a_pair() -> None:
    timings = simulated(5, effect=1.4, noise="quiet")
    drift = np.geomspace(1, 10, timings.a_s.size).reshape(timings.a_s.shape)
    drifting = dataclasses.replace(timings, a_s=timings.a_s * drift, b_s=timings.b_s * drift)
    assert compare(drifting, GATE).found.ratio == pytest.approx(compare(timings, GATE).found.ratio)


def test_pairs_within_one_round_are_no_independent_evidence() -> None:
    rounds = np.exp(np.random.default_rng(0).normal(size=(8, 1)) * 0.02)
    b = np.full((8, 1000), 1e-3)
    timings = dataclasses.replace(simulated(0), a_s=b * rounds, b_s=b, control_s=b)
    found = compare(timings, GATE).found
    assert found.high / found.low > 1.02


def test_a_machine_that_makes_the_control_differ_tells_nothing() -> None:
    timings = simulated(1, effect=1.4, noise="quiet", control=1.1)
    compared = compare(timings, GATE)
    assert (compared.decision, compared.control_decision) == ("cannot tell", "slower")
    metrics = check_latency(timings, GATE).metrics
    assert "the baseline was called slower than itself in the same rounds" in str(metrics["says"])
    judged = check_latency(timings, LIMITED)
    assert judged.outcome is Outcome.UNDECIDED


def test_too_few_rounds_decide_nothing() -> None:
    timings = simulated(1, effect=3.0, rounds=5)
    compared = compare(timings, GATE)
    assert (compared.decision, compared.found.low, compared.found.high) == ("cannot tell", 0.0, math.inf)
    check = check_latency(timings, GATE)
    assert (check.outcome, check.required) == (Outcome.UNDECIDED, False)
    assert check.reasons == (
        "cannot tell: 5 rounds took 5 s and give no interval, wanted 8; give the measurement more time",
    )
    assert check.metrics["ratio_high"] is None


def test_the_same_timings_give_the_same_answer() -> None:
    assert check_latency(simulated(2), GATE) == check_latency(simulated(2), GATE)


def test_the_record_is_json_in_milliseconds() -> None:
    check = check_latency(simulated(2), GATE)
    assert (check.outcome, check.required) == (Outcome.PASSED, False)
    assert check.metrics["latency_ms_p50"] == pytest.approx(1.0, rel=0.3)
    assert check.metrics["latency_ms_p90"] >= check.metrics["latency_ms_p50"]
    assert json.loads(json.dumps(dict(check.metrics), allow_nan=False)) == dict(check.metrics)


@pytest.mark.parametrize(
    ("effect", "noise", "says"),
    [
        (1.0, "quiet", r"equal within 2 %"),
        (1.4, "quiet", r"slower by (39|40)\.\d %"),
        (0.5, "quiet", r"faster by (49|50)\.\d %"),
        (1.01, "quiet", r"slower by [01]\.\d %, which is less than 2 %"),
        (1.0, "sessions differ", r"cannot tell: 80 s leave the ratio between \d\.\d+ and \d\.\d+; measure for longer"),
    ],
)
def test_the_verdict_is_a_sentence(effect: float, noise: str, says: str) -> None:
    timings = simulated(4, effect=effect, rounds=80, noise=noise)
    assert re.fullmatch(says, str(check_latency(timings, GATE).metrics["says"]))


def test_what_cannot_be_told_says_why_and_what_to_do() -> None:
    timings = simulated(4, noise="sessions differ")
    loud = dataclasses.replace(timings, disturbance=Disturbance(12.0, others_s=6.0))
    metrics = check_latency(loud, GATE).metrics
    assert metrics["noise"] == "other programs took 50% of the CPU"
    assert str(metrics["says"]).endswith(
        "; other programs took 50% of the CPU; stop what else runs here, or measure for longer"
    )


@pytest.mark.parametrize(
    ("effect", "noise", "outcome"),
    [
        (1.3, "quiet", Outcome.FAILED),
        (1.0, "quiet", Outcome.PASSED),
        (0.5, "usual", Outcome.PASSED),
        (1.1, "sessions differ", Outcome.UNDECIDED),
    ],
)
def test_a_limit_is_met_missed_or_undecided(effect: float, noise: str, outcome: Outcome) -> None:
    check = check_latency(simulated(1, effect=effect, noise=noise), LIMITED)
    assert (check.outcome, check.required) == (outcome, True)


@pytest.mark.parametrize("value", [0.0, -1e-3, np.nan, np.inf])
@pytest.mark.parametrize(("side", "name"), [("a_s", "artifact"), ("b_s", "baseline"), ("control_s", "control")])
def test_times_that_cannot_be_are_a_failure(value: float, side: str, name: str) -> None:
    timings = simulated(1)
    broken = getattr(timings, side).copy()
    broken[3, 3] = value
    check = check_latency(dataclasses.replace(timings, **{side: broken}), GATE)
    assert check.outcome is Outcome.FAILED
    assert f"no usable times of the {name}" in check.reasons[0]


def test_the_error_rate_counts_decisions() -> None:
    effects = (1.0, 1.5, 0.6, 1.0)
    rate = aa_error_rate(lambda trial: simulated(trial, effect=effects[trial], noise="quiet"), 4, GATE)
    assert rate == 0.5


def test_the_bootstrap_agrees_and_is_narrower() -> None:
    timings = simulated(4, effect=1.2, rounds=30)
    low, high = bootstrap(timings)
    found = compare(timings, GATE).found
    assert found.low < low < 1.2 < high < found.high


def test_rounds_that_start_slow_were_not_warm() -> None:
    timings = simulated(0, rounds=30)
    assert warm(timings) is True
    cold = timings.a_s * np.array([1.5, 1.0, 1.0, 1.0])
    assert warm(dataclasses.replace(timings, a_s=cold)) is False
    one = {name: getattr(timings, name)[:, :1] for name in ("a_s", "b_s", "control_s")}
    assert warm(dataclasses.replace(timings, **one)) is None
