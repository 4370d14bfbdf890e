"""The protocol buffers of a Core ML model, read and written without generated code.

A message is a dict of its fields by the names of Apple's `Model.proto` and `MIL.proto`; what is not in `SCHEMA` is kept
as it stands, so that a message that is read and written again is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Message = dict[str, Any]
OTHERS = "?"
"""Key of the fields that the schema does not know: (tag, bytes) each."""

SCHEMA: dict[str, dict[int, tuple[str, str]]] = {
    "Model": {
        1: ("specificationVersion", "int"),
        2: ("description", "ModelDescription"),
        502: ("mlProgram", "Program"),
    },
    "ModelDescription": {
        1: ("input", "Feature*"),
        10: ("output", "Feature*"),
        13: ("state", "Feature*"),
        20: ("functions", "FunctionDescription*"),
        21: ("defaultFunctionName", "string"),
        100: ("metadata", "Metadata"),
    },
    "FunctionDescription": {
        1: ("name", "string"),
        2: ("input", "Feature*"),
        3: ("output", "Feature*"),
        6: ("state", "Feature*"),
    },
    "Feature": {1: ("name", "string"), 2: ("shortDescription", "string"), 3: ("type", "FeatureType")},
    "FeatureType": {
        1: ("int64Type", "bytes"),
        2: ("doubleType", "bytes"),
        3: ("stringType", "bytes"),
        4: ("imageType", "bytes"),
        5: ("multiArrayType", "ArrayType"),
        6: ("dictionaryType", "bytes"),
        7: ("sequenceType", "bytes"),
        8: ("stateType", "bytes"),
    },
    "ArrayType": {1: ("shape", "int*"), 2: ("dataType", "int"), 21: ("enumerated", "bytes"), 31: ("range", "bytes")},
    "Metadata": {100: ("userDefined", "string%")},
    "Program": {1: ("version", "int"), 2: ("functions", "Function%"), 4: ("attributes", "Value%")},
    "Function": {
        1: ("inputs", "NamedType*"),
        2: ("opset", "string"),
        3: ("blocks", "Block%"),
        4: ("attributes", "Value%"),
    },
    "Block": {1: ("inputs", "NamedType*"), 2: ("outputs", "string*"), 3: ("operations", "Operation*")},
    "Operation": {
        1: ("type", "string"),
        2: ("inputs", "Argument%"),
        3: ("outputs", "NamedType*"),
        4: ("blocks", "Block*"),
        5: ("attributes", "Value%"),
    },
    "Argument": {1: ("arguments", "Binding*")},
    "Binding": {1: ("name", "string"), 2: ("value", "Value")},
    "NamedType": {1: ("name", "string"), 2: ("type", "ValueType")},
    "ValueType": {
        1: ("tensor", "TensorType"),
        2: ("list", "ListType"),
        3: ("tuple", "bytes"),
        4: ("dictionary", "bytes"),
        5: ("state", "StateType"),
    },
    "TensorType": {1: ("dataType", "int"), 2: ("rank", "int"), 3: ("dimensions", "Dimension*")},
    "ListType": {1: ("type", "ValueType"), 2: ("length", "Dimension")},
    "StateType": {1: ("wrapped", "ValueType")},
    "Dimension": {1: ("constant", "Size"), 2: ("unknown", "bytes")},
    "Size": {1: ("size", "int")},
    "Value": {2: ("type", "ValueType"), 3: ("immediate", "Immediate"), 5: ("blob", "Blob")},
    "Immediate": {1: ("tensor", "TensorValue"), 2: ("tuple", "Values"), 3: ("list", "Values")},
    "Values": {1: ("values", "Value*")},
    "Blob": {1: ("fileName", "string"), 2: ("offset", "int")},
    "TensorValue": {
        1: ("floats", "Floats"),
        2: ("ints", "Ints"),
        3: ("bools", "Ints"),
        4: ("strings", "Strings"),
        5: ("longInts", "Ints"),
        6: ("doubles", "Doubles"),
        7: ("bytes", "Bytes"),
    },
    "Floats": {1: ("values", "float*")},
    "Doubles": {1: ("values", "double*")},
    "Ints": {1: ("values", "int*")},
    "Strings": {1: ("values", "string*")},
    "Bytes": {1: ("values", "bytes")},
}
"""Message -> field number -> (name, kind): `*` is repeated, `%` a map from texts."""

_FIXED = {"float": ("<f4", 4), "double": ("<f8", 8)}


def decode(data: memoryview, message: str) -> Message:
    """The fields of a message.

    Raises:
        ValueError: the bytes are no such message.
    """
    schema = SCHEMA[message]
    found: Message = {}
    for tag, value in _fields(data):
        name, kind = schema.get(tag >> 3, (OTHERS, ""))
        if not kind:
            found.setdefault(OTHERS, []).append((tag, bytes(value) if isinstance(value, memoryview) else value))
        elif kind.endswith("%"):
            entry = dict(_fields(value))
            key = str(entry.get(10, memoryview(b"")), "utf-8")
            found.setdefault(name, {})[key] = _value(entry.get(18, memoryview(b"")), kind[:-1])
        elif kind in ("float*", "double*"):
            found[name] = np.concatenate([found.get(name, np.empty(0, _FIXED[kind[:-1]][0])), _numbers(value, kind)])
        elif kind == "int*":
            found.setdefault(name, []).extend(_varints(value) if isinstance(value, memoryview) else [_signed(value)])
        elif kind.endswith("*"):
            found.setdefault(name, []).append(_value(value, kind[:-1]))
        else:
            found[name] = _value(value, kind)
    return found


def encode(fields: Message, message: str) -> bytes:
    """The bytes of a message that `decode` reads."""
    numbers = {name: (number, kind) for number, (name, kind) in SCHEMA[message].items()}
    parts = []
    for name, value in fields.items():
        if name == OTHERS:
            parts += [_field(tag, item) for tag, item in value]
            continue
        number, kind = numbers[name]
        tag = number << 3
        if kind.endswith("%"):
            entries = (_field(10, key.encode()) + _written(2, item, kind[:-1]) for key, item in value.items())
            parts += [_field(tag | 2, entry) for entry in entries]
        elif kind in ("float*", "double*"):
            parts.append(_field(tag | 2, np.asarray(value, _FIXED[kind[:-1]][0]).tobytes()))
        elif kind == "int*":
            parts.append(_field(tag | 2, b"".join(map(_varint, value))))
        else:
            parts += [_written(number, item, kind.rstrip("*")) for item in (value if kind.endswith("*") else [value])]
    return b"".join(parts)


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """(tag, number or bytes) of each field."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        match tag & 7:
            case 0:
                value, at = _read_varint(data, at)
                yield tag, value
                continue
            case 2:
                size, at = _read_varint(data, at)
            case 1 | 5 as wire:
                size = 8 if wire == 1 else 4
            case wire:
                raise ValueError(f"a field of wire type {wire}")
        if at + size > len(data):
            raise ValueError(f"a field ends at byte {at + size} of {len(data)}")
        yield tag, data[at : at + size]
        at += size


def _value(value: Any, kind: str) -> Any:
    if kind == "int":
        return _signed(value)
    if kind == "string":
        return str(value, "utf-8")
    return bytes(value) if kind == "bytes" else decode(value, kind)


def _numbers(value: memoryview, kind: str) -> np.ndarray:
    return np.frombuffer(value, _FIXED[kind[:-1]][0])


def _varints(data: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _read_varint(data, at)
        found.append(_signed(value))
    return found


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number without an end")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(tag: int, value: Any) -> bytes:
    if tag & 7 == 0:
        return _varint(tag) + _varint(value)
    return _varint(tag) + (_varint(len(value)) if tag & 7 == 2 else b"") + value


def _written(number: int, value: Any, kind: str) -> bytes:
    if kind == "int":
        return _field(number << 3, value)
    data = value.encode() if kind == "string" else value if kind == "bytes" else encode(value, kind)
    return _field(number << 3 | 2, data)
