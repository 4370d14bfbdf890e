"""Rounds of timings until their interval decides: how long that takes is found out, and errors stay as rare as said.

Looking again and again at an interval until it excludes 1 would find a difference in any noise. So each look has its
own share of the whole error: look k gets 1 / (k (k + 1)) of it, which adds up to no more than all of it, however the
looks depend on each other (Bonferroni).

The interval is that of Wilcoxon's signed ranks over the rounds' log-ratios, by their Walsh averages (Hollander, Wolfe
and Chicken, "Nonparametric Statistical Methods", 2014, section 3.3). It needs no shape of the noise. For a file against
itself it is exact, also where noise comes in bursts, drifts or stays with a session for life: sides are opened, warmed
and measured in random order, so that each round's log-ratio is as likely as its opposite, whatever the others are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from converters.timing import A, B, Pairing, PairTimings, Plan, Round
from pipeline.checks.gates import LatencyGate

MOST_ROUNDS = 400
LATE_S = 30.0
"""Beyond the budget, for the fewest rounds that decide."""
REHEARSAL_SHARE, LONGEST_REHEARSAL_S = 0.1, 1.0
"""Of the budget; what warms up for longer goes on to in its rounds, which then say so."""
_GROWTH = 1.35
Call = Callable[..., Any]


@dataclass(frozen=True)
class Interval:
    """A ratio with an interval that holds at every look together with all others."""

    ratio: float
    low: float
    high: float

    @property
    def excludes_one(self) -> bool:
        """Whether there is a difference."""
        return self.low > 1 or self.high < 1

    def within(self, margin: float) -> bool:
        """Whether any difference is smaller than a share."""
        return 1 / (1 + margin) <= self.low and self.high <= 1 + margin

    def turned(self) -> Interval:
        """That of the opposite ratio."""
        return Interval(1 / self.ratio, 1 / self.high, 1 / self.low if self.low else math.inf)


def looks(first: int) -> Iterator[int]:
    """After how many rounds the interval is looked at: `first`, then each time about a third more."""
    rounds = first
    while rounds <= MOST_ROUNDS:
        yield rounds
        rounds = math.ceil(_GROWTH * rounds)


def interval(log_ratios: np.ndarray, gate: LatencyGate) -> Interval:
    """The ratio and its interval from one log-ratio a round, (rounds,), with the error that is left to this look.

    The ratio is the median of the Walsh averages (Hodges and Lehmann). Before the first look the interval is open.
    Rounds beyond a look, where the budget ended, are a look of their own.
    """
    count = len(log_ratios)
    rows, columns = np.triu_indices(count)
    walsh = np.sort((log_ratios[rows] + log_ratios[columns]) / 2)
    ratio = math.exp(float(np.median(walsh)))
    look = sum(rounds < count for rounds in looks(gate.min_rounds)) + 1
    outside = int(np.searchsorted(_rank_sums(count), (1 - gate.confidence) / (look * (look + 1)) / 2, side="right"))
    if count < gate.min_rounds or outside == 0:
        return Interval(ratio, 0.0, math.inf)
    low, high = walsh[outside - 1], walsh[-outside]
    return Interval(ratio, math.exp(float(low)), math.exp(float(high)))


def decides(found: Interval, gate: LatencyGate) -> bool:
    """Whether more rounds would change nothing: different, or equal within the margin; or on one side of the limit."""
    if gate.max_ratio > 0:
        return found.low > gate.max_ratio or found.high <= gate.max_ratio
    return found.excludes_one or found.within(gate.equal_within)


def log_ratios(one_s: np.ndarray, other_s: np.ndarray) -> np.ndarray:
    """One log-ratio a round, (rounds,), of block times (rounds, pairs): the median, which is deaf to spikes."""
    return np.asarray(np.median(np.log(one_s / other_s), axis=1))


def measure(
    rehearse: Callable[[], Plan],
    take: Callable[[Plan, int], Round],
    gate: LatencyGate,
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Plan, list[Round], float]:
    """The plan, the rounds that it took to decide, or that the budget allowed, and the seconds they took.

    A slow model gets its `min_rounds` up to `LATE_S` beyond the budget, for fewer never decide; one that is slower
    still stops after those that it had, one at least.

    Args:
        rehearse: finds the plan.
        take: makes the round of a number.
        gate: the error, the first look, the margins.
        budget_s: seconds, of all that is done here.
        clock: tells them.
    """
    start = clock()
    plan, rounds = rehearse(), list[Round]()
    ratios: list[float] = []
    for look in looks(gate.min_rounds):
        while len(rounds) < look:
            late_s = 0.0 if len(rounds) >= gate.min_rounds else LATE_S
            if rounds and clock() - start >= budget_s + late_s:
                return plan, rounds, clock() - start
            made = take(plan, len(rounds))
            rounds.append(made)
            ratios.append(float(log_ratios(made.seconds[None, A], made.seconds[None, B])[0]))
        if decides(interval(np.array(ratios), gate), gate):
            break
    return plan, rounds, clock() - start


def time_in_worker(call: Call, pairing: Pairing, gate: LatencyGate, budget_s: float, seed: int = 0) -> PairTimings:
    """The timings of two artifacts that a worker takes, one call of the worker a round.

    Args:
        call: a worker's function, by its dotted name and arguments.
        pairing: what is timed.
        gate: as of `measure`.
        budget_s: as of `measure`.
        seed: of the orders.
    """
    longest_s = min(REHEARSAL_SHARE * budget_s, LONGEST_REHEARSAL_S)
    plan, rounds, elapsed_s = measure(
        lambda: call("converters.rehearsal:rehearse", pairing=pairing, longest_s=longest_s),
        lambda plan, number: call(
            "converters.timing:time_round", pairing=pairing, plan=plan, seed=seed * MOST_ROUNDS + number
        ),
        gate,
        budget_s,
    )
    return PairTimings.of(rounds, plan, pairing.most_threads, elapsed_s)


@lru_cache
def _rank_sums(count: int) -> np.ndarray:
    """P(sum of signed ranks <= k) of `count` values without a difference, (count (count + 1) / 2 + 1,), exact."""
    chance = np.zeros(count * (count + 1) // 2 + 1)
    chance[0] = 1.0
    for rank in range(1, count + 1):
        moved = np.zeros_like(chance)
        moved[rank:] = chance[:-rank]
        chance = (chance + moved) / 2
    return np.cumsum(chance)
