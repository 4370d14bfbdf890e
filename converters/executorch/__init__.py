"""ExecuTorch: PyTorch models lowered to .pte programs, for XNNPACK, for Vulkan or for its portable kernels.

What a program runs on is decided when it is made: each backend is a route of its own.
"""

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.tracer import TracerSpec

EDGES = (
    Edge(
        name="executorch_xnnpack_from_torch",
        toolkit="executorch-xnnpack",
        module="converters.executorch.convert",
        source=Format.TORCH,
        target=Format.EXECUTORCH,
        precisions=(Precision.FP32, Precision.INT8, Precision.INT8_IO),
        worker="torch",
        packages=("torch", "torchao", "executorch"),
        runtimes=("executorch",),
    ),
    Edge(
        name="executorch_portable_from_torch",
        toolkit="executorch-portable",
        module="converters.executorch.convert",
        source=Format.TORCH,
        target=Format.EXECUTORCH,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch", "executorch"),
        runtimes=("executorch",),
    ),
    Edge(
        name="executorch_vulkan_from_torch",
        toolkit="executorch-vulkan",
        module="converters.executorch.convert",
        source=Format.TORCH,
        target=Format.EXECUTORCH,
        precisions=(Precision.FP32,),
        worker="torch",
        packages=("torch", "executorch"),
        runtimes=("executorch-vulkan",),
    ),
)
RUNTIMES = (
    RuntimeSpec(
        name="executorch",
        module="converters.executorch.runtime",
        formats=(Format.EXECUTORCH,),
        worker="torch",
        packages=("torch", "executorch"),
        variants=("", "4t"),
    ),
    RuntimeSpec(
        name="executorch-vulkan",
        module="converters.executorch.runtime",
        formats=(Format.EXECUTORCH,),
        worker="executorch-vulkan",
        packages=("torch", "executorch"),
        devices="converters.devices.executorch_gpu:devices",
    ),
)
INSPECTORS = (
    InspectorSpec(
        format=Format.EXECUTORCH,
        module="converters.executorch.inspect",
        worker="torch",
        packages=("executorch",),
    ),
)
TRACERS = (TracerSpec(Format.EXECUTORCH, "converters.executorch.tracer", "torch", ("torch", "executorch")),)
