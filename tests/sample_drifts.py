"""Files beside their origins for the sample report: one that is the same, one with suspects, one of many layers."""

from __future__ import annotations

from pipeline.checks.drift.suspects import Drift, Layer, Side, Suspect
from pipeline.checks.outcome import Outcome

HOSTILE = "<script>alert('owned')</script>"


def side(index: int | None, kind: str, name: str = "", **parameters: object) -> Side:
    return Side(index, kind, (name,) if name else (), dict(parameters))


SAME = Drift(
    "fashion-cnn in torch",
    "fashion-cnn_torch_litert_fp32.tflite",
    Outcome.PASSED,
    (),
    {"ops": 6, "ops_aligned": 1.0, "weights_compared": 1.0, "ops_isolated": 4},
    layers=(
        Layer(None, side(0, "TRANSPOSE", "nhwc")),
        Layer(side(0, "conv2d", "conv"), None),
        Layer(side(1, "relu6", "relu"), side(1, "CONV_2D", "features/relu6"), 131.4),
        Layer(side(2, "mean", "mean"), side(2, "MEAN", "mean"), 200.0),
        Layer(side(3, "linear", "logits"), side(3, "FULLY_CONNECTED", "logits"), 118.0),
        Layer(side(4, "softmax"), None),
    ),
)

ZERO_POINT = Suspect(
    "quantization",
    side(1, "CONV_2D", "features/relu6", zero_point=-128, scale=0.0235),
    side(2, "CONV_2D", f"features/relu6;{HOSTILE}", zero_point=-127, scale=0.0235),
    "off by 1",
    "the output's zero point is -127; behind RELU6 it is -128",
    1.0,
)
GONE = Suspect("missing", side(3, "FULLY_CONNECTED", "logits"), side(None, ""), "", "a layer is missing", 3.0)
ENDS = Suspect("outputs", side(None, "OUTPUT", "logits"), side(None, "OUTPUT", "boxes"), "by value", "exchanged")

OTHER = Drift(
    "fashion-cnn_torch_litert_fp32.tflite",
    "fashion-cnn_torch_litert_int8.tflite",
    Outcome.FAILED,
    (ZERO_POINT, GONE, ENDS),
    {"ops": 4, "ops_aligned": 0.75, "weights_compared": 0.991, "ops_isolated": 0},
    ("values of 2 tensors are not shown",),
    (
        Layer(None, side(0, "QUANTIZE", "q")),
        Layer(side(0, "TRANSPOSE", "nhwc"), side(1, "TRANSPOSE", "nhwc"), 51.0, 0.29),
        Layer(side(1, "CONV_2D", "relu6"), side(2, "CONV_2D", "relu6"), -1.5, 1.02),
        Layer(side(2, "MEAN", "mean"), side(3, "MEAN", "mean"), None),
        Layer(side(3, "FULLY_CONNECTED", "logits"), None),
        Layer(None, side(4, "DEQUANTIZE", "out")),
    ),
)

DEEP = Drift(
    "fashion-cnn in tensorflow",
    "fashion-cnn_tensorflow_keras-tflite_fp32.tflite",
    Outcome.PASSED,
    (),
    {"ops": 150, "ops_aligned": 1.0, "weights_compared": None},
    layers=tuple(
        Layer(side(n, "Conv2D", f"block_{n}/conv"), side(n, "CONV_2D", f"block_{n}/conv"), 140.0 - n / 5)
        for n in range(150)
    ),
)

DRIFTS = (SAME, OTHER, DEEP)
