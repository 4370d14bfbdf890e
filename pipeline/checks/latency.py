"""Which of two artifacts is faster, from interleaved rounds, and how often this way of asking is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from converters.timing import PairTimings
from pipeline.checks.gates import LatencyGate
from pipeline.checks.noise import noise
from pipeline.checks.outcome import Check, Metric, Outcome
from pipeline.checks.sequential import Interval, interval, log_ratios

Decision = Literal["faster", "slower", "equal", "cannot tell"]

_RESAMPLES = 300
_TREND_P = 0.001


@dataclass(frozen=True)
class Comparison:
    """The ratio of a's time to b's with its interval; below 1 a is faster.

    `control` compares b with itself in another session, in the same rounds: what it says is a fault of the machine.
    """

    found: Interval
    control: Interval
    decision: Decision
    control_decision: Decision
    rounds: int
    pairs: int

    def turned(self) -> Comparison:
        """What the same rounds say of b beside a."""
        opposite: dict[Decision, Decision] = {"faster": "slower", "slower": "faster"}
        return replace(self, found=self.found.turned(), decision=opposite.get(self.decision, self.decision))


def compare(timings: PairTimings, gate: LatencyGate) -> Comparison:
    """Whether a is faster or slower than b, or equal within the margin; said only when the interval does.

    Nothing is told where the control is called different: then the machine makes differences.
    """
    found = interval(log_ratios(timings.a_s, timings.b_s), gate)
    control = interval(log_ratios(timings.control_s, timings.b_s), gate)
    decision, control_decision = _decision(found, gate), _decision(control, gate)
    if control_decision in ("faster", "slower"):
        decision = "cannot tell"
    return Comparison(found, control, decision, control_decision, len(timings.a_s), timings.a_s.size)


def check_latency(timings: PairTimings, gate: LatencyGate, seed: int = 0) -> Check:
    """The check `latency` of artifact a beside its baseline b. Told, and judged only where `gate.max_ratio` is set.

    Judged, it is FAILED when the whole interval lies above `max_ratio`, PASSED when none of it does, else UNDECIDED.
    """
    judged = gate.max_ratio > 0
    sides = {"artifact": timings.a_s, "baseline": timings.b_s, "control": timings.control_s}
    bad = [side for side, seconds in sides.items() if not _usable(seconds)]
    if bad:
        reason = f"no usable times of the {' and the '.join(bad)}: nothing measured proves nothing"
        return Check("latency", Outcome.FAILED, (reason,), required=judged)
    compared = compare(timings, gate)
    metrics = _metrics(timings, compared, gate, seed)
    if compared.rounds < gate.min_rounds:
        slow = f"cannot tell: {compared.rounds} rounds took {timings.elapsed_s:.0f} s and give no interval"
        reason = f"{slow}, wanted {gate.min_rounds}; give the measurement more time"
        return Check("latency", Outcome.UNDECIDED, (reason,), metrics, required=judged)
    found = compared.found
    if not judged or found.high <= gate.max_ratio:
        return Check("latency", Outcome.PASSED, (), metrics, required=judged)
    told = f"takes {found.ratio:.3f} of the baseline's time ({found.low:.3f} to {found.high:.3f})"
    if found.low > gate.max_ratio and compared.control_decision not in ("faster", "slower"):
        return Check("latency", Outcome.FAILED, (f"{told}, allowed {gate.max_ratio:g}",), metrics)
    return Check("latency", Outcome.UNDECIDED, (f"{told}, allowed {gate.max_ratio:g}: {metrics['says']}",), metrics)


def aa_error_rate(measure: Callable[[int], PairTimings], trials: int, gate: LatencyGate) -> float:
    """The share of trials in which a file is called faster or slower than itself, 0..1.

    `measure(trial)` times the same artifact as a and as b. The harness is fit when the rate is at most 5 %.
    """
    wrong = sum(compare(measure(trial), gate).decision in ("faster", "slower") for trial in range(trials))
    return wrong / trials


def bootstrap(timings: PairTimings, confidence: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """The interval of the ratio by resampling rounds, and pairs within each; told beside the one that decides.

    It is narrower than that one: it looks once, at the usual confidence, and trusts the rounds at hand.
    """
    logs = np.log(timings.a_s / timings.b_s)
    rounds, pairs = logs.shape
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, rounds, (_RESAMPLES, rounds, 1))
    drawn = np.median(logs[rows, rng.integers(0, pairs, (_RESAMPLES, rounds, pairs))], axis=2)
    low, high = np.quantile(np.median(drawn, axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return math.exp(float(low)), math.exp(float(high))


def warm(timings: PairTimings) -> bool | None:
    """Whether a round's first pair is no slower than its last, by a sign test over the rounds; None of one pair."""
    if timings.b_s.shape[1] < 2:
        return None
    both = timings.a_s + timings.b_s
    slower, rounds = int((both[:, 0] > both[:, -1]).sum()), len(both)
    tail = sum(math.comb(rounds, k) for k in range(slower, rounds + 1)) / 2**rounds
    return tail > _TREND_P


