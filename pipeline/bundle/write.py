"""Writes a bundle. The same contents give the same bytes, but for the report's own date and measurements."""

from __future__ import annotations

import tomllib
from pathlib import Path

from converters import content
from converters.contract import Artifact, Format, Precision
from converters.errors import ModelError
from pipeline.bundle.contents import (
    SCHEMA_VERSION,
    BundleContents,
    BundledArtifact,
    FileRecord,
    Manifest,
    Verdict,
    file_name,
)
from pipeline.bundle.pictures import write_pictures
from pipeline.bundle.swap import replacing, require_replaceable
from pipeline.checks.outcome import worst
from pipeline.report import files, json_report
from pipeline.report.decode import encode
from pipeline.report.document import Report
from pipeline.report.figures import figures
from pipeline.store import file_sha256

MANIFEST = "manifest.json"
LABELS = "labels.txt"
GATES = "gates.toml"
GATES_JSON = "gates.json"
GATES_SCHEMA_VERSION = 1
_NAMES = frozenset({MANIFEST, LABELS, GATES, GATES_JSON, "README.md", "golden", "report"})


def write_bundle(contents: BundleContents, out: Path) -> Path:
    """Writes the bundle to the folder `out`, whole or not at all, and returns its resolved path.

    An existing bundle is replaced; nothing of it remains. Any other folder that is not empty is left alone.

    Raises:
        ModelError: an artifact or golden pack is gone, or is not the file that was judged.
        WorkspaceError: `out` is somebody's folder, in use, or cannot be written; DiskFullError when the disk is full.
    """
    with replacing(out, is_bundle) as folder:
        _fill(folder, contents)
    return out.resolve()


def require_place(out: Path) -> None:
    """Raises where no bundle could be written, before the work that leads to it is done.

    Raises:
        WorkspaceError: `out` is a file, somebody's folder, or lies where nothing can be written.
    """
    require_replaceable(out.resolve(), is_bundle)


def is_bundle(folder: Path) -> bool:
    """Whether a folder is a bundle of ours: whether its manifest says so, or where that is damaged, its other names."""
    try:
        data = json_report.load(folder / MANIFEST, "manifest")
    except ModelError:
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        return {MANIFEST, GATES, "report"} <= names and all(map(_is_of_artifact, names - _NAMES))
    return isinstance(data, dict) and "schema_version" in data and "artifacts" in data


def _is_of_artifact(name: str) -> bool:
    """Whether a file is called as an artifact is, or as one that lies beside an artifact."""
    return any(name.endswith(format.suffix) or f"{format.suffix}." in name for format in Format)


def _fill(folder: Path, contents: BundleContents) -> None:
    """Writes every file of a bundle into an empty folder, the manifest last."""
    from pipeline.bundle.readme import render_readme  # jinja2: an unchanged run does without it

    artifacts = tuple(sorted((_bundled(one, contents.report) for one in contents.artifacts), key=lambda one: one.file))
    for artifact in contents.artifacts:
        _copy(artifact.path, folder / file_name(artifact), artifact.sha256)
        for name in artifact.beside:
            _copy(artifact.path.with_name(f"{artifact.path.name}.{name}"), folder / f"{file_name(artifact)}.{name}")
    if contents.labels:
        (folder / LABELS).write_text("".join(f"{label}\n" for label in contents.labels), encoding="utf-8")
    golden = {framework: f"golden/{framework}.safetensors" for framework in sorted(contents.golden)}
    for framework, name in golden.items():
        _copy(contents.golden[framework], folder / name)
    _copy(contents.gates, folder / GATES)
    (folder / GATES_JSON).write_text(_gates_json(contents.gates), encoding="utf-8")
    sources = {artifact.framework: artifact.source for artifact in contents.artifacts}
    pictures = write_pictures(folder, contents.preprocessing, sources)
    reports = files.write_all(contents.report, folder / "report")
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        model=contents.artifacts[0].model if contents.artifacts else "",
        artifacts=artifacts,
        preprocessing=contents.preprocessing,
        labels=LABELS if contents.labels else "",
        golden=golden,
        gates=GATES,
        report={form: path.relative_to(folder).as_posix() for form, path in reports.items()},
        files={},
        pictures=pictures,
    )
    (folder / "README.md").write_text(render_readme(manifest, contents.labels), encoding="utf-8")
    data = {**encode(manifest), "files": encode(_records(folder))}
    (folder / MANIFEST).write_text(json_report.dumps(data, sort_keys=True), encoding="utf-8")


def _gates_json(gates: Path) -> str:
    """The gates for languages without TOML: what the file says, and the precisions from the finest to the coarsest."""
    content = tomllib.loads(gates.read_text(encoding="utf-8"))
    precisions = [precision.value for precision in Precision]
    data = {"schema_version": GATES_SCHEMA_VERSION, "precisions": precisions, "gates": content}
    return json_report.dumps(data, sort_keys=True)


def _bundled(artifact: Artifact, report: Report) -> BundledArtifact:
    file = file_name(artifact)
    verdicts = {
        cell.runtime: Verdict(cell.outcome, cell.reasons, figures(cell).p50)
        for cell in report.cells
        if cell.artifact == file
    }
    return BundledArtifact(
        file=file,
        model=artifact.model,
        framework=artifact.framework,
        route=artifact.route,
        precision=artifact.precision,
        format=artifact.format,
        producer=artifact.producer,
        versions=dict(artifact.versions),
        sha256=artifact.sha256 or content.sha256(artifact.path),
        graph_hash=artifact.graph_hash,
        size_bytes=_size(artifact.path),
        signature=artifact.signature,
        source_signature=artifact.source,
        outcome=worst(verdict.outcome for verdict in verdicts.values()),
        verdicts=verdicts,
        calibration=artifact.calibration,
    )


def _records(folder: Path) -> dict[str, FileRecord]:
    """Every file of the folder by its relative path."""
    return {
        path.relative_to(folder).as_posix(): FileRecord(file_sha256(path), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _copy(source: Path, target: Path, sha256: str = "") -> None:
    """Copies a file or a folder, and proves that they are those that were judged."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        content.copy(source, target)
    except FileNotFoundError as error:
        raise ModelError(f"{source} is gone; make it again and write the bundle then") from error
    if sha256 and (found := content.sha256(target)) != sha256:
        raise ModelError(f"{source} changed since it was judged: sha256 is {found}, was {sha256}; run again")


def _size(path: Path) -> int:
    if not content.present(path):
        raise ModelError(f"{path} is gone; make it again and write the bundle then")
    return content.size_bytes(path)
