"""What the driver costs: one export through it, beside the same toolkit calls by hand in a warm process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop
from converters.contract import Framework, Precision
from pipeline.entries import read_artifact

GOAL = 1.05
REPEATS = 15
EXPORTS = (
    (Framework.TENSORFLOW, "tflite", "benchmarks.by_hand:tflite_from_keras"),
    (Framework.TORCH, "onnx", "benchmarks.by_hand:onnx_from_torch"),
)


def figures(workshop: Workshop) -> Iterator[Figure]:
    """The ratio for a short conversion of each framework: longer ones hide more."""
    for framework, target, by_hand in EXPORTS:
        ratio = _ratio(workshop, framework, target, by_hand)
        what = f"export by the driver / by hand, {framework.value} to {target}"
        yield Figure("export", what, ratio, GOAL, "x", f"median of {REPEATS} interleaved pairs, imports left out")


def _ratio(workshop: Workshop, framework: Framework, target: str, by_hand: str) -> float:
    """Both work in the same process, which has imported the toolkit and converted the model by both ways before."""
    plan = workshop.plan(framework, target, Precision.FP32)
    task = plan.cells[0].artifact
    source = read_artifact(workshop.entry(plan.sources[framework]))
    file = workshop.folder / f"by_hand.{target}"

    def tidy() -> None:
        workshop.pool.call(task.lane, "gc:collect", 60)  # what one side leaves behind is not for the other to clear

    def driver_s() -> float:
        workshop.store.drop(task.key)
        tidy()
        start = time.perf_counter()
        workshop.entry(task)
        return time.perf_counter() - start

    def hand_s() -> float:
        tidy()
        seconds: float = workshop.pool.call(task.lane, by_hand, 600, source=source, file=file)
        return seconds

    driver_s(), hand_s()
    ratios = []
    for index in range(REPEATS):
        if index % 2:
            hand, driver = hand_s(), driver_s()
        else:
            driver, hand = driver_s(), hand_s()
        ratios.append(driver / hand)
    return statistics.median(ratios)
