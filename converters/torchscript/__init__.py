"""TorchScript: a traced and frozen PyTorch model, run by LibTorch's interpreter."""

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.tracer import TracerSpec

EDGES = (
    Edge(
        name="torchscript_from_torchscript",
        toolkit="torchscript",
        module="converters.torchscript.convert",
        source=Format.TORCHSCRIPT,
        target=Format.TORCHSCRIPT,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch",),
        brought=True,
    ),
    Edge(
        name="torchscript_from_torch",
        toolkit="torchscript",
        module="converters.torchscript.convert",
        source=Format.TORCH,
        target=Format.TORCHSCRIPT,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch",),
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="torchscript",
        module="converters.torchscript.runtime",
        formats=(Format.TORCHSCRIPT,),
        worker="torch",
        packages=("torch",),
    ),
    RuntimeSpec(  # PyTorch's own kernels in the place of oneDNN's
        name="torchscript-plain",
        module="converters.torchscript.runtime",
        formats=(Format.TORCHSCRIPT,),
        worker="torch",
        packages=("torch",),
        yardstick=True,
    ),
)
INSPECTORS = (
    InspectorSpec(
        format=Format.TORCHSCRIPT,
        module="converters.torchscript.inspect",
        worker="torch",
        packages=("torch",),
    ),
)
TRACERS = (TracerSpec(Format.TORCHSCRIPT, "converters.torchscript.tracer", "torch", ("torch",)),)
