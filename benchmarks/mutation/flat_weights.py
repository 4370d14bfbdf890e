"""Honest .tflite files whose weights look strange: the same function by other numbers, or by other operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import File
from benchmarks.mutation.flat_rewrites import floats
from benchmarks.mutation.layer import Change, shuffled


def _chains(file: File) -> list[tuple[Any, Any]]:
    """(a layer, the layer that alone reads it), without an activation that is not linear in positive factors."""
    found = []
    for _, op in floats(file):
        out = int(op.outputs[0])
        readers = [other for other in file.ops if out in map(int, other.inputs)]
        if (
            len(readers) == 1
            and file.type(readers[0]) in ("CONV_2D", "FULLY_CONNECTED")
            and int(readers[0].inputs[0]) == out
        ):
            found.append((op, readers[0]))
    return found


def _kernels(file: File, first: Any, second: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    one, bias, two = (
        file.constant(int(i))
        for i in (first.inputs[1], first.inputs[2] if len(first.inputs) > 2 else -1, second.inputs[1])
    )
    if one is None or bias is None or two is None or file.type(first) == "TRANSPOSE_CONV":
        return None
    channels = one.shape[-1] if file.type(first) == "DEPTHWISE_CONV_2D" else one.shape[0]
    fits = two.shape[-1] == channels == bias.size and one.dtype == two.dtype == np.float32
    return (one, bias, two) if fits and channels > 2 else None


def channels_in_another_order(file: File, rng: np.random.Generator) -> bool:
    """Two channels change places in a layer and in the one layer that reads it."""
    for first, second in shuffled(_chains(file), rng):
        held = _kernels(file, first, second)
        if held is not None and file.type(first) != "DEPTHWISE_CONV_2D":
            order = np.arange(held[1].size)
            order[[0, 1]] = [1, 0]
            file.own(first, 1, held[0][order])
            file.own(first, 2, held[1][order])
            file.own(second, 1, held[2][..., order])
            return True
    return False


def ranges_equalized(file: File, rng: np.random.Generator) -> bool:
    """Channels of a layer are scaled, and the next layer takes it back: cross-layer equalization."""
    for first, second in shuffled(_chains(file), rng):
        held = _kernels(file, first, second)
        if held is not None and getattr(first.builtinOptions, "fusedActivationFunction", 0) in (0, 1):
            factors = 2.0 ** rng.integers(-2, 3, held[1].size)
            turned = (
                factors if file.type(first) == "DEPTHWISE_CONV_2D" else factors.reshape(-1, *[1] * (held[0].ndim - 1))
            )
            file.own(first, 1, (held[0] * turned).astype(np.float32))
            file.own(first, 2, (held[1] * factors).astype(np.float32))
            file.own(second, 1, (held[2] / factors).astype(np.float32))
            return True
    return False


def scales_for_each_channel(file: File, rng: np.random.Generator) -> bool:
    """One scale of a convolution's 8-bit weights is written once for each channel."""
    for _, op in file.of("CONV_2D"):
        tensor = file.tensor(int(op.inputs[1]))
        found, kernel = tensor.quantization, file.constant(int(op.inputs[1]))
        if (
            kernel is not None
            and kernel.dtype == np.int8
            and found is not None
            and len(found.scale) == 1
            and len(kernel) > 1
        ):
            found.scale = np.repeat(np.float32(found.scale), len(kernel))
            found.zeroPoint = np.zeros(len(kernel), np.int64)
            found.quantizedDimension = 0
            return True
    return False


def float16_for_storage(file: File, rng: np.random.Generator) -> bool:
    """A kernel whose values float16 holds is stored so, behind a DEQUANTIZE."""
    for place, op in shuffled(file.heavy(), rng):
        kernel = file.constant(int(op.inputs[1]))
        if (
            kernel is not None
            and kernel.dtype == np.float32
            and np.array_equal(kernel, kernel.astype(np.float16).astype(np.float32))
        ):
            small = file.add_constant(kernel.astype(np.float16), "half")
            whole = file.add_tensor(int(op.inputs[1]), "whole")
            op.inputs = [int(op.inputs[0]), whole, *map(int, op.inputs[2:])]
            file.insert(place, "DEQUANTIZE", [small], whole)
            return True
    return False


