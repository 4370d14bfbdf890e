from __future__ import annotations

import numpy as np
import pytest
from onnx_files import WEIGHT, saved

from converters.contract import Artifact, Format, Precision, Signature
from converters.errors import UnsupportedError
from converters.onnx import tracer
from converters.onnx.graph import read_graph
from converters.onnx.trace import trace


def test_values_of_any_tensor_by_number(tmp_path):
    path = saved(tmp_path / "m.onnx")
    graph = read_graph(path)
    rows = np.eye(4, dtype=np.float32)[:, None]
    made = [op.outputs[0] for op in graph.ops]
    found = trace(path, [{"x": row} for row in rows], [*graph.inputs, *made])
    np.testing.assert_allclose(found[made[0]][:, 0], WEIGHT, rtol=1e-6)
    np.testing.assert_allclose(found[made[2]], np.where(rows @ WEIGHT > 0, 1, 0.01) * (rows @ WEIGHT) - 2, rtol=1e-5)
    np.testing.assert_array_equal(found[graph.inputs[0]], rows)


def test_inputs_alone_are_values_too(tmp_path):
    path = saved(tmp_path / "model.onnx")
    graph = read_graph(path)
    sample = {
        name: np.ones(graph.tensors[i].shape, np.float32)
        for name, i in zip(graph.input_names, graph.inputs, strict=True)
    }
    assert set(trace(path, [sample], graph.inputs)) == set(graph.inputs)


def test_a_node_alone_keeps_its_constants(tmp_path):
    nothing = Signature((), ())
    inside = tracer.open(Artifact(saved(tmp_path / "m.onnx"), Format.ONNX, Precision.FP32, nothing, nothing))
    op = inside.graph.ops[-1]
    read = next(index for index in op.inputs if not inside.graph.tensors[index].constant)
    given = np.stack([np.full((1, 4), n, np.float32) for n in range(3)])
    assert inside.run({read: given}, op.outputs)[op.outputs[0]][:, 0, 0].tolist() == [-2, -1, 0]
    with pytest.raises(UnsupportedError, match="is needed and not given"):
        inside.run({}, op.outputs)
