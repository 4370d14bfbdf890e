"""Faults in options and in what reads what, to plant into .tflite files; see `gates.planted`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from gates.flat_edit import File, Planter, pick


def _options(kinds: tuple[str, ...], change: Callable[[File, Any], bool]) -> Planter:
    """A fault in the options of a random operator of some types that it changes."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = list(file.of(*kinds))
        for number in rng.permutation(len(rows)):
            place, op = rows[number]
            if op.builtinOptions is not None and change(file, op):
                return place
        return None

    return plant


def _set(name: str, change: Callable[[Any], Any]) -> Callable[[File, Any], bool]:
    def apply(file: File, op: Any) -> bool:
        old = getattr(op.builtinOptions, name)
        new = change(old)
        setattr(op.builtinOptions, name, new)
        return bool(new != old)

    return apply


def _activation(old: tuple[int, ...], new: int) -> Callable[[File, Any], bool]:
    def apply(file: File, op: Any) -> bool:
        if getattr(op.builtinOptions, "fusedActivationFunction", None) not in old:
            return False
        op.builtinOptions.fusedActivationFunction = new
        return True

    return apply


def _pads(file: File, op: Any) -> bool:
    kernel = file.constant(int(op.inputs[1]))
    if kernel is None or max(kernel.shape[1:3]) < 3:
        return False
    op.builtinOptions.padding = 1 - op.builtinOptions.padding
    return True


def _dilated(file: File, op: Any) -> bool:
    kernel = file.constant(int(op.inputs[1]))
    return kernel is not None and kernel.shape[1] > 1 and _set("dilationHFactor", lambda d: d + 1)(file, op)


def _swap_inputs(file: File, rng: np.random.Generator) -> int | None:
    rows = []
    for place, op in file.of("SUB", "DIV", "CONCATENATION", "POW", "SQUARED_DIFFERENCE", "BATCH_MATMUL"):
        first, second = (int(i) for i in op.inputs[:2])
        shapes = [tuple(file.tensor(i).shape if file.tensor(i).shape is not None else ()) for i in (first, second)]
        if (
            first != second
            and (file.type(op) in ("SUB", "DIV") or shapes[0] == shapes[1])
            and file.type(op) != "SQUARED_DIFFERENCE"
        ):
            rows.append((place, op))
    place, op = pick(rows, rng)
    if op is not None:
        op.inputs = [int(op.inputs[1]), int(op.inputs[0]), *map(int, op.inputs[2:])]
    return place


def _alike(file: File, op: Any) -> bool:
    """Whether an operator gives out the shape and type that it takes."""
    if not len(op.inputs) or not len(op.outputs):
        return False
    first, out = file.tensor(int(op.inputs[0])), file.tensor(int(op.outputs[0]))
    computed = file.constant(int(op.inputs[0])) is None
    same = first.shape is not None and out.shape is not None and list(first.shape) == list(out.shape)
    return computed and len(op.outputs) == 1 and same and first.type == out.type


def _skip(file: File, rng: np.random.Generator) -> int | None:
    rows = [(p, o) for p, o in enumerate(file.ops) if _alike(file, o) and file.type(o) not in ("RESHAPE", "QUANTIZE")]
    rows = [(p, o) for p, o in rows if int(o.outputs[0]) not in map(int, file.graph.outputs)]
    place, op = pick(rows, rng)
    if op is not None:
        file.reread(int(op.outputs[0]), int(op.inputs[0]))
        file.ops.remove(op)
    return place


def _twice(file: File, rng: np.random.Generator) -> int | None:
    light = ("RESHAPE", "QUANTIZE", "RELU", "RELU6", "LOGISTIC_", "PRELU_", "MAXIMUM", "MINIMUM")
    rows = [(p, o) for p, o in enumerate(file.ops) if _alike(file, o) and file.type(o) not in light]
    place, op = pick(rows, rng)
    if op is None:
        return None
    made = schema.OperatorT()
    vars(made).update(vars(op))
    out = int(op.outputs[0])
    fresh = file.add_tensor(out, "again")
    file.reread(out, fresh, place)
    made.inputs, made.outputs = [out, *map(int, op.inputs[1:])], [fresh]
    file.ops.insert(place + 1, made)
    return place + 1


