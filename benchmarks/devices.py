"""How near devices are to the home runtime of the same file, and how long proving on them takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop

GOAL_S = 480.0
GPU_FP32_GOAL, FLOAT_GOAL, STEPS_GOAL = 1e-4, 1e-4, 1.0
DEVICES = "gpu,arm64,web"


def figures(workshop: Workshop) -> Iterator[Figure]:
    """Every TFLite file of a whole run on every device that is here; what is not here is NOT_RUN with the command."""
    workshop.report()  # so that the files exist, and only the devices are timed
    report = workshop.report(DEVICES)
    yield Figure("devices", f"device suite ({DEVICES})", report["run_s"], GOAL_S, "s", "all files of the tflite target")
    yield from read(report)


def read(report: Mapping[str, Any]) -> Iterator[Figure]:
    """The worst distance of each device from the home runtime, of float files and in steps of int8 files."""
    cells = report["cells"]
    for family, goal in (("litert-gpu", GPU_FP32_GOAL), ("litert-arm64", FLOAT_GOAL), ("litert-web", FLOAT_GOAL)):
        own = [cell for cell in cells if cell["runtime"].partition("[")[0] == family]
        floats = [cell for cell in own if cell["precision"] == "fp32"]
        yield _worst(floats, "kernels.max_rel_range", f"{family}: fp32 distance / output range", goal, "")
        whole = [cell for cell in own if cell["precision"] in ("int8", "int8-io")]
        yield _worst(whole, "kernels.max_steps", f"{family}: int8 distance", STEPS_GOAL, "steps")


def _worst(cells: Sequence[Mapping[str, Any]], metric: str, what: str, goal: float, unit: str) -> Figure:
    refused = [cell for cell in cells if cell["outcome"] == "UNSUPPORTED"]
    cells = [cell for cell in cells if cell not in refused]
    values = {cell["id"]: cell["metrics"].get(metric) for cell in cells}
    found = {name: value for name, value in values.items() if isinstance(value, int | float)}
    absent = [cell for cell in cells if cell["id"] not in found]
    if not cells or any(cell["outcome"] == "NOT_RUN" for cell in absent):
        why = absent[0]["reasons"][0] if absent else "the run had no such cell"
        return Figure("devices", what, None, goal, unit, why)
    if absent:
        reason = (absent[0]["reasons"] or ["no such metric"])[0]
        return Figure("devices", what, None, goal, unit, f"{absent[0]['id']}: {reason}", broken=True)
    worst = max(found, key=lambda name: found[name])
    equal = min(cell["metrics"]["kernels.equal_share"] for cell in cells)
    detail = f"worst of {len(cells)} cells ({worst.partition('@')[2]}); {equal:.1%} of the values are bit-equal"
    detail += f"; {len(refused)} more UNSUPPORTED: {refused[0]['reasons'][0]}" if refused else ""
    return Figure("devices", what, found[worst], goal, unit, detail)
