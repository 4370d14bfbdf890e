"""What XNNPACK was given of a program: its operators and its weights, by the schema of ExecuTorch's XNNPACK backend."""

from __future__ import annotations

import struct
from typing import Any

from converters.errors import ModelError
from converters.executorch.flatbuffer import decode, schema
from converters.executorch.graph import Graph, Op, Value

DEVICE = "xnnpack"
_SCHEMA = "backends/xnnpack/serialization/schema.fbs"
_HEADER = struct.Struct("<4x4sHIIIQ")  # magic, its length, (place, size) of the tables and of the constants
_OUTSIDE = 3  # flags of a value that is an input (1) or an output (2) of the whole
_NONE = 0xFFFFFFFF
_DTYPES = {
    "fp32": "float32", "pfp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int32": "int32",
    "qint8": "int8", "qcint8": "int8", "qdint8": "int8", "qpint8": "int8", "quint8": "uint8",
    "qint32": "int32", "qcint32": "int32", "qcint4": "int4", "qbint4": "int4",
}  # fmt: skip


def read(payload: memoryview, named: dict[str, memoryview], graph: Graph, args: tuple[int, ...]) -> None:
    """Adds the operators of a delegate to the graph; `args` are the places of its inputs and outputs.

    Raises:
        ModelError: the payload is damaged.
    """
    tables, constants = _parts(payload)
    data = [_constant(one, constants, named) for one in tables["constant_data"]]
    places: dict[int, int] = {}
    for number, (kind, xvalue) in enumerate(one["xvalue_union"] for one in tables["xvalues"]):
        plain = xvalue["tensor_value"] if kind == "XNNQuantizedTensorValue" else xvalue
        value = _value(f"xnnpack_{len(graph.ops)}_{number}", plain, xvalue.get("quant_params"), data)
        if plain["flags"] & _OUTSIDE:
            places[plain["id_out"]] = args[plain["external_id"]]
            graph.quantize(args[plain["external_id"]], value)
        else:
            places[plain["id_out"]] = graph.add(value)
    for node in tables["xnodes"]:
        kind, fields = node["xnode_union"]
        graph.ops.append(_op(kind.removeprefix("XNN"), fields, node["output_min_max"], places, graph))


def _parts(payload: memoryview) -> tuple[dict[str, Any], memoryview]:
    if bytes(payload[4:8]) != b"XH00":
        raise ModelError(f"damaged: what XNNPACK was given begins with {bytes(payload[:8])!r}")
    _, _, start, size, base, _ = _HEADER.unpack_from(payload)
    return decode(payload[start : start + size], schema(_SCHEMA), "XNNGraph"), payload[base:]


def _constant(one: dict[str, Any], constants: memoryview, named: dict[str, memoryview]) -> memoryview:
    found = named[one["named_key"]] if one["named_key"] else constants[one["offset"] :]
    if len(found) < one["size"]:
        raise ModelError(f"damaged: {one['size']} bytes of weights are wanted and {len(found)} are there")
    return found[: one["size"]]


def _value(name: str, value: dict[str, Any], params: Any, data: list[memoryview]) -> Value:
    kind = value["datatype"].removeprefix("xnn_datatype_")
    place = value["constant_buffer_idx"]
    scales, zero_point, quantization = _quantization(params, data)
    return Value(
        name=name,
        shape=tuple(value["dims"]),
        dtype=_DTYPES.get(kind, kind),
        data=data[place] if place else None,
        scales=scales,
        zero_point=zero_point,
        quantization=f"{kind} {quantization}" if quantization else "",
    )


def _quantization(params: Any, data: list[memoryview]) -> tuple[tuple[float, ...], int, str]:
    """Scales (none where they are found at run time), zero point, and all of it as a text."""
    if params is None:
        return (), 0, ""
    kind, fields = params
    if kind == "PerTensorQuant":
        return (fields["scale"],), fields["zero_point"], repr(params)
    scales = tuple(fields.get("scale", ()))
    if fields.get("scale_buffer_idx"):
        stored = bytes(data[fields["scale_buffer_idx"]])
        wide = len(stored) // max(fields["num_scales"], 1)
        if wide == 4:
            scales = struct.unpack(f"<{fields['num_scales']}f", stored)
        else:  # bfloat16: the upper half of a float32
            halves = struct.unpack(f"<{fields['num_scales']}H", stored)
            scales = tuple(struct.unpack("<f", struct.pack("<I", half << 16))[0] for half in halves)
    return scales, 0, repr((kind, fields.get("channel_dim"), fields.get("group_size"), scales))


def _op(kind: str, fields: dict[str, Any], limits: Any, places: dict[int, int], graph: Graph) -> Op:
    """Fields named `..._id` are values: `output_...` those that it makes, the others those that it reads."""
    ids = {name: number for name, number in fields.items() if name.endswith("_id") and number != _NONE}
    read = tuple(places[number] for name, number in ids.items() if not name.startswith("output") and number in places)
    made = tuple(places[number] for name, number in ids.items() if name.startswith("output"))
    rest = [(name, value) for name, value in fields.items() if name not in ids and name != "debug_handle"]
    if kind == "Convert":
        kind = _conversion(graph.values[read[0]], graph.values[made[0]])
    return Op(kind, DEVICE, read, made, [rest, limits])


def _conversion(given: Value, made: Value) -> str:
    if made.dtype in ("int8", "uint8") and given.dtype.startswith("float"):
        return "Quantize"
    return "Dequantize" if made.dtype.startswith("float") and "int" in given.dtype else "Convert"
