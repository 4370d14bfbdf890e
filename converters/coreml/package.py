"""A Core ML package on disk: found by its manifest, read without trusting it, and written again when it was changed.

To change one by hand (a test that plants a fault does): `read_package`, change `package.model` (dicts and lists, see
`converters.coreml.wire`), `write_model(package)`; numbers of `weight.bin` are changed in their place by
`package.folder`'s `rewrite_blob`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from converters.coreml import blob, wire
from converters.coreml.blob import Blob
from converters.coreml.wire import Message
from converters.errors import ModelError
from converters.sniff import sniff

MANIFEST = "Manifest.json"
_INSIDE = "@model_path/"


@dataclass(frozen=True)
class Package:
    """An opened package: the model as `wire.decode` gives it, and the folder that its weight files lie beside."""

    path: Path
    specification: Path
    model: Message
    _blobs: dict[str, Blob] = field(default_factory=dict)

    def blob(self, name: str) -> Blob:
        """The weight file that the program calls `@model_path/...`.

        Raises:
            ModelError: it is missing, or lies outside of the package.
        """
        if name not in self._blobs:
            self._blobs[name] = Blob(self.blob_path(name))
        return self._blobs[name]

    def blob_path(self, name: str) -> Path:
        """Where that weight file is."""
        if not name.startswith(_INSIDE):
            raise ModelError(f"its program wants weights of {name!r}, which is not inside the package")
        return _inside(self.path, self.specification.parent, name.removeprefix(_INSIDE))


def read_package(path: Path) -> Package:
    """The package at `path`; only its model is read, weights when they are asked for.

    Raises:
        ModelError: no package, damaged, or pointing out of its folder.
    """
    path = Path(path)
    sniff(path)
    try:
        specification = _specification(path)
        model = wire.decode(memoryview(specification.read_bytes()), "Model")
    except ModelError as error:
        raise ModelError(f"{path} is damaged: {error}; convert or fetch it again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ModelError(f"{path} is damaged: {type(error).__name__} {error}; convert or fetch it again") from error
    if "mlProgram" not in model:
        raise ModelError(
            f"{path} holds a Core ML model of an older kind, no ML program; convert its source for iOS 15 or newer"
        )
    return Package(path, specification, model)


def write_model(package: Package) -> None:
    """Writes the package's model in its place; the weights stay as they are."""
    package.specification.write_bytes(wire.encode(package.model, "Model"))


def rewrite_blob(package: Package, name: str, offset: int, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Puts `change(values)` in the place of the values that `name` holds at `offset`; the same type and number."""
    path = package.blob_path(name)
    data = bytearray(path.read_bytes())
    _, kind, size, start, spare = blob._METADATA.unpack_from(data, offset)
    dtype = blob.TYPES[kind]
    count = (8 * size - spare) // blob.bits_of(dtype)
    values = blob.unpack(memoryview(data)[start : start + size], dtype, count)
    data[start : start + size] = blob.pack(np.asarray(change(values.copy())).reshape(-1), dtype)
    path.write_bytes(data)


def _specification(path: Path) -> Path:
    """The model's file, by the manifest."""
    manifest = json.loads((path / MANIFEST).read_bytes())
    version = str(manifest.get("fileFormatVersion", ""))
    if not version.startswith("1."):
        raise ModelError(f"its {MANIFEST} is of version {version or '?'}, 1 is known")
    entry = manifest["itemInfoEntries"].get(manifest["rootModelIdentifier"])
    if entry is None:
        raise ModelError(f"its {MANIFEST} names a model that it has no entry for")
    for item in manifest["itemInfoEntries"].values():
        _inside(path, path / "Data", item["path"])
    found = _inside(path, path / "Data", entry["path"])
    if not found.is_file():
        raise ModelError(f"its model {entry['path']} is missing")
    return found


def _inside(path: Path, base: Path, name: str) -> Path:
    """`base / name`, when that can only be in the package at `path`."""
    plain = PurePosixPath(name)
    found = base / plain
    odd = not name or "\\" in name or plain.is_absolute() or ".." in plain.parts
    if odd or not found.resolve().is_relative_to(path.resolve()):
        raise ModelError(f"it names {name!r}, which leads out of the package; do not use it")
    return found
