"""What the artifacts of a whole run lost, read from its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop
from converters.contract import Framework

DROP_GOAL_POINTS, PARITY_GOAL = 0.5, 1e-5


def figures(workshop: Workshop) -> Iterator[Figure]:
    """By both routes to TFLite: lost accuracy of int8, and the distance of fp32 from the framework."""
    yield from read(workshop.report())


def read(report: Mapping[str, Any]) -> Iterator[Figure]:
    """The figures of a report, the worst cell of each; a run that lacks the cells misses the goal."""
    took = f"edge-export run took {report['run_s']:.0f} s" if "run_s" in report else ""
    for framework in (Framework.TORCH, Framework.TENSORFLOW):
        what = f"int8 accuracy drop, {framework.value} to tflite"
        yield _worst(report, framework, ("int8", "int8-io"), "accuracy.drop_points", DROP_GOAL_POINTS, "points", what)
    for framework in (Framework.TORCH, Framework.TENSORFLOW):
        what = f"fp32 error / output range, {framework.value} to tflite"
        yield _worst(report, framework, ("fp32",), "parity.max_rel_range", PARITY_GOAL, "", what, took)


def _worst(
    report: Mapping[str, Any],
    framework: Framework,
    precisions: tuple[str, ...],
    metric: str,
    goal: float,
    unit: str,
    what: str,
    detail: str = "",
) -> Figure:
    cells = [c for c in report["cells"] if c["framework"] == framework and c["precision"] in precisions]
    values = {cell["id"]: cell["metrics"].get(metric) for cell in cells}
    lacking = [cell for cell, value in values.items() if not isinstance(value, int | float)]
    if lacking or not values:
        lack = ", ".join(lacking) or f"no {'/'.join(precisions)} cell of {framework.value}"
        return Figure("accuracy", what, None, goal, unit, f"the report has no {metric}: {lack}", broken=True)
    worst = max(values, key=lambda cell: values[cell])
    runtime = worst.partition("@")[2]
    return Figure(
        "accuracy", what, values[worst], goal, unit, f"worst of {len(cells)} cells ({runtime}) {detail}".strip()
    )