def _other_source(file: File, rng: np.random.Generator) -> int | None:
    """A residual that is taken from another layer of the same shape."""
    made: dict[tuple[int, ...], list[int]] = {}
    rows = []
    for place, op in enumerate(file.ops):
        if file.type(op) in ("ADD", "MUL", "CONCATENATION"):
            for slot, index in enumerate(map(int, op.inputs)):
                shape = tuple(file.tensor(index).shape) if file.tensor(index).shape is not None else ()
                near = {
                    int(i) for o in file.ops if index in map(int, o.outputs) for i in o.inputs
                }  # reading that is skipping
                near |= set(map(int, op.inputs))
                others = [i for i in made.get(shape, []) if i not in near and file.dtype(i) == file.dtype(index)]
                if file.constant(index) is None and others:
                    rows.append((place, (op, slot, others[0])))
        for out in map(int, op.outputs):
            if file.tensor(out).shape is not None:
                made.setdefault(tuple(file.tensor(out).shape), []).append(out)
    place, found = pick(rows, rng)
    if found is not None:
        op, slot, other = found
        op.inputs = [other if k == slot else int(i) for k, i in enumerate(op.inputs)]
    return place


def _retyped(old: str, new: str) -> Planter:
    def plant(file: File, rng: np.random.Generator) -> int | None:
        place, op = pick(file.of(old), rng)
        if op is not None:
            op.opcodeIndex = file.code(new)
            if old == "ADD" and op.builtinOptions is not None:
                made = getattr(schema, f"{new.capitalize()}OptionsT")()
                made.fusedActivationFunction = op.builtinOptions.fusedActivationFunction
                op.builtinOptions, op.builtinOptionsType = (
                    made,
                    getattr(schema.BuiltinOptions, f"{new.capitalize()}Options"),
                )
        return place

    return plant


def _outputs_exchanged(file: File, rng: np.random.Generator) -> int | None:
    if len(file.graph.outputs) < 2:
        return None
    file.graph.outputs = [int(i) for i in file.graph.outputs][::-1]
    return -1


def _names_exchanged(file: File, rng: np.random.Generator) -> int | None:
    definitions = file.model.signatureDefs or []
    if not definitions or len(definitions[0].outputs) < 2:
        return None
    first, second = definitions[0].outputs[:2]
    first.name, second.name = second.name, first.name
    return -1


CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
STRUCTURE: dict[str, Planter] = {
    "padding exchanged": _options(CONVOLUTIONS, _pads),
    "stride changed": _options(CONVOLUTIONS, _set("strideH", lambda s: 1 if s == 2 else 2)),
    "dilation changed": _options(CONVOLUTIONS, _dilated),
    "activation dropped": _options((*CONVOLUTIONS, "ADD", "FULLY_CONNECTED"), _activation((1, 2, 3), 0)),
    "RELU6 became RELU": _options((*CONVOLUTIONS, "ADD", "FULLY_CONNECTED"), _activation((3,), 1)),
    "RELU became RELU6": _options((*CONVOLUTIONS, "ADD", "FULLY_CONNECTED"), _activation((1,), 3)),
    "an activation added": _options((*CONVOLUTIONS, "FULLY_CONNECTED"), _activation((0,), 1)),
    "softmax beta": _options(("SOFTMAX",), _set("beta", lambda b: b * 1.5)),
    "leaky slope": _options(("LEAKY_RELU",), _set("alpha", lambda a: a * 2)),
    "resize half pixels": _options(("RESIZE_BILINEAR",), _set("halfPixelCenters", lambda h: not h)),
    "inputs exchanged": _swap_inputs,
    "layer skipped": _skip,
    "layer run twice": _twice,
    "another residual": _other_source,
    "ADD became SUB": _retyped("ADD", "SUB"),
    "MUL instead of ADD": _retyped("ADD", "MUL"),
    "average instead of maximum": _retyped("MAX_POOL_2D", "AVERAGE_POOL_2D"),
    "maximum instead of average": _retyped("AVERAGE_POOL_2D", "MAX_POOL_2D"),
    "outputs in another order": _outputs_exchanged,
    "names of outputs exchanged": _names_exchanged,
}  # fmt: skip
