from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.onnx.shake import NUDGE, shaken


def test_weights_move_by_some_roundings_and_whole_numbers_stay(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    held = [numpy_helper.from_array(table, "t"), numpy_helper.from_array(np.int64([1, 8]), "shape")]
    nodes = [helper.make_node("Gather", ["t", "x"], ["g"]), helper.make_node("Reshape", ["g", "shape"], ["y"])]
    ends = [helper.make_tensor_value_info("x", TensorProto.INT64, (1,))]
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 8))]
    graph = helper.make_graph(nodes, "g", ends, out, held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "a.onnx")
    shaken(tmp_path / "a.onnx", tmp_path / "new" / "b.onnx")
    made = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "new" / "b.onnx").graph.initializer}
    share = np.abs(made["t"] / table - 1)
    assert 0 < share.mean() < share.max() < 1.5 * NUDGE
    assert made["shape"].tolist() == [1, 8]
