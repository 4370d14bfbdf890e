"""How often the latency harness is wrong: a file against itself must be called equal, and 3 % more work must be found.

The 3 % are made by waiting busily after each call of one side; the other side is wrapped alike and does not wait.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop
from converters import registry
from converters.contract import Artifact, Framework, Precision
from converters.timing import Pairing
from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import Comparison, compare
from pipeline.checks.noise import noise
from pipeline.checks.sequential import time_in_worker
from pipeline.configs import load_configs

WRONG_GOAL_PERCENT, MISSED_GOAL_PERCENT, SECONDS_GOAL = 5.0, 10.0, 20.0
SHARE = 0.03
BUDGET_S = 19.0
"""Of a trial that 3 % are looked for in: a round may be under way when it ends."""
AA_BUDGET_S = 8.0
MODELS = (
    (Precision.FP32, "litert-xnnpack"),
    (Precision.INT8, "litert-xnnpack"),
    (Precision.DYNAMIC, "litert-xnnpack"),
    (Precision.INT8, "litert-reference"),
)
"""From 30 microseconds to some milliseconds a call; each trial takes one by chance."""


@dataclass
class Trials:
    """What came of the trials so far."""

    decisions: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    noises: set[str] = field(default_factory=set)
    stopped: bool = False

    def add(self, found: Comparison, seconds: float, heard: str) -> None:
        """One more."""
        self.decisions.append(found.decision)
        self.seconds.append(seconds)
        self.noises |= {part.split(" ", 3)[-1] for part in heard.split(", ") if part}

    def percent(self, *decisions: str) -> float:
        """Of the trials that came out so."""
        return 100 * sum(self.decisions.count(decision) for decision in decisions) / len(self.decisions)

    def said(self) -> str:
        """How they came out, in words."""
        counts = {decision: self.decisions.count(decision) for decision in dict.fromkeys(self.decisions)}
        told = ", ".join(f"{count} {decision}" for decision, count in counts.items())
        loud = "; noisy machine" if self.noises else ""
        return f"{len(self.decisions)} trials: {told}; {np.median(self.seconds):.1f} s each{loud}"


def figures(workshop: Workshop) -> Iterator[Figure]:
    """A/A trials first, then half as many with a true difference; stopped by Ctrl-C, those that were made are told."""
    gate = load_configs(None, None)[1].latency
    models = [_model(workshop, precision) for precision, _ in MODELS]
    equal = _trials(workshop, models, gate, 0.0, workshop.trials, AA_BUDGET_S)
    if equal.decisions:
        wrong = equal.percent("faster", "slower")
        what = "a file called faster or slower than itself"
        yield Figure("latency", what, wrong, WRONG_GOAL_PERCENT, "%", equal.said())
    if equal.stopped:
        return
    slower = _trials(workshop, models, gate, SHARE, max(1, workshop.trials // 2), BUDGET_S)
    if slower.decisions:
        missed = 100 - slower.percent("slower")
        yield Figure("latency", "3 % more work not found", missed, MISSED_GOAL_PERCENT, "%", slower.said())
        longest = max(slower.seconds)
        yield Figure("latency", "longest search for 3 % more work", longest, SECONDS_GOAL, "s")


def _model(workshop: Workshop, precision: Precision) -> tuple[Artifact, Path]:
    return workshop.artifact(Framework.TENSORFLOW, "tflite", precision)


def _trials(
    workshop: Workshop,
    models: list[tuple[Artifact, Path]],
    gate: LatencyGate,
    share: float,
    count: int,
    budget_s: float,
) -> Trials:
    """Trials of files against themselves, a slower by `share`."""
    made, rng = Trials(), np.random.default_rng(round(1000 * share))
    try:
        for trial in range(count):
            chosen = int(rng.integers(len(MODELS)))
            (artifact, samples), runtime = models[chosen], MODELS[chosen][1]
            pairing = Pairing(runtime, artifact, runtime, artifact, samples, prefix="")

            def call(target: str, worker: str = registry.runtime(runtime).worker, **arguments: Any) -> Any:
                if target.endswith(":time_round") and share:
                    return workshop.pool.call(worker, "benchmarks.handicap:time_round", 600, share=share, **arguments)
                return workshop.pool.call(worker, target, 600, **arguments)

            timings = time_in_worker(call, pairing, gate, budget_s, seed=trial)
            made.add(compare(timings, gate), timings.elapsed_s, noise(timings.disturbance))
            if trial % 10 == 9:
                sys.stderr.write(f"... {made.said()}\n")
    except KeyboardInterrupt:
        made.stopped = True
        sys.stderr.write(f"stopped after {len(made.decisions)} of {count} trials\n")
    return made
