"""Judges finished artifacts anew, on this machine: those of a bundle by its own golden pack and gates, or one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters import registry
from converters.contract import Arrays, Artifact, RuntimeSpec
from converters.errors import EdgeExportError, UnavailableError, UsageError
from converters.inspection import Inspection
from converters.worker import WorkerPool
from pipeline import config, golden
from pipeline.bundle import open_bundle
from pipeline.checks.gates import Gates, parse_gates
from pipeline.checks.outcome import Cell, Outcome
from pipeline.checks.verdict import Evidence, Golden, judge
from pipeline.compare import run
from pipeline.config import Limits
from pipeline.golden import GoldenPack
from pipeline.lone import inspect_file, open_artifact


def revalidate(
    path: Path,
    inputs: str,
    gates: Gates,
    own_gates: bool,
    runtimes: Sequence[str],
    pool: WorkerPool,
    limits: Limits,
) -> list[Cell]:
    """A cell for every artifact and runtime.

    Args:
        path: a bundle folder, or an artifact file.
        inputs: `golden`, `random`, or a file, as for `compare`; a bundle always brings its own pack.
        gates: used for a lone file, and for a bundle when `own_gates`; else a bundle's own gates judge it.
        own_gates: whether the user gave gates.
        runtimes: only these, where any is named.
        pool: workers.
        limits: their time.

    Raises:
        ModelError: a bundle or file that is missing or damaged.
        UsageError: a runtime that does not exist or opens none of the files, or no inputs to judge on.
    """
    for name in runtimes:
        registry.runtime(name)
    cells: list[Cell] = []
    if path.is_dir():
        bundle = open_bundle(path)
        if not own_gates:
            gates = parse_gates(config.read_toml(bundle.gates), None)
        packs = {framework: golden.read(pack) for framework, pack in bundle.golden.items()}
        for artifact in bundle.artifacts:
            cells += _cells(artifact, packs[artifact.framework], gates, runtimes, pool, limits)
    else:
        artifact, pack = open_artifact(path, pool, limits)
        if pack is None and inputs == "golden":
            raise UsageError(
                f"{path} lies in no bundle, so that nothing says what is right; give a golden pack with "
                "--inputs FILE, or compare it with another artifact: edge-export compare RIGHT.onnx THIS.tflite"
            )
        judged_on = golden.read(pack) if pack else golden.read(Path(inputs))
        cells += _cells(artifact, judged_on, gates, runtimes, pool, limits)
    if not cells:
        raise UsageError(f"none of {', '.join(runtimes)} opens what {path} holds")
    return cells


def _cells(
    artifact: Artifact, pack: GoldenPack, gates: Gates, only: Sequence[str], pool: WorkerPool, limits: Limits
) -> list[Cell]:
    fit = [spec for spec in registry.runtimes_for(artifact.format) if not only or spec.name in only]
    return [_cell(artifact, pack, spec, gates, pool, limits) for spec in fit]


def _cell(
    artifact: Artifact, pack: GoldenPack, spec: RuntimeSpec, gates: Gates, pool: WorkerPool, limits: Limits
) -> Cell:
    checks = judge(
        Evidence(
            precision=artifact.precision,
            runtime=spec.name,
            outputs=pack.signature.outputs,
            golden=Golden(pack.inputs, pack.outputs, pack.label, pack.at_limits),
            golden_got=_run(artifact, pack, spec, pool, limits),
            inspection=_inspect(artifact, pool, limits),
            size_bytes=artifact.size_bytes,
            placement=_placement(artifact, spec, pool, limits),
        ),
        gates,
    )
    return Cell(
        model=artifact.model,
        framework=artifact.framework,
        route=artifact.route,
        precision=artifact.precision.value,
        runtime=spec.name,
        target=artifact.format.value,
        artifact=artifact.path.name,
        checks=checks,
    )


def _run(
    artifact: Artifact, pack: GoldenPack, spec: RuntimeSpec, pool: WorkerPool, limits: Limits
) -> Arrays | EdgeExportError:
    missing = registry.missing(spec.packages)
    if missing:
        return UnavailableError(f"{spec.name} needs {', '.join(missing)}: pip install {' '.join(missing)}")
    try:
        return run(artifact, pack.inputs, pack.signature, spec.name, pool, limits)
    except EdgeExportError as error:
        return error


def _inspect(artifact: Artifact, pool: WorkerPool, limits: Limits) -> Inspection | EdgeExportError:
    try:
        return inspect_file(artifact.path, pool, limits)
    except EdgeExportError as error:
        return error


def _placement(
    artifact: Artifact, spec: RuntimeSpec, pool: WorkerPool, limits: Limits
) -> list[tuple[str, str]] | EdgeExportError:
    try:
        placed: list[tuple[str, str]] = pool.call(
            spec.worker, "converters.job:placement", limits.inspect_s, runtime=spec.name, artifact=artifact
        )
    except EdgeExportError as error:
        return error
    return placed


def exit_code(cells: Sequence[Cell]) -> int:
    """0 when every cell passed, else 1."""
    return 0 if all(cell.outcome is Outcome.PASSED for cell in cells) else 1
