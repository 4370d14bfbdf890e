"""Honest changes of .tflite files as other converters write them: operators written out, or one for the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import File
from benchmarks.mutation.flat_rewrites import floats
from benchmarks.mutation.layer import Change, pick


def leaky_relu_as_maximum(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(floats(file, ("LEAKY_RELU",)), rng)
    if op is None:
        return False
    taken, out = int(op.inputs[0]), int(op.outputs[0])
    sloped = file.add_tensor(out, "sloped")
    slope = file.add_constant(np.float32(op.builtinOptions.alpha), "slope")
    del file.ops[place]
    file.insert(place, "MAXIMUM", [taken, sloped], out, schema.MaximumMinimumOptionsT())
    file.insert(place, "MUL", [taken, slope], sloped, schema.MulOptionsT())
    return True


def logistic_written_out(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(floats(file, ("LOGISTIC",)), rng)
    if op is None:
        return False
    taken, out = int(op.inputs[0]), int(op.outputs[0])
    negative, raised, more = (file.add_tensor(out, name) for name in ("negative", "raised", "more"))
    one = file.add_constant(np.float32(1), "one")
    del file.ops[place]
    file.insert(place, "DIV", [one, more], out, schema.DivOptionsT())
    file.insert(place, "ADD", [raised, one], more, schema.AddOptionsT())
    file.insert(place, "EXP", [negative], raised, schema.ExpOptionsT())
    file.insert(place, "NEG", [taken], negative, schema.NegOptionsT())
    return True


def sub_as_add_of_the_negative(file: File, rng: np.random.Generator) -> bool:
    rows = [(p, o) for p, o in floats(file, ("SUB",)) if file.constant(int(o.inputs[1])) is None]
    place, op = pick(rows, rng)
    if op is None:
        return False
    first, second, out = int(op.inputs[0]), int(op.inputs[1]), int(op.outputs[0])
    options = schema.AddOptionsT()
    options.fusedActivationFunction = op.builtinOptions.fusedActivationFunction
    negative = file.add_tensor(second, "negative")
    del file.ops[place]
    file.insert(place, "ADD", [first, negative], out, options)
    file.insert(place, "NEG", [second], negative, schema.NegOptionsT())
    return True


def squared_difference_written_out(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(floats(file, ("SQUARED_DIFFERENCE",)), rng)
    if op is None:
        return False
    given, out = [int(index) for index in op.inputs], int(op.outputs[0])
    apart = file.add_tensor(out, "apart")
    del file.ops[place]
    file.insert(place, "MUL", [apart, apart], out, schema.MulOptionsT())
    file.insert(place, "SUB", given, apart, schema.SubOptionsT())
    return True


def hard_swish_written_out(file: File, rng: np.random.Generator) -> bool:
    place, op = pick(floats(file, ("HARD_SWISH",)), rng)
    if op is None:
        return False
    taken, out = int(op.inputs[0]), int(op.outputs[0])
    moved, weighed = (file.add_tensor(out, name) for name in ("moved", "weighed"))
    three, sixth = (file.add_constant(np.float32(value), "number") for value in (3, 1 / 6))
    options = schema.AddOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    del file.ops[place]
    file.insert(place, "MUL", [weighed, sixth], out, schema.MulOptionsT())
    file.insert(place, "MUL", [taken, moved], weighed, schema.MulOptionsT())
    file.insert(place, "ADD", [taken, three], moved, options)
    return True


def pointwise_as_dense(file: File, rng: np.random.Generator) -> bool:
    """A convolution of one pixel becomes a FULLY_CONNECTED that keeps its axes."""
    for place, op in list(floats(file, ("CONV_2D",))):
        kernel, options = file.constant(int(op.inputs[1])), op.builtinOptions
        if kernel is None or kernel.dtype != np.float32 or kernel.shape[1:3] != (1, 1) or len(op.inputs) < 3:
            continue
        if (options.strideH, options.strideW) != (1, 1):
            continue
        made: Any = schema.FullyConnectedOptionsT()
        made.fusedActivationFunction, made.keepNumDims = options.fusedActivationFunction, True
        given = [int(op.inputs[0]), file.add_constant(kernel[:, 0, 0], "dense"), int(op.inputs[2])]
        out = int(op.outputs[0])
        del file.ops[place]
        file.insert(place, "FULLY_CONNECTED", given, out, made)
        return True
    return False


def description_changed(file: File, rng: np.random.Generator) -> bool:
    file.model.description = b"made by another tool"
    return True


FORMS: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(leaky_relu_as_maximum, logistic_written_out, sub_as_add_of_the_negative, squared_difference_written_out),
        *(hard_swish_written_out, pointwise_as_dense, description_changed),
    )
}
