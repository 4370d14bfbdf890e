"""PyTorch Mobile's .ptl: TorchScript with the bytecode that the lite interpreter of older apps runs.

PyTorch Mobile is retired, ExecuTorch follows it; apps that have it still need files.
"""

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.tracer import TracerSpec

EDGES = (
    Edge(
        name="ptl_from_torchscript",
        toolkit="ptl",
        module="converters.ptl.convert",
        source=Format.TORCHSCRIPT,
        target=Format.PTL,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch",),
        options=("optimize",),
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="torch-mobile",
        module="converters.ptl.runtime",
        formats=(Format.PTL,),
        worker="torch",
        packages=("torch",),
    ),
)
INSPECTORS = (InspectorSpec(Format.PTL, "converters.ptl.inspect", worker="torch", packages=("torch",)),)
TRACERS = (TracerSpec(Format.PTL, "converters.ptl.tracer", worker="torch", packages=("torch",)),)
