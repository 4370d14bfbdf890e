"""Integer inputs and outputs of a file in QDQ form: its first QuantizeLinear and last DequantizeLinear taken away."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converters.contract import Signature, TensorSpec
from converters.errors import UnsupportedError

Grid = tuple[float, int]
"""Scale and zero point."""
_MOVING = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity")
"""As a dense layer over a sequence begins and ends with, where ONNX Runtime makes it a Gemm."""


def integer_ends(model: onnx.ModelProto, signature: Signature) -> Signature:
    """Makes float inputs and outputs int8, under their own names; returns the signature that the file has then.

    Raises:
        UnsupportedError: an input is not quantized first of all, or an output not dequantized last of all.
    """
    graph = model.graph
    for value in graph.input:
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            readers = [node for node in graph.node if value.name in node.input]
            if (grid := _grid_behind(graph, value.name)) and readers[0].op_type in _MOVING:
                made = f"{value.name}_dequantized"
                readers[0].input[0] = made
                graph.node.insert(0, helper.make_node("DequantizeLinear", [value.name, *grid], [made]))
                value.type.tensor_type.elem_type = onnx.TensorProto.INT8
                continue
            if len(readers) != 1 or readers[0].op_type != "QuantizeLinear":
                raise UnsupportedError(f"{value.name!r} cannot be int8: it is not quantized first of all")
            _rename(graph, readers[0].output[0], value.name)
            graph.node.remove(readers[0])
            value.type.tensor_type.elem_type = onnx.TensorProto.INT8
    for value in graph.output:
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            maker = next((node for node in graph.node if value.name in node.output), None)
            read = any(value.name in node.input for node in graph.node)
            if (
                maker is not None
                and maker.op_type in _MOVING
                and not read
                and (grid := _grid_before(graph, value.name))
            ):
                maker.output[0] = f"{value.name}_real"
                graph.node.append(helper.make_node("QuantizeLinear", [maker.output[0], *grid], [value.name]))
                value.type.tensor_type.elem_type = onnx.TensorProto.INT8
                continue
            if maker is None or maker.op_type != "DequantizeLinear" or read:
                raise UnsupportedError(f"{value.name!r} cannot be int8: it is not dequantized last of all")
            graph.node.remove(maker)
            # the grid stands with whoever else reads the integers, or with who made them
            _rename(graph, maker.input[0], value.name)
            value.type.tensor_type.elem_type = onnx.TensorProto.INT8
    grids = grids_of_ends(graph)
    return Signature(
        tuple(with_grid(spec, grids) for spec in signature.inputs),
        tuple(with_grid(spec, grids) for spec in signature.outputs),
    )


def _grid_behind(graph: onnx.GraphProto, name: str) -> list[str]:
    """Scale and zero point of the grid that a tensor is brought to, moved or not; none where it is read twice."""
    readers = [node for node in graph.node if name in node.input]
    if len(readers) != 1 or readers[0].input[0] != name:
        return []
    if readers[0].op_type == "QuantizeLinear":
        return list(readers[0].input[1:3])
    return _grid_behind(graph, readers[0].output[0]) if readers[0].op_type in _MOVING else []


def _grid_before(graph: onnx.GraphProto, name: str) -> list[str]:
    """Scale and zero point of the grid that a tensor comes from, moved or not."""
    maker = next((node for node in graph.node if name in node.output), None)
    if maker is None or maker.op_type not in (*_MOVING, "DequantizeLinear"):
        return []
    return list(maker.input[1:3]) if maker.op_type == "DequantizeLinear" else _grid_before(graph, maker.input[0])


def grids_of_ends(graph: onnx.GraphProto) -> Mapping[str, Grid]:
    """Scale and zero point of int8 inputs that are dequantized, and of int8 outputs that were quantized, by name."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    written = ((node.output[0], entry) for node in graph.node if node.op_type == "Constant" for entry in node.attribute)
    constants |= {name: entry.t for name, entry in written if entry.name == "value"}
    ends = {value.name for value in (*graph.input, *graph.output)}
    found: dict[str, Grid] = {}
    for node in graph.node:
        place = {"DequantizeLinear": node.input[:1], "QuantizeLinear": node.output[:1]}.get(node.op_type, ())
        for name in (name for name in place if name in ends and len(node.input) > 1 and node.input[1] in constants):
            scale = numpy_helper.to_array(constants[node.input[1]]).reshape(-1)
            point = constants.get(node.input[2]) if len(node.input) > 2 else None
            zero = numpy_helper.to_array(point).reshape(-1) if point is not None else np.zeros(1)
            if scale.size == 1:
                found[name] = float(scale[0]), int(zero[0])
    return found


def with_grid(spec: TensorSpec, grids: Mapping[str, Grid]) -> TensorSpec:
    """The tensor as integers on its grid, where it has one."""
    if spec.name not in grids:
        return spec
    scale, zero_point = grids[spec.name]
    return dataclasses.replace(spec, dtype="int8", scale=scale, zero_point=zero_point)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Gives a tensor another name wherever it is made or read."""
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
