"""torch.export: PyTorch source models as graphs of ATen operators."""

from converters.contract import Format
from converters.tracer import TracerSpec

EDGES = ()
RUNTIMES = ()
INSPECTORS = ()
TRACERS = (TracerSpec(Format.TORCH, "converters.torch_export.tracer", "torch", ("torch",)),)
