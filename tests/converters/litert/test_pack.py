from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from drift_models import dense

from converters.litert.flatbuffer import opened
from converters.litert.graph_hash import graph_hash
from converters.litert.pack import ALIGNMENT, packed, unpacked


def test_constants_are_aligned_and_the_model_stays_the_same(tmp_path):
    path = dense(tmp_path / "m.tflite").path
    before = path.read_bytes()
    model = schema.ModelT.InitFromPackedBuf(before)
    again = tmp_path / "again.tflite"
    again.write_bytes(packed(model))
    with opened(path) as one, opened(again) as two:
        assert graph_hash(one) == graph_hash(two)
        root = schema.Model.GetRootAs(again.read_bytes(), 0)
        starts = [
            buffer._tab.Vector(buffer._tab.Offset(4))
            for buffer in (root.Buffers(i) for i in range(root.BuffersLength()))
            if buffer.DataLength()
        ]
        assert starts
        assert not np.any(np.array(starts) % ALIGNMENT)
    assert type(model.buffers[0]) is schema.BufferT, "the tables given are left as they were"


def test_constants_behind_the_flatbuffer_come_into_it(tmp_path):
    """As ai-edge-quantizer writes them."""
    path = dense(tmp_path / "m.tflite").path
    model, tail = unpacked(path.read_bytes()), b""
    for buffer in model.buffers:
        if buffer.data is not None and len(buffer.data):
            kept = np.asarray(buffer.data, np.uint8).tobytes()
            buffer.data, buffer.offset, buffer.size = None, 1 << 12, len(kept)
            tail, buffer.offset = tail + kept, (1 << 12) + len(tail)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    outside = tmp_path / "outside.tflite"
    outside.write_bytes(bytes(builder.Output()).ljust(1 << 12, b"\0") + tail)
    again = tmp_path / "again.tflite"
    again.write_bytes(packed(unpacked(outside.read_bytes())))
    with opened(path) as one, opened(outside) as two, opened(again) as three:
        assert tail
        assert graph_hash(one) == graph_hash(two) == graph_hash(three)
