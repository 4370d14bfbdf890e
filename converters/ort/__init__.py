"""ORT format: ONNX files optimised ahead of time for ONNX Runtime Mobile, with the list of operators that they need.

A build of ONNX Runtime that holds only these operators is a few hundred kilobytes; the list is what it is made from.
The files are run by `onnxruntime` as ONNX files are.
"""

from converters.contract import Edge, Format, InspectorSpec, Precision
from converters.tracer import TracerSpec
from converters.tuning import KEYS as TUNING

EDGES = (
    Edge(
        name="ort_from_onnx",
        toolkit="ort",
        module="converters.ort.convert",
        source=Format.ONNX,
        target=Format.ORT,
        precisions=(Precision.FP32, Precision.INT8),
        worker="onnx",
        packages=("onnx", "onnxruntime"),
        options=TUNING,
    ),
)
INSPECTORS = (InspectorSpec(Format.ORT, "converters.ort.inspect", worker="onnx", packages=("onnx", "onnxruntime")),)
FUSED = "its operators are fused with their quantization; the ONNX file that it is made from shows its layers"
TRACERS = (
    TracerSpec(
        Format.ORT,
        "converters.ort.tracer",
        worker="onnx",
        packages=("onnx", "onnxruntime"),
        unseen={Precision.INT8: FUSED},
    ),
)
