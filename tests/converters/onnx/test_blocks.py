from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.onnx.graph import read_graph

ROWS, COLUMNS, BLOCK = 3, 40, 16


def product(path, bits, points, columns=COLUMNS, order=False):
    """x (1, columns) times random blocks of integers."""
    rng = np.random.default_rng(0)
    blocks = -(-columns // BLOCK)
    held = {
        "w": rng.integers(0, 256, (ROWS, blocks, BLOCK * bits // 8), np.uint8),
        "s": rng.random(ROWS * blocks, np.float32) + np.float32(0.1),
    }
    if points:
        held["z"] = rng.integers(0, 256, ROWS * -(-blocks * bits // 8), np.uint8)
    if order:
        held["g"] = np.arange(columns, dtype=np.int32) // BLOCK
    said = {"K": columns, "N": ROWS, "bits": bits, "block_size": BLOCK}
    names = ["x", "w", "s", "z" if points else "", "g" if order else ""]
    node = helper.make_node("MatMulNBits", names, ["y"], domain="com.microsoft", **said)
    ends = [
        helper.make_tensor_value_info(*end)
        for end in (("x", TensorProto.FLOAT, (1, columns)), ("y", TensorProto.FLOAT, (1, ROWS)))
    ]
    stored = [numpy_helper.from_array(values, name) for name, values in held.items()]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], stored)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), path)
    return path


@pytest.mark.parametrize("columns", [COLUMNS, 12])
@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_the_integers_stand_for_what_onnx_runtime_multiplies_with(tmp_path, bits, points, columns):
    path = product(tmp_path / "m.onnx", bits, points, columns)
    weights = next(tensor for tensor in read_graph(path).tensors.values() if tensor.name == "w")
    assert (weights.shape, weights.dtype) == ((ROWS, columns), f"{'uint' if points else 'int'}{bits}")
    x = np.random.default_rng(1).normal(size=(1, columns)).astype(np.float32)
    (want,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    assert np.allclose(x @ weights.real().T, want, rtol=1e-4, atol=1e-3 * np.abs(want).max())


def test_rows_in_another_order_stay_packed(tmp_path):
    path = product(tmp_path / "m.onnx", 4, points=False, order=True)
    weights = next(tensor for tensor in read_graph(path).tensors.values() if tensor.name == "w")
    assert (weights.dtype, weights.quantization) == ("uint8", None)
