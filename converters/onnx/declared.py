"""Sizes that an ONNX file declares for its outputs, beside those that its operators give."""

from __future__ import annotations

import contextlib

import onnx


def wrong_shapes(model: onnx.ModelProto) -> str:
    """`'y' as [1, 10] and gives [1, 7]` of each output whose declared sizes cannot be; else empty.

    By ONNX's own shape inference; where that does not tell, nothing is wrong.
    """
    graph = onnx.GraphProto()
    outputs = list(model.graph.output)
    declared = {value.name: _sizes(value) for value in outputs}
    inner = list(model.graph.value_info)
    graph.output.extend(outputs)
    try:
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
        with contextlib.suppress(Exception):  # it does not say which: nothing is known then
            found = onnx.shape_inference.infer_shapes(model, data_prop=True)
            told = [(value.name, declared[value.name], _sizes(value)) for value in found.graph.output]
            return "; ".join(
                f"{name!r} as {_said(said)} and gives {_said(given)}"
                for name, said, given in told
                if said is not None and given is not None and _contradict(said, given)
            )
        return ""
    finally:
        del model.graph.output[:]
        model.graph.output.extend(graph.output)
        model.graph.value_info.extend(inner)


def _sizes(value: onnx.ValueInfoProto) -> list[int] | None:
    """The sizes, -1 where one is open; None where nothing is said."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in value.type.tensor_type.shape.dim]


def _contradict(said: list[int], given: list[int]) -> bool:
    return len(said) != len(given) or any(a >= 0 and b >= 0 and a != b for a, b in zip(said, given, strict=True))


def _said(sizes: list[int]) -> str:
    return "[" + ", ".join("?" if size < 0 else str(size) for size in sizes) + "]"
