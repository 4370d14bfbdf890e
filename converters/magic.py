"""How files of each format begin, and what is broken in one; told from a few bytes, nothing is loaded."""

from __future__ import annotations

import itertools
import mmap
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class View:
    """A file under examination: its bytes (mapped, not read) and, for an archive, the names inside."""

    path: Path
    data: mmap.mmap

    def __len__(self) -> int:
        return len(self.data)

    def starts(self, magic: bytes) -> bool:
        """Whether the file begins so."""
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


def tflite_damage(view: View) -> str:
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


def onnx_fields(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
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


def is_onnx(view: View) -> bool:
    """Whether the first fields are an ir_version and a graph, in any order."""
    seen = {}
    try:
        for number, value, _ in itertools.islice(onnx_fields(view.data), _FIELDS):
            seen[number] = value
            if _ONNX_GRAPH in seen and _ONNX_IR_VERSION in seen:
                break
    except (IndexError, ValueError):
        pass
    return _ONNX_GRAPH in seen and 1 <= seen.get(_ONNX_IR_VERSION, 0) < 1000


def onnx_damage(view: View) -> str:
    """Follows the fields of a ModelProto to its end."""
    seen, end = {}, 0
    try:
        for number, value, behind in onnx_fields(view.data):
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


def is_torchscript(view: View) -> bool:
    """A zip with compiled code beside the data (torch/csrc/jit/serialization)."""
    names = view.members()
    return {"data.pkl", "constants.pkl"} <= names and any(name.startswith("code/") for name in names)


def is_mobile(view: View) -> bool:
    """TorchScript with the bytecode of the lite interpreter, which is what runs."""
    return is_torchscript(view) and "bytecode.pkl" in view.members()


def ort_damage(view: View) -> str:
    """A flatbuffer is written from its end on, and ONNX Runtime's version, field 0 of the root, first of all."""
    try:
        root = struct.unpack_from("<I", view.data)[0]
        fields = root - struct.unpack_from("<i", view.data, root)[0]
        place = root + struct.unpack_from("<H", view.data, fields + 4)[0]
        text = place + struct.unpack_from("<I", view.data, place)[0]
        end = text + 4 + struct.unpack_from("<I", view.data, text)[0] + 1
    except struct.error:
        return "truncated: what its root table points to is not there"
    return f"truncated: it needs {end} bytes and {len(view)} are there" if end > len(view) else ""


def zip_damage(view: View) -> str:
    """Whether every member of an archive ends inside it."""
    with zipfile.ZipFile(view.path) as archive:
        for info in archive.infolist():
            if info.header_offset + info.compress_size > len(view):
                return f"truncated: {info.filename} ends behind the file"
    return ""


def is_pt2(view: View) -> bool:
    """A zip of an exported program (torch/csrc/export/pt2_archive_constants.h)."""
    names = view.members()
    return "archive_format" in names and any(name.startswith("models/") for name in names)


def is_keras(view: View) -> bool:
    """A Keras 3 archive, or HDF5 in which Keras noted the architecture beside the weights."""
    if view.starts(HDF5):
        return view.data.find(b"model_config") >= 0
    return {"config.json", "model.weights.h5"} <= view.members()


def keras_damage(view: View) -> str:
    """Of an HDF5 file, its superblock (version 0 or 2) says where it ends; of an archive, its members."""
    if not view.starts(HDF5):
        return zip_damage(view)
    size, version = len(view), view.data[8]
    place = {0: 40, 1: 44, 2: 28, 3: 28}.get(version, 0)
    if not place or place + 8 > size:
        return f"its superblock has the version {version}, or ends too early"
    end = struct.unpack_from("<Q", view.data, place)[0]
    return f"truncated: it needs {end} bytes and {size} are there" if end > size else ""


def is_executorch(view: View) -> bool:
    """A FlatBuffer with the identifier `ET` and two digits."""
    return view.data[4:6] == b"ET" and view.data[6:8].isdigit()


def executorch_damage(view: View) -> str:
    """Reads the header that follows the identifier (executorch/schema/extended_header.h): where all data ends."""
    size = len(view)
    needed = max(40, struct.unpack_from("<I", view.data)[0])  # the smallest program is larger; the root table's place
    if view.data[8:12] == b"eh00" and size >= needed:
        length, tables, base, segments = struct.unpack_from("<IQQQ", view.data, 12)
        needed = max(tables, base + (segments if length > 24 else 0))
    return f"truncated: it needs {needed} bytes and {size} are there" if needed > size else ""
