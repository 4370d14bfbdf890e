"""Stage `drift`: an artifact beside the model that it was made from, layer by layer, once a file. Judged elsewhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from converters import registry
from converters.contract import Arrays, Artifact, Format, Precision
from pipeline import evidence, golden
from pipeline.checks.drift.suspects import Drift
from pipeline.config import Limits
from pipeline.entries import read_artifact, read_edited
from pipeline.report.decode import encode
from pipeline.store import digest
from pipeline.task import Context, Task, code, versions

Look = Callable[[Artifact, Artifact, Arrays | None, Any, Limits], Drift]
"""Holds the second artifact against the first on stacked inputs; the fourth argument is who calls the workers."""
Side = tuple[Format, Precision]


def drift_task(
    artifact: Task, origin: Task, reference: Task, sides: tuple[Side, Side], look: Look, limits: Limits
) -> Task:
    """Compares an artifact with its origin: the framework's model, or the fp32 file of the same route.

    Args:
        artifact: the file that is judged.
        origin: what counts as right. Where a recipe changed weights before they were quantized, the float file with
            those weights stands in its place: the quantizer has proved that it computes the same, or moved biases only.
        reference: whose golden inputs go through both.
        sides: format and precision of the origin and of the artifact.
        look: compares two artifacts.
        limits: of the time that a question to a toolkit may take.

    Raises:
        UnsupportedError: nobody looks inside models of one of them.
    """
    tracers = [registry.tracer(format, precision) for format, precision in sides]

    def work(context: Context) -> None:
        ours, theirs = (read_artifact(context.needs[name]) for name in ("origin", "artifact"))
        ours = read_edited(context.needs["artifact"], ours) or ours
        pack = golden.read(context.needs["reference"].file(evidence.GOLDEN))
        found = look(ours, theirs, _inputs(pack, theirs.precision), context, limits)
        named = dataclasses.replace(found, a=_name(ours), b=theirs.path.name)
        (context.folder / evidence.DRIFT).write_text(json.dumps(encode(named), indent=1, default=str))

    ingredients = {
        "code of the comparison": code(
            "pipeline/drift", "pipeline/checks/drift", "pipeline/stages/drift.py", "converters/*.py"
        ),
        "code that looks inside": code(*(tracer.module.rpartition(".")[0].replace(".", "/") for tracer in tracers)),
        "packages": versions(tuple(package for tracer in tracers for package in tracer.packages)),
        "formats": digest(tuple(format for format, _ in sides)),
    }
    needs = {"artifact": artifact, "origin": origin, "reference": reference}
    name = f"drift {artifact.name.partition(' ')[2]}"
    return Task(name, "drift", ingredients, work, needs, lane=tracers[1].worker)


def _inputs(pack: golden.GoldenPack, precision: Precision) -> Arrays:
    """The golden inputs; for a file of 8 bits without those at the limits, which its ranges cut off by design."""
    kept = ~pack.at_limits
    if precision in (Precision.FP32, Precision.FP16) or not kept.any():
        return pack.inputs
    return {name: values[kept] for name, values in pack.inputs.items()}


def _name(origin: Artifact) -> str:
    """How a report calls what counts as right."""
    source = origin.format in (Format.TORCH, Format.KERAS)
    return f"{origin.model} in {origin.framework}" if source else origin.path.name
