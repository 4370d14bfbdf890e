"""A .tflite file as a `converters.graph.Graph`: the first signature's graph, the others as hashes where called."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Format
from converters.errors import ModelError
from converters.graph import Graph, Op, Quantization, Tensor
from converters.litert.flatbuffer import Model, opened
from converters.litert.graph_hash import subgraph_hash

_ENUMS = {"padding": "Padding", "fusedActivationFunction": "ActivationFunctionType"}
"""Options whose numbers are told by their names."""
_SAID_BY_SHAPES = {
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "SHAPE", "EXPAND_DIMS"), ("newShape", "squeezeDims", "outType")),
    **dict.fromkeys(("ADD", "SUB"), ("potScaleInt16",)),
    **dict.fromkeys(("CAST",), ("inDataType", "outDataType")),
    "FULLY_CONNECTED": ("keepNumDims", "quantizedBiasType"),
    **dict.fromkeys(("CONV_2D", "TRANSPOSE_CONV"), ("quantizedBiasType",)),
}
"""Options that repeat what the tensors say, or that nothing reads."""
_CALLS = ("subgraph", "Subgraph")
_METADATA = "TFLITE_METADATA"


def read_graph(path: Path) -> Graph:
    """The graph that the first signature calls, its constants included.

    Raises:
        ModelError: the file is missing, empty, truncated, damaged or of another format.
    """
    with opened(path) as model:
        number = model.root.SignatureDefs(0).SubgraphIndex() if model.root.SignatureDefsLength() else 0
        graph = model.root.Subgraphs(number)
        tensors = {index: _tensor(model, index, t) for index, t in enumerate(model.items(graph, "Tensors"))}
        ops = tuple(_op(model, index, op) for index, op in enumerate(model.items(graph, "Operators")))
        if any(not -1 <= index < len(tensors) for op in ops for index in (*op.inputs, *op.outputs)):
            raise ModelError("damaged: an operator names a tensor that is not there")
        inputs, outputs = _indices(model.items(graph, "Inputs")), _indices(model.items(graph, "Outputs"))
        names = {index: tensor.name for index, tensor in tensors.items()}
        said = (_said(model, side) for side in ("Inputs", "Outputs"))
        taken, given = ({**names, **public} for public in said)
        return Graph(
            format=Format.TFLITE,
            tensors=tensors,
            ops=ops,
            inputs=inputs,
            outputs=outputs,
            input_names=tuple(taken[index] for index in inputs),
            output_names=tuple(given[index] for index in outputs),
            notes=_notes(model),
        )


def _said(model: Model, side: str) -> dict[int, str]:
    if not model.root.SignatureDefsLength():
        return {}
    return {
        int(entry.TensorIndex()): (entry.Name() or b"").decode()
        for entry in model.items(model.root.SignatureDefs(0), side)
    }


def _tensor(model: Model, index: int, tensor: Any) -> Tensor:
    dtype, shape, stored = model.dtype(tensor), model.shape(tensor), model.constant(tensor)
    data = None
    if stored is not None:
        data = np.array(stored)  # a copy: the file is unmapped when it has been read
        if dtype == "int4":
            data = _unpacked(data, int(np.prod(shape, dtype=np.int64)))
        try:
            typed = data if dtype == "int4" else data.view(np.dtype(dtype))
            data = typed.reshape(shape) if typed.size == np.prod(shape, dtype=np.int64) else data
        except (TypeError, ValueError):  # text, sparse: as bytes
            pass
    if tensor.ShapeSignatureLength():
        shape = tuple(int(size) for size in model.items(tensor, "ShapeSignature"))
    return Tensor(index, (tensor.Name() or b"").decode(), shape, dtype, data, _quantization(tensor))


def _unpacked(stored: np.ndarray, count: int) -> np.ndarray:
    """Signed 4-bit numbers, two a byte with the first in the low half, as (count,) int8."""
    halves = np.stack([stored & 0xF, stored >> 4], axis=1).reshape(-1)[:count].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8)


def _quantization(tensor: Any) -> Quantization | None:
    found = tensor.Quantization()
    if found is None or not found.ScaleLength():
        return None
    scales = np.array(found.ScaleAsNumpy(), np.float64)
    zero_points = np.zeros(len(scales), np.int64)
    if found.ZeroPointLength():
        zero_points[:] = np.resize(found.ZeroPointAsNumpy(), len(scales))
    return Quantization(scales, zero_points, int(found.QuantizedDimension()))


def _op(model: Model, index: int, op: Any) -> Op:
    kind = model.op_type(op)
    made = model.schema.OperatorT.InitFromObj(op)
    attributes: dict[str, Any] = {}
    for options in (made.builtinOptions, getattr(made, "builtinOptions2", None)):
        attributes |= vars(options) if options is not None else {}
    if made.customOptions is not None:
        attributes["customOptions"] = bytes(bytearray(made.customOptions))
    skip = _SAID_BY_SHAPES.get(kind, ())
    plain = {name: _plain(model, name, value) for name, value in sorted(attributes.items()) if name not in skip}
    return Op(index, kind, _indices(model.items(op, "Inputs")), _indices(model.items(op, "Outputs")), plain)


def _plain(model: Model, name: str, value: Any) -> Any:
    """An option as numbers, texts and tuples of them; a called graph as the hash of what it computes."""
    if name.endswith(_CALLS) or name.endswith("SubgraphIndex"):
        return subgraph_hash(model, int(value)).hex()[:16] if int(value) >= 0 else ""
    if name in _ENUMS:
        names = {number: text for text, number in vars(getattr(model.schema, _ENUMS[name])).items()}
        return names.get(value, value)
    if hasattr(value, "__dict__"):
        return tuple((key, _plain(model, key, inner)) for key, inner in sorted(vars(value).items()))
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(_plain(model, "", item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def _notes(model: Model) -> dict[str, bytes]:
    """The metadata table, and the files that a zip archive behind the flatbuffer holds (labels)."""
    notes = {}
    for entry in model.items(model.root, "Metadata"):
        buffer = model.root.Buffers(entry.Buffer())
        if (entry.Name() or b"").decode() == _METADATA and buffer.DataLength():
            notes[_METADATA] = buffer.DataAsNumpy().tobytes()
    data = bytes(model.data[-_ARCHIVE:])
    start = data.find(b"PK\x03\x04")
    if start >= 0 and data.find(b"PK\x05\x06", start) >= 0:
        try:
            with zipfile.ZipFile(io.BytesIO(data[start:])) as archive:
                notes |= {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, NotImplementedError, EOFError):
            pass  # weights that happen to look like an archive
    return notes


_ARCHIVE = 4 << 20
"""Bytes at the file's end in which an archive of label files is looked for."""


def _indices(values: Iterable[Any]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
