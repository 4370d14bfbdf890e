"""Very small .tflite files, put together tensor by tensor: no converter, no framework, any operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.contract import Artifact, Format, Precision
from converters.litert.signature import read_signature

TYPES = {
    "float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32, "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8, "bool": schema.TensorType.BOOL, "resource": schema.TensorType.RESOURCE,
}  # fmt: skip


@dataclass(frozen=True)
class T:
    """A tensor: its name in the graph, its shape (-1 is open), its type, its constant values, its quantization."""

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    value: Any = None
    scale: float = 0.0


@dataclass(frozen=True)
class Op:
    """An operator by its name in the schema, or a custom one; `options` is (type name, table of it), or its bytes."""

    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Any = None


@dataclass(frozen=True)
class Graph:
    """A graph. `names` are the signature's for inputs and outputs, in the order of the tensors."""

    tensors: Sequence[T]
    ops: Sequence[Op]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)


def save(path: Path, *graphs: Graph) -> Artifact:
    """The file of these graphs, of which the first is called; and its artifact."""
    model, codes = schema.ModelT(), list[tuple[int, str]]()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], []
    for graph in graphs:
        model.subgraphs.append(_graph(graph, model.buffers, codes))
    model.operatorCodes = [_code(*code) for code in codes]
    if graphs[0].names:
        model.signatureDefs = [_signature(graphs[0])]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    signature = read_signature(path)
    return Artifact(path, Format.TFLITE, Precision.FP32, signature, signature)


def affine(path: Path, **changes: Any) -> Artifact:
    """y = 2 x + 1 on x (1, 2, 3) float32."""
    shape = changes.pop("shape", (1, 2, 3))
    tensors = [
        T("in", shape, changes.get("dtype", "float32"), scale=changes.get("scale", 0.0)),
        T("two", (), "float32", 2.0), T("one", (), "float32", 1.0), T("twice", shape), T("out", shape),
    ]  # fmt: skip
    ops = [Op("MUL", ("in", "two"), ("twice",)), Op("ADD", ("twice", "one"), ("out",))]
    return save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "x", "out": "y"}))


def crossed(path: Path) -> Artifact:
    """Inputs and outputs whose order in the graph is not that of the alphabet: difference = a - b, count = n + 1."""
    tensors = [
        T("t_n", (1, 4), "int32"), T("t_a", (1, 2)), T("t_b", (1, 2)), T("one", (), "int32", 1),
        T("t_count", (1, 4), "int32"), T("t_difference", (1, 2)),
    ]  # fmt: skip
    ops = [Op("SUB", ("t_a", "t_b"), ("t_difference",)), Op("ADD", ("t_n", "one"), ("t_count",))]
    names = {"t_n": "n", "t_b": "b", "t_a": "a", "t_difference": "difference", "t_count": "count"}
    return save(path, Graph(tensors, ops, ("t_n", "t_b", "t_a"), ("t_difference", "t_count"), names))


def eight_bit(path: Path, dtype: str = "int8") -> Artifact:
    """y = max(x, 0) on stored integers, scale 0.5."""
    tensors = [T("in", (1, 4), dtype, scale=0.5), T("out", (1, 4), dtype, scale=0.5)]
    return save(path, Graph(tensors, [Op("RELU", ("in",), ("out",))], ("in",), ("out",), {"in": "x", "out": "y"}))


def custom(path: Path) -> Artifact:
    """One operator that nobody knows."""
    tensors = [T("in", (1, 4)), T("out", (1, 4))]
    ops = [Op("FancyWarp", ("in",), ("out",))]
    return save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "x", "out": "y"}))


def classifier(path: Path, weights: np.ndarray, *, flat: bool = True, shape: tuple[int, ...] = ()) -> Artifact:
    """logits = weights (classes, h * w * c) times image, (1, 8, w, 1) or of the `shape` (1, h, w, c).

    Not `flat`: without the RESHAPE before the layer.
    """
    classes, pixels = weights.shape
    tensors = [
        T("in", shape or (1, 8, pixels // 8, 1)), T("sizes", (2,), "int32", [1, pixels]), T("row", (1, pixels)),
        T("weights", (classes, pixels), "float32", weights), T("bias", (classes,), "float32", [0.0] * classes),
        T("out", (1, classes)),
    ]  # fmt: skip
    options = ("FullyConnectedOptions", schema.FullyConnectedOptionsT())
    layer = Op("FULLY_CONNECTED", ("row" if flat else "in", "weights", "bias"), ("out",), options)
    ops = [Op("RESHAPE", ("in", "sizes"), ("row",)), layer] if flat else [layer]
    return save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "image", "out": "logits"}))


