"""What the Vulkan backend was given of a program: its operators and its weights, by the schema of that backend."""

from __future__ import annotations

import math
import struct
from typing import Any

from converters.errors import ModelError
from converters.executorch.flatbuffer import decode, schema
from converters.executorch.graph import Graph, Op, Value, itemsize

DEVICE = "vulkan"
_SCHEMA = "backends/vulkan/serialization/schema.fbs"
_HEADER = struct.Struct("<4x4sHIIIQ")  # magic, its length, (place, size) of the tables and of the constants


def read(payload: memoryview, named: dict[str, memoryview], graph: Graph, args: tuple[int, ...]) -> None:
    """Adds the operators of a delegate to the graph; `args` are the places of its inputs and outputs, in that order.

    Raises:
        ModelError: the payload is damaged.
    """
    if bytes(payload[4:8]) != b"VH00":
        raise ModelError(f"damaged: what Vulkan was given begins with {bytes(payload[:8])!r}")
    _, _, start, size, base, _ = _HEADER.unpack_from(payload)
    tables = decode(payload[start : start + size], schema(_SCHEMA), "VkGraph")
    outside = dict(zip([*tables["input_ids"], *tables["output_ids"]], args, strict=True))
    values: list[tuple[str, dict[str, Any]]] = [one["value"] or ("Null", {}) for one in tables["values"]]
    places = {}
    for number, (kind, value) in enumerate(values):
        if kind == "VkTensor":
            data = _constant(value, tables["constants"], payload[base:], named)
            found = Value(f"vulkan_{len(graph.ops)}_{number}", tuple(value["dims"]), value["datatype"].lower(), data)
            places[number] = outside[number] if number in outside else graph.add(found)
    for call in tables["chain"]:
        groups = [_tensors(number, values, places) for number in call["args"]]
        made = groups[-1] if groups else ()
        read = tuple(place for group in groups[:-1] for place in group)
        rest = [_plain(number, values) for number in call["args"]]
        graph.ops.append(Op(call["name"], DEVICE, read, made, rest))


def _constant(
    tensor: dict[str, Any], constants: list[dict[str, Any]], data: memoryview, named: dict[str, memoryview]
) -> memoryview | None:
    if tensor["constant_id"] < 0:
        return None
    one = constants[tensor["constant_id"]]
    found = named[one["named_key"]] if one["named_key"] else data[one["offset"] :]
    size = math.prod(tensor["dims"]) * itemsize(tensor["datatype"].lower())
    if len(found) < size:
        raise ModelError(f"damaged: {size} bytes of weights are wanted and {len(found)} are there")
    return found[:size]


def _tensors(number: int, values: list[tuple[str, dict[str, Any]]], places: dict[int, int]) -> tuple[int, ...]:
    kind, value = values[number]
    if kind == "ValueList":
        return tuple(place for item in value["items"] for place in _tensors(item, values, places))
    return (places[number],) if kind == "VkTensor" else ()


def _plain(number: int, values: list[tuple[str, dict[str, Any]]]) -> Any:
    """A value that is no tensor; of a tensor only that it is one, and where it lies."""
    kind, value = values[number]
    if kind == "VkTensor":
        return [kind, value["storage_type"], value["memory_layout"]]
    if kind == "ValueList":
        return [_plain(item, values) for item in value["items"]]
    return [kind, *value.values()]
