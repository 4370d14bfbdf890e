"""How often the latency harness is wrong: a file against itself must not be called faster or slower."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop
from converters import registry
from converters.contract import Framework, Precision
from converters.timing import PairTimings
from pipeline.checks.latency import aa_error_rate
from pipeline.configs import load_configs

GOAL_PERCENT = 5.0
BUDGET_S = 1.0
"""Of a trial; half of what a run spends on an artifact, so that 200 end within ten minutes."""
RUNTIME = "litert-xnnpack"


def figures(workshop: Workshop) -> Iterator[Figure]:
    """The share of wrong trials on the fp32 file of the reference model."""
    artifact, samples = workshop.artifact(Framework.TENSORFLOW, "tflite", Precision.FP32)
    _, gates = load_configs(None, None)

    def measure(trial: int) -> PairTimings:
        timings: PairTimings = workshop.pool.call(
            registry.runtime(RUNTIME).worker,
            "converters.timing:time_pair",
            600,
            runtime_a=RUNTIME,
            artifact_a=artifact,
            runtime_b=RUNTIME,
            artifact_b=artifact,
            samples=samples,
            budget_s=BUDGET_S,
            seed=trial,
            prefix="",
        )
        return timings

    rate = aa_error_rate(measure, workshop.trials, gates.latency)
    wrong = round(rate * workshop.trials)
    detail = f"{wrong} of {workshop.trials} trials of {BUDGET_S:g} s, {RUNTIME}"
    yield Figure("latency", "a file called faster or slower than itself", 100 * rate, GOAL_PERCENT, "%", detail)
