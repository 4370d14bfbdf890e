"""What a .tflite file says of itself, read tensor by tensor without running it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Format
from converters.errors import ModelError
from converters.grid import grid_bits
from converters.inspection import Inspection, OpInfo, TensorInfo
from converters.litert.flatbuffer import Model, opened
from converters.litert.graph_hash import graph_hash
from converters.litert.needs import KEY, claim, needs
from converters.litert.signature import signature_of
from converters.masks import masks

__all__ = ["claim", "custom_operators", "inspect", "keeps_state"]


def inspect(path: Path) -> Inspection:
    """Tensors and operators of every subgraph, one after the other; the signature of the first.

    Raises:
        ModelError: the file is missing, empty, truncated, damaged or of another format.
    """
    with opened(path) as model:
        tensors: list[TensorInfo] = []
        ops: list[OpInfo] = []
        for graph in model.items(model.root, "Subgraphs"):
            base = len(tensors)
            tensors.extend(_tensor(model, tensor) for tensor in model.items(graph, "Tensors"))
            ops.extend(_op(model, op, base) for op in model.items(graph, "Operators"))
        if any(not -1 <= index < len(tensors) for op in ops for index in (*op.inputs, *op.outputs)):
            raise ModelError("damaged: an operator names a tensor that is not there")
        metadata = model.metadata()
        return Inspection(
            format=Format.TFLITE,
            signature=signature_of(model),
            tensors=tuple(tensors),
            ops=tuple(ops),
            graph_hash=graph_hash(model),
            metadata=metadata,
            stateful=keeps_state(model),
            needs=needs(ops, tensors, metadata.get(KEY, "")),
        )


def keeps_state(model: Model) -> bool:
    """Whether a call leaves values for the next one: in a variable tensor, or in a resource variable that it assigns.

    A graph that CALL_ONCE runs only fills the variables.
    """
    graphs = list(model.items(model.root, "Subgraphs"))
    ops = [(place, op) for place, graph in enumerate(graphs) for op in model.items(graph, "Operators")]
    first_only = {_called_once(model, op) for _, op in ops if model.op_type(op) == "CALL_ONCE"}
    assigned = any(model.op_type(op) == "ASSIGN_VARIABLE" for place, op in ops if place not in first_only)
    return assigned or any(tensor.IsVariable() for graph in graphs for tensor in model.items(graph, "Tensors"))


def custom_operators(model: Model) -> tuple[str, ...]:
    """The names of the operators that are none of the schema's, in order."""
    custom = model.schema.BuiltinOperator.CUSTOM
    codes = model.items(model.root, "OperatorCodes")
    return tuple(
        (code.CustomCode() or b"CUSTOM").decode()
        for code in codes
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) == custom
    )


def _called_once(model: Model, op: Any) -> int:
    """The graph that a CALL_ONCE runs before the first call."""
    table, options = op.BuiltinOptions(), model.schema.CallOnceOptions()
    if table is None:
        return -1
    options.Init(table.Bytes, table.Pos)
    return int(options.InitSubgraphIndex())


def _tensor(model: Model, tensor: Any) -> TensorInfo:
    dtype, shape, constant = model.dtype(tensor), model.shape(tensor), model.constant(tensor)
    finite, grid, mask = True, 32, False
    if constant is not None and dtype.startswith("float"):
        values = constant.view(dtype)
        finite, mask = bool(np.isfinite(values).all()), masks(values)
        if dtype == "float32" and math.prod(shape) == values.size:
            grid = grid_bits(values.reshape(shape))
    quantization = tensor.Quantization()
    return TensorInfo(
        name=(tensor.Name() or b"").decode(),
        shape=shape,
        dtype=dtype,
        constant=constant is not None,
        size_bytes=_computed_bytes(dtype, shape) if constant is None else constant.size,
        scales=quantization.ScaleLength() if quantization else 0,
        finite=finite,
        mask=mask,
        grid_bits=grid,
    )


def _computed_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    try:
        return math.prod(shape) * np.dtype(dtype).itemsize
    except TypeError:  # a type that numpy has not: resource, variant, int4
        return 0


def _op(model: Model, op: Any, base: int) -> OpInfo:
    def indices(field: str) -> tuple[int, ...]:
        return tuple(int(index) + base if index >= 0 else -1 for index in model.items(op, field))

    return OpInfo(model.op_type(op), indices("Inputs"), indices("Outputs"), model.version(op))
