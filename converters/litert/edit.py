"""A .tflite file with other values in some of its constants, or other shapes; everything else as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from converters.litert.flatbuffer import opened
from converters.litert.pack import packed, unpacked

BIAS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
"""Which input of an operator is its bias."""


def with_constants(path: Path, values: Mapping[int, np.ndarray]) -> bytes:
    """The file at `path` with new values, of the old shape and type, for constants of its first graph, by index.

    A constant that shares its bytes with another gets its own.
    """
    with opened(path) as opened_model:
        model = unpacked(opened_model.data)
        for index, value in values.items():
            tensor = model.subgraphs[0].tensors[index]
            buffer = opened_model.schema.BufferT()
            buffer.data = np.ascontiguousarray(value).view(np.uint8).reshape(-1)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
        used |= {entry.buffer for entry in model.metadata or ()}
        for place, buffer in enumerate(model.buffers):
            if place not in used:
                buffer.data = None
        return packed(model)


def with_flat_biases(path: Path) -> bytes | None:
    """The file at `path` with biases of one axis; None where all have one.

    TensorFlow folds an Add into TRANSPOSE_CONV as it is, (1, 1, 1, channels): a scale a channel then has no axis.
    """
    with opened(path) as opened_model:
        model = unpacked(opened_model.data)
        graph = model.subgraphs[0]
        builtins = {code: name for name, code in vars(opened_model.schema.BuiltinOperator).items() if name in BIAS}
        kinds = [builtins.get(max(code.builtinCode, code.deprecatedBuiltinCode), "") for code in model.operatorCodes]
        found = set()
        for op in graph.operators:
            place = BIAS.get(kinds[op.opcodeIndex], len(op.inputs))
            if place < len(op.inputs) and op.inputs[place] >= 0:
                found.add(int(op.inputs[place]))
        tensors = [graph.tensors[index] for index in found]
        turned = [t for t in tensors if len(t.shape) > 1 and max(t.shape) == np.prod(t.shape)]
        for tensor in turned:
            tensor.shape = np.array([max(tensor.shape)], np.int32)
        return packed(model) if turned else None
