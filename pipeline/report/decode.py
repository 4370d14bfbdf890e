"""Frozen dataclasses from parsed JSON, strictly: an unknown key, a missing key or a wrong type is an error."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

import numpy as np

from converters.errors import ModelError

NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""How numbers that JSON lacks are written; a text metric with one of these values reads as the number."""


def decode(kind: Any, data: Any, where: str) -> Any:
    """`data` as a value of the type `kind`; sequences come back as tuples.

    Args:
        kind: a frozen dataclass, an enum, `tuple[X, ...]`, `tuple[X, Y]`, `Sequence[X]`, `Mapping[str, X]`, a union
            or a plain type.
        data: what a JSON parser gave.
        where: the path inside the document, for messages: `report.cells[3]`.

    Raises:
        ModelError: the first place that does not fit.
    """
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return data
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, data, where)
    if origin in (typing.Union, types.UnionType):
        return _union(parts, data, where)
    if origin in (tuple, Sequence):
        rows = _expect(data, list, where)
        if origin is tuple and parts[-1] is not Ellipsis:
            if len(rows) != len(parts):
                raise ModelError(f"{where}: expected {len(parts)} values, found {len(rows)}")
            return tuple(
                decode(part, row, f"{where}[{i}]") for i, (part, row) in enumerate(zip(parts, rows, strict=True))
            )
        return tuple(decode(parts[0], row, f"{where}[{index}]") for index, row in enumerate(rows))
    if origin in (Mapping, dict):
        return {key: decode(parts[1], value, f"{where}.{key}") for key, value in _expect(data, dict, where).items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        if data not in [member.value for member in kind]:
            raise ModelError(f"{where}: {data!r} is none of {', '.join(str(member.value) for member in kind)}")
        return kind(data)
    return _plain(kind, data, where)


def encode(value: Any) -> Any:
    """`value` as JSON knows it: dataclasses as objects, tuples as lists, NaN and infinities as `NON_FINITE` texts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return encode(value.tolist())
    return _encode_float(value) if isinstance(value, float) else value


def _encode_float(value: float) -> float | str:
    if value != value:  # NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Type and whether it may be left out, by field name."""
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return {
        field.name: (hints[field.name], field.default is not missing or field.default_factory is not missing)
        for field in dataclasses.fields(kind)
    }


def _dataclass(kind: Any, data: Any, where: str) -> Any:
    rows, fields = _expect(data, dict, where), _fields(kind)
    if unknown := sorted(set(rows) - set(fields)):
        raise ModelError(f"{where}: unknown key {unknown[0]!r}; there are {', '.join(fields)}")
    for name, (_, optional) in fields.items():
        if name not in rows and not optional:
            raise ModelError(f"{where}: {name!r} is missing")
    return kind(**{name: decode(fields[name][0], value, f"{where}.{name}") for name, value in rows.items()})


def _union(parts: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in parts:
        return None
    if float in parts and isinstance(data, str) and data in NON_FINITE:
        return NON_FINITE[data]
    for part in parts:
        if part is type(data):
            return data
    named = [part for part in parts if part is not type(None)]
    if len(named) == 1:
        return decode(named[0], data, where)
    return _plain(float, data, where) if float in parts else _plain(parts[0], data, where)


def _plain(kind: Any, data: Any, where: str) -> Any:
    if kind is float:
        if isinstance(data, str) and data in NON_FINITE:
            return NON_FINITE[data]
        if isinstance(data, int) and not isinstance(data, bool):
            return float(data)
    return _expect(data, kind, where)


def _expect(data: Any, kind: Any, where: str) -> Any:
    if type(data) is not kind:
        raise ModelError(f"{where}: expected {_NAMES[kind]}, found {_NAMES.get(type(data), type(data).__name__)}")
    return data


_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
