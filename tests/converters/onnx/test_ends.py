from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx_files import saved

from converters.onnx.ends import plain_ends


def test_ends_get_plain_names_and_the_graph_computes_the_same(tmp_path):
    model = onnx.load(saved(tmp_path / "m.onnx"))
    row = np.ones((1, 4), np.float32)
    before = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": row})
    ends = [value.name for value in (*model.graph.input, *model.graph.output)]
    names = plain_ends(model, ends)
    assert list(names.values()) == ends
    assert [value.name for value in model.graph.input] == ["end_0_x"]
    after = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"end_0_x": row})
    np.testing.assert_array_equal(before[0], after[0])


def test_signs_that_other_converters_trip_over_are_gone():
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []))
    assert list(plain_ends(model, ["a/b.c:0", "a b c 0"])) == ["end_0_a_b_c_0", "end_1_a_b_c_0"]
