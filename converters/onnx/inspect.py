"""What an ONNX file says of itself, read tensor by tensor without running it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx

from converters.contract import Format, Signature, TensorSpec
from converters.errors import ContractError, ModelError, UnsupportedError
from converters.grid import grid_bits
from converters.inspection import WRONG_SHAPES, Inspection, OpInfo, TensorInfo
from converters.masks import masks
from converters.onnx.declared import wrong_shapes
from converters.onnx.graph_hash import graph_hash
from converters.onnx.integer_ends import grids_of_ends, with_grid
from converters.onnx.load import array, dtype_name, load
from converters.onnx.needs import needs

SIGNATURE_KEY = "edge_export.signature"
"""Key in the file's metadata: the layouts and meanings that ONNX itself has no field for."""

_SCALES: Mapping[str, tuple[tuple[bool, int, int], ...]] = {
    "QuantizeLinear": ((False, 0, 1),),
    "DequantizeLinear": ((True, 0, 1),),
    "QLinearConv": ((True, 0, 1), (True, 3, 4), (False, 0, 6)),
    "QLinearMatMul": ((True, 0, 1), (True, 3, 4), (False, 0, 6)),
    "com.microsoft.QLinearConv": ((True, 0, 1), (True, 3, 4), (False, 0, 6)),
    "com.microsoft.QGemm": ((True, 0, 1), (True, 3, 4), (False, 0, 7)),
    **{f"com.microsoft.QLinear{op}": ((True, 0, 1), (True, 3, 4), (False, 0, 6)) for op in ("Add", "Mul")},
    **{
        f"com.microsoft.QLinear{op}": ((True, 0, 1), (False, 0, 3))
        for op in ("AveragePool", "GlobalAveragePool", "LeakyRelu", "ReduceMean", "Sigmoid", "Softmax")
    },
}
"""Operator -> (whether an input, which input or output is quantized, which input holds its scales)."""


def inspect(path: Path) -> Inspection:
    """Tensors, operators, signature and canonical hash of the file at `path`.

    `Constant` nodes are constant tensors, not operators; those of subgraphs are listed behind their node. A
    dynamic axis is -1. Int8 weights count as int8, with the number of scales that their DequantizeLinear has.

    Raises:
        ModelError: no ONNX file, damaged, against the specification, or with weights outside its folder.
        UnsupportedError: an input or output is no plain tensor.
    """
    path = Path(path)
    return inspect_model(load(path), path.parent, Format.ONNX)


def inspect_model(model: onnx.ModelProto, folder: Path, format: Format) -> Inspection:
    """The same of a model in memory, with external weights in `folder`."""
    reader = _Reader(folder, {entry.domain: entry.version for entry in model.opset_import})
    reader.graph(model.graph, {})
    metadata = {item.key: item.value for item in model.metadata_props}
    wrong = wrong_shapes(model)
    return Inspection(
        format=format,
        signature=read_signature(model),
        tensors=tuple(reader.tensors),
        ops=tuple(reader.ops),
        graph_hash=graph_hash(model, folder),
        metadata={
            **{key: value for key, value in metadata.items() if key != SIGNATURE_KEY},
            "producer": f"{model.producer_name} {model.producer_version}".strip(),
            "ir_version": str(model.ir_version),
            "opset": ", ".join(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import),
            **({WRONG_SHAPES: wrong} if wrong else {}),
        },
        needs=needs(model) if format is Format.ONNX else None,
    )


def read_signature(model: onnx.ModelProto) -> Signature:
    """Names, shapes and dtypes from the graph; layouts and meanings from what `write_signature` left, where it fits."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_spec(value) for value in model.graph.input if value.name not in weights)
    outputs = tuple(_spec(value) for value in model.graph.output)
    text = next((item.value for item in model.metadata_props if item.key == SIGNATURE_KEY), "{}")
    grids = grids_of_ends(model.graph)
    inputs, outputs = (
        tuple(with_grid(spec, grids) if spec.dtype == "int8" else spec for spec in side) for side in (inputs, outputs)
    )
    try:
        notes = json.loads(text)
        return Signature(_note(inputs, notes.get("inputs", ())), _note(outputs, notes.get("outputs", ())))
    except ContractError as e:
        raise ModelError(f"{e}: give each a name of its own (onnx.helper) and save the model again") from e
    except (ValueError, AttributeError, TypeError, KeyError) as e:
        raise ModelError(f"the file's metadata entry {SIGNATURE_KEY} is damaged: {e}") from e


def write_signature(model: onnx.ModelProto, signature: Signature) -> None:
    """Leaves layouts and meanings in the file's metadata, so that a lone file can be bound."""
    kept = [item for item in model.metadata_props if item.key != SIGNATURE_KEY]
    text = json.dumps(dataclasses.asdict(signature))
    del model.metadata_props[:]
    model.metadata_props.extend([*kept, onnx.StringStringEntryProto(key=SIGNATURE_KEY, value=text)])


