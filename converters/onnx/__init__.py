"""ONNX: from PyTorch by the dynamo exporter, from Keras by tf2onnx; quantized and run by ONNX Runtime."""

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.tracer import TracerSpec
from converters.tuning import KEYS as TUNING

EDGES = (
    Edge(
        name="onnx_from_onnx",
        toolkit="onnx",
        module="converters.onnx.adopt",
        source=Format.ONNX,
        target=Format.ONNX,
        precisions=(Precision.FP32,),
        worker="onnx",
        packages=("onnx",),
        brought=True,
    ),
    Edge(
        name="onnx_from_torchscript",
        toolkit="onnx-jit",
        module="converters.onnx.script",
        source=Format.TORCHSCRIPT,
        target=Format.ONNX,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch", "onnx"),
        brought=True,
    ),
    Edge(
        name="onnx_from_torch",
        toolkit="onnx",
        module="converters.onnx.convert",
        source=Format.TORCH,
        target=Format.ONNX,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch", "onnx", "onnxscript"),
    ),
    Edge(
        name="onnx_from_keras",
        toolkit="onnx",
        module="converters.onnx.convert",
        source=Format.KERAS,
        target=Format.ONNX,
        precisions=(Precision.FP32,),
        worker="tensorflow",
        packages=("tensorflow-cpu", "keras", "onnx", "tf2onnx"),
    ),
    Edge(
        name="quantize_onnx",
        toolkit="onnx",
        module="converters.onnx.quantize",
        source=Format.ONNX,
        target=Format.ONNX,
        precisions=(
            *(Precision.FP16, Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS, Precision.DYNAMIC),
            *(Precision.INT8, Precision.INT8_IO, Precision.INT16X8),
        ),
        worker="onnx",
        packages=("onnx", "onnxruntime"),
        options=TUNING,
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="onnxruntime",
        module="converters.onnx.runtime",
        formats=(Format.ONNX, Format.ORT),
        worker="onnx",
        packages=("onnxruntime",),
        variants=("", "4t"),
    ),
    RuntimeSpec(
        name="onnxruntime-unfused",
        module="converters.onnx.runtime",
        formats=(Format.ONNX,),
        worker="onnx",
        packages=("onnxruntime",),
        reference=True,
    ),
    RuntimeSpec(
        name="onnxruntime-arm64",
        module="converters.onnx.runtime",
        formats=(Format.ONNX, Format.ORT),
        worker="onnxruntime-arm64",
        packages=("onnxruntime",),
        devices="converters.devices.arm64:devices",
    ),
    RuntimeSpec(
        name="onnxruntime-gpu",
        module="converters.onnx.runtime",
        formats=(Format.ONNX,),
        worker="onnxruntime-gpu",
        packages=("onnxruntime",),
        devices="converters.devices.onnx_gpu:devices",
        variants=("", "strict"),
    ),
)
INSPECTORS = (InspectorSpec(format=Format.ONNX, module="converters.onnx.inspect", worker="onnx", packages=("onnx",)),)
TRACERS = (TracerSpec(Format.ONNX, "converters.onnx.tracer", worker="onnx", packages=("onnx", "onnxruntime")),)
