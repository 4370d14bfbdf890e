"""Which operators of a float file cost most when they compute in 8 bits: asked of a worker, one operator at a time."""

from __future__ import annotations

import dataclasses
import importlib
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters import registry
from converters.contract import Artifact, ConversionRequest, Precision
from converters.errors import UnsupportedError
from converters.tracer import Tracer, Values
from converters.tuning.calibration import Calibration
from converters.tuning.isolate import Isolated, isolated
from converters.tuning.options import parse

SAMPLES = 16
BUDGET_S = 30.0
"""For carrying single errors on to the outputs; what those that are left over do there is told from their own size."""


@dataclass(frozen=True)
class Sensitivity:
    """What quantizing one operator alone does.

    `noise` is the error of what it gives out, `damage` that of the model's outputs when all else is in float; both
    mean squared error to mean square. `name` is that of the tensor by which it shows; `reads` are those of computed
    tensors that it takes.
    """

    name: str
    type: str
    noise: float
    damage: float
    reads: tuple[str, ...] = ()


def sensitivities(
    edge: str, source: Artifact, quantized: Artifact, calibration: Path, options: Mapping[str, Any]
) -> tuple[Sensitivity, ...]:
    """Every operator that computes in integers in `quantized`, made by `edge` with `options`, the worst first.

    Raises:
        UnsupportedError: the values inside cannot be seen.
    """
    made_by = registry.edge(edge)
    prepare = importlib.import_module(f"converters.{made_by.toolkit}.prepare")
    request = ConversionRequest(source, source.path, Precision.INT8, calibration)
    given = Calibration.of(request)
    with tempfile.TemporaryDirectory() as folder:
        path = prepare.prepared(source.path, given, parse(options), Path(folder))
        floats = _tracer(dataclasses.replace(source, path=path))
        samples = given.some(floats.graph, SAMPLES)
        made = [index for op in floats.graph.ops for index in op.outputs]
        start = time.monotonic()
        values = floats.trace(samples, list(dict.fromkeys((*floats.graph.inputs, *made, *floats.graph.outputs))))
        call_s = (time.monotonic() - start) / len(samples)
        found = list(isolated(floats.graph, values, _tracer(quantized)))
        rows = _ranked(floats, values, found, call_s)
    return tuple(sorted(rows, key=lambda row: (-row.damage, -row.noise, row.name)))


def _ranked(floats: Tracer, values: Values, found: list[Isolated], call_s: float) -> list[Sensitivity]:
    """Every operator with its damage, on so many samples that all of them fit into the budget: one at least."""
    deadline = time.monotonic() + BUDGET_S
    fit = BUDGET_S / max(call_s * len(found) / 2, 1e-9)  # an operator in the middle has half of them behind it
    few = {index: seen[: int(np.clip(fit, 1, SAMPLES))] for index, seen in values.items()}
    found = sorted(found, key=lambda item: -item.noise)
    known: list[float] = []
    for item in found:
        if known and time.monotonic() > deadline:
            break
        known.append(_damage(floats, few, item))
    shares = [damage / max(item.noise, 1e-30) for damage, item in zip(known, found, strict=False)]
    carried = float(np.median(shares)) if shares else 0.0
    known += [carried * item.noise for item in found[len(known) :]]
    tensors = floats.graph.tensors
    rows = []
    for item, damage in zip(found, known, strict=True):
        reads = tuple(tensors[index].name for index in item.op.inputs if index >= 0 and not tensors[index].constant)
        rows.append(Sensitivity(tensors[item.index].name, item.op.type, item.noise, damage, reads))
    return rows


def _damage(floats: Tracer, values: Values, item: Isolated) -> float:
    """The error of the worst output for one operator's error alone."""
    graph = floats.graph
    outputs = [index for index in graph.outputs if index in values and values[index].dtype.kind == "f"]
    got = item.got[: len(values[item.index])]
    given = {index: values[index] for index in graph.inputs if index in values} | {item.index: got}
    try:
        found = floats.run(given, [index for index in outputs if index not in given])
    except UnsupportedError:
        return 0.0
    found = {**found, item.index: got}
    return max((_noise(values[index], found[index]) for index in outputs), default=0.0)


def _noise(wanted: np.ndarray, got: np.ndarray) -> float:
    power = float(np.mean(np.square(wanted, dtype=np.float64)))
    return float(np.mean(np.square(got.astype(np.float64) - wanted))) / max(power, 1e-30)


def _tracer(artifact: Artifact) -> Tracer:
    opened: Tracer = importlib.import_module(registry.tracer(artifact.format).module).open(artifact)
    return opened