def _decision(found: Interval, gate: LatencyGate) -> Decision:
    if found.excludes_one:
        return "faster" if found.high < 1 else "slower"
    return "equal" if found.within(gate.equal_within) else "cannot tell"


def _metrics(timings: PairTimings, compared: Comparison, gate: LatencyGate, seed: int) -> dict[str, Metric]:
    """Everything that is told of the comparison."""
    found, control = compared.found, compared.control
    measured = compared.rounds >= gate.min_rounds
    low, high = bootstrap(timings, seed=seed)
    return {
        "latency_ms_p50": 1e3 * float(np.median(timings.a_s)),
        "latency_ms_p90": 1e3 * timings.a_p90_s,
        "baseline_ms_p50": 1e3 * float(np.median(timings.b_s)),
        "baseline_ms_p90": 1e3 * timings.b_p90_s,
        "ratio": found.ratio,
        "ratio_low": found.low if measured else None,
        "ratio_high": found.high if measured else None,
        "decision": compared.decision,
        "says": _says(timings, compared, gate),
        "bootstrap_low": low,
        "bootstrap_high": high,
        "control": compared.control_decision,
        "control_ratio": control.ratio,
        "control_low": control.low if measured else None,
        "control_high": control.high if measured else None,
        "noise": noise(timings.disturbance),
        "confidence": gate.confidence,
        "rounds": compared.rounds,
        "pairs": compared.pairs,
        "calls_a_block": timings.calls,
        "warm_up_calls": timings.warm_up,
        "warm": warm(timings),
        "threads": timings.threads,
        "measured_s": timings.elapsed_s,
    }


def _says(timings: PairTimings, compared: Comparison, gate: LatencyGate) -> str:
    """The verdict in a sentence, and what to do where there is none."""
    found, margin = compared.found, 100 * gate.equal_within
    difference = f"{abs(100 * (found.ratio - 1)):.1f} %"
    why = noise(timings.disturbance)
    if compared.decision == "equal":
        return f"equal within {margin:g} %"
    if compared.decision != "cannot tell":
        small = f", which is less than {margin:g} %" if found.within(gate.equal_within) else ""
        return f"{compared.decision} by {difference}{small}"
    if compared.control_decision in ("faster", "slower"):
        said = f"cannot tell: the baseline was called {compared.control_decision} than itself in the same rounds"
    else:
        said = (
            f"cannot tell: {timings.elapsed_s:.0f} s leave the ratio between {found.low:.3f} and {found.high:.3f}"
            if compared.rounds >= gate.min_rounds
            else f"cannot tell: {compared.rounds} rounds of {gate.min_rounds}"
        )
    advice = f"{why}; stop what else runs here, or " if why else ""
    return f"{said}; {advice}measure for longer"


def _usable(seconds: np.ndarray) -> bool:
    return seconds.size > 0 and bool(np.isfinite(seconds).all()) and bool((seconds > 0).all())
