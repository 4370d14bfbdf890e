"""A small bundle that really runs, and ways to damage it that its hashes vouch for."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flat_models
import numpy as np
import sample_bundle

from converters.contract import Artifact, Signature, TensorSpec
from pipeline import golden
from pipeline.bundle import image_rules, write_bundle
from pipeline.golden_inputs import Chosen
from pipeline.store import file_sha256

ROOT = Path(__file__).resolve().parents[1]
CLASSES, SIZE, SAMPLES = 10, 8, 48
FILE = "digits_torch_litert_fp32.tflite"
SOURCE = Signature(
    (TensorSpec("image", (1, 1, SIZE, SIZE), "float32", "NCHW", meaning="image"),),
    (TensorSpec("logits", (1, CLASSES), "float32", "NC", meaning="logits"),),
)
OWN = Signature(
    (TensorSpec("image", (1, SIZE, SIZE, 1), "float32", "NHWC", meaning="image"),),
    (TensorSpec("logits", (1, CLASSES), "float32", "NC", meaning="logits"),),
)


def signatures(height: int, width: int, channels: int) -> tuple[Signature, Signature]:
    """(the source model's, the file's) of a classifier of such pictures."""
    image, logits = SOURCE.inputs[0], SOURCE.outputs
    source = Signature((dataclasses.replace(image, shape=(1, channels, height, width)),), logits)
    return source, Signature((dataclasses.replace(OWN.inputs[0], shape=(1, height, width, channels)),), logits)


def write(
    folder: Path, labels: int = CLASSES, size: tuple[int, int, int] = (SIZE, SIZE, 1), keep_aspect: bool = False
) -> Path:
    """A bundle of one TFLite classifier in `folder / bundle`, its golden outputs computed by numpy."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    height, width, channels = size
    signature, own = signatures(*size)
    weights = rng.normal(size=(CLASSES, height * width * channels)) / 100
    weights = (weights - weights.mean(axis=1, keepdims=True)).astype(np.float32)  # so that each class is answered
    path = folder / "model.tflite"
    flat_models.classifier(path, weights, shape=(1, height, width, channels))
    artifact = dataclasses.replace(sample_bundle.artifact(path, signature=own), source=signature, model="digits")
    images = rng.integers(0, 256, (SAMPLES, 1, channels, height, width)).astype(np.float32)
    rows = images.transpose(0, 1, 3, 4, 2).reshape(SAMPLES, -1)
    logits = (rows @ weights.T).astype(np.float32)[:, None]
    label = logits[:, 0].argmax(axis=1).astype(np.int64)
    pack = folder / "golden.safetensors"
    source = Artifact(
        path, artifact.format, artifact.precision, signature, signature, model="digits", framework="torch"
    )
    golden.write(pack, Chosen({"image": images}, label, np.arange(SAMPLES)), {"logits": logits}, source)
    contents = dataclasses.replace(
        sample_bundle.contents(folder / "store"),
        artifacts=[artifact],
        golden={"torch": pack},
        labels=[f"class {i}" for i in range(labels)],
        gates=ROOT / "configs/gates.toml",
        report=sample_bundle.report_on([artifact]),
        preprocessing={"image": dataclasses.replace(image_rules(signature.inputs[0]), keep_aspect=keep_aspect)},
    )
    return write_bundle(contents, folder / "bundle")


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the manifest."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def put(bundle: Path, name: str, content: bytes) -> None:
    """Another file under a name, and a manifest that vouches for it."""
    (bundle / name).write_bytes(content)
    record = {"sha256": file_sha256(bundle / name), "size_bytes": len(content)}

    def vouch(manifest: dict[str, Any]) -> None:
        manifest["files"][name] = record
        for entry in manifest["artifacts"]:
            if entry["file"] == name:
                entry.update(record)

    edit(bundle, vouch)


def repack(bundle: Path, change: Callable[[dict[str, np.ndarray], dict[str, str]], object]) -> None:
    """Another golden pack, made of the arrays and metadata of this one."""
    from safetensors import safe_open

    name = "golden/torch.safetensors"
    with safe_open(bundle / name, framework="numpy") as file:
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        metadata = dict(file.metadata())
    change(arrays, metadata)
    put(bundle, name, golden.serialize(arrays, metadata))


def zipped(bundle: Path, path: Path) -> Path:
    """The bundle as an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(bundle.rglob("*")):
            archive.write(file, file.relative_to(bundle))
    return path
