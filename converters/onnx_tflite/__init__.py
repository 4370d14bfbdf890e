"""ONNX to TensorFlow Lite by operators of our own: the pre-pass leaves few, and each is one TensorFlow call."""

from converters.contract import Edge, Format, Precision

EDGES = (
    Edge(
        name="tflite_from_onnx",
        toolkit="tflite",
        module="converters.onnx_tflite.convert",
        source=Format.ONNX,
        target=Format.TFLITE,
        precisions=(Precision.FP32,),
        worker="tensorflow",
        packages=("tensorflow-cpu", "onnx", "onnxruntime"),
        options=("prepass",),
        prepass="converters.onnx_tflite.rules:rules",
    ),
)
