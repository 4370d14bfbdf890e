"""Stage `report`: everything that a run found out, as one document."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from converters.contract import Artifact, TensorSpec
from pipeline import evidence, golden
from pipeline.checks.choice import Choice
from pipeline.checks.coverage import class_output
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Cell
from pipeline.datasets.dataset import Dataset
from pipeline.environment import environment, load_note
from pipeline.report.document import ArtifactRow, Flip, ModelCard, Report
from pipeline.report.flips import flips
from pipeline.store import Entry

MOST_FLIPS = 24


@dataclass(frozen=True)
class Found:
    """What a run leaves for its report: results by what they are, artifacts in the order of the plan.

    `measurements` are by `Cell.id`.
    """

    sources: Mapping[str, Artifact]  # by framework
    references: Mapping[str, Entry]  # by framework
    artifacts: Sequence[Artifact]
    cells: Sequence[Cell]
    measurements: Mapping[str, Entry]
    data: Dataset | None
    gates: Mapping[str, Any]
    notes: Sequence[str] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    drifts: Sequence[Drift] = ()
    choices: Sequence[Choice] = ()


def build_report(found: Found, title: str, command: str) -> Report:
    """The report of a run."""
    packages = [name for artifact in found.artifacts for name in artifact.versions]
    notes = [*found.notes, *filter(None, [load_note(), control_note(found.cells)])]
    notes += [f"{artifact.path.name}: {note}" for artifact in found.artifacts for note in artifact.notes]
    if found.data is not None:
        notes += found.data.notes
    else:
        notes.append(
            "no data came with the model: golden inputs are made up within each input's plausible range (seeded), "
            "and accuracy was NOT_RUN"
        )
    return Report(
        title=title,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        command=command,
        environment=environment(packages),
        gates=found.gates,
        models=tuple(_card(source, found) for source in found.sources.values()),
        artifacts=tuple(map(_row, found.artifacts)),
        cells=tuple(found.cells),
        flips=_flips(found),
        notes=tuple(notes),
        timings_s=dict(found.seconds),
        drifts=tuple(found.drifts),
        choices=tuple(found.choices),
    )


def control_note(cells: Sequence[Cell]) -> str:
    """How the baselines came out that were timed against themselves beside each measurement; empty where none was."""
    timed = [cell.metrics for cell in cells if "latency.control" in cell.metrics]
    if not timed:
        return ""
    found = Counter(str(metrics["latency.control"]) for metrics in timed)
    different = found["faster"] + found["slower"]
    loud = [str(metrics["latency.noise"]) for metrics in timed if metrics.get("latency.noise")]
    heard = f"; noise in {len(loud)}, at first: {loud[0]}" if loud else ""
    return (
        f"latency control: in {len(timed)} measurements a file was also timed against itself, and called equal in "
        f"{found['equal']}, different in {different} (there no ratio is told), neither in {found['cannot tell']}{heard}"
    )


def _card(source: Artifact, found: Found) -> ModelCard:
    reference = found.references.get(source.framework)
    labelled = evidence.read_labelled(reference) if reference else None
    name = class_output(source.signature.outputs)
    accuracy = None
    if labelled and labelled.targets is not None and name in labelled.outputs:
        scores = labelled.outputs[name].reshape(len(labelled.targets), -1)
        accuracy = float(np.mean(scores.argmax(axis=1) == labelled.targets))
    return ModelCard(
        name=source.model,
        framework=source.framework,
        parameters=evidence.read_parameters(reference) if reference else 0,
        accuracy=accuracy,
        test_samples=len(next(iter(labelled.outputs.values()))) if labelled else 0,
        golden_samples=golden.read(reference.file(evidence.GOLDEN)).samples if reference else 0,
        inputs=tuple(map(_words, source.signature.inputs)),
        outputs=tuple(map(_words, source.signature.outputs)),
    )


def _row(artifact: Artifact) -> ArtifactRow:
    return ArtifactRow(
        file=artifact.path.name,
        model=artifact.model,
        framework=artifact.framework,
        route=artifact.route,
        precision=artifact.precision.value,
        format=artifact.format.value,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        producer=artifact.producer,
        calibration=artifact.calibration,
    )


def _flips(found: Found) -> tuple[Flip, ...]:
    """Images on which a cell answers otherwise than its own framework's reference."""
    data = found.data
    if data is None or data.test.targets is None or list(data.test.inputs) != ["image"]:
        return ()
    shown: list[Flip] = []
    for framework, source in found.sources.items():
        reference = found.references.get(framework)
        labelled = evidence.read_labelled(reference) if reference else None
        name = class_output(source.signature.outputs)
        if labelled is None or labelled.targets is None or name not in labelled.outputs:
            continue
        count = len(labelled.targets)
        scores = {}
        for cell in found.cells:
            if cell.framework == framework and cell.id in found.measurements:
                test = evidence.read_measured(found.measurements[cell.id]).test
                if test is not None and name in test and len(test[name]) == count:
                    scores[cell.id] = test[name].reshape(count, -1)
        if scores:
            right = labelled.outputs[name].reshape(count, -1)
            pictures = np.asarray(data.test.inputs["image"])
            most = MOST_FLIPS // len(found.sources)
            shown += flips(scores, right, labelled.targets, pictures, data.labels, logits=True, limit=most)
    return tuple(shown)


def _words(spec: TensorSpec) -> str:
    shape = "x".join("?" if size is None else str(size) for size in spec.shape)
    return " ".join(filter(None, [spec.name, shape, spec.dtype, spec.layout]))
