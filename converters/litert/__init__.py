"""LiteRT (TensorFlow Lite): from PyTorch by litert-torch, from Keras by TensorFlow; quantized and run by LiteRT."""

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.tracer import TracerSpec
from converters.tuning import KEYS as TUNING

EDGES = (
    Edge(
        name="litert_from_torch",
        toolkit="litert",
        module="converters.litert.convert",
        source=Format.TORCH,
        target=Format.TFLITE,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch", "litert-torch", "ai-edge-litert"),
    ),
    Edge(
        name="litert_pt2e_from_torch",
        toolkit="litert-pt2e",
        module="converters.litert.pt2e",
        source=Format.TORCH,
        target=Format.TFLITE,
        precisions=(Precision.INT8_IO,),
        worker="torch",
        packages=("torch", "torchao", "litert-torch", "ai-edge-litert"),
    ),
    Edge(
        name="litert_from_keras",
        toolkit="litert",
        module="converters.litert.convert",
        source=Format.KERAS,
        target=Format.TFLITE,
        precisions=(Precision.FP32, Precision.FP16, Precision.INT8, Precision.INT8_IO, Precision.INT16X8),
        worker="tensorflow",
        packages=("tensorflow-cpu", "keras", "ai-edge-litert"),
    ),
    Edge(
        name="quantize_litert",
        toolkit="litert",
        module="converters.litert.quantize",
        source=Format.TFLITE,
        target=Format.TFLITE,
        precisions=(
            *(Precision.FP16, Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS, Precision.DYNAMIC),
            *(Precision.INT8, Precision.INT8_IO, Precision.INT16X8),
        ),
        worker="litert",
        packages=("ai-edge-quantizer", "ai-edge-litert"),
        options=TUNING,
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="litert-xnnpack",
        module="converters.litert.runtime",
        formats=(Format.TFLITE,),
        worker="litert",
        packages=("ai-edge-litert",),
        variants=("", "4t"),
    ),
    RuntimeSpec(
        name="litert-reference",
        module="converters.litert.runtime",
        formats=(Format.TFLITE,),
        worker="litert",
        packages=("ai-edge-litert",),
        timed=False,
    ),
    RuntimeSpec(
        name="litert-gpu",
        module="converters.litert.gpu",
        formats=(Format.TFLITE,),
        worker="litert-gpu",
        packages=("ai-edge-litert",),
        devices="converters.devices.gpu:devices",
        variants=("", "fp32", "strict", "strict,fp32"),
        arithmetic={"": "fp16", "strict": "fp16"},
    ),
    RuntimeSpec(
        name="litert-arm64",
        module="converters.litert.runtime",
        formats=(Format.TFLITE,),
        worker="litert-arm64",
        packages=("ai-edge-litert",),
        devices="converters.devices.arm64:devices",
    ),
)
INSPECTORS = (
    InspectorSpec(
        format=Format.TFLITE, module="converters.litert.inspect", worker="litert", packages=("ai-edge-litert",)
    ),
)
TRACERS = (TracerSpec(Format.TFLITE, "converters.litert.tracer", worker="litert", packages=("ai-edge-litert",)),)
