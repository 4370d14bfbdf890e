"""Honest rewrites of .onnx files: other operators that compute the same. Each says whether it could."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper

from benchmarks.mutation.layer import Change, pick, shuffled
from benchmarks.mutation.nodes import HEAVY, Nodes


def zero_added(file: Nodes, rng: np.random.Generator) -> bool:
    return _behind_heavy(file, rng, "Add", np.float32(0))


def times_one(file: Nodes, rng: np.random.Generator) -> bool:
    return _behind_heavy(file, rng, "Mul", np.float32(1))


def relu_twice(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of("Relu") if n.output[0] not in file.outputs()]
    place, node = pick(rows, rng)
    if node is not None:
        file.behind(place, "Relu", [])
    return node is not None


def turned_and_back(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of("Conv") if n.output[0] not in file.outputs() and _rank(file, n) == 4]
    place, node = pick(rows, rng)
    if node is not None:
        file.behind(place, "Transpose", [], perm=[0, 2, 3, 1])
        file.behind(place + 1, "Transpose", [], perm=[0, 3, 1, 2])
    return node is not None


def bias_on_its_own(file: Nodes, rng: np.random.Generator) -> bool:
    """The bias of a convolution is added behind it."""
    rows = [(p, n) for p, n in file.of("Conv") if len(n.input) > 2 and n.output[0] not in file.outputs()]
    rows = [(p, n) for p, n in rows if file.constant(n.input[2]) is not None]
    place, node = pick(rows, rng)
    if node is not None:
        bias = file.constant(node.input[2])
        del node.input[2:]
        file.behind(place, "Add", [bias.reshape(-1, *[1] * (_rank(file, node) - 2))])
    return node is not None


def sub_as_add(file: Nodes, rng: np.random.Generator) -> bool:
    for _, node in file.of("Sub"):
        values = file.constant(node.input[1])
        if values is not None:
            node.op_type, node.input[1] = "Add", file.add(-values, "negative")
            return True
    return False


def div_as_mul(file: Nodes, rng: np.random.Generator) -> bool:
    for _, node in file.of("Div"):
        values = file.constant(node.input[1])
        if values is not None and values.dtype == np.float32:
            node.op_type, node.input[1] = "Mul", file.add((1 / values.astype(np.float64)).astype(np.float32), "inverse")
            return True
    return False


def relu_as_max(file: Nodes, rng: np.random.Generator) -> bool:
    _, node = pick(file.of("Relu"), rng)
    if node is not None:
        node.op_type = "Max"
        node.input.append(file.add(np.float32(0), "zero"))
    return node is not None


def clip_as_max_and_min(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of("Clip") if len(n.input) == 3 and all(n.input)]
    place, node = pick(rows, rng)
    if node is not None:
        least, most = node.input[1], node.input[2]
        out, fresh = node.output[0], file.fresh("limited")
        node.op_type, node.output[0] = "Max", fresh
        node.input[:] = [node.input[0], least]
        file.graph.node.insert(place + 1, helper.make_node("Min", [fresh, most], [out]))
    return node is not None


def gemm_as_matmul(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of("Gemm") if len(n.input) == 3 and file.constant(n.input[1]) is not None]
    rows = [(p, n) for p, n in rows if not file.attribute(n, "transA") and file.attribute(n, "alpha") in (None, 1.0)]
    place, node = pick(rows, rng)
    if node is not None:
        kernel, bias, out = file.constant(node.input[1]), node.input[2], node.output[0]
        kernel = kernel.T if file.attribute(node, "transB") else kernel
        fresh = file.fresh("product")
        node.op_type, node.output[0] = "MatMul", fresh
        node.input[:] = [node.input[0], file.add(kernel, "turned")]
        del node.attribute[:]
        file.graph.node.insert(place + 1, helper.make_node("Add", [fresh, bias], [out]))
    return node is not None


def _behind_heavy(file: Nodes, rng: np.random.Generator, kind: str, value: Any) -> bool:
    place, node = pick([(p, n) for p, n in file.of(*HEAVY) if n.output[0] not in file.outputs()], rng)
    if node is not None:
        file.behind(place, kind, [value])
    return node is not None


def _rank(file: Nodes, node: Any) -> int:
    kernel = file.stored(node.input[1])[0]
    return 0 if kernel is None else kernel.ndim


def batch_norm_on_its_own(file: Nodes, rng: np.random.Generator) -> bool:
    """A BatchNormalization behind a convolution whose weights are divided by what it multiplies with."""
    for place, node in shuffled(list(file.of("Conv")), rng):
        kernel, bias = (file.constant(name) for name in (*node.input[1:3], "", "")[:2])
        if kernel is None or bias is None or kernel.dtype != np.float32 or node.output[0] in file.outputs():
            continue
        gamma, variance = rng.uniform(0.5, 1.5, (2, len(kernel))).astype(np.float32)
        mean = rng.normal(size=len(kernel)).astype(np.float32)
        factor = gamma / np.sqrt(variance + np.float32(1e-5))
        node.input[1] = file.add((kernel / factor.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.float32), "unfolded")
        node.input[2] = file.add(((bias - 0.25) / factor + mean).astype(np.float32), "unfolded_bias")
        beta = np.full(len(kernel), 0.25, np.float32)
        file.behind(place, "BatchNormalization", [gamma, beta, mean, variance])
        return True
    return False


def constant_unfolded(file: Nodes, rng: np.random.Generator) -> bool:
    """A kernel that is computed from two constants before it is used."""
    for place, node in shuffled(list(file.of(*HEAVY)), rng):
        kernel = file.constant(node.input[1]) if len(node.input) > 1 else None
        if kernel is not None and kernel.dtype == np.float32:
            made = file.fresh("product")
            halves = [file.add(kernel / 2, "half"), file.add(np.float32(2), "two")]
            node.input[1] = made
            file.graph.node.insert(place, helper.make_node("Mul", halves, [made]))
            return True
    return False


def batch_left_open(file: Nodes, rng: np.random.Generator) -> bool:
    """The first axis of inputs and outputs may have any size."""
    kinds = {node.op_type for node in file.graph.node}
    if kinds & {"Reshape", "Expand", "ConstantOfShape", "Tile"}:
        return False
    for value in (*file.graph.input, *file.graph.output):
        axes = value.type.tensor_type.shape.dim
        if len(axes) > 1 and axes[0].dim_value == 1:
            axes[0].dim_param = "batch"
    del file.graph.value_info[:]
    return True


def channels_in_another_order(file: Nodes, rng: np.random.Generator) -> bool:
    """Two channels change places in a convolution and in the one that alone reads it."""
    readers: dict[str, list[Any]] = {}
    for node in file.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for _, node in shuffled(list(file.of("Conv")), rng):
        behind = readers.get(node.output[0], [])
        while len(behind) == 1 and behind[0].op_type in ("Relu", "Clip", "LeakyRelu"):
            behind = readers.get(behind[0].output[0], [])
        if (
            len(behind) != 1
            or behind[0].op_type != "Conv"
            or len(node.input) < 3
            or file.attribute(node, "group") not in (None, 1)
        ):
            continue
        kernel, bias, later = (file.constant(name) for name in (node.input[1], node.input[2], behind[0].input[1]))
        if kernel is None or bias is None or later is None or later.shape[1] != len(kernel) or len(kernel) < 3:
            continue
        order = np.r_[1, 0, 2 : len(kernel)]
        node.input[1], node.input[2] = file.add(kernel[order], "turned"), file.add(bias[order], "turned_bias")
        behind[0].input[1] = file.add(later[:, order], "turned_back")
        return True
    return False


NODE_REWRITES: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(zero_added, times_one, relu_twice, turned_and_back, bias_on_its_own, sub_as_add, div_as_mul, relu_as_max),
        *(clip_as_max_and_min, gemm_as_matmul, batch_norm_on_its_own, constant_unfolded, batch_left_open),
        *(channels_in_another_order,),
    )
}
