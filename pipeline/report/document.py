"""The one document that every report is rendered from, and its JSON form (schema_version is bumped on change)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.checks.choice import Choice
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Cell, Metric, Outcome, worst

SCHEMA_VERSION = 3


@dataclass(frozen=True)
class Flip:
    """A test image on which an artifact's prediction differs from the reference's."""

    cell: str  # Cell.id of one cell; `also` names the others that flip it the same way
    also: tuple[str, ...]
    sample: int  # index into the test split
    label: str
    reference: str
    predicted: str
    reference_probability: float
    predicted_probability: float
    png_base64: str


@dataclass(frozen=True)
class ModelCard:
    """A source model in the report."""

    name: str
    framework: str
    parameters: int
    accuracy: float | None  # of the eager fp32 reference, 0..1, on the whole test split
    test_samples: int
    golden_samples: int
    inputs: tuple[str, ...]  # "image 1x1x28x28 float32 NCHW"
    outputs: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class ArtifactRow:
    """An artifact in the report."""

    file: str
    model: str
    framework: str
    route: str
    precision: str
    format: str
    size_bytes: int
    sha256: str
    producer: str
    calibration: str = ""  # what the ranges of a static precision were found on


@dataclass(frozen=True)
class Report:
    """Everything that a run found out."""

    title: str
    created: str  # ISO 8601, UTC
    command: str
    environment: Mapping[str, str]  # host facts and package versions
    gates: Mapping[str, Any]
    models: Sequence[ModelCard]
    artifacts: Sequence[ArtifactRow]
    cells: Sequence[Cell]
    flips: Sequence[Flip] = ()
    notes: Sequence[str] = ()  # what a reader must know: noisy machine, synthetic inputs, ...
    timings_s: Mapping[str, float] = field(default_factory=dict)
    drifts: Sequence[Drift] = ()  # each file beside its origin, layer by layer, in the order of the artifacts
    choices: Sequence[Choice] = ()  # of the routes to one file, where there were several: which was taken, and why

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of all cells; FAILED when there are none."""
        return worst(cell.outcome for cell in self.cells)

    @property
    def counts(self) -> dict[str, int]:
        """How many cells came out as what, for every outcome that there is."""
        return {outcome.value: sum(cell.outcome is outcome for cell in self.cells) for outcome in Outcome}


def cell_to_json(cell: Cell) -> dict[str, Any]:
    """One cell with `route`, `precision`, `runtime`, `outcome`, `reasons`, `metrics` and its checks."""
    return {
        "id": cell.id,
        "model": cell.model,
        "framework": cell.framework,
        "route": cell.route,
        "precision": cell.precision,
        "runtime": cell.runtime,
        "target": cell.target,
        "artifact": cell.artifact,
        "outcome": cell.outcome.value,
        "reasons": list(cell.reasons),
        "metrics": dict[str, Metric](cell.metrics),
        "checks": [
            {
                "name": check.name,
                "outcome": check.outcome.value,
                "required": check.required,
                "reasons": list(check.reasons),
                "metrics": dict(check.metrics),
            }
            for check in cell.checks
        ],
    }
