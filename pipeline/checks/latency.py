"""Which of two artifacts is faster, from interleaved pairs, and how often this way of asking is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from converters.timing import PairTimings
from pipeline.checks.gates import LatencyGate
from pipeline.checks.outcome import Check, Metric, Outcome

Decision = Literal["faster", "slower", "cannot tell"]

_RESAMPLES = 2000
_TRIM = 0.2


@dataclass(frozen=True)
class Comparison:
    """The ratio of a's time to b's with its interval; below 1 a is faster."""

    ratio: float
    low: float
    high: float
    decision: Decision
    rounds: int
    pairs: int


def compare(timings: PairTimings, gate: LatencyGate, seed: int = 0) -> Comparison:
    """Whether a is faster or slower than b, said only when the interval of the ratio excludes 1.

    In each pair the two run within milliseconds of each other, so that drift of the machine cancels in the log-ratio;
    its median over a round is deaf to spikes. Rounds, in which both files are opened anew, differ by more than their
    pairs do (memory layout, placement of threads) and are the unit of the bootstrap: pairs within one are not
    independent. Centre: 20 % trimmed mean of the round medians. Interval: percentile bootstrap over rounds, widened
    for few of them (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, section 4.1.3).
    """
    rounds = np.median(np.log(timings.a_s / timings.b_s), axis=1)
    count = len(rounds)
    centre = float(_trimmed_mean(rounds[None, :])[0])
    if count < gate.min_rounds:
        return Comparison(math.exp(centre), 0.0, math.inf, "cannot tell", count, timings.a_s.size)
    rng = np.random.default_rng(seed)
    resampled = _trimmed_mean(rounds[rng.integers(0, count, (_RESAMPLES, count))])
    tail = _widened_tail((1 - gate.confidence) / 2, count)
    low, high = np.quantile(resampled, [tail, 1 - tail])
    decision: Decision = "faster" if high < 0 else "slower" if low > 0 else "cannot tell"
    return Comparison(math.exp(centre), math.exp(low), math.exp(high), decision, count, timings.a_s.size)


def check_latency(timings: PairTimings, gate: LatencyGate, seed: int = 0) -> Check:
    """The check `latency` of artifact a beside its baseline b. Told, and judged only where `gate.max_ratio` is set.

    FAILED when a is slower than allowed for certain: the whole interval lies above `max_ratio`.
    """
    judged = gate.max_ratio > 0
    bad = [side for side, s in (("artifact", timings.a_s), ("baseline", timings.b_s)) if not _usable(s)]
    if bad:
        reason = f"no usable times of the {' and the '.join(bad)}: nothing measured proves nothing"
        return Check("latency", Outcome.FAILED, (reason,), required=judged)
    found = compare(timings, gate, seed)
    measured = found.rounds >= gate.min_rounds
    metrics: dict[str, Metric] = {
        "latency_ms_p50": 1e3 * float(np.median(timings.a_s)),
        "latency_ms_p90": 1e3 * timings.a_p90_s,
        "baseline_ms_p50": 1e3 * float(np.median(timings.b_s)),
        "baseline_ms_p90": 1e3 * timings.b_p90_s,
        "ratio": found.ratio,
        "ratio_low": found.low if measured else None,
        "ratio_high": found.high if measured else None,
        "decision": found.decision,
        "confidence": gate.confidence,
        "rounds": found.rounds,
        "pairs": found.pairs,
        "calls_a_block": timings.calls,
        "threads": timings.threads,
        "warm": timings.stable_rounds == found.rounds,
    }
    if not measured:
        reason = f"{found.rounds} rounds give no interval, wanted {gate.min_rounds}; give the measurement more time"
        return Check("latency", Outcome.NOT_RUN, (reason,), metrics, required=judged)
    if judged and found.low > gate.max_ratio:
        reason = (
            f"takes {found.ratio:.2f} of the baseline's time (at least {found.low:.2f}), allowed {gate.max_ratio:g}"
        )
        return Check("latency", Outcome.FAILED, (reason,), metrics)
    return Check("latency", Outcome.PASSED, (), metrics, required=judged)


def aa_error_rate(measure: Callable[[int], PairTimings], trials: int, gate: LatencyGate) -> float:
    """The share of trials in which a file is called faster or slower than itself, 0..1.

    `measure(trial)` times the same artifact as a and as b. The harness is fit when the rate is at most 5 %.
    """
    wrong = sum(compare(measure(trial), gate, seed=trial).decision != "cannot tell" for trial in range(trials))
    return wrong / trials


def _trimmed_mean(rows: np.ndarray) -> np.ndarray:
    """The mean of each row (k, m) without its `_TRIM` smallest and greatest values, (k,)."""
    ordered = np.sort(rows, axis=1)
    cut = int(_TRIM * rows.shape[1])
    return ordered[:, cut : rows.shape[1] - cut].mean(axis=1)


def _widened_tail(tail: float, count: int) -> float:
    """The tail probability that gives a percentile interval of `count` values the width of Student's."""
    from scipy.special import stdtrit

    kept = count - 2 * int(_TRIM * count)
    return NormalDist().cdf(math.sqrt(count / (count - 1)) * float(stdtrit(kept - 1, tail)))


def _usable(seconds: np.ndarray) -> bool:
    return seconds.size > 0 and bool(np.isfinite(seconds).all()) and bool((seconds > 0).all())
