"""Opens a bundle and trusts nothing in it before it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from converters import content
from converters.contract import Artifact
from converters.errors import ContractError, DataError, ModelError
from pipeline.bundle.contents import SCHEMA_VERSION, FileRecord, Manifest
from pipeline.bundle.names import parse_artifact_file_name
from pipeline.bundle.write import MANIFEST
from pipeline.checks.coverage import class_output
from pipeline.report import json_report
from pipeline.report.decode import decode
from pipeline.report.document import Report
from pipeline.store import file_sha256


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: every file that the manifest names is there, and is the one that was written."""

    folder: Path
    manifest: Manifest

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The artifacts, ready for a runtime to open."""
        return tuple(entry.artifact(self.folder) for entry in self.manifest.artifacts)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes; empty when the model has none."""
        if not self.manifest.labels:
            return ()
        return tuple((self.folder / self.manifest.labels).read_text(encoding="utf-8").splitlines())

    @property
    def golden(self) -> dict[str, Path]:
        """The golden packs by framework."""
        return {framework: self.folder / name for framework, name in self.manifest.golden.items()}

    @property
    def gates(self) -> Path:
        """The gates that judged."""
        return self.folder / self.manifest.gates

    @property
    def report(self) -> Report:
        """The report that came with the bundle."""
        return json_report.read(self.folder / self.manifest.report["json"])


def open_bundle(folder: Path) -> Bundle:
    """The bundle in a folder, every file verified against the manifest.

    Raises:
        ModelError: no bundle, a manifest of a newer version or that does not say what it must, a path that leads out
            of the folder, a file that is missing or changed.
        DataError: as many labels as the model has no classes.
    """
    if not folder.is_dir():
        raise ModelError(f"bundle {folder} is not a folder")
    folder = folder.resolve()
    where = f"bundle {folder}: {MANIFEST}"
    data = json_report.load(folder / MANIFEST, "manifest")
    json_report.check_version(data.get("schema_version") if isinstance(data, dict) else None, where, SCHEMA_VERSION)
    try:
        manifest: Manifest = decode(Manifest, data, where)
    except (ContractError, TypeError) as error:
        raise ModelError(f"{where}: {error}") from error
    for name, record in manifest.files.items():
        _verify(folder, name, record)
    _check_references(manifest, where)
    _check_folders(folder, manifest)
    bundle = Bundle(folder, manifest)
    _check_labels(bundle)
    return bundle


def _check_labels(bundle: Bundle) -> None:
    """There is a label for every class that an artifact answers with; one score a sample stands for two classes."""
    labels = len(bundle.labels)
    for artifact in bundle.artifacts if bundle.manifest.labels else ():
        outputs = artifact.source.outputs
        name = class_output(outputs)
        classes = next((spec.shape[-1] for spec in outputs if spec.name == name and spec.shape), None)
        if classes not in (None, labels) and (classes, labels) != (1, 2):
            raise DataError(
                f"bundle {bundle.folder}: {bundle.manifest.labels} has {labels} {'label' if labels == 1 else 'labels'} "
                f"for {classes} classes; write one name a line, in the order of the outputs, and export the bundle "
                "again"
            )


def _verify(folder: Path, name: str, record: FileRecord) -> None:
    path = folder / _inside(folder, name)
    if not path.is_file():
        raise ModelError(f"bundle {folder}: {name} is missing; copy or download the whole bundle again")
    size = path.stat().st_size
    if size != record.size_bytes:
        raise ModelError(f"bundle {folder}: {name} has {size} bytes, {record.size_bytes} were written; fetch it again")
    if (found := file_sha256(path)) != record.sha256:
        raise ModelError(f"bundle {folder}: {name} changed: sha256 is {found}, {record.sha256} was written")


def _inside(folder: Path, name: str) -> PurePosixPath:
    """`name` as a path, when it can only mean a file in the folder, on any system."""
    path = PurePosixPath(name)
    odd = not name or "\\" in name or "\x00" in name or path.is_absolute() or PureWindowsPath(name).drive
    if odd or ".." in path.parts or str(path) != name or not (folder / path).resolve().is_relative_to(folder):
        raise ModelError(f"bundle {folder}: the manifest names {name!r}, which leads out of the bundle; do not use it")
    return path


def _check_references(manifest: Manifest, where: str) -> None:
    """Every file that the manifest speaks of is among those that were verified."""
    named = [manifest.gates, *manifest.golden.values(), *manifest.report.values()]
    named += [manifest.labels] if manifest.labels else []
    named += [name for picture in manifest.pictures for name in (picture.file, picture.tensors)]
    folders = {entry.file: _folder_sha256(manifest, entry.file) for entry in manifest.artifacts}
    folders = {name: sha256 for name, sha256 in folders.items() if sha256}
    for name in (*named, *(entry.file for entry in manifest.artifacts)):
        if name not in {*manifest.files, *folders}:
            raise ModelError(f"{where}: {name!r} has no entry in 'files', so nothing vouches for it")
    if "json" not in manifest.report:
        raise ModelError(f"{where}: the report has no 'json' form")
    for entry in manifest.artifacts:
        says = parse_artifact_file_name(entry.file)
        is_so = (entry.model, entry.framework, entry.route, entry.precision, entry.format)
        if (says.model, says.framework, says.route, says.precision, says.format) != is_so:
            raise ModelError(f"{where}: {entry.file} is described as {' '.join(is_so)}")
        if (folders.get(entry.file) or manifest.files[entry.file].sha256) != entry.sha256:
            raise ModelError(f"{where}: {entry.file} is vouched for with two different sha256")


def _folder_sha256(manifest: Manifest, name: str) -> str:
    """The digest of an artifact that is a folder, from its files in the manifest; empty where it has none."""
    inside = f"{name}/"
    own = {path.removeprefix(inside): one.sha256 for path, one in manifest.files.items() if path.startswith(inside)}
    return content.folder_sha256(own) if own else ""


def _check_folders(folder: Path, manifest: Manifest) -> None:
    """An artifact that is a folder holds the files that the manifest names, and no other."""
    for entry in manifest.artifacts:
        path = folder / entry.file
        inside = [f"{entry.file}/{name}" for name in content.files(path)] if path.is_dir() else []
        if surplus := [name for name in inside if name not in manifest.files]:
            raise ModelError(f"bundle {folder}: {', '.join(surplus)} is there, which nothing vouches for")
