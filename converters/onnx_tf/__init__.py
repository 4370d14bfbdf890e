"""onnx-tf: ONNX to TensorFlow Lite as apps of 2022 had it, run in tflite-runtime; in a sealed environment.

Its last release is of 2022: it knows ONNX up to opset 13 and needs a TensorFlow, a numpy and a protobuf of its time.
"""

from pathlib import Path

from converters.contract import Edge, Format, Precision, RuntimeSpec
from converters.toolchains.toolchain import Toolchain

NAME = "onnx_tf"
EDGES = (
    Edge(
        name="tflite_by_onnx_tf",
        toolkit="onnx-tf",
        module="converters.onnx_tf.convert",
        source=Format.ONNX,
        target=Format.TFLITE,
        precisions=(Precision.FP32,),
        worker=NAME,
        packages=("onnx-tf", "tensorflow-cpu", "onnx"),
        toolchain=NAME,
        options=("prepass",),
        prepass="converters.onnx_tf.rules:rules",
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="tflite-runtime",
        module="converters.onnx_tf.runtime",
        formats=(Format.TFLITE,),
        worker=NAME,
        packages=(),
        devices="converters.onnx_tf.devices:devices",
    ),
)
TOOLCHAINS = (
    Toolchain(
        name=NAME,
        title="onnx-tf with TensorFlow 2.14 and tflite-runtime",
        lock=Path(__file__).with_name("toolchain.lock"),
        python="3.11",
        imports=("onnx_tf.backend", "tensorflow", "tflite_runtime.interpreter"),
        size="1.2 GB",
    ),
)
