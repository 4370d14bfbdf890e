"""What format a model file really has, told from its bytes; the suffix is only believed when it agrees.

Nothing is loaded or unpickled, and only a few pages are read, so a file of any size is judged at once. To teach
it a format, add a row to KINDS; a file that is no artifact but that people mistake for one is a row of STRANGERS.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from converters.contract import Format
from converters.errors import ModelError
from converters.magic import (
    HDF5,
    View,
    executorch_damage,
    is_executorch,
    is_keras,
    is_mobile,
    is_onnx,
    is_pt2,
    is_torchscript,
    keras_damage,
    onnx_damage,
    ort_damage,
    tflite_damage,
    zip_damage,
)

_PROBE = 1 << 16  # bytes looked at, at each end, before a file is called all zeros


@dataclass(frozen=True)
class _Kind:
    """A format: how its files begin, and `damage`, which says in words what is broken, or nothing."""

    format: Format
    title: str
    suffixes: tuple[str, ...]
    matches: Callable[[View], bool]
    damage: Callable[[View], str]


KINDS: tuple[_Kind, ...] = (
    _Kind(Format.TFLITE, "TensorFlow Lite", (".tflite",), lambda view: view.data[4:8] == b"TFL3", tflite_damage),
    _Kind(Format.EXECUTORCH, "ExecuTorch", (".pte",), is_executorch, executorch_damage),
    _Kind(Format.ORT, "ORT", (".ort",), lambda view: view.data[4:8] == b"ORTM", ort_damage),
    _Kind(Format.PTL, "PyTorch Mobile", (".ptl",), is_mobile, zip_damage),
    _Kind(Format.TORCHSCRIPT, "TorchScript", (".pt", ".torchscript"), is_torchscript, zip_damage),
    _Kind(Format.PT2, "exported program", (".pt2",), is_pt2, zip_damage),
    _Kind(Format.KERAS_FILE, "Keras", (".keras", ".h5", ".hdf5"), is_keras, keras_damage),
    _Kind(Format.ONNX, "ONNX", (".onnx",), is_onnx, onnx_damage),
)
"""Tried in this order: first the formats with a magic number."""

_PICKLE = "a pickle can run code, so it is not loaded; save a TorchScript archive, or give builder and .safetensors"
_SOURCE = "weights without a model; give the builder of the model that they belong to"
STRANGERS: tuple[tuple[Callable[[View], bool], str], ...] = (
    (lambda view: "data.pkl" in view.members(), f"a torch.save archive without code: {_PICKLE}"),
    (lambda view: bool(view.members()), "a zip archive without a model that is known here"),
    (lambda view: view.starts(b"PK\x03\x04"), "a zip archive without its central directory: truncated, copy it again"),
    (lambda view: view.data[:1] == b"\x80" and view.data[1:2] in {b"\2", b"\3", b"\4", b"\5"}, f"a pickle: {_PICKLE}"),
    (lambda view: view.starts(HDF5), f"HDF5: {_SOURCE}"),
    (lambda view: view.data[8:10] == b'{"' and view.data[4:8] == bytes(4), f"safetensors: {_SOURCE}"),
    (lambda view: view.starts(b"\x1f\x8b"), "gzip; unpack it first"),
    (lambda view: view.starts(b"version https://git-lfs"), "a Git LFS pointer; run `git lfs pull`"),
    (lambda view: view.data[:15].lstrip().lower().startswith((b"<!doctype", b"<html")), "a web page, not a model"),
)
"""Files that are no artifact, most specific first, with what to do about them."""


def sniff(path: Path) -> Format:
    """The format of the file at `path`, from its content.

    Raises:
        ModelError: it is missing, a folder, empty, all zeros, truncated, unsafe, of no known format, or its
            suffix promises another format.
    """
    path = Path(path)
    if path.is_dir() and (path / "Manifest.json").is_file():
        return _sniff_package(path)
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return _sniff_saved_model(path)
    if path.is_dir():
        near = [inner.parent for inner in sorted(path.glob("*/saved_model.pb"))[:1]]
        hint = f"; do you mean {near[0]}?" if near else ""
        raise ModelError(
            f"{path} is a folder without saved_model.pb (TensorFlow) or Manifest.json (Core ML){hint} "
            f"Known formats: {_known()}"
        )
    if not path.exists():
        raise ModelError(f"{path} does not exist")
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise ModelError(f"{path} is empty (0 bytes); make or copy it again")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _sniff(View(path, data))
    except (OSError, ValueError) as e:
        raise ModelError(f"{path} cannot be read: {e}") from e


def _sniff_package(path: Path) -> Format:
    """Core ML's folder: its manifest names a model and files beside it (`converters.coreml.package` reads it)."""
    try:
        manifest = json.loads((path / "Manifest.json").read_bytes())
    except (OSError, ValueError) as e:
        raise ModelError(f"{path} is a damaged Core ML package: its Manifest.json is no JSON; copy it again") from e
    if not isinstance(manifest, dict) or "rootModelIdentifier" not in manifest:
        raise ModelError(f"{path} is no Core ML package: its Manifest.json names no model. Known formats: {_known()}")
    if path.suffix.lower() != Format.COREML.suffix:
        raise ModelError(f"{path} is a Core ML package; rename it to {path.name}.mlpackage, which its readers ask for")
    return Format.COREML


def _sniff_saved_model(path: Path) -> Format:
    """TensorFlow's folder: a protobuf of graphs, and the variables beside it."""
    if not (path / "saved_model.pb").stat().st_size:
        raise ModelError(f"{path} is a damaged SavedModel: its saved_model.pb is empty; copy it again")
    index, data = path / "variables" / "variables.index", sorted((path / "variables").glob("variables.data-*"))
    if bool(data) != index.is_file() or any(not file.stat().st_size for file in (*data, *[index] * index.is_file())):
        raise ModelError(
            f"{path} is a damaged SavedModel: the files in its folder variables are not whole; copy it again"
        )
    return Format.SAVEDMODEL


def _sniff(view: View) -> Format:
    size = len(view)
    for kind in KINDS:
        if kind.matches(view):
            if damage := kind.damage(view):
                raise ModelError(f"{view.path} ({size} bytes) is a damaged {kind.title} file: {damage}; copy it again")
            _check_suffix(view.path, kind)
            return kind.format
    if not any(view.data[:_PROBE]) and not any(view.data[-_PROBE:]):
        raise ModelError(f"{view.path} holds {size} bytes of zeros and no model; make or copy it again")
    for matches, found in STRANGERS:
        if matches(view):
            raise ModelError(f"{view.path} is {found}. Known formats: {_known()}")
    promised = _by_suffix(view.path)
    asked = f"the name says {promised.title}, but" if promised else "this is no known model file:"
    raise ModelError(f"{view.path}: {asked} its {size} bytes begin with {view.data[:8]!r}. Known formats: {_known()}")


def _check_suffix(path: Path, kind: _Kind) -> None:
    promised = _by_suffix(path)
    if promised is not None and promised is not kind:
        raise ModelError(
            f"{path}: the name says {promised.title}, the content is {kind.title}; "
            f"if that is the model you mean, rename it to {path.with_suffix(kind.suffixes[0]).name}"
        )


def _by_suffix(path: Path) -> _Kind | None:
    return next((kind for kind in KINDS if path.suffix.lower() in kind.suffixes), None)


def _known() -> str:
    return ", ".join(
        [
            *(f"{kind.title} ({', '.join(kind.suffixes)})" for kind in KINDS),
            "Core ML (.mlpackage)",
            "SavedModel (a folder)",
        ]
    )
