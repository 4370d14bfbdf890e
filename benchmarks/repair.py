"""What `edge-export repair` makes of nets that 8 bits do not bear: what is still lost, and how much stays in float."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop
from converters.contract import Artifact, ConversionRequest, Format, Precision
from pipeline.configs import load_configs
from pipeline.repair.candidates import Bench
from pipeline.repair.problem import of_file
from pipeline.repair.repair import Repair, repair

GROUP = "repair"
DROP_GOAL_POINTS, KEPT_GOAL, TIME_GOAL_S = 1.0, 0.25, 180.0
DATA, CALIBRATED = "fashion-mnist", 256
NETS = {"ReLU": False, "SiLU": True}
TARGETS = {"tflite": ("litert_from_torch", Format.TFLITE), "onnx": ("onnx_from_torch", Format.ONNX)}


def figures(workshop: Workshop) -> Iterator[Figure]:
    """Of each net in each format: the drop that is left, the share of layers in float, seconds."""
    for title, bent in NETS.items():
        weights = workshop.folder / f"outliers-{title}.safetensors"
        net: Artifact = workshop.pool.call("torch", "benchmarks.outlier_net:train", 900, weights=weights, bent=bent)
        for target, (edge, format) in TARGETS.items():
            path = workshop.folder / f"outliers-{title}{format.suffix}"
            request = ConversionRequest(net, path, Precision.FP32)
            workshop.pool.call("torch", "converters.job:convert", 900, edge_name=edge, request=request)
            yield from _repaired(workshop, path, f"outlier net ({title}), {target}")


def _repaired(workshop: Workshop, path: Path, what: str) -> Iterator[Figure]:
    configs, gates = load_configs(None, None)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=workshop.folder) as name:
        folder = Path(name)
        problem = of_file(path, DATA, CALIBRATED, folder, workshop.pool, configs.limits)
        bench = Bench(problem, DROP_GOAL_POINTS, gates, folder, workshop.pool, configs.limits)
        found = repair(bench, lambda _: None)
        seconds = time.perf_counter() - start
        yield from read(found, what, files=len(bench.files), seconds=seconds)


def read(found: Repair, what: str, *, files: int, seconds: float) -> Iterator[Figure]:
    """The figures of one repair; one that did not pass misses its goal whatever its drop."""
    before, best = found.plain, found.best
    was = (
        f"was {before.drop_points:.1f} on the first {before.samples} samples" if before.drop_points is not None else ""
    )
    drop = best.drop_points if found.passed else None
    told = f"{was}; {files} files judged"
    yield Figure(GROUP, f"{what}: drop after repair", drop, DROP_GOAL_POINTS, "points", told, broken=drop is None)
    share = len(found.kept) / len(found.layers) if found.layers else 0.0
    layers = f"{len(found.kept)} of {len(found.layers)} layers" if found.layers else "equalized, no layer in float"
    yield Figure(GROUP, f"{what}: share of layers in float", share, KEPT_GOAL, "", layers)
    yield Figure(GROUP, f"{what}: time to repair", seconds, TIME_GOAL_S, "s")
