from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from drift_models import dense

from converters.litert.flatbuffer import opened
from converters.litert.graph_hash import graph_hash
from converters.litert.pack import ALIGNMENT, packed


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
