"""Portable operators by their schemas: what they say beside their tensors, and PyTorch's own of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from converters.errors import UnsupportedError
from converters.executorch.graph import Op

_TYPES = {0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64"}
_TYPES |= {11: "bool", 15: "bfloat16"}
_SILENT = frozenset(("memory_format", "dim_order", "non_blocking", "pin_memory", "device", "layout"))
_LISTS = ("TensorList", "OptionalTensorList")


def attributes(op: Op) -> dict[str, Any]:
    """What an operator says beside its tensors, by the names of its schema, or of its delegate."""
    if not op.own:
        return _delegated(op.attributes)
    overload = _overload(op)
    if overload is None or not isinstance(op.attributes, list):
        return {"arguments": repr(op.attributes)}
    found = {}
    for argument, value in zip(overload._schema.arguments, op.attributes, strict=False):
        if not argument.is_out and not _is_tensor(value) and argument.name not in _SILENT:
            found[argument.name] = _plain(value, argument.name)
    return found


def computed(op: Op, known: Mapping[int, Any]) -> list[torch.Tensor]:
    """What a portable operator gives out.

    Raises:
        UnsupportedError: PyTorch has none of that name, or a delegate computes it.
    """
    overload = _overload(op) if op.own else None
    if overload is None:
        raise UnsupportedError(f"{op.type} on {op.device} cannot stand alone")
    read = iter([known[place] for place in op.inputs])
    own = [argument for argument in overload._schema.arguments if not argument.is_out]
    single = sum(value == "Tensor" for value in op.attributes[: len(own)])
    places: list[Any] = []
    named: dict[str, Any] = {}
    for argument, value in zip(own, op.attributes, strict=False):
        if value == "Tensor":
            plain: Any = next(read)
        elif value in _LISTS:
            plain = [next(read) for _ in range(len(op.inputs) - single)]
        else:
            plain = _typed(_plain(value, argument.name), argument)
        if argument.kwarg_only:
            named[argument.name] = plain
        else:
            places.append(plain)
    empty = {a.name: torch.empty(0) for a in overload._schema.arguments if a.is_out}
    function = getattr(overload._overloadpacket, _functional(overload), None)
    result = function(*places, **named) if function else overload(*places, **named, **empty)
    results = list(result) if isinstance(result, list | tuple) else [result]
    return results[: len(op.outputs)]


def _overload(op: Op) -> Any:
    """PyTorch's overload of that name; None where it has none."""
    space, _, rest = op.type.partition("::")
    name, _, overload = rest.partition(".")
    packet = getattr(getattr(torch.ops, space), name, None)
    return getattr(packet, overload or "default", None) if packet is not None else None


def _functional(overload: Any) -> str:
    """The overload that makes its results instead of filling them: of the same arguments, but for those."""
    own = [(a.name, str(a.type)) for a in overload._schema.arguments if not a.is_out]
    packet = overload._overloadpacket
    for name in packet.overloads():
        arguments = getattr(packet, name)._schema.arguments
        if [(a.name, str(a.type)) for a in arguments] == own:
            return str(name)
    return ""


def _is_tensor(value: Any) -> bool:
    return value == "Tensor" or value in _LISTS


def _plain(value: Any, name: str) -> Any:
    """The plan's `["Int", 3]` as 3; a list as a tuple; a type by its name."""
    if not isinstance(value, list) or not value:
        return value
    if value[0] == "Null":
        return None
    if not isinstance(value[0], str):
        return tuple(_plain(item, name) for item in value)
    told: Any = value[1] if len(value) > 1 else None
    if name == "dtype":
        return _TYPES.get(told, told)
    return tuple(told) if isinstance(told, list) else told


def _typed(value: Any, argument: Any) -> Any:
    if argument.name in ("memory_format", "device", "layout"):
        return None
    return getattr(torch, value) if isinstance(value, str) and argument.name == "dtype" else value


def _delegated(said: Any) -> dict[str, Any]:
    """A delegate's fields by name, its limits of the result as `output_min` and `output_max`."""
    if not isinstance(said, list) or len(said) != 2 or not isinstance(said[0], list):
        return {}
    try:
        found = {name: tuple(value) if isinstance(value, list) else value for name, value in said[0]}
    except (TypeError, ValueError):
        return {}
    limits = said[1] if isinstance(said[1], dict) else {}
    return {name: value for name, value in {**found, **limits}.items() if isinstance(value, int | float | str | tuple)}
