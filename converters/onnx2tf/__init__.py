"""onnx2tf: ONNX to TensorFlow Lite, channels last; in a sealed environment, because it pins an older TensorFlow."""

from pathlib import Path

from converters.contract import Edge, Format, Precision
from converters.toolchains.toolchain import Toolchain

NAME = "onnx2tf"
EDGES = (
    Edge(
        name="tflite_by_onnx2tf",
        toolkit="onnx2tf",
        module="converters.onnx2tf.convert",
        source=Format.ONNX,
        target=Format.TFLITE,
        precisions=(Precision.FP32,),
        worker=NAME,
        packages=("onnx2tf", "tensorflow", "onnx"),
        toolchain=NAME,
        options=("prepass",),
        prepass="converters.onnx2tf.rules:rules",
    ),
)
TOOLCHAINS = (
    Toolchain(
        name=NAME,
        title="onnx2tf with TensorFlow 2.19",
        lock=Path(__file__).with_name("toolchain.lock"),
        python="3.11",
        imports=("onnx2tf", "tensorflow", "onnxruntime", "ai_edge_litert.interpreter"),
        size="2.4 GB",
    ),
)
