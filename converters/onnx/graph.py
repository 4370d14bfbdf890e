"""An ONNX file as a `converters.graph.Graph`; the bodies of loops and branches as hashes of what they compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto

from converters.contract import Format
from converters.digest import digest
from converters.errors import ModelError
from converters.graph import Graph, Op, Quantization, Tensor
from converters.onnx.blocks import block_weights
from converters.onnx.integer_ends import grids_of_ends
from converters.onnx.linear_grids import linear_grids
from converters.onnx.load import array, dtype_name, load
from converters.onnx.run_time_weights import run_time_grids, settle

_BY_INPUT = {
    **dict.fromkeys(("Squeeze", "Unsqueeze"), ("axes",)),
    **{f"Reduce{kind}": ("axes",) for kind in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare")},
    "Clip": ("min", "max"),
}
"""Operators whose attributes became inputs in a later opset: told as attributes, so that opsets can be compared."""
_SILENT = frozenset(("Squeeze", "Unsqueeze", "Reshape", "Flatten"))
"""Operators that the shapes of their tensors tell all about."""


def read_graph(path: Path) -> Graph:
    """The main graph with its constants; `Constant` nodes are constants, and count in the places of operators.

    Raises:
        ModelError: no ONNX file, damaged, against the specification, or with weights outside its folder.
    """
    path = Path(path)
    model = settle(load(path), path.parent)
    graph, folder = model.graph, path.parent
    number = numbered(graph)
    constants = dict(_constants(graph, folder))
    for node in graph.node:
        if node.op_type in ("Identity", "Cast") and (known := constants.get(node.input[0])) is not None:
            if node.op_type == "Identity":
                constants[node.output[0]] = known
            elif (
                known.size == 1 and (kind := _cast_to(node)) is not None
            ):  # limits and axes; weights say in what they are stored
                constants[node.output[0]] = known.astype(kind)
    values = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
    tensors = {
        index: _tensor(index, name, constants.get(name), values.get(name)) for name, index in number.items() if name
    }
    for name, (scale, zero_point) in grids_of_ends(graph).items():
        if tensors[number[name]].dtype == "int8":
            grid = Quantization(np.array([scale]), np.array([zero_point]))
            tensors[number[name]] = dataclasses.replace(tensors[number[name]], quantization=grid)
    for name, (dtype, linear_grid) in linear_grids(graph, constants).items():
        tensors[number[name]] = dataclasses.replace(tensors[number[name]], dtype=dtype, quantization=linear_grid)
    for name, weights_grid in run_time_grids(graph, constants).items():
        tensors[number[name]] = dataclasses.replace(tensors[number[name]], quantization=weights_grid)
    for name, (data, dtype, blocks) in block_weights(graph, constants):
        tensors[number[name]] = Tensor(number[name], name, data.shape, dtype, data, blocks)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    ops = tuple(
        _op(place, node, number, constants, opsets, folder)
        for place, node in enumerate(graph.node)
        if not _is_constant(node)
    )
    inputs = [value.name for value in graph.input if value.name not in constants]
    outputs = [value.name for value in graph.output]
    return Graph(
        format=Format.ONNX,
        tensors=tensors,
        ops=ops,
        inputs=tuple(number[name] for name in inputs),
        outputs=tuple(number[name] for name in outputs),
        input_names=tuple(inputs),
        output_names=tuple(outputs),
    )


def numbered(graph: onnx.GraphProto) -> dict[str, int]:
    """A number for each tensor by its name, the same whenever the file is read; -1 for one that is left out."""
    names = [tensor.name for tensor in graph.initializer] + [value.name for value in graph.input]
    names += [name for node in graph.node for name in node.output if name]
    return {name: place for place, name in enumerate(dict.fromkeys(names))} | {"": -1}


def outside_names(graph: onnx.GraphProto) -> Iterator[str]:
    """What a body reads of the graphs around it."""
    own = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input} | {""}
    for node in graph.node:
        yield from (name for name in node.input if name not in own)
        for body in _bodies(node):
            yield from (name for name in outside_names(body) if name not in own)
        own |= set(node.output)
    yield from (value.name for value in graph.output if value.name not in own)


def _bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        yield from ((attribute.g,) if attribute.type == AttributeProto.GRAPH else attribute.graphs)


def _is_constant(node: onnx.NodeProto) -> bool:
    return node.op_type == "Constant" and _value(node) is not None


def _constants(graph: onnx.GraphProto, folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    for tensor in graph.initializer:
        yield tensor.name, array(tensor, folder)
    for node in graph.node:
        if node.op_type == "Constant" and (found := _value(node)) is not None:
            yield node.output[0], array(found, folder) if isinstance(found, onnx.TensorProto) else np.asarray(found)


def _cast_to(node: onnx.NodeProto) -> np.dtype | None:
    """The type of a Cast, where numpy has it."""
    kind = next((attribute.i for attribute in node.attribute if attribute.name == "to"), 0)
    found = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind)) if kind else None
    return found if found is not None and found.kind in "fiub" else None


def _value(node: onnx.NodeProto) -> Any:
    for attribute in node.attribute:
        if attribute.name == "value":
            return attribute.t
        if attribute.name in ("value_float", "value_floats"):
            return np.asarray(onnx.helper.get_attribute_value(attribute), np.float32)
        if attribute.name in ("value_int", "value_ints"):
            return np.asarray(onnx.helper.get_attribute_value(attribute), np.int64)
    return None


def _tensor(index: int, name: str, data: np.ndarray | None, value: onnx.ValueInfoProto | None) -> Tensor:
    if data is not None:
        dtype = str(data.dtype)
        if data.dtype == object:
            data, dtype = np.frombuffer(repr(data.tolist()).encode(), np.uint8), "str"
        if dtype in ("int4", "uint4"):  # which numpy does not have by itself
            data = data.astype(np.int8)
        return Tensor(index, name, data.shape, dtype, data)
    if value is None or not value.type.HasField("tensor_type"):
        return Tensor(index, name, None, "")
    found = value.type.tensor_type
    shape = None
    if found.HasField("shape"):
        shape = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in found.shape.dim)
    return Tensor(index, name, shape, dtype_name(found.elem_type) if found.elem_type else "")


def _op(
    place: int,
    node: onnx.NodeProto,
    number: Mapping[str, int],
    constants: Mapping[str, np.ndarray],
    opsets: Mapping[str, int],
    folder: Path,
) -> Op:
    domain = "" if node.domain in ("", "ai.onnx") else node.domain
    attributes = _defaults(node, opsets) | {
        item.name: _plain(item, number, constants, opsets, folder) for item in node.attribute
    }
    names = list(node.input)
    for slot, name in enumerate(_BY_INPUT.get(node.op_type, ()), 1):
        if slot < len(names) and names[slot] in constants:
            attributes[name] = tuple(constants[names[slot]].reshape(-1).tolist())
            names[slot] = ""
    while names and not names[-1]:
        names.pop()
    if node.op_type in _SILENT:
        attributes, names = {}, [names[0], *(name for name in names[1:] if name not in constants)]
    outside = (name for body in _bodies(node) for name in outside_names(body))
    names += dict.fromkeys(
        name for name in outside if name in number and name not in constants
    )  # those are in the hash
    try:
        inputs = tuple(number[name] for name in names)
    except KeyError as error:
        raise ModelError(f"{node.op_type} reads tensor {error}, which nothing makes") from None
    kind = f"{domain}.{node.op_type}" if domain else node.op_type
    return Op(place, kind, inputs, tuple(number[name] for name in node.output if name), attributes)


def _defaults(node: onnx.NodeProto, opsets: Mapping[str, int]) -> dict[str, Any]:
    """What the specification says of attributes that the file leaves out.

    Those that came later count with their later defaults, which mean what was meant before, and those that went do not:
    a file of another opset says the same.
    """
    try:
        own = onnx.defs.get_schema(node.op_type, opsets.get(node.domain, 1), node.domain).attributes
    except onnx.defs.SchemaError:
        return {}
    newest = onnx.defs.get_schema(node.op_type, node.domain).attributes
    found = {name: (own if name in own else newest)[name].default_value for name in newest}
    return {name: _told(value) for name, value in found.items() if value.type}


def _plain(
    item: AttributeProto,
    number: Mapping[str, int],
    constants: Mapping[str, np.ndarray],
    opsets: Mapping[str, int],
    folder: Path,
) -> Any:
    if item.type == AttributeProto.GRAPH:
        return _body_hash(item.g, number, constants, opsets, folder)
    return _told(item)


def _body_hash(
    body: onnx.GraphProto,
    number: Mapping[str, int],
    constants: Mapping[str, np.ndarray],
    opsets: Mapping[str, int],
    folder: Path,
) -> str:
    """What the body of a loop or branch computes, whatever comes from outside it and whatever its opset; 16 digits."""
    own = numbered(body)
    first = len(number) + 1
    inner = {**number, **{name: first + place for place, name in enumerate(own) if name}, "": -1}
    held = {**constants, **dict(_constants(body, folder))}
    known = {inner[name]: digest(str(data.dtype), data.shape, data.tobytes()) for name, data in held.items()}
    known |= {inner[value.name]: digest("input", place) for place, value in enumerate(body.input)} | {-1: b""}
    for place, node in enumerate(body.node):
        if _is_constant(node):
            continue
        op = _op(place, node, inner, held, opsets, folder)
        read = [known.get(index, b"outside") for index in op.inputs]
        said = [(name, repr(value)) for name, value in sorted(op.attributes.items())]
        made = read[0] if op.type == "Identity" else digest(op.type, said, *read)
        known |= {index: digest(made, slot) if slot else made for slot, index in enumerate(op.outputs)}
    ends = [known.get(inner.get(value.name, -2), b"outside") for value in body.output]
    return digest("body", len(body.input), *ends).hex()[:16]


def _told(item: AttributeProto) -> Any:
    """An attribute as numbers, texts and tuples of them."""
    value = onnx.helper.get_attribute_value(item)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, int | float):
        return value
    if isinstance(value, onnx.TensorProto):
        return tuple(onnx.numpy_helper.to_array(value).reshape(-1).tolist())
    if isinstance(value, list | tuple) or hasattr(value, "__len__"):
        return tuple(part.decode(errors="replace") if isinstance(part, bytes) else part for part in value)
    return str(value)
