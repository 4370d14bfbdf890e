"""A graph told in opset 13 computes what it did, in ONNX Runtime; what cannot be told is refused by name."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import UnsupportedError
from converters.onnx_tf.opset import OPSET, told_in_13

X = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32) * 4


def one(op_type, *constants, version=20, outputs=1, **attributes):
    """A model of one operator of x (2, 6) and constants."""
    names = [f"c{place}" for place in range(len(constants))]
    node = helper.make_node(op_type, ["x", *names], [f"y{n}" for n in range(outputs)], **attributes)
    kept = [numpy_helper.from_array(value, name) for name, value in zip(names, constants, strict=True)]
    ends = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)], ends, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=9)


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X})


@pytest.mark.parametrize(
    "model",
    [
        one("Mul", np.float32(3)),
        one("Relu"),
        one("HardSwish"),
        one("Gelu"),
        one("Gelu", approximate="tanh"),
        one("Mish"),
        one("ReduceMean", np.array([1]), keepdims=0),
        one("ReduceMax"),
        one("Reshape", np.array([3, 4]), allowzero=0),
        one("Reshape", np.array([3, 4]), allowzero=1),
        one("Split", axis=1, num_outputs=3, outputs=3),
        one("Pad", np.array([0, 1, 0, 2]), np.float32(1.5)),
        one("LayerNormalization", np.ones(6, np.float32), np.zeros(6, np.float32)),
        one("Cast", to=TensorProto.INT32),
    ],
    ids=lambda model: model.graph.node[0].op_type,
)
def test_it_computes_the_same(model):
    want = run(model)
    told = told_in_13(onnx.shape_inference.infer_shapes(model))
    assert told.opset_import[0].version == OPSET
    for first, second in zip(want, run(told), strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (one("GridSample", np.zeros((1, 1, 1, 2), np.float32)), "operator GridSample came after opset 13"),
        (one("Reshape", np.array([0, 6]), allowzero=1), "Reshape with allowzero = 1 is not in opset 13"),
        (one("Pad", np.array([0, 0, 0, 1]), mode="wrap"), "Pad that wraps around is not in opset 13"),
        (one("ReduceSumSquare", noop_with_empty_axes=1), "that reduces nothing is not in opset 13"),
    ],
)
def test_what_cannot_be_told_is_named(model, said):
    with pytest.raises(UnsupportedError, match=said):
        told_in_13(model)


def test_an_older_graph_stays_as_it_is():
    model = one("Relu", version=12)
    assert told_in_13(model).opset_import[0].version == 12
