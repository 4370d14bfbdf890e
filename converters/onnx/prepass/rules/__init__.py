"""What may stand in an operator's place. A rule emits nodes and names their results, or leaves the node as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from converters.onnx.prepass.bodies import by_definition
from converters.onnx.prepass.build import Build
from converters.onnx.prepass.rules import (
    control,
    convolution,
    elementwise,
    linear,
    normalization,
    quantized,
    recurrent,
    reductions,
    shapes,
    windows,
)

Rule = Callable[[Build, onnx.NodeProto], list[str] | None]
"""Emits what computes the same and returns the names of the results, one for each output; None leaves the node.

Raises LeaveError where it would replace the node and cannot, with the reason.
"""

ALL: Mapping[str, Rule] = {
    "Acos": elementwise.acos,
    "Acosh": elementwise.acosh,
    "Asin": elementwise.asin,
    "Asinh": elementwise.asinh,
    "Atan": elementwise.atan,
    "Atanh": elementwise.atanh,
    "Celu": elementwise.celu,
    "Clip": elementwise.clip,
    "Cosh": elementwise.cosh,
    "Elu": elementwise.elu,
    "Erf": elementwise.erf,
    "HardSigmoid": elementwise.hard_sigmoid,
    "HardSwish": elementwise.hard_swish,
    "IsInf": elementwise.is_inf,
    "IsNaN": elementwise.is_nan,
    "LeakyRelu": elementwise.leaky_relu,
    "Max": elementwise.largest,
    "Mean": elementwise.mean_all,
    "Min": elementwise.largest,
    "Mod": elementwise.modulo,
    "PRelu": elementwise.prelu,
    "Selu": elementwise.selu,
    "Shrink": elementwise.shrink,
    "Sign": elementwise.sign,
    "Sinh": elementwise.sinh,
    "Softplus": elementwise.softplus,
    "Softsign": elementwise.softsign,
    "Sum": elementwise.add_all,
    "Tan": elementwise.tan,
    "ThresholdedRelu": elementwise.thresholded_relu,
    "ArgMax": reductions.last_extreme,
    "ArgMin": reductions.last_extreme,
    "Hardmax": reductions.hardmax,
    "ReduceL1": reductions.sum_of_sizes,
    "ReduceL2": reductions.length,
    "ReduceLogSum": reductions.log_of_sum,
    "ReduceLogSumExp": reductions.log_of_sum_of_powers,
    "ReduceMax": reductions.as_floats,
    "ReduceMin": reductions.as_floats,
    "ReduceSumSquare": reductions.sum_of_squares,
    "Softmax": reductions.softmax,
    "LogSoftmax": reductions.softmax,
    "TopK": reductions.top_k,
    "AveragePool": windows.pool,
    "GlobalAveragePool": windows.global_pool,
    "GlobalLpPool": windows.global_pool,
    "GlobalMaxPool": windows.global_pool,
    "LpPool": windows.power_pool,
    "LRN": windows.local_response,
    "MaxPool": windows.pool,
    "Conv": convolution.conv,
    "ConvTranspose": convolution.conv_transpose,
    "Det": convolution.determinant,
    "Einsum": convolution.einsum,
    "Gemm": convolution.gemm,
    "BatchNormalization": normalization.batch,
    "Dropout": normalization.dropout,
    "InstanceNormalization": normalization.instance,
    "LayerNormalization": normalization.layer,
    "LpNormalization": normalization.power,
    "MeanVarianceNormalization": normalization.mean_variance,
    "GRU": recurrent.recurrent,
    "LSTM": recurrent.recurrent,
    "RNN": recurrent.recurrent,
    "Col2Im": linear.affine,
    "CumSum": linear.cumulative,
    "DFT": linear.affine,
    "GridSample": linear.affine,
    "MaxUnpool": linear.affine,
    "Resize": linear.resize,
    "RoiAlign": linear.affine,
    "STFT": linear.affine,
    "Upsample": linear.affine,
    "ConvInteger": quantized.integers,
    "DequantizeLinear": quantized.dequantize,
    "DynamicQuantizeLinear": quantized.dynamic,
    "MatMulInteger": quantized.integers,
    "QLinearConv": quantized.conv,
    "QLinearMatMul": quantized.matmul,
    "QuantizeLinear": quantized.quantize,
    "Compress": shapes.compress,
    "DepthToSpace": shapes.depth_to_space,
    "EyeLike": shapes.eye_like,
    "Flatten": shapes.flatten,
    "GatherElements": shapes.gather_elements,
    "GatherND": shapes.gather_nd,
    "OneHot": shapes.one_hot,
    "Pad": shapes.pad,
    "ReverseSequence": shapes.reversed_sequence,
    "ScatterElements": shapes.scatter_elements,
    "ScatterND": shapes.scatter_nd,
    "Shape": shapes.shape_of,
    "Size": shapes.size_of,
    "SpaceToDepth": shapes.space_to_depth,
    "Split": shapes.split,
    "Squeeze": shapes.reshaped,
    "Trilu": shapes.trilu,
    "Unsqueeze": shapes.reshaped,
    "If": control.branch,
    "Loop": control.loop,
    "Scan": control.scan,
}
"""By operator. Those that are not here and have a definition in ONNX are replaced by that."""

DEFINED = (
    *(
        "AffineGrid",
        "Attention",
        "Bernoulli",
        "BlackmanWindow",
        "CastLike",
        "CenterCropPad",
        "Gelu",
        "GroupNormalization",
    ),
    *(
        "HammingWindow",
        "HannWindow",
        "Mish",
        "NegativeLogLikelihoodLoss",
        "RMSNormalization",
        "Range",
        "RotaryEmbedding",
    ),
    *("SequenceMap", "SoftmaxCrossEntropyLoss", "Swish"),
)


def rules_without(kept: frozenset[str] | set[str]) -> dict[str, Rule]:
    """Every rule but those for the operators that a toolchain does right itself."""
    named = {**dict.fromkeys(DEFINED, by_definition), **ALL}
    return {name: rule for name, rule in named.items() if name not in kept}