def dense_as_convolution(file: File, rng: np.random.Generator) -> bool:
    """A FULLY_CONNECTED between two reshapes becomes a CONV_2D of one by one."""
    rows = [(p, o) for p, o in floats(file, ("FULLY_CONNECTED",)) if len(file.shape(int(o.inputs[0]))) == 2]
    for place, op in shuffled(rows, rng):
        kernel, taken, out = file.constant(int(op.inputs[1])), int(op.inputs[0]), int(op.outputs[0])
        if (
            kernel is None
            or kernel.dtype != np.float32
            or file.constant(int(op.inputs[2])) is None
            or file.shape(taken)[0] != 1
        ):
            continue
        wide, made = file.add_tensor(taken, "wide"), file.add_tensor(out, "made")
        file.tensor(wide).shape, file.tensor(made).shape = [1, 1, 1, kernel.shape[1]], [1, 1, 1, kernel.shape[0]]
        file.tensor(wide).shapeSignature = file.tensor(made).shapeSignature = None
        held = file.add_constant(kernel.reshape(len(kernel), 1, 1, -1), "kernel as window")
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = op.builtinOptions.fusedActivationFunction
        bias = int(op.inputs[2])
        file.ops.remove(op)
        sizes = [file.add_constant(np.int32(s), "size") for s in ([1, 1, 1, kernel.shape[1]], [1, kernel.shape[0]])]
        file.insert(place, "RESHAPE", [made, sizes[1]], out)
        file.insert(place, "CONV_2D", [wide, held, bias], made, options)
        file.insert(place, "RESHAPE", [taken, sizes[0]], wide)
        return True
    return False


def bias_on_its_own(file: File, rng: np.random.Generator) -> bool:
    """The bias is added by an operator behind the layer, with the activation."""
    for place, op in shuffled(floats(file), rng):
        bias = file.constant(int(op.inputs[2])) if len(op.inputs) > 2 else None
        if bias is not None and bias.any() and bias.dtype == np.float32 and file.type(op) != "TRANSPOSE_CONV":
            file.own(op, 2, np.zeros_like(bias))
            options = schema.AddOptionsT()
            options.fusedActivationFunction = op.builtinOptions.fusedActivationFunction
            op.builtinOptions.fusedActivationFunction = 0
            file.behind(place, "ADD", [bias], options)
            return True
    return False


def batch_norm_on_its_own(file: File, rng: np.random.Generator) -> bool:
    """A factor and an offset for each channel behind a layer, with the activation: what folding takes away."""
    for place, op in shuffled(floats(file, ("CONV_2D", "FULLY_CONNECTED")), rng):
        kernel, bias = (file.constant(int(i)) for i in (op.inputs[1], op.inputs[2] if len(op.inputs) > 2 else -1))
        if kernel is None or bias is None or kernel.dtype != np.float32 or bias.size != len(kernel):
            continue
        factors = rng.uniform(0.5, 2, bias.size).astype(np.float32)
        file.own(op, 1, (kernel / factors.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.float32))
        file.own(op, 2, np.zeros_like(bias))
        options = schema.AddOptionsT()
        options.fusedActivationFunction = op.builtinOptions.fusedActivationFunction
        op.builtinOptions.fusedActivationFunction = 0
        file.behind(file.behind(place, "MUL", [factors], schema.MulOptionsT()), "ADD", [bias], options)
        return True
    return False


def batch_left_open(file: File, rng: np.random.Generator) -> bool:
    """The first axis of what is computed may have any size, as converters write it."""
    if any(file.type(op) in ("RESHAPE", "PACK", "TRANSPOSE", "BATCH_MATMUL", "GATHER") for op in file.ops):
        return False
    made = [*file.graph.inputs, *(index for op in file.ops for index in op.outputs)]
    for index in map(int, made):
        if (shape := file.shape(index)) and shape[0] == 1 and len(shape) > 1 and file.constant(index) is None:
            file.tensor(index).shapeSignature = [-1, *shape[1:]]
    return True


REWEIGHTED: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(bias_on_its_own, dense_as_convolution, channels_in_another_order, ranges_equalized, scales_for_each_channel),
        *(float16_for_storage, batch_norm_on_its_own, batch_left_open),
    )
}
