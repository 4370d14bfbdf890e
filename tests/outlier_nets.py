"""One net by hand in two formats: convolution, depthwise convolution, mean, dense; some channels 40 times as large.

What makes a channel large in one layer is taken back in the next one's weights, so that the function stays the same.
"""

from __future__ import annotations

from pathlib import Path

import flat_models
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Artifact, Format, Precision, Signature
from converters.contract import TensorSpec as Spec

HEIGHT, WIDTH, CHANNELS, CLASSES = 6, 8, 4, 3
LARGE = (1, 3)


def weights(gain: float = 40.0, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights as (outputs, inputs, height, width), (outputs, inputs); channels `LARGE` are `gain` times as large."""
    random = np.random.default_rng(seed)
    draw = random.normal
    size = np.ones(CHANNELS, np.float32)
    size[list(LARGE)] = gain
    first = random.uniform(-0.2, 1, (CHANNELS, 1, 3, 3)).astype(np.float32) * size[:, None, None, None]
    second = random.uniform(-0.2, 1, (CHANNELS, 1, 3, 3)).astype(np.float32)
    return {
        "w1": first,
        "b1": (0.1 * draw(size=CHANNELS)).astype(np.float32) * size,
        "w2": second,
        "b2": (0.1 * draw(size=CHANNELS)).astype(np.float32) * size,
        "w3": draw(size=(CLASSES, CHANNELS)).astype(np.float32) / size,
        "b3": np.float32([4.45, -2.06, -6.21]),  # every class is somebody's answer
    }


def images(count: int = 32, seed: int = 1) -> np.ndarray:
    """(count, 1, 6, 8, 1) float32, 0..1, dark ones and bright ones, with edges that lie across or along."""
    random = np.random.default_rng(seed)
    across, along = np.linspace(0, 6, WIDTH)[None, None, :], np.linspace(0, 6, HEIGHT)[None, :, None]
    turn, phase, light = (random.random((count, 1, 1)) for _ in range(3))
    waves = 0.5 + 0.5 * np.sin(8 * phase + turn * across + (1 - turn) * along)
    noise = random.random((count, HEIGHT, WIDTH))
    return (light * (0.8 * waves + 0.2 * noise)).astype(np.float32)[:, None, :, :, None]


def tflite(path: Path, gain: float = 40.0, activation: str = "RELU", blocked: bool = False) -> Artifact:
    """NHWC in, `logits` out; tensors hidden, deep, mean.

    `blocked`: only `hidden` has large channels, and a multiplication by ones, `same`, stands in equalization's way.
    """
    given = weights(gain)
    if blocked:
        given = {**weights(1.0), "w1": given["w1"], "b1": given["b1"]}
        given["w2"] = given["w2"].copy()
        given["w2"][list(LARGE)] /= gain
    picture, maps = (1, HEIGHT, WIDTH, 1), (1, HEIGHT, WIDTH, CHANNELS)
    tensors = [
        T("in", picture), T("hidden", maps), T("deep", maps), T("mean", (1, CHANNELS)), T("out", (1, CLASSES)),
        T("axes", (2,), "int32", [1, 2]),
        *([T("same", maps), T("ones", (CHANNELS,), "float32", [1.0] * CHANNELS)] * blocked),
        T("w1", (CHANNELS, 3, 3, 1), "float32", given["w1"].transpose(0, 2, 3, 1)),
        T("w2", (1, 3, 3, CHANNELS), "float32", given["w2"].transpose(1, 2, 3, 0)),
        T("w3", given["w3"].shape, "float32", given["w3"]),
        *(T(name, given[name].shape, "float32", given[name]) for name in ("b1", "b2", "b3")),
    ]  # fmt: skip
    ops = [
        Op("CONV_2D", ("in", "w1", "b1"), ("hidden",), ("Conv2DOptions", _options("Conv2D", activation))),
        *([Op("MUL", ("hidden", "ones"), ("same",))] * blocked),
        Op("DEPTHWISE_CONV_2D", ("same" if blocked else "hidden", "w2", "b2"), ("deep",), _depthwise(activation)),
        Op("MEAN", ("deep", "axes"), ("mean",), ("ReducerOptions", schema.ReducerOptionsT())),
        Op("FULLY_CONNECTED", ("mean", "w3", "b3"), ("out",), _dense()),
    ]
    return flat_models.save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "image", "out": "logits"}))


def onnx_file(path: Path, gain: float = 40.0, activation: str = "Relu") -> Artifact:
    """NCHW in, `logits` out; Conv, activation, depthwise Conv, activation, ReduceMean, Gemm."""
    given = weights(gain)
    six = [numpy_helper.from_array(np.float32(limit), name) for name, limit in (("zero", 0), ("six", 6))]
    more = ["zero", "six"] if activation == "Clip" else []
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node(activation, ["c1", *more], ["hidden"]),
        helper.make_node("Conv", ["hidden", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1], group=CHANNELS),
        helper.make_node(activation, ["c2", *more], ["deep"]),
        helper.make_node("ReduceMean", ["deep"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "w3", "b3"], ["logits"], transB=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 1, HEIGHT, WIDTH))
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, CLASSES))
    constants = [numpy_helper.from_array(value, name) for name, value in given.items()]
    graph = helper.make_graph(nodes, "net", [image], [logits], [*constants, *(six if more else [])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    signature = Signature(
        (Spec("image", (1, 1, HEIGHT, WIDTH), "float32", "NCHW"),), (Spec("logits", (1, CLASSES), "float32"),)
    )
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature)


def _options(kind: str, activation: str) -> object:
    table = getattr(schema, f"{kind}OptionsT")()
    table.padding, table.strideH, table.strideW = schema.Padding.SAME, 1, 1
    table.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
    return table


def _depthwise(activation: str) -> tuple[str, object]:
    table = _options("DepthwiseConv2D", activation)
    table.depthMultiplier = 1
    return "DepthwiseConv2DOptions", table


def _dense() -> tuple[str, object]:
    return "FullyConnectedOptions", schema.FullyConnectedOptionsT()
