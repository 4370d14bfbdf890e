"""Honest changes of .onnx files as other tools make them: optimised files, operators written out or fused otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from benchmarks.mutation.layer import Change, pick
from benchmarks.mutation.nodes import Nodes

_REDUCTIONS_TAKE_AXES = 18
"""The opset from which all reductions take their axes as an input; ReduceSum does from 13."""


def optimized_by_the_runtime(file: Nodes, rng: np.random.Generator) -> bool:
    """As ONNX Runtime writes it with its basic optimisations: constants folded, what does nothing removed."""
    return _optimized(file, "ORT_ENABLE_BASIC")


def fused_by_the_runtime(file: Nodes, rng: np.random.Generator) -> bool:
    """As ONNX Runtime writes it with its own fused operators."""
    return _optimized(file, "ORT_ENABLE_EXTENDED")


def optimized_by_onnxscript(file: Nodes, rng: np.random.Generator) -> bool:
    from onnxscript import optimizer

    before = len(file.graph.node)
    file.model = optimizer.optimize(file.model)
    return len(file.graph.node) != before


def another_ir_version(file: Nodes, rng: np.random.Generator) -> bool:
    file.model.ir_version = 10 if file.model.ir_version != 10 else 9
    return True


def constants_among_the_inputs(file: Nodes, rng: np.random.Generator) -> bool:
    """As files before IR version 4 list them."""
    for tensor in file.graph.initializer:
        file.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return len(file.graph.initializer) > 0


def leaky_relu_as_max(file: Nodes, rng: np.random.Generator) -> bool:
    place, node = pick(file.of("LeakyRelu"), rng)
    if node is None:
        return False
    slope, taken, fresh = file.attribute(node, "alpha"), node.input[0], file.fresh("sloped")
    factor = file.add(np.float32(0.01 if slope is None else slope), "slope")
    node.op_type, node.input[:] = "Max", [taken, fresh]
    del node.attribute[:]
    file.graph.node.insert(place, helper.make_node("Mul", [taken, factor], [fresh]))
    return True


def sigmoid_written_out(file: Nodes, rng: np.random.Generator) -> bool:
    place, node = pick(file.of("Sigmoid"), rng)
    if node is None:
        return False
    one = file.add(np.float32(1), "one")
    return _written_out(file, place, node, [("Neg", []), ("Exp", []), ("Add", [one]), ("Reciprocal", [])])


def softmax_written_out(file: Nodes, rng: np.random.Generator) -> bool:
    place, node = pick([(p, n) for p, n in file.of("Softmax") if file.opset >= 13], rng)
    if node is None:
        return False
    axis, taken, out = file.attribute(node, "axis"), node.input[0], node.output[0]
    axis = -1 if axis is None else axis
    most, less, raised, whole = (file.fresh(name) for name in ("most", "less", "raised", "whole"))
    axes = file.add(np.int64([axis]), "axes")
    greatest = (
        helper.make_node("ReduceMax", [taken, axes], [most], keepdims=1)
        if file.opset >= _REDUCTIONS_TAKE_AXES
        else helper.make_node("ReduceMax", [taken], [most], axes=[axis], keepdims=1)
    )
    made = [
        greatest,
        helper.make_node("Sub", [taken, most], [less]),
        helper.make_node("Exp", [less], [raised]),
        helper.make_node("ReduceSum", [raised, axes], [whole], keepdims=1),
        helper.make_node("Div", [raised, whole], [out]),
    ]
    _replaced(file, place, made)
    return True


def transpose_pushed_through(file: Nodes, rng: np.random.Generator) -> bool:
    """An activation behind a Transpose stands before it."""
    maker = {name: node for node in file.graph.node for name in node.output}
    for _, node in file.of("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "Elu", "HardSwish"):
        before = maker.get(node.input[0])
        alone = before is not None and sum(before.output[0] in other.input for other in file.graph.node) == 1
        if alone and before.op_type == "Transpose" and before.output[0] not in file.outputs():
            taken, inner, out = before.input[0], before.output[0], node.output[0]
            before.input[0], before.output[0], node.input[0], node.output[0] = inner, out, taken, inner
            places = [list(file.graph.node).index(one) for one in (before, node)]
            first, second = (onnx.NodeProto() for _ in places)
            first.CopyFrom(node)
            second.CopyFrom(before)
            file.graph.node[places[0]].CopyFrom(first)
            file.graph.node[places[1]].CopyFrom(second)
            del file.graph.value_info[:]
            return True
    return False


def padding_on_its_own(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of("Conv") if any(file.attribute(n, "pads") or ())]
    place, node = pick([(p, n) for p, n in rows if file.opset >= 13], rng)
    if node is None:
        return False
    pads, fresh = list(file.attribute(node, "pads")), file.fresh("padded")
    half = len(pads) // 2
    sizes = file.add(np.int64([0, 0, *pads[:half], 0, 0, *pads[half:]]), "sizes")
    file.graph.node.insert(place, helper.make_node("Pad", [node.input[0], sizes], [fresh]))
    node.input[0] = fresh
    file.set_attribute(node, "pads", [0] * len(pads))
    return True


def sub_as_add_of_the_negative(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of("Sub") if file.constant(n.input[1]) is None]
    place, node = pick(rows, rng)
    if node is None:
        return False
    fresh = file.fresh("negative")
    file.graph.node.insert(place, helper.make_node("Neg", [node.input[1]], [fresh]))
    node.op_type, node.input[1] = "Add", fresh
    return True


def split_as_slices(file: Nodes, rng: np.random.Generator) -> bool:
    shapes = file.shapes()
    rows = [(p, n) for p, n in file.of("Split") if all(shapes.get(name) for name in n.output) and file.opset >= 10]
    place, node = pick(rows, rng)
    if node is None:
        return False
    axis, begin, made = file.attribute(node, "axis") or 0, 0, []
    for name in node.output:
        end = begin + shapes[name][axis]
        held = [file.add(np.int64([value]), "bound") for value in (begin, end, axis)]
        made.append(helper.make_node("Slice", [node.input[0], *held], [name]))
        begin = end
    _replaced(file, place, made)
    return True


def batch_norm_as_factor_and_offset(file: Nodes, rng: np.random.Generator) -> bool:
    for place, node in file.of("BatchNormalization"):
        held = [file.constant(name) for name in node.input[1:]]
        rank = len(file.shapes().get(node.input[0], ()))
        if any(values is None for values in held) or rank < 3 or len(node.output) > 1:
            continue
        gamma, beta, mean, variance = (values.astype(np.float64) for values in held if values is not None)
        factor = gamma / np.sqrt(variance + (file.attribute(node, "epsilon") or 1e-5))
        shape = (-1, *[1] * (rank - 2))
        constants = [
            file.add(values.astype(np.float32).reshape(shape), "folded") for values in (factor, beta - mean * factor)
        ]
        return _written_out(file, place, node, [("Mul", constants[:1]), ("Add", constants[1:])])
    return False


def concatenated_in_two_turns(file: Nodes, rng: np.random.Generator) -> bool:
    place, node = pick([(p, n) for p, n in file.of("Concat") if len(n.input) > 2], rng)
    if node is None:
        return False
    fresh, rest = file.fresh("first"), list(node.input[2:])
    axis = file.attribute(node, "axis")
    file.graph.node.insert(place, helper.make_node("Concat", list(node.input[:2]), [fresh], axis=axis))
    node.input[:] = [fresh, *rest]
    return True


def dense_as_convolution(file: Nodes, rng: np.random.Generator) -> bool:
    """A Gemm of one row becomes a convolution of one pixel."""
    shapes = file.shapes()
    for place, node in file.of("Gemm"):
        kernel = file.constant(node.input[1])
        plain = file.attribute(node, "alpha") in (None, 1.0) and file.attribute(node, "beta") in (None, 1.0)
        shape = shapes.get(node.input[0], ())
        if kernel is None or kernel.dtype != np.float32 or not plain or file.attribute(node, "transA"):
            continue
        kernel = kernel if file.attribute(node, "transB") else kernel.T
        if len(shape) != 2 or shape[0] != 1 or len(node.input) < 3:
            continue
        wide, given, out = file.fresh("wide"), file.fresh("given"), node.output[0]
        sizes = [file.add(np.int64(size), "size") for size in ([1, kernel.shape[1], 1, 1], [1, kernel.shape[0]])]
        weights = file.add(np.ascontiguousarray(kernel)[:, :, None, None], "pixel")
        made = [
            helper.make_node("Reshape", [node.input[0], sizes[0]], [wide]),
            helper.make_node("Conv", [wide, weights, node.input[2]], [given]),
            helper.make_node("Reshape", [given, sizes[1]], [out]),
        ]
        _replaced(file, place, made)
        return True
    return False


def _optimized(file: Nodes, level: str) -> bool:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.log_severity_level = 4
    before = file.model.SerializeToString()
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        path = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(before, options, providers=["CPUExecutionProvider"])
        file.model = onnx.load(str(path))
    return file.model.SerializeToString() != before


def _written_out(file: Nodes, place: int, node: Any, steps: list[tuple[str, list[str]]]) -> bool:
    """A node of one input becomes a chain of others, each with its constants."""
    current, made = node.input[0], []
    for number, (kind, held) in enumerate(steps):
        out = node.output[0] if number == len(steps) - 1 else f"{file.fresh('step')}_{number}"
        made.append(helper.make_node(kind, [current, *held], [out]))
        current = out
    _replaced(file, place, made)
    return True


def _replaced(file: Nodes, place: int, made: list[Any]) -> None:
    del file.graph.node[place]
    for number, node in enumerate(made):
        file.graph.node.insert(place + number, node)


NODE_FORMS: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(optimized_by_the_runtime, fused_by_the_runtime, optimized_by_onnxscript, another_ir_version),
        *(constants_among_the_inputs, leaky_relu_as_max, sigmoid_written_out, softmax_written_out),
        *(transpose_pushed_through, padding_on_its_own, sub_as_add_of_the_negative, split_as_slices),
        *(batch_norm_as_factor_and_offset, concatenated_in_two_turns, dense_as_convolution),
    )
}
