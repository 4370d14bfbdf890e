"""torch.export: PyTorch source models, and exported programs, as graphs of ATen operators."""

from converters.contract import Edge, Format, InspectorSpec, Precision
from converters.tracer import TracerSpec

EDGES = (
    Edge(
        name="pt2_from_torch",
        toolkit="torch-export",
        module="converters.torch_export.convert",
        source=Format.TORCH,
        target=Format.PT2,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch",),
    ),
)
RUNTIMES = ()
INSPECTORS = (InspectorSpec(Format.PT2, "converters.torch_export.inspect", "torch", ("torch",)),)
TRACERS = tuple(
    TracerSpec(format, "converters.torch_export.tracer", "torch", ("torch",)) for format in (Format.TORCH, Format.PT2)
)
