"""What format a model file really has, told from its bytes; the suffix is only believed when it agrees.

Nothing is loaded or unpickled, and only a few pages are read, so a file of any size is judged at once. To teach
it a format, add a row to KINDS; a file that is no artifact but that people mistake for one is a row of STRANGERS.
"""

from __future__ import annotations

import itertools
import json
import mmap
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from converters.contract import Format
from converters.errors import ModelError

_PROBE = 1 << 16  # bytes looked at, at each end, before a file is called all zeros


@dataclass(frozen=True)
class _View:
    """A file under examination: its bytes (mapped, not read) and, for an archive, the names inside."""

    path: Path
    data: mmap.mmap

    def __len__(self) -> int:
        return len(self.data)

    def starts(self, magic: bytes) -> bool:
        return self.data[: len(magic)] == magic

    def members(self) -> set[str]:
        """The names in a zip archive without their common top folder; empty when it is no whole archive."""
        if not self.starts(b"PK\x03\x04"):
            return set()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return {name.partition("/")[2] or name for name in archive.namelist()}
        except (zipfile.BadZipFile, OSError, ValueError):
            return set()


@dataclass(frozen=True)
class _Kind:
    """A format: how its files begin, and `damage`, which says in words what is broken, or nothing."""

    format: Format
    title: str
    suffixes: tuple[str, ...]
    matches: Callable[[_View], bool]
    damage: Callable[[_View], str]


def _tflite_damage(view: _View) -> str:
    """Follows the root table of a FlatBuffer (schema_v3: version, operator_codes, subgraphs, description, buffers)."""
    data, size = view.data, len(view)

    def number(code: str, at: int) -> int:
        if not 0 <= at <= size - struct.calcsize(code):
            raise IndexError(at)
        return struct.unpack_from(code, data, at)[0]

    def u32(at: int) -> int:
        return number("<I", at)

    def field(table: int, index: int) -> int:
        """The place of a table's field, 0 where it is left out."""
        vtable = table - number("<i", table)
        slot = 4 + 2 * index
        offset = number("<H", vtable + slot) if slot < number("<H", vtable) else 0
        return table + offset if offset else 0

    def vector(table: int, index: int) -> tuple[int, int]:
        """(place of the first element, number of elements) of a table's vector field."""
        place = field(table, index)
        if not place:
            return 0, 0
        start = place + u32(place)
        return start + 4, u32(start)

    try:
        root = u32(0)
        if not vector(root, 2)[1]:
            return "its root table holds no subgraph"
        first, count = vector(root, 4)
        for at in range(first, first + 4 * count, 4):
            start, length = vector(at + u32(at), 0)
            if start + length > size:
                raise IndexError(start + length)
    except IndexError as e:
        return f"truncated: it points to byte {e} of {size}"
    return ""


_ONNX_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Field number of ModelProto -> protobuf wire type (onnx.proto)."""
_ONNX_IR_VERSION, _ONNX_GRAPH, _ONNX_OPSET = 1, 7, 8
_FIELDS = 10_000  # a file made to waste time is given up after so many


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """(value, place behind it) of a protobuf varint; IndexError past the end, ValueError over 64 bits."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("varint of more than 64 bits")


