"""Weights of an ONNX file as small integers behind DequantizeLinear; everything is computed in float as before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.errors import UnsupportedError

LEAST_ELEMENTS = 64
"""Weights of fewer values stay in float: their scales would be as large."""
_OPSETS = {4: 21, 8: 13}
"""The first in which DequantizeLinear takes integers of so many bits with a scale a channel."""
RECURRENT = frozenset(("LSTM", "GRU", "RNN"))
_REORDERS = frozenset(("Slice", "Concat", "Unsqueeze", "Squeeze", "Identity"))
_TYPES = {4: TensorProto.INT4, 8: TensorProto.INT8}
_IR_VERSION = 10  # the first that knows 4-bit integers

_OVER_CLASSES = ("Softmax", "LogSoftmax", "Hardmax")


def with_small_weights(model: onnx.ModelProto, bits: int, kept: frozenset[str]) -> onnx.ModelProto:
    """The model with weights of 4 or 8 bits, symmetric, but for those that operators giving out `kept` read.

    Raises:
        UnsupportedError: no weight is large enough, or the graph cannot be told in the opset that this needs.
    """
    model = in_opset(model, _OPSETS[bits])
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    axes: dict[str, int] = {}
    spared = {name for node in graph.node if kept & set(node.output) for name in node.input}
    makers = {name: node for node in graph.node for name in node.output}
    for name, axis in (found for node in graph.node for found in _weights_of(node, weights, makers)):
        if name not in spared and np.prod(weights[name].dims) >= LEAST_ELEMENTS:
            axes.setdefault(name, axis)
    if not axes:
        raise UnsupportedError(f"no weight has {LEAST_ELEMENTS} values: it would be the float file")
    before = [_small(graph, weights[name], axis, bits) for name, axis in axes.items()]
    nodes = [*before, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    model.ir_version = max(model.ir_version, _IR_VERSION)
    return model


def with_scales_a_channel(model: onnx.ModelProto, source: onnx.ModelProto) -> None:
    """Gives the int8 weights of each ConvTranspose a scale a channel: ONNX Runtime's quantizer knows one for all.

    `source` is the float file. Grouped ones stay: their channels lie on two axes.
    """
    graph = model.graph
    floats = {tensor.name: tensor for tensor in source.graph.initializer}
    held = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type != "ConvTranspose" or any(item.name == "group" and item.i != 1 for item in node.attribute):
            continue
        expanded = makers.get(node.input[1], node)
        if expanded.op_type != "DequantizeLinear" or expanded.input[0] not in held:
            continue
        stored = held[expanded.input[0]]
        weight = floats.get(stored.name.removesuffix("_quantized"))
        if weight is None or sum(stored.name in other.input for other in graph.node) != 1:
            continue
        own = TensorProto()
        own.CopyFrom(weight)
        own.name = f"{weight.name}_by_channel"
        graph.initializer.append(own)
        made = _small(graph, own, 1, 8)
        graph.initializer.remove(stored)
        del expanded.input[:], expanded.attribute[:]
        expanded.input.extend(made.input)
        expanded.attribute.extend(made.attribute)


def in_opset(model: onnx.ModelProto, least: int) -> onnx.ModelProto:
    """The model told in an opset that is not older than `least`.

    Raises:
        UnsupportedError: the version converter cannot.
    """
    own = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if own >= least:
        return model
    ends = {
        node.output[0]: item.i
        for node in model.graph.node
        if node.op_type in _OVER_CLASSES
        for item in node.attribute
        if item.name == "axis"
    }
    try:  # of unknown shape, what goes into a Softmax is made flat
        made = onnx.version_converter.convert_version(_shaped(onnx.shape_inference.infer_shapes(model)), least)
    except Exception as error:  # ConvertError and what its C++ raises share no base
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UnsupportedError(f"onnx cannot tell this graph in opset {least}: {said[0]}") from error
    for node in made.graph.node:  # the last axis, which the converter calls -1 whatever it was called
        for item in node.attribute:
            if item.name == "axis" and node.output[0] in ends:
                item.i = ends[node.output[0]]
    return made


def _shaped(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, in which what goes into the Softmax at an end is known to be of the end's shape."""
    known = {value.name: value for value in (*model.graph.value_info, *model.graph.output)}
    for node in reversed(model.graph.node):
        end = known.get(node.output[0]) if node.op_type in (*_OVER_CLASSES, "Identity") else None
        before = known.get(node.input[0]) if end else None
        if end is not None and end.type.tensor_type.HasField("shape"):
            if before is None:
                before = known[node.input[0]] = model.graph.value_info.add(name=node.input[0])
            if not before.type.tensor_type.HasField("shape"):
                before.type.CopyFrom(end.type)
    return model


