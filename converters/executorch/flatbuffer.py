"""Flatbuffers as plain dicts and lists, by the `.fbs` schema that ExecuTorch ships beside its code.

Nothing of ExecuTorch is imported. `flatc --json`, its own way, rounds floats to six digits, and a scale is a float.
A table is a dict with every field of the schema, a union a pair (member, table), an enum the name of its value, bytes
are a memoryview into the file. Specification: "FlatBuffers internals", flatbuffers.dev.
"""

from __future__ import annotations

import importlib.util
import re
import struct
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from converters.errors import ModelError, UnavailableError

_SCALARS = {
    "bool": "?", "byte": "b", "ubyte": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I",
    "long": "q", "ulong": "Q", "float": "f", "double": "d",
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
    "int64": "q", "uint64": "Q", "float32": "f", "float64": "d",
}  # fmt: skip
_BLOCK = re.compile(r"\b(table|union|enum)\s+(\w+)\s*(?::\s*(\w+))?\s*\{([^}]*)\}")
_FIELD = re.compile(r"(\w+)\s*:\s*(\[?)\s*(?:\w+\.)*(\w+)\s*\]?\s*(?:=\s*([\w.+-]+))?\s*(?:\([^)]*\))?\s*;")


@dataclass(frozen=True)
class Field:
    """A field of a table; `type` is a scalar's, an enum's, a union's or a table's name, or `string`."""

    name: str
    type: str
    vector: bool
    default: str


@dataclass(frozen=True)
class Schema:
    """The types of an `.fbs` file and of those that it includes."""

    tables: dict[str, list[Field]] = field(default_factory=dict)
    unions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    enums: dict[str, tuple[str, dict[int, str]]] = field(default_factory=dict)


@cache
def schema(file: str) -> Schema:
    """The schema at a path inside the installed `executorch` package.

    Raises:
        UnavailableError: ExecuTorch is not installed, or has no such file.
    """
    spec = importlib.util.find_spec("executorch")
    roots = (spec and spec.submodule_search_locations) or ()
    path = next((path for path in (Path(root, file) for root in roots) if path.is_file()), None)
    if path is None:
        raise UnavailableError(f"reading .pte files needs executorch/{file}; install it: pip install executorch")
    return _parse(path)


def _parse(path: Path) -> Schema:
    text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
    found = Schema()
    for name in re.findall(r'include\s+"([^"]+)"', text):
        inner = _parse(path.with_name(name))
        found.tables.update(inner.tables)
        found.unions.update(inner.unions)
        found.enums.update(inner.enums)
    for kind, name, base, body in _BLOCK.findall(text):
        if kind == "table":
            found.tables[name] = [Field(f, t, bool(v), d) for f, v, t, d in _FIELD.findall(body)]
            continue
        members = [re.split(r"\s*[:=]\s*", member.strip()) for member in body.split(",") if member.strip()]
        if kind == "union":
            found.unions[name] = [(member[0], member[-1]) for member in members]
        else:
            values: dict[int, str] = {}
            for member in members:
                values[int(member[1]) if len(member) > 1 else max(values, default=-1) + 1] = member[0]
            found.enums[name] = (base, values)
    return found


def decode(data: memoryview, schema: Schema, root: str) -> dict[str, Any]:
    """The root table of a flatbuffer.

    Raises:
        ModelError: it points outside of `data`, or at more than `data` can hold.
    """
    try:
        return _Reader(data, schema).root(root)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ModelError(f"damaged: a table of {len(data)} bytes points outside of itself ({error})") from error


class _Reader:
    """Follows offsets. Elements of vectors are counted: an honest file has fewer of them than bytes."""

    def __init__(self, data: memoryview, schema: Schema) -> None:
        self.data, self.schema, self.left = data, schema, len(data)

    def root(self, table: str) -> dict[str, Any]:
        return self.table(self.number("I", 0), table)

    def number(self, code: str, at: int) -> Any:
        if at < 0:
            raise IndexError(at)
        return struct.unpack_from(f"<{code}", self.data, at)[0]

    def table(self, at: int, name: str) -> dict[str, Any]:
        vtable = at - self.number("i", at)
        size = self.number("H", vtable)
        found: dict[str, Any] = {}
        slot = 4
        for item in self.schema.tables[name]:
            wide = item.type in self.schema.unions
            places = []
            for _ in range(1 + wide):
                offset = self.number("H", vtable + slot) if slot + 2 <= size else 0
                places.append(at + offset if offset else 0)
                slot += 2
            found[item.name] = self.union(places, item.type) if wide else self.field(places[0], item)
        return found

    def union(self, places: list[int], name: str) -> tuple[str, dict[str, Any]] | None:
        kind = self.number("B", places[0]) if places[0] else 0
        members = self.schema.unions[name]
        if not kind or not places[1]:
            return None
        if kind > len(members):
            raise ModelError(f"damaged, or of a newer ExecuTorch: {name} knows no member {kind}")
        member, table = members[kind - 1]
        return member, self.table(places[1] + self.number("I", places[1]), table)

    def field(self, at: int, item: Field) -> Any:
        if item.vector:
            return self.vector(at + self.number("I", at), item.type) if at else []
        if item.type == "string" or item.type in self.schema.tables:
            return self.element(at, item.type) if at else None
        return self.element(at, item.type) if at else self.default(item)

    def default(self, item: Field) -> Any:
        if item.type in self.schema.enums:
            return item.default or self.schema.enums[item.type][1].get(0, "0")
        if item.type == "bool":
            return item.default == "true"
        return (float if _SCALARS[item.type] in "fd" else int)(item.default or 0)

    def vector(self, at: int, kind: str) -> Any:
        count = self.number("I", at)
        code = _SCALARS.get(kind, "I")
        if at + 4 + count * struct.calcsize(code) > len(self.data):
            raise IndexError(at + 4 + count * struct.calcsize(code))
        if kind in ("ubyte", "uint8"):
            return self.data[at + 4 : at + 4 + count]
        self.left -= count
        if self.left < 0:
            raise ModelError("damaged: its tables hold more than the file has bytes")
        if kind in _SCALARS:
            return list(struct.unpack_from(f"<{count}{code}", self.data, at + 4))
        return [self.element(at + 4 + 4 * index, kind) for index in range(count)]

    def element(self, at: int, kind: str) -> Any:
        if kind in self.schema.tables:
            return self.table(at + self.number("I", at), kind)
        if kind == "string":
            start = at + self.number("I", at)
            return bytes(self.vector(start, "ubyte")).decode()
        if kind in self.schema.enums:
            base, names = self.schema.enums[kind]
            value = self.number(_SCALARS[base], at)
            return names.get(value, str(value))
        return self.number(_SCALARS[kind], at)
