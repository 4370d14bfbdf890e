"""Honest rewrites of .tflite files: other operators that compute the same. Each says whether it could."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import HEAVY, File
from benchmarks.mutation.layer import Change, pick, shuffled

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def floats(file: File, kinds: tuple[str, ...] = HEAVY) -> list[tuple[int, Any]]:
    """Operators that give out floats which other operators read."""
    ends = {int(i) for i in file.graph.outputs}
    rows = [(p, o) for p, o in file.of(*kinds) if len(o.outputs) == 1 and int(o.outputs[0]) not in ends]
    return [(p, o) for p, o in rows if file.dtype(int(o.outputs[0])) == "float32"]


def _put(file: File, rng: np.random.Generator, kind: str, value: Any, options: str = "") -> bool:
    place, op = pick(floats(file), rng)
    if op is not None:
        file.behind(place, kind, [np.float32(value)], getattr(schema, f"{options}T")() if options else None)
    return op is not None


def zero_added(file: File, rng: np.random.Generator) -> bool:
    return _put(file, rng, "ADD", 0, "AddOptions")


def times_one(file: File, rng: np.random.Generator) -> bool:
    return _put(file, rng, "MUL", 1, "MulOptions")


def doubled_and_halved(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(floats(file), rng)
    if op is not None:
        place = file.behind(place, "MUL", [np.float32(2)], schema.MulOptionsT())
        file.behind(place, "MUL", [np.float32(0.5)], schema.MulOptionsT())
    return op is not None


def turned_and_back(file: File, rng: np.random.Generator) -> bool:
    """Into channels first and back."""
    place, op = pick([(p, o) for p, o in floats(file) if len(file.shape(int(o.outputs[0]))) == 4], rng)
    if op is not None:
        out = int(op.outputs[0])
        first = file.behind(place, "TRANSPOSE", [np.int32([0, 3, 1, 2])], schema.TransposeOptionsT())
        turned = int(file.ops[first].outputs[0])
        n, h, w, c = file.shape(out)
        file.tensor(turned).shape, file.tensor(turned).shapeSignature = [n, c, h, w], None
        fresh = file.add_tensor(out, "back")
        file.reread(turned, fresh, first)
        order = file.add_constant(np.int32([0, 2, 3, 1]), "order")
        file.insert(first + 1, "TRANSPOSE", [turned, order], fresh, schema.TransposeOptionsT())
    return op is not None


def _fused(file: File, old: int) -> list[tuple[int, Any]]:
    rows = floats(file, (*CONVOLUTIONS, "FULLY_CONNECTED", "ADD"))
    return [(p, o) for p, o in rows if getattr(o.builtinOptions, "fusedActivationFunction", 0) == old]


def relu_as_maximum(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(_fused(file, 1), rng)
    if op is not None:
        op.builtinOptions.fusedActivationFunction = 0
        file.behind(place, "MAXIMUM", [np.float32(0)], schema.MaximumMinimumOptionsT())
    return op is not None


def relu6_as_limits(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(_fused(file, 3), rng)
    if op is not None:
        op.builtinOptions.fusedActivationFunction = 0
        place = file.behind(place, "MAXIMUM", [np.float32(0)], schema.MaximumMinimumOptionsT())
        file.behind(place, "MINIMUM", [np.float32(6)], schema.MaximumMinimumOptionsT())
    return op is not None


def relu6_as_relu_and_minimum(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(_fused(file, 3), rng)
    if op is not None:
        op.builtinOptions.fusedActivationFunction = 1
        file.behind(place, "MINIMUM", [np.float32(6)], schema.MaximumMinimumOptionsT())
    return op is not None


def relu_twice(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(_fused(file, 1), rng)
    if op is not None:
        file.behind(place, "RELU", [])
    return op is not None


def sub_as_add(file: File, rng: np.random.Generator) -> bool:
    for _, op in file.of("SUB"):
        values = file.constant(int(op.inputs[1]))
        if values is not None and values.dtype == np.float32:
            file.own(op, 1, -values)
            old, options = op.builtinOptions, schema.AddOptionsT()
            options.fusedActivationFunction = getattr(old, "fusedActivationFunction", 0)
            op.opcodeIndex, op.builtinOptions, op.builtinOptionsType = (
                file.code("ADD"),
                options,
                schema.BuiltinOptions.AddOptions,
            )
            return True
    return False


def mul_as_div(file: File, rng: np.random.Generator) -> bool:
    for _, op in file.of("MUL"):
        values = file.constant(int(op.inputs[1]))
        if (
            values is not None
            and values.dtype == np.float32
            and values.all()
            and file.constant(int(op.inputs[0])) is None
        ):
            file.own(op, 1, (1 / values.astype(np.float64)).astype(np.float32))
            options = schema.DivOptionsT()
            options.fusedActivationFunction = getattr(op.builtinOptions, "fusedActivationFunction", 0)
            op.opcodeIndex, op.builtinOptions, op.builtinOptionsType = (
                file.code("DIV"),
                options,
                schema.BuiltinOptions.DivOptions,
            )
            return True
    return False


def padding_on_its_own(file: File, rng: np.random.Generator) -> bool:
    """SAME padding of a stride of one becomes a PAD and VALID."""
    for place, op in shuffled(list(file.of(*CONVOLUTIONS)), rng):
        kernel, options, taken = file.constant(int(op.inputs[1])), op.builtinOptions, int(op.inputs[0])
        if (
            kernel is None
            or options.padding != 0
            or options.strideH != 1
            or options.strideW != 1
            or file.dtype(taken) != "float32"
        ):
            continue
        dilated = max(options.dilationHFactor, options.dilationWFactor) > 1
        if min(kernel.shape[1:3]) < 2 or dilated or file.constant(taken) is not None:
            continue
        sizes = [(0, 0), *(((k - 1) // 2, k // 2) for k in kernel.shape[1:3]), (0, 0)]
        wide = file.add_tensor(taken, "padded")
        file.tensor(wide).shape = [n + sum(size) for n, size in zip(file.shape(taken), sizes, strict=True)]
        file.tensor(wide).shapeSignature = None
        op.inputs, options.padding = [wide, *map(int, op.inputs[1:])], 1
        file.insert(place, "PAD", [taken, file.add_constant(np.int32(sizes), "paddings")], wide, schema.PadOptionsT())
        return True
    return False


def reshape_for_squeeze(file: File, rng: np.random.Generator) -> bool:
    for _, op in file.of("SQUEEZE"):
        shape = file.shape(int(op.outputs[0]))
        op.inputs = [int(op.inputs[0]), file.add_constant(np.int32(shape), "shape")]
        op.opcodeIndex, op.builtinOptions, op.builtinOptionsType = file.code("RESHAPE"), None, 0
        return True
    return False


def mean_as_pool(file: File, rng: np.random.Generator) -> bool:
    """A mean over height and width becomes an AVERAGE_POOL_2D over all of both."""
    for place, op in file.of("MEAN"):
        taken, out, axes = int(op.inputs[0]), int(op.outputs[0]), file.constant(int(op.inputs[1]))
        shape = file.shape(taken)
        if axes is None or sorted(axes.reshape(-1)) != [1, 2] or len(shape) != 4 or file.dtype(taken) != "float32":
            continue
        options = schema.Pool2DOptionsT()
        options.padding, options.strideH, options.strideW = 1, 1, 1
        options.filterHeight, options.filterWidth = shape[1:3]
        made = file.add_tensor(taken, "pooled")
        file.tensor(made).shape, file.tensor(made).shapeSignature = [shape[0], 1, 1, shape[3]], None
        size = file.add_constant(np.int32(file.shape(out)), "size")
        file.ops.remove(op)
        file.insert(place, "RESHAPE", [made, size], out)
        file.insert(place, "AVERAGE_POOL_2D", [taken], made, options)
        return True
    return False


REWRITES: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(zero_added, times_one, doubled_and_halved, turned_and_back, relu_as_maximum, relu6_as_limits),
        *(relu6_as_relu_and_minimum, relu_twice, sub_as_add, mul_as_div, padding_on_its_own, reshape_for_squeeze),
        *(mean_as_pool,),
    )
}