def _weights_of(
    node: onnx.NodeProto, weights: dict[str, TensorProto], makers: dict[str, onnx.NodeProto]
) -> Iterator[tuple[str, int]]:
    """(a weight that the operator reads, the axis of its channels)."""
    if node.op_type in RECURRENT:
        for read in node.input[1:3]:
            yield from ((name, len(weights[name].dims) - 2) for name in _behind(read, weights, makers))
        return
    name = node.input[1] if len(node.input) > 1 else ""
    if node.op_type == "Gather" and node.input[0] in weights and len(weights[node.input[0]].dims) == 2:
        yield node.input[0], 0
    if name not in weights or len(weights[name].dims) < 2:
        return
    rank = len(weights[name].dims)
    if node.op_type == "Conv":
        yield name, 0
    elif node.op_type == "ConvTranspose" or (node.op_type == "MatMul" and rank == 2):
        yield name, 1
    elif node.op_type == "Gemm":
        turned = next((item.i for item in node.attribute if item.name == "transB"), 0)
        yield name, 0 if turned else 1


def _behind(name: str, weights: dict[str, TensorProto], makers: dict[str, onnx.NodeProto]) -> Iterator[str]:
    """The matrices that a tensor is, or is put together of: exporters bring gates into another order."""
    if name in weights:
        if len(weights[name].dims) in (2, 3):
            yield name
    elif name in makers and makers[name].op_type in _REORDERS:
        for read in makers[name].input:
            yield from _behind(read, weights, makers)


def _small(graph: onnx.GraphProto, weight: TensorProto, axis: int, bits: int) -> onnx.NodeProto:
    """Puts integers and scales in the place of a weight; returns the operator that makes the weight of them."""
    values, most = numpy_helper.to_array(weight), 2 ** (bits - 1) - 1
    peaks = np.abs(values).max(tuple(other for other in range(values.ndim) if other != axis))
    scales = np.where(peaks > 0, peaks / most, 1.0).astype(np.float32)
    steps = scales.reshape([-1 if other == axis else 1 for other in range(values.ndim)])
    integers = np.clip(np.rint(values / steps), -most, most).astype(np.int8)
    name = weight.name
    stored = helper.make_tensor(f"{name}_int{bits}", _TYPES[bits], values.shape, _packed(integers, bits), raw=True)
    graph.initializer.remove(weight)
    graph.initializer.extend([stored, numpy_helper.from_array(scales, f"{name}_scale")])
    return helper.make_node("DequantizeLinear", [stored.name, f"{name}_scale"], [name], axis=axis)


def _packed(integers: np.ndarray, bits: int) -> bytes:
    """The integers in row-major order; of 4 bits two a byte, the first in the low half."""
    flat = integers.reshape(-1)
    if bits == 8:
        return flat.tobytes()
    halves = np.append(flat, np.int8(0)) if flat.size % 2 else flat
    pairs = (halves & 0xF).astype(np.uint8).reshape(-1, 2)
    return (pairs[:, 0] | (pairs[:, 1] << 4)).tobytes()
