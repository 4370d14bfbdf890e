"""Timings of a noisy machine: drift, bursts, spikes, places in the order, and sessions that stay fast for life."""

from __future__ import annotations

import numpy as np

from converters.disturbance import Disturbance
from converters.timing import CONTROL, A, B, PairTimings, Plan, Round
from pipeline.checks.gates import LatencyGate
from pipeline.checks.sequential import measure

PLAN = Plan(warm_up=3, calls=(10, 10), coarse=False, pairs=4)
NOISE = {
    "quiet": {"session": 0.003, "spikes": 0.01, "bad_rounds": 0.0, "bursts": 0.0, "first": 0.0},
    "usual": {"session": 0.01, "spikes": 0.05, "bad_rounds": 0.02, "bursts": 0.02, "first": 0.005},
    "sessions differ": {"session": 0.03, "spikes": 0.05, "bad_rounds": 0.1, "bursts": 0.02, "first": 0.0},
    "many spikes": {"session": 0.01, "spikes": 0.3, "bad_rounds": 0.05, "bursts": 0.0, "first": 0.0},
    "bursts": {"session": 0.01, "spikes": 0.1, "bad_rounds": 0.0, "bursts": 0.2, "first": 0.05},
}


class Machine:
    """Makes rounds of blocks of about 1 ms; a takes `effect` times as long as b. One second of its clock is a round."""

    def __init__(self, seed: int, effect: float = 1.0, noise: str = "usual", control: float = 1.0) -> None:
        self.level, self.rng = NOISE[noise], np.random.default_rng(seed)
        self.effects = {A: effect, B: 1.0, CONTROL: control}
        self.blocks, self.now_s = iter(()), 0.0

    def take(self, plan: Plan, number: int) -> Round:
        """The next round, its sides in random order and back."""
        self.now_s += 1.0
        sessions = np.exp(self.rng.normal(size=3) * self.level["session"])
        sessions[self.rng.random(3) < self.level["bad_rounds"]] *= 1.3
        seconds, orders = np.empty((3, plan.pairs)), np.empty((plan.pairs, 3), int)
        for pair in range(plan.pairs):
            orders[pair] = orders[pair - 1][::-1] if pair % 2 else self.rng.permutation(3)
            for place, side in enumerate(map(int, orders[pair])):
                slower = 1 + self.level["first"] * (place == 0)
                seconds[side, pair] = 1e-3 * self.effects[side] * sessions[side] * slower * self._next_block()
        return Round(seconds, orders, seconds[A], seconds[B], Disturbance(elapsed_s=1.0))

    def clock(self) -> float:
        """Its seconds."""
        return self.now_s

    def _next_block(self) -> float:
        """How much slower than at its best the machine runs a block."""
        for slower in self.blocks:
            return float(slower)
        self.blocks = iter(self._stretch(600))
        return self._next_block()

    def _stretch(self, count: int) -> np.ndarray:
        """So many blocks, each of which follows from those before: drift, bursts of 20, spikes, and a little jitter."""
        rng, memory = self.rng, 100
        drift = np.convolve(rng.normal(size=count + memory - 1) * 0.01, 0.98 ** np.arange(memory), mode="valid")
        starts = rng.random(count) < self.level["bursts"] / 20
        burst = np.convolve(starts, np.ones(20))[:count] > 0
        spike = rng.exponential(size=count) * (rng.random(count) < self.level["spikes"] + 0.4 * burst)
        return np.asarray(np.exp(drift) * (1 + 0.01 * rng.standard_gamma(1, count)) * (1 + spike))


def simulated(
    seed: int, effect: float = 1.0, rounds: int = 12, noise: str = "usual", control: float = 1.0
) -> PairTimings:
    """So many rounds of a machine."""
    machine = Machine(seed, effect, noise, control)
    return PairTimings.of([machine.take(PLAN, number) for number in range(rounds)], PLAN, 1, float(rounds))


def until_decided(
    seed: int, gate: LatencyGate, effect: float = 1.0, noise: str = "usual", budget_s: float = 200
) -> PairTimings:
    """As many rounds as it takes, or as the budget allows: a fast model has 200 in 20 s."""
    machine = Machine(seed, effect, noise)
    plan, rounds, seconds = measure(lambda: PLAN, machine.take, gate, budget_s, machine.clock)
    return PairTimings.of(rounds, plan, 1, seconds)
