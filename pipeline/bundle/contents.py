"""What goes into a bundle, and what its manifest says. The manifest is these dataclasses as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ContractError, DataError, ModelError
from pipeline.bundle.names import artifact_file_name
from pipeline.checks.outcome import Outcome, worst
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing
from pipeline.report.document import Report

SCHEMA_VERSION = 2
"""1 knew no pictures, and had no `gates.json`."""
COLOURS = {1: "grey", 3: "rgb"}
IN_RANGE = "in value_range"


@dataclass(frozen=True)
class ImageRules:
    """How to make one image input from a picture, the same in every language.

    Decode to 8 bits a channel with the picture's own orientation applied; turn to `colour` (grey is
    0.299 R + 0.587 G + 0.114 B); resize to `width` x `height` by `resize`, stretching unless `keep_aspect`; give the
    values in `value_range`, black first, as `dtype`, axes as the artifact's own signature says. Nothing else:
    `normalisation` says where scaling and mean lie.
    """

    width: int
    height: int
    colour: str  # grey or rgb
    resize: str = "bilinear"
    keep_aspect: bool = False
    value_range: tuple[float, float] = (0.0, 255.0)
    dtype: str = "float32"
    layout: str = ""  # of the source model
    normalisation: str = "inside the model"
    note: str = ""

    def __post_init__(self) -> None:
        if self.colour not in COLOURS.values():
            raise ContractError(f"image rules: colour {self.colour!r} is none of {', '.join(COLOURS.values())}")


def has_image_rules(spec: TensorSpec, preprocessing: Preprocessing = AS_THEY_ARE) -> bool:
    """Whether rules can say how to make this input from a picture.

    That takes a fixed height and width, one or three channels, and values that are raw pixels, or made of them in every
    channel alike.
    """
    if preprocessing.value_range is None or (not preprocessing.changes and spec.limits not in (None, (0.0, 255.0))):
        return False
    axes = dict(zip(spec.layout, spec.shape, strict=True)) if spec.layout else {}
    return bool(axes.get("W")) and bool(axes.get("H")) and axes.get("C", 1) in COLOURS


def image_rules(spec: TensorSpec, note: str = "", preprocessing: Preprocessing = AS_THEY_ARE) -> ImageRules:
    """The rules for an image input of a source model, read from its shape and layout, and what its owner says.

    Raises:
        ModelError: the input has no fixed height and width, or neither one nor three channels.
    """
    axes = dict(zip(spec.layout, spec.shape, strict=True)) if spec.layout else {}
    width, height, channels = axes.get("W"), axes.get("H"), axes.get("C", 1)
    values = preprocessing.value_range
    if not has_image_rules(spec, preprocessing) or not values or not width or not height or not channels:
        raise ModelError(
            f"input {spec.name!r} {spec.shape} {spec.layout!r} is no image with fixed H and W, 1 or 3 channels and "
            "raw pixels"
        )
    rules = ImageRules(width, height, COLOURS[channels], dtype=spec.dtype, layout=spec.layout, note=note)
    return replace(
        rules,
        keep_aspect=preprocessing.resize == "fit",
        value_range=values,
        normalisation=IN_RANGE if preprocessing.changes else rules.normalisation,
    )


@dataclass(frozen=True)
class BundleContents:
    """Everything that one bundle holds: the artifacts of one model, and their evidence.

    `golden` are the packs by framework; `labels` the names of the classes, or nothing; `gates` is the file that
    judged; `preprocessing` the rules by input name, for inputs that are images.
    """

    artifacts: Sequence[Artifact]
    golden: Mapping[str, Path]
    labels: Sequence[str]
    gates: Path
    report: Report
    preprocessing: Mapping[str, ImageRules] = field(default_factory=dict)

    def __post_init__(self) -> None:
        models = {artifact.model for artifact in self.artifacts}
        if len(models) > 1:
            raise ContractError(f"a bundle holds one model, got {', '.join(sorted(models))}: write one bundle for each")
        files = [file_name(artifact) for artifact in self.artifacts]
        if len(set(files)) < len(files):
            raise ContractError(f"two artifacts of one name in {', '.join(sorted(files))}")
        for label in self.labels:
            if not label.strip() or len(label.splitlines()) != 1:
                raise DataError(f"label {label!r} does not fit on a line of labels.txt")


def file_name(artifact: Artifact) -> str:
    """The name of an artifact in its bundle."""
    return artifact_file_name(
        artifact.model, artifact.framework, artifact.route, artifact.precision.value, artifact.format.value
    )


@dataclass(frozen=True)
class Verdict:
    """What one runtime made of an artifact, and the median time of a call there; None where it was not timed."""

    outcome: Outcome
    reasons: tuple[str, ...]
    latency_ms_p50: float | None = None


@dataclass(frozen=True)
class FileRecord:
    """A file of the bundle, as it was written."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class SourcePicture:
    """A picture, and what this side makes of it: the array `<framework>/<array>` of the safetensors file `tensors`.

    `exact`: it is decoded without loss and not resized, so that every other side has to make the same of it.
    """

    file: str
    input: str
    tensors: str
    array: str
    exact: bool


@dataclass(frozen=True)
class BundledArtifact:
    """An artifact in the manifest. `signature` is the file's own, `source_signature` the source model's.

    `outcome` is the worst of `verdicts`, which are by runtime; an artifact that nothing judged is FAILED.
    """

    file: str
    model: str
    framework: str
    route: str
    precision: Precision
    format: Format
    producer: str
    versions: Mapping[str, str]
    sha256: str
    graph_hash: str
    size_bytes: int
    signature: Signature
    source_signature: Signature
    outcome: Outcome
    verdicts: Mapping[str, Verdict]
    calibration: str = ""  # what the ranges of a static precision were found on

    def __post_init__(self) -> None:
        found = worst(verdict.outcome for verdict in self.verdicts.values())
        if self.outcome is not found:
            raise ContractError(f"{self.file}: outcome is {self.outcome}, but the verdicts give {found}")

    @property
    def fastest_ms(self) -> float:
        """The least median time of a call in any runtime; infinite where none timed it."""
        timed = [one.latency_ms_p50 for one in self.verdicts.values() if one.latency_ms_p50 is not None]
        return min(timed, default=math.inf)

    def artifact(self, folder: Path) -> Artifact:
        """The artifact, with its file under `folder`, for a runtime to open."""
        return Artifact(
            path=folder / self.file,
            format=self.format,
            precision=self.precision,
            signature=self.signature,
            source=self.source_signature,
            model=self.model,
            framework=self.framework,
            route=self.route,
            producer=self.producer,
            versions=self.versions,
            sha256=self.sha256,
            graph_hash=self.graph_hash,
            size_bytes=self.size_bytes,
        )


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`. Paths are relative to the bundle, with forward slashes; empty where there is no such file."""

    schema_version: int
    model: str
    artifacts: tuple[BundledArtifact, ...]
    preprocessing: Mapping[str, ImageRules]
    labels: str
    golden: Mapping[str, str]
    gates: str
    report: Mapping[str, str]
    files: Mapping[str, FileRecord]  # every file but manifest.json
    pictures: tuple[SourcePicture, ...] = ()