def running_sum(path: Path) -> Artifact:
    """y = the sum of every x so far, in a resource variable that CALL_ONCE fills with 0."""
    once = schema.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    handle = schema.VarHandleOptionsT()
    handle.container, handle.sharedName = "", "total"
    variable = T("total", (), "resource")
    main = Graph(
        [variable, T("in", (1, 2)), T("before", (1, 2)), T("out", (1, 2))],
        [
            Op("CALL_ONCE", (), (), ("CallOnceOptions", once)),
            Op("VAR_HANDLE", (), ("total",), ("VarHandleOptions", handle)),
            Op("READ_VARIABLE", ("total",), ("before",)),
            Op("ADD", ("before", "in"), ("out",)),
            Op("ASSIGN_VARIABLE", ("total", "out"), ()),
        ],
        ("in",),
        ("out",),
        {"in": "x", "out": "y"},
    )
    first = Graph(
        [variable, T("zero", (1, 2), "float32", [[0.0, 0.0]])],
        [
            Op("VAR_HANDLE", (), ("total",), ("VarHandleOptions", handle)),
            Op("ASSIGN_VARIABLE", ("total", "zero"), ()),
        ],
    )
    return save(path, main, first)


def _graph(graph: Graph, buffers: list[Any], codes: list[tuple[int, str]]) -> Any:
    made = schema.SubGraphT()
    places = {tensor.name: place for place, tensor in enumerate(graph.tensors)}
    made.tensors = [_tensor(tensor, buffers) for tensor in graph.tensors]
    made.inputs, made.outputs = ([places[name] for name in side] for side in (graph.inputs, graph.outputs))
    made.operators = [_operator(op, places, codes) for op in graph.ops]
    return made


def _tensor(tensor: T, buffers: list[Any]) -> Any:
    made = schema.TensorT()
    made.name, made.type, made.buffer = tensor.name, TYPES[tensor.dtype], 0
    made.shape = [abs(size) for size in tensor.shape]
    made.shapeSignature = list(tensor.shape) if -1 in tensor.shape else None
    if tensor.value is not None:
        buffer = schema.BufferT()
        buffer.data = list(np.asarray(tensor.value, tensor.dtype).tobytes())
        made.buffer = len(buffers)
        buffers.append(buffer)
    if tensor.scale:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [tensor.scale], [0]
    return made


def _operator(op: Op, places: dict[str, int], codes: list[tuple[int, str]]) -> Any:
    builtin = getattr(schema.BuiltinOperator, op.type, schema.BuiltinOperator.CUSTOM)
    code = (builtin, op.type if builtin == schema.BuiltinOperator.CUSTOM else "")
    if code not in codes:
        codes.append(code)
    made = schema.OperatorT()
    made.opcodeIndex = codes.index(code)
    made.inputs, made.outputs = [places[name] for name in op.inputs], [places[name] for name in op.outputs]
    if isinstance(op.options, bytes):
        made.customOptions = list(op.options)
        return made
    kind, table = op.options or (
        f"{op.type.capitalize()}Options",
        getattr(schema, f"{op.type.capitalize()}OptionsT", None),
    )
    if hasattr(schema.BuiltinOptions, kind):
        made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        made.builtinOptions = table() if isinstance(table, type) else table
    return made


def _code(builtin: int, custom_code: str) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode, made.version = builtin, min(builtin, 127), 1
    made.customCode = custom_code or None
    return made


def _signature(graph: Graph) -> Any:
    def maps(side: tuple[str, ...]) -> list[Any]:
        rows = []
        for name in side:
            row = schema.TensorMapT()
            row.name = graph.names[name]
            row.tensorIndex = [tensor.name for tensor in graph.tensors].index(name)
            rows.append(row)
        return rows

    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = "serving_default", 0
    made.inputs, made.outputs = maps(graph.inputs), maps(graph.outputs)
    return made