def _note(specs: tuple[TensorSpec, ...], notes: list[dict[str, str]]) -> tuple[TensorSpec, ...]:
    """The specs with the layout and meaning noted for their name, if as many axes are named as there are."""
    by_name = {note["name"]: note for note in notes}
    return tuple(
        dataclasses.replace(
            spec,
            layout=note["layout"] if len(note["layout"]) == len(spec.shape) else "",
            meaning=note["meaning"],
        )
        if (note := by_name.get(spec.name))
        else spec
        for spec in specs
    )


def _spec(value: onnx.ValueInfoProto) -> TensorSpec:
    if not value.type.HasField("tensor_type"):
        raise UnsupportedError(f"{value.name!r} is a {value.type.WhichOneof('value')}; inputs and outputs are tensors")
    dtype = dtype_name(value.type.tensor_type.elem_type)
    if dtype == "str" or np.dtype(dtype).isbuiltin != 1:
        raise UnsupportedError(f"{value.name!r} has the type {dtype}, which an input or output cannot have here")
    return TensorSpec(value.name, tuple(None if size < 0 else size for size in _shape(value)), dtype)


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    dims = value.type.tensor_type.shape.dim
    return tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in dims)


class _Reader:
    """Collects tensors and operators; names are looked up from the innermost graph outwards."""

    def __init__(self, folder: Path, opsets: Mapping[str, int]) -> None:
        self.folder = folder
        self.opsets = opsets
        self.tensors: list[TensorInfo] = []
        self.ops: list[OpInfo] = []

    def graph(self, graph: onnx.GraphProto, outer: Mapping[str, int]) -> None:
        known = {**outer, "": -1}
        for tensor in graph.initializer:
            known[tensor.name] = self._constant(tensor.name, tensor)
        types = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
        for value in graph.input:
            if known.get(value.name) in (None, outer.get(value.name)):
                known[value.name] = self._value(value.name, types)
        for node in graph.node:
            self._node(node, known, types)

    def _node(self, node: onnx.NodeProto, known: dict[str, int], types: Mapping[str, onnx.ValueInfoProto]) -> None:
        value = next((item.t for item in node.attribute if item.name == "value"), None)
        if node.op_type == "Constant" and value is not None:
            known[node.output[0]] = self._constant(node.output[0], value)
            return
        for name in node.output:
            if name:
                known[name] = self._value(name, types)
        try:
            inputs = tuple(known[name] for name in node.input)
        except KeyError as e:
            raise ModelError(f"{node.op_type} reads tensor {e}, which nothing makes") from None
        outputs = tuple(known[name] for name in node.output)
        kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        self.ops.append(OpInfo(kind, inputs, outputs, self.opsets.get(node.domain, 1)))
        for is_input, place, scales in _SCALES.get(kind, ()):
            if scales < len(inputs) and inputs[scales] >= 0:  # QGemm gives out float where it has no scale for it
                self._quantized((inputs if is_input else outputs)[place], inputs[scales])
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                self.graph(inner, known)

    def _constant(self, name: str, tensor: onnx.TensorProto) -> int:
        values = array(tensor, self.folder)
        dtype = dtype_name(tensor.data_type)
        size = (values.size + 1) // 2 if dtype in ("int4", "uint4") else values.nbytes
        info = TensorInfo(name, tuple(tensor.dims), dtype, constant=True, size_bytes=size)
        if "float" in dtype:
            finite = bool(np.isfinite(values).all())
            bits = grid_bits(values) if dtype == "float32" else 32
            info = dataclasses.replace(info, finite=finite, mask=masks(values), grid_bits=bits)
        return self._add(info)

    def _value(self, name: str, types: Mapping[str, onnx.ValueInfoProto]) -> int:
        """A tensor computed at run time; the dtype is empty where nobody can infer it."""
        known = name in types and types[name].type.HasField("tensor_type")
        dtype = dtype_name(types[name].type.tensor_type.elem_type) if known else ""
        return self._add(TensorInfo(name, _shape(types[name]) if known else (), dtype, constant=False))

    def _add(self, info: TensorInfo) -> int:
        self.tensors.append(info)
        return len(self.tensors) - 1

    def _quantized(self, tensor: int, scales: int) -> None:
        """Notes on a tensor how many scales it has; 1 where they are computed at run time."""
        count = int(np.prod(self.tensors[scales].shape)) if self.tensors[scales].constant else 1
        self.tensors[tensor] = dataclasses.replace(self.tensors[tensor], scales=count)
