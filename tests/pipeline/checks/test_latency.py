from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from gates.timings import simulated

from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import aa_error_rate, check_latency, compare
from pipeline.checks.outcome import Outcome

GATE = LatencyGate(confidence=0.99, min_rounds=6, max_ratio=0.0, reason="test")


@pytest.mark.parametrize(("effect", "decision"), [(0.7, "faster"), (1.0, "cannot tell"), (1.4, "slower")])
def test_the_decision(effect: float, decision: str) -> None:
    found = compare(simulated(3, effect=effect), GATE)
    assert found.decision == decision
    assert found.low < found.ratio < found.high
    assert found.low < effect < found.high


def test_exchanging_the_sides_inverts_the_ratio() -> None:
    timings = simulated(5, effect=1.4)
    mirrored = dataclasses.replace(timings, a_s=timings.b_s, b_s=timings.a_s)
    assert compare(mirrored, GATE).ratio == pytest.approx(1 / compare(timings, GATE).ratio)


def test_spikes_do_not_move_the_ratio() -> None:
    timings = simulated(5, effect=1.4, noise="quiet")
    spiky = timings.a_s.copy()
    spiky[:, ::5] *= 50
    assert compare(dataclasses.replace(timings, a_s=spiky), GATE).ratio == pytest.approx(1.4, rel=0.03)


def test_drift_cancels_within_a_pair() -> None:
    timings = simulated(5, effect=1.4, noise="quiet")
    drift = np.geomspace(1, 10, timings.a_s.size).reshape(timings.a_s.shape)
    drifting = dataclasses.replace(timings, a_s=timings.a_s * drift, b_s=timings.b_s * drift)
    assert compare(drifting, GATE).ratio == pytest.approx(compare(timings, GATE).ratio)


def test_pairs_within_one_round_are_no_independent_evidence() -> None:
    rounds = np.exp(np.random.default_rng(0).normal(size=(8, 1)) * 0.02)
    b = np.full((8, 1000), 1e-3)
    timings = dataclasses.replace(simulated(0), a_s=b * rounds, b_s=b, a_first=np.zeros((8, 1000), bool))
    found = compare(timings, GATE)
    assert found.high / found.low > 1.02


def test_too_few_rounds_decide_nothing() -> None:
    timings = simulated(1, effect=3.0, rounds=5)
    found = compare(timings, GATE)
    assert (found.decision, found.low, found.high) == ("cannot tell", 0.0, math.inf)
    check = check_latency(timings, GATE)
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
    assert check.reasons == ("5 rounds give no interval, wanted 6; give the measurement more time",)


def test_the_same_timings_give_the_same_answer() -> None:
    assert compare(simulated(2), GATE) == compare(simulated(2), GATE)


def test_the_record_is_json_in_milliseconds() -> None:
    check = check_latency(simulated(2), GATE)
    assert (check.outcome, check.required) == (Outcome.PASSED, False)
    assert check.metrics["latency_ms_p50"] == pytest.approx(1.0, rel=0.3)
    assert check.metrics["latency_ms_p90"] >= check.metrics["latency_ms_p50"]
    assert json.loads(json.dumps(dict(check.metrics), allow_nan=False)) == dict(check.metrics)


@pytest.mark.parametrize("value", [0.0, -1e-3, np.nan, np.inf])
def test_times_that_cannot_be_are_a_failure(value: float) -> None:
    timings = simulated(1)
    broken = timings.a_s.copy()
    broken[3, 3] = value
    check = check_latency(dataclasses.replace(timings, a_s=broken), GATE)
    assert check.outcome is Outcome.FAILED
    assert "no usable times of the artifact" in check.reasons[0]


def test_the_error_rate_counts_decisions() -> None:
    effects = (1.0, 1.5, 0.6, 1.0)
    rate = aa_error_rate(lambda trial: simulated(trial, effect=effects[trial], noise="quiet"), 4, GATE)
    assert rate == 0.5
