"""A .tflite file with other values in some of its constants; everything else as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from converters.litert.flatbuffer import opened
from converters.litert.pack import packed


def with_constants(path: Path, values: Mapping[int, np.ndarray]) -> bytes:
    """The file at `path` with new values, of the old shape and type, for constants of its first graph, by index.

    A constant that shares its bytes with another gets its own.
    """
    with opened(path) as opened_model:
        model = opened_model.schema.ModelT.InitFromObj(opened_model.root)
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
