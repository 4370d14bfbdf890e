"""torch.export: PyTorch source models, and exported programs, as graphs of ATen operators."""

from converters.contract import Format, InspectorSpec
from converters.tracer import TracerSpec

EDGES = ()
RUNTIMES = ()
INSPECTORS = (InspectorSpec(Format.PT2, "converters.torch_export.inspect", "torch", ("torch",)),)
TRACERS = tuple(
    TracerSpec(format, "converters.torch_export.tracer", "torch", ("torch",)) for format in (Format.TORCH, Format.PT2)
)
