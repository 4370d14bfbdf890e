"""The honest files that faults are planted into: small networks by every route, and a folder of the user's."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.mutation.catalogue import SUFFIXES
from benchmarks.mutation.flat import File
from benchmarks.mutation.nets_keras import HEIGHT, WIDTH
from converters import content, registry
from converters.contract import Artifact, ConversionRequest, Format, Framework, Precision, TensorSpec
from converters.errors import EdgeExportError
from converters.worker import WorkerPool
from pipeline.config import Limits
from pipeline.golden_inputs import synthesise

HERE = Path(__file__).parent
SOURCE = "source:"
"""Before the name of a network: its model in the framework, as a reference."""
CALIBRATION = 64
AGAIN = "_again"
"""In the name of a file that was calibrated on other samples."""
SMALL = tuple(precision for precision in Precision if precision is not Precision.FP32)


@dataclass(frozen=True)
class Net:
    """A network of our own: the function `name` of a builder file, and what it takes."""

    name: str
    framework: Framework
    inputs: tuple[TensorSpec, ...]
    file: str = "nets_torch.py"

    @property
    def builder(self) -> str:
        """As a source artifact names it."""
        return f"{HERE / self.file}:{self.name}"


def _image(shape: tuple[int, ...], layout: str) -> TensorSpec:
    return TensorSpec("image", shape, "float32", layout, meaning="image", limits=(0.0, 255.0))


NETS: dict[str, Net] = {
    net.name: net
    for net in (
        Net("branches", Framework.TENSORFLOW, (_image((1, HEIGHT, WIDTH, 3), "NHWC"),), "nets_keras.py"),
        Net("faces", Framework.TORCH, (_image((1, 3, 32, 24), "NCHW"),)),
        Net("words", Framework.TORCH, (TensorSpec("tokens", (1, 10), "int64", limits=(0, 39)),)),
        Net("sounds", Framework.TORCH, tuple(TensorSpec(name, (1, 8, 50), "float32") for name in ("near", "far"))),
        Net("odds", Framework.TORCH, (TensorSpec("field", (1, 4, 10, 12), "float32"),), "nets_rare.py"),
        Net("turns", Framework.TORCH, (TensorSpec("steps", (1, 12, 6), "float32"),), "nets_rare.py"),
    )
}
DEEP = Net("deep", Framework.TENSORFLOW, (_image((1, 48, 48, 3), "NHWC"),), "nets_keras.py")


@dataclass(frozen=True)
class Subject:
    """An honest file. `references` are what it can be held against, by what they are to it."""

    name: str
    path: Path
    references: dict[str, str] = field(default_factory=dict)


def captured(net: Net, folder: Path, pool: WorkerPool, limits: Limits) -> Artifact:
    """The source model of a network, its weights in `folder`."""
    found: Artifact = pool.call(
        registry.runtimes_for(Format.TORCH if net.framework is Framework.TORCH else Format.KERAS)[0].worker,
        "converters.source:capture",
        limits.reference_s,
        builder=net.builder,
        builder_args={},
        weights_out=folder / net.name / "weights",
        inputs=net.inputs,
        framework=net.framework,
    )
    return found


def made(net: Net, folder: Path, pool: WorkerPool, limits: Limits) -> list[Subject]:
    """The files of a network by every route that converts it, made once; refused ones are left out."""
    home = folder / net.name
    digest = hashlib.sha256((HERE / Path(net.builder.rpartition(":")[0]).name).read_bytes()).hexdigest()
    noted = home / "files.json"
    if noted.is_file() and (known := json.loads(noted.read_text()))["digest"] == digest:
        files = [Path(name) for name in known["files"]]
    else:
        home.mkdir(parents=True, exist_ok=True)
        files = list(_converted(captured(net, folder, pool, limits), net, home, pool, limits))
        noted.write_text(json.dumps({"digest": digest, "files": [str(file) for file in files]}))
    return [Subject(f"{net.name} {file.stem}", file, _references(file, files, net)) for file in files]


def _converted(source: Artifact, net: Net, home: Path, pool: WorkerPool, limits: Limits) -> Iterator[Path]:
    calibration, other = home / "calibration.npz", home / "another.npz"
    np.savez(calibration, **synthesise(net.inputs, CALIBRATION, 3))
    np.savez(other, **synthesise(net.inputs, CALIBRATION, 4))
    edges = registry.edges()
    for edge in edges:
        if edge.source is not source.format or edge.target.suffix not in SUFFIXES:
            continue
        whole: Artifact | None = None
        for precision in (Precision.FP32, *SMALL):
            maker, origin = edge, source
            if precision not in edge.precisions:
                same = [e for e in edges if e.source is e.target is edge.target and precision in e.precisions]
                if not same or whole is None:
                    continue
                maker, origin = same[0], whole
            for samples, again in (
                ((calibration, ""), (other, AGAIN)) if precision is Precision.INT8 else ((calibration, ""),)
            ):
                target = home / f"{edge.name}_{precision}{again}{edge.target.suffix}"
                request = ConversionRequest(origin, target, precision, samples)
                with contextlib.suppress(EdgeExportError):  # a route that refuses the network makes no file of it
                    artifact = pool.call(
                        maker.worker, "converters.job:convert", limits.convert_s, edge_name=maker.name, request=request
                    )
                    whole = artifact if precision is Precision.FP32 else whole
                    yield _labelled(target) if precision is Precision.FP32 else target


def _labelled(file: Path) -> Path:
    """A .tflite file with a list of labels behind it, as its publishers add them."""
    if file.suffix == ".tflite":
        found = File.read(file)
        found.archive["labels.txt"] = "".join(f"label {name}\n" for name in "sdfgh").encode()
        found.write(file)
    return file


def _references(file: Path, files: list[Path], net: Net) -> dict[str, str]:
    """What a file is held against: itself, the float file of its route or of another format, the source."""
    edge, _, precision = file.stem.rpartition("_")
    if file.stem.endswith(AGAIN):
        return {"calibrated": str(file.with_name(file.name.replace(AGAIN, "")))}
    found = {"same": str(file), "source": f"{SOURCE}{net.name}"}
    whole = file.with_name(f"{edge}_{Precision.FP32}{file.suffix}")
    if precision != Precision.FP32 and whole in files:
        found["float"] = str(whole)
    others = [other for other in files if other.suffix != file.suffix and other.stem.endswith(f"_{Precision.FP32}")]
    if others:
        found["format"] = str(others[0])
    return found


def in_folder(folder: Path, most_bytes: int = 4 << 20) -> list[Subject]:
    """The model files of a folder and all below it, each once by its bytes, up to a size."""
    seen: dict[str, Path] = {}
    for path in sorted(folder.resolve().rglob("*")):
        if path.suffix in SUFFIXES and content.present(path) and content.size_bytes(path) <= most_bytes:
            seen.setdefault(content.sha256(path), path)
    home = folder.resolve()
    return [Subject(str(path.relative_to(home)), path, {"same": str(path)}) for path in seen.values()]
