"""Errors stay as rare as said however often one looks, and differences are found: on simulated noise, seeded."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from gates import mini
from gates.timings import NOISE, PLAN, Machine, until_decided

from converters.timing import PairTimings, Plan, Round
from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import compare
from pipeline.checks.sequential import LATE_S, MOST_ROUNDS, Interval, decides, interval, log_ratios, looks, measure

GATE = LatencyGate(confidence=0.98, min_rounds=8, equal_within=0.02, race_within=0.005, max_ratio=0.0, reason="test")
TRIALS = 200


def decisions(effect: float, noise: str, trials: int = TRIALS, budget_s: float = 200) -> list[str]:
    gate = mini.gates().latency
    return [compare(until_decided(seed, gate, effect, noise, budget_s), gate).decision for seed in range(trials)]


@pytest.mark.parametrize("noise", NOISE)
def test_a_file_is_called_different_from_itself_in_few_trials_under_any_noise(noise: str) -> None:
    found = decisions(1.0, noise, budget_s=80)
    assert found.count("faster") + found.count("slower") <= 0.05 * TRIALS


@pytest.mark.parametrize("noise", ["quiet", "usual", "bursts"])
@pytest.mark.parametrize("effect", [1.03, 1 / 1.03])
def test_a_true_difference_of_3_percent_is_found(noise: str, effect: float) -> None:
    assert decisions(effect, noise, 100).count("slower" if effect > 1 else "faster") >= 90


def test_equal_files_end_soon_and_are_called_equal() -> None:
    assert decisions(1.0, "quiet", 50).count("equal") >= 45


def test_a_difference_at_the_margin_is_seldom_called_equal() -> None:
    assert decisions(1.02, "quiet", 100).count("equal") <= 5


def test_all_looks_together_spend_the_error_and_no_more() -> None:
    """Signs by chance, sizes of any kind: the share of sequences that any look calls different."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(600):
        ratios = rng.choice([-1, 1], 60) * rng.exponential(size=60) * 0.05
        wrong += any(interval(ratios[:seen], GATE).excludes_one for seen in looks(8) if seen <= 60)
    assert wrong <= 0.02 * 600 + 3 * math.sqrt(0.02 * 600)


def test_the_interval_of_eight_rounds_is_their_range() -> None:
    ratios = np.array([0.01, 0.04, 0.02, 0.03, 0.05, 0.02, 0.03, 0.04])
    found = interval(ratios, GATE)
    assert (found.low, found.high) == (pytest.approx(math.exp(0.01)), pytest.approx(math.exp(0.05)))
    assert found.low < found.ratio < found.high
    assert interval(ratios[:7], GATE) == Interval(pytest.approx(found.ratio, rel=0.02), 0.0, math.inf)


def test_the_interval_is_that_of_scipy_signed_ranks() -> None:
    from scipy.stats import wilcoxon

    ratios = np.random.default_rng(3).normal(0.01, 0.02, 20)
    looked = sum(rounds < 20 for rounds in looks(8)) + 1
    error = 0.02 / (looked * (looked + 1))
    found = interval(ratios, GATE)
    for end in (found.low, found.high):
        inside, outside = (
            wilcoxon(ratios - math.log(end * scale), method="exact").pvalue for scale in _apart(end, found)
        )
        assert outside <= error < inside


def _apart(end: float, found: Interval) -> tuple[float, float]:
    """Just inside and just outside an end."""
    step = 1e-9 if end == found.low else -1e-9
    return 1 + step, 1 - step


def test_exchanging_the_sides_inverts_the_interval() -> None:
    ratios = np.random.default_rng(1).normal(0.01, 0.02, 30)
    found, mirrored = interval(ratios, GATE), interval(-ratios, GATE)
    assert (mirrored.low, mirrored.high) == (pytest.approx(1 / found.high), pytest.approx(1 / found.low))


def test_looks_grow() -> None:
    assert list(itertools.islice(looks(8), 5)) == [8, 11, 15, 21, 29]
    assert max(looks(8)) <= MOST_ROUNDS


@pytest.mark.parametrize(
    ("low", "high", "limit", "decided"),
    [
        (1.01, 1.05, 0.0, True),
        (0.9, 0.99, 0.0, True),
        (0.985, 1.015, 0.0, True),
        (0.97, 1.015, 0.0, False),
        (1.01, 1.05, 1.02, False),
        (1.03, 1.05, 1.02, True),
        (0.9, 1.01, 1.02, True),
    ],
)
def test_what_decides(low: float, high: float, limit: float, decided: bool) -> None:
    gate = replace(GATE, max_ratio=limit)
    assert decides(Interval((low + high) / 2, low, high), gate) is decided


def test_the_median_of_a_round_is_deaf_to_a_spike() -> None:
    b = np.full((2, 5), 1e-3)
    a = b * 1.1
    a[:, 2] *= 50
    assert np.exp(log_ratios(a, b)) == pytest.approx([1.1, 1.1])


def test_the_budget_ends_it_after_the_first_look_at_the_earliest() -> None:
    machine = Machine(0, noise="sessions differ")
    _, rounds, seconds = measure(lambda: PLAN, machine.take, GATE, 20.0, machine.clock)
    assert (len(rounds), seconds) == (20, 20.0)
    machine = Machine(0, noise="sessions differ")
    assert len(measure(lambda: PLAN, machine.take, GATE, 1.0, machine.clock)[1]) == 8


@pytest.mark.parametrize(("round_s", "rounds"), [(5.0, 7), (20.0, 2), (400.0, 1)])
def test_a_model_too_slow_for_the_fewest_rounds_stops_and_nothing_is_told(round_s: float, rounds: int) -> None:
    machine = Machine(0, effect=3.0)

    def take(plan: Plan, number: int) -> Round:
        machine.now_s += round_s - 1.0
        return machine.take(plan, number)

    plan, taken, seconds = measure(lambda: PLAN, take, GATE, 1.0, machine.clock)
    assert len(taken) == rounds
    assert seconds < 1.0 + LATE_S + round_s
    assert compare(PairTimings.of(taken, plan, 1, seconds), GATE).decision == "cannot tell"