def _onnx_fields(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """(field number, value or length, place behind) of a ModelProto; ValueError at the first that it has not."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if _ONNX_FIELDS.get(tag >> 3) != tag & 7:
            raise ValueError(f"field {tag >> 3} with wire type {tag & 7}")
        value, at = _varint(data, at)
        if tag & 7 == 2:
            at += value
        yield tag >> 3, value, at


def _is_onnx(view: _View) -> bool:
    """Whether the first fields are an ir_version and a graph, in any order."""
    seen = {}
    try:
        for number, value, _ in itertools.islice(_onnx_fields(view.data), _FIELDS):
            seen[number] = value
            if _ONNX_GRAPH in seen and _ONNX_IR_VERSION in seen:
                break
    except (IndexError, ValueError):
        pass
    return _ONNX_GRAPH in seen and 1 <= seen.get(_ONNX_IR_VERSION, 0) < 1000


def _onnx_damage(view: _View) -> str:
    seen, end = {}, 0
    try:
        for number, value, behind in _onnx_fields(view.data):
            seen[number], end = value, behind
    except IndexError:
        return f"truncated: it stops inside the field behind byte {end}"
    except ValueError as e:
        return f"behind byte {end} it has {e}, which no model has"
    if end > len(view):
        return f"truncated: its fields need {end} bytes and {len(view)} are there"
    if not seen[_ONNX_GRAPH]:
        return "its graph is empty"
    return "" if _ONNX_OPSET in seen else "truncated: the opset that should follow the graph is not there"


def _is_torchscript(view: _View) -> bool:
    """A zip with compiled code beside the data (torch/csrc/jit/serialization)."""
    names = view.members()
    return {"data.pkl", "constants.pkl"} <= names and any(name.startswith("code/") for name in names)


def _torchscript_damage(view: _View) -> str:
    with zipfile.ZipFile(view.path) as archive:
        for info in archive.infolist():
            if info.header_offset + info.compress_size > len(view):
                return f"truncated: {info.filename} ends behind the file"
    return ""


def _is_executorch(view: _View) -> bool:
    return view.data[4:6] == b"ET" and view.data[6:8].isdigit()


def _executorch_damage(view: _View) -> str:
    """Reads the header that follows the identifier (executorch/schema/extended_header.h): where all data ends."""
    size = len(view)
    needed = max(40, struct.unpack_from("<I", view.data)[0])  # the smallest program is larger; the root table's place
    if view.data[8:12] == b"eh00" and size >= needed:
        length, tables, base, segments = struct.unpack_from("<IQQQ", view.data, 12)
        needed = max(tables, base + (segments if length > 24 else 0))
    return f"truncated: it needs {needed} bytes and {size} are there" if needed > size else ""


KINDS: tuple[_Kind, ...] = (
    _Kind(Format.TFLITE, "TensorFlow Lite", (".tflite",), lambda view: view.data[4:8] == b"TFL3", _tflite_damage),
    _Kind(Format.EXECUTORCH, "ExecuTorch", (".pte",), _is_executorch, _executorch_damage),
    _Kind(Format.TORCHSCRIPT, "TorchScript", (".pt", ".ptl", ".torchscript"), _is_torchscript, _torchscript_damage),
    _Kind(Format.ONNX, "ONNX", (".onnx",), _is_onnx, _onnx_damage),
)
"""Tried in this order: first the formats with a magic number."""

_PICKLE = "a pickle can run code, so it is not loaded; save a TorchScript archive, or give builder and .safetensors"
_SOURCE = "weights without a model; give the builder of the model that they belong to"
STRANGERS: tuple[tuple[Callable[[_View], bool], str], ...] = (
    (lambda view: "data.pkl" in view.members(), f"a torch.save archive without code: {_PICKLE}"),
    (
        lambda view: "model.weights.h5" in view.members(),
        "a Keras archive; give its builder and .weights.h5",
    ),
    (lambda view: bool(view.members()), "a zip archive without a model that is known here"),
    (lambda view: view.starts(b"PK\x03\x04"), "a zip archive without its central directory: truncated, copy it again"),
    (lambda view: view.data[:1] == b"\x80" and view.data[1:2] in {b"\2", b"\3", b"\4", b"\5"}, f"a pickle: {_PICKLE}"),
    (lambda view: view.starts(b"\x89HDF\r\n\x1a\n"), f"HDF5: {_SOURCE}"),
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
    if path.is_dir():
        hint = " (a SavedModel is a source: give the builder)" if (path / "saved_model.pb").exists() else ""
        raise ModelError(f"{path} is a folder; a model file is wanted{hint}: {_known()}")
    if not path.exists():
        raise ModelError(f"{path} does not exist")
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise ModelError(f"{path} is empty (0 bytes); make or copy it again")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _sniff(_View(path, data))
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


def _sniff(view: _View) -> Format:
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
    return ", ".join([*(f"{kind.title} ({', '.join(kind.suffixes)})" for kind in KINDS), "Core ML (.mlpackage)"])
