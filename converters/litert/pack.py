"""A .tflite file as the schema's tables, and written from them, with its constants where the schema wants them."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.litert.flatbuffer import tables

ALIGNMENT = 16
"""Bytes to which the schema aligns a constant's values (`force_align: 16`); its Python bindings forget it."""


def unpacked(content: Any) -> Any:
    """The `ModelT` of a file's bytes, with the constants in it that quantizers write behind the flatbuffer."""
    model = tables().ModelT.InitFromPackedBuf(content)
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def packed(model: Any) -> bytes:
    """The file of a `ModelT`. Its buffers' `data` are arrays or bytes, or None."""
    import flatbuffers

    schema = tables()

    class Aligned(schema.BufferT):  # type: ignore[name-defined,misc]
        def Pack(self, builder: Any) -> int:
            data = None
            if self.data is not None:
                stored = np.ascontiguousarray(self.data).view(np.uint8).reshape(-1).tobytes()
                builder.StartVector(1, len(stored), ALIGNMENT)
                builder.head -= len(stored)
                builder.Bytes[builder.head : builder.head + len(stored)] = stored
                data = builder.EndVector()
            schema.BufferStart(builder)
            if data is not None:
                schema.BufferAddData(builder, data)
            return int(schema.BufferEnd(builder))

    originals = model.buffers
    aligned = []
    for buffer in originals:
        made = Aligned()
        data = buffer.data
        made.data = np.asarray(data, np.uint8) if isinstance(data, list) else data
        aligned.append(made)
    try:
        model.buffers = aligned
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
    finally:
        model.buffers = originals
