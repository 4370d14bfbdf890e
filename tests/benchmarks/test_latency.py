"""What is said of trials; the harness itself is measured in test_measured.py."""

from __future__ import annotations

import pytest
from gates.timings import simulated

from benchmarks import latency
from benchmarks.latency import Trials
from pipeline.checks.latency import compare
from pipeline.configs import load_configs

GATE = load_configs(None, None)[1].latency


def test_trials_are_counted_by_what_they_decided():
    made = Trials()
    for effect, heard in ((1.0, ""), (1.5, ""), (0.5, "other programs took 40% of the CPU"), (1.5, "")):
        made.add(compare(simulated(1, effect=effect, rounds=29, noise="quiet"), GATE), 2.0, heard)
    assert made.percent("faster", "slower") == 75.0
    assert made.said() == "4 trials: 1 equal, 2 slower, 1 faster; 2.0 s each; noisy machine"


class Workshop:
    """Trials that somebody stops after a few."""

    trials = 4

    def __init__(self):
        self.pool, self.rounds = self, 0

    def artifact(self, *what):
        return None, None

    def call(self, *arguments, **more):
        raise KeyboardInterrupt


def test_trials_that_are_stopped_tell_those_that_were_made(monkeypatch):
    assert list(latency.figures(Workshop())) == []

    stop_at = [(latency.BUDGET_S, 1)]

    def timed(call, pairing, gate, budget_s, seed):
        if (budget_s, seed) in stop_at:
            raise KeyboardInterrupt
        return simulated(seed, effect=1.03 if budget_s == latency.BUDGET_S else 1.0, rounds=29, noise="quiet")

    monkeypatch.setattr(latency, "time_in_worker", timed)
    wrong, missed, longest = latency.figures(Workshop())
    assert (wrong.value, missed.value, longest.value) == (0.0, 0.0, pytest.approx(29.0))
    assert wrong.detail.startswith("4 trials: 4 equal")
    assert missed.detail.startswith("1 trials: 1 slower")
    stop_at.append((latency.AA_BUDGET_S, 3))
    (wrong,) = latency.figures(Workshop())
    assert wrong.detail.startswith("3 trials: 3 equal")
