"""The limits of a file's Clips, and which of them ONNX Runtime's quantizer would lose."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

_READER = "second reader of "


def limits(graph: onnx.GraphProto) -> dict[str, tuple[float, float]]:
    """Least and greatest value of what each Clip gives out, by its name; a limit that no constant says is infinite."""
    held = {tensor.name: tensor for tensor in graph.initializer}
    written = ((node.output[0], entry) for node in graph.node if node.op_type == "Constant" for entry in node.attribute)
    held |= {name: entry.t for name, entry in written if entry.name == "value"}
    found: dict[str, tuple[float, float]] = {}
    for node in (node for node in graph.node if node.op_type == "Clip"):
        ends = {"min": -np.inf, "max": np.inf} | {entry.name: entry.f for entry in node.attribute}  # before opset 11
        for key, name in zip(ends, node.input[1:], strict=False):
            if name in held:
                ends[key] = float(numpy_helper.to_array(held[name]).reshape(-1)[0])
        found[node.output[0]] = ends["min"], ends["max"]
    return found


def hold(graph: onnx.GraphProto) -> list[str]:
    """Gives the Clips that must stay another reader beside them; returns the readers' names, for `release`.

    ONNX Runtime's quantizer takes a Clip away whose input no other operator reads: the range of what it gives out is
    to cut off as the Clip did. A range always holds zero, so that one with a least value above it, a greatest below, or
    one that is computed at run time was lost. Where Clips stay, the integers before them need a range of their own,
    with fewer steps for what remains: so all others go.
    """
    ends, readers = limits(graph), []
    for node in [node for node in graph.node if node.op_type == "Clip"]:
        low, high = ends[node.output[0]]
        computed = any(
            name and end in (-np.inf, np.inf) for name, end in zip(node.input[1:], (low, high), strict=False)
        )
        if low > 0 or high < 0 or computed:
            name = f"{_READER}{node.input[0]} for {node.output[0]}"
            graph.node.append(helper.make_node("Identity", [node.input[0]], [name], name=name))
            readers.append(name)
    return readers


def release(graph: onnx.GraphProto, readers: list[str]) -> None:
    """Takes the readers away again that `hold` put in."""
    for node in [node for node in graph.node if node.name in readers]:
        graph.node.remove(node)
