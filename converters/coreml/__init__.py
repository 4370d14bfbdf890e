"""Core ML: packages (.mlpackage) from PyTorch and Keras by coremltools; run anywhere by an interpreter in numpy.

`coreml-mil` reads the saved file and computes what its program says; `coreml` is Core ML itself, on a Mac.
"""

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.tracer import TracerSpec

_OPTIONS = ("minimum_deployment_target",)
EDGES = (
    Edge(
        name="coreml_from_torch",
        toolkit="coreml",
        module="converters.coreml.convert",
        source=Format.TORCH,
        target=Format.COREML,
        precisions=(Precision.FP32, Precision.FP16),
        worker="torch",
        packages=("torch", "coremltools"),
        options=_OPTIONS,
    ),
    Edge(
        name="coreml_from_torchscript",
        toolkit="coreml-jit",
        module="converters.coreml.script",
        source=Format.TORCHSCRIPT,
        target=Format.COREML,
        precisions=(Precision.FP32, Precision.FP16),
        worker="torch",
        packages=("torch", "coremltools"),
        options=_OPTIONS,
        brought=True,
    ),
    Edge(
        name="coreml_from_keras",
        toolkit="coreml",
        module="converters.coreml.convert",
        source=Format.KERAS,
        target=Format.COREML,
        precisions=(Precision.FP32, Precision.FP16),
        worker="tensorflow",
        packages=("tensorflow-cpu", "keras", "coremltools"),
        options=_OPTIONS,
    ),
    Edge(
        name="quantize_coreml",
        toolkit="coreml",
        module="converters.coreml.quantize",
        source=Format.COREML,
        target=Format.COREML,
        precisions=(Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS, Precision.PALETTIZED),
        worker="coreml",
        packages=("coremltools", "scikit-learn"),
        options=("nbits", "keep"),
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="coreml-mil",
        module="converters.coreml.runtime",
        formats=(Format.COREML,),
        worker="coreml-mil",
        packages=("numpy",),
        variants=("", "fp16"),
        arithmetic={"fp16": "fp16"},
        timed=False,
    ),
    RuntimeSpec(
        name="coreml",
        module="converters.coreml.native",
        formats=(Format.COREML,),
        worker="coreml-native",
        packages=("coremltools",),
        devices="converters.devices.coreml:devices",
    ),
)
INSPECTORS = (
    InspectorSpec(format=Format.COREML, module="converters.coreml.inspect", worker="coreml-mil", packages=("numpy",)),
)
TRACERS = (TracerSpec(Format.COREML, "converters.coreml.tracer", worker="coreml-mil", packages=("numpy",)),)
