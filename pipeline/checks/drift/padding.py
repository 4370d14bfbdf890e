"""Padding of a window that has no room to pad: SAME is VALID where the windows fill what is there."""

from __future__ import annotations

from converters.graph import Tensor
from pipeline.checks.drift.net import Net, Node

_RANK = 4


def pads_nothing(net: Net, node: Node) -> bool:
    """Whether the windows of an operator of TFLite fill its input, so that nothing is padded, however it is said.

    By what SAME makes of the input: the output's size, as the file declares it, may be that of another padding.
    """
    taken, sizes = net.tensors[node.inputs[0]].shape, _sizes(net, node)
    if taken is None or sizes is None or len(taken) != _RANK:
        return False
    said = node.attributes
    steps = [(int(said.get(f"stride{axis}", 1)), int(said.get(f"dilation{axis}Factor", 1) or 1)) for axis in "HW"]
    rows = zip(taken[1:3], sizes, steps, strict=True)
    return all(
        t > 0 and (-(-t // stride) - 1) * stride + (size - 1) * apart + 1 <= t for t, size, (stride, apart) in rows
    )


def _sizes(net: Net, node: Node) -> tuple[int, int] | None:
    """Height and width of the windows: as the operator says them, or of its kernel."""
    said = node.attributes
    if "filterHeight" in said and "filterWidth" in said:
        return int(said["filterHeight"]), int(said["filterWidth"])
    kernel: Tensor | None = net.tensors.get(node.inputs[1]) if len(node.inputs) > 1 else None
    shape = kernel.shape if kernel is not None else None
    return (shape[1], shape[2]) if shape is not None and len(shape) == _RANK else None
