"""Faults in what reads what: layers skipped, repeated or put in, inputs and outputs exchanged; for .tflite files."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import HEAVY, File
from benchmarks.mutation.layer import Planter, pick, shuffled

ORDERED = ("SUB", "DIV", "CONCATENATION", "POW", "BATCH_MATMUL", "SELECT_V2", "FLOOR_MOD")
IDEMPOTENT = ("RESHAPE", "QUANTIZE", "RELU", "RELU6", "MAXIMUM", "MINIMUM", "DEQUANTIZE", "CAST")


def _swap_inputs(file: File, rng: np.random.Generator) -> int | None:
    rows = []
    for place, op in file.of(*ORDERED):
        slots = [int(i) for i in op.inputs][-2:] if file.type(op) == "SELECT_V2" else [int(i) for i in op.inputs[:2]]
        if len(slots) == 2 and slots[0] != slots[1]:
            alike = file.shape(slots[0]) == file.shape(slots[1])
            if alike or file.type(op) in ("SUB", "DIV"):
                rows.append((place, (op, slots)))
    place, found = pick(rows, rng)
    if found is not None:
        op, (first, second) = found
        turned = {first: second, second: first}
        op.inputs = [turned.get(int(i), int(i)) for i in op.inputs]
    return place


def _alike(file: File, op: Any) -> bool:
    """Whether an operator gives out the shape and type that it takes."""
    if not len(op.inputs) or len(op.outputs) != 1:
        return False
    first, out = int(op.inputs[0]), int(op.outputs[0])
    computed = file.constant(first) is None
    return computed and file.shape(first) == file.shape(out) and file.dtype(first) == file.dtype(out)


def _inner(file: File) -> list[tuple[int, Any]]:
    """Operators that could be left out or repeated: those that give out what they take, and are no ends."""
    ends = {int(i) for i in file.graph.outputs}
    return [(p, o) for p, o in enumerate(file.ops) if _alike(file, o) and int(o.outputs[0]) not in ends]


def _skip(file: File, rng: np.random.Generator) -> int | None:
    place, op = pick([(p, o) for p, o in _inner(file) if file.type(o) not in ("RESHAPE", "QUANTIZE")], rng)
    if op is not None:
        file.reread(int(op.outputs[0]), int(op.inputs[0]))
        file.ops.remove(op)
    return place


def _twice(file: File, rng: np.random.Generator) -> int | None:
    place, op = pick([(p, o) for p, o in _inner(file) if file.type(o) not in IDEMPOTENT], rng)
    if op is None:
        return None
    made = schema.OperatorT()
    vars(made).update(vars(op))
    out = int(op.outputs[0])
    fresh = file.add_tensor(out, "again")
    file.reread(out, fresh, place)
    made.inputs, made.outputs = [out, *map(int, op.inputs[1:])], [fresh]
    file.ops.insert(place + 1, made)
    return int(place + 1)


def _other_source(file: File, rng: np.random.Generator) -> int | None:
    """A residual that is taken from another layer of the same shape."""
    made: dict[tuple[int, ...], list[int]] = {}
    rows = []
    for place, op in enumerate(file.ops):
        if file.type(op) in ("ADD", "MUL", "CONCATENATION"):
            for slot, index in enumerate(map(int, op.inputs)):
                near = {int(i) for o in file.ops if index in map(int, o.outputs) for i in o.inputs}
                near |= set(map(int, op.inputs))  # reading these is skipping
                others = [
                    i for i in made.get(file.shape(index), []) if i not in near and file.dtype(i) == file.dtype(index)
                ]
                if file.constant(index) is None and others:
                    rows.append((place, (op, slot, others[0])))
        for out in map(int, op.outputs):
            if file.shape(out):
                made.setdefault(file.shape(out), []).append(out)
    place, found = pick(rows, rng)
    if found is not None:
        op, slot, other = found
        op.inputs = [other if k == slot else int(i) for k, i in enumerate(op.inputs)]
    return place


def _same_twice(file: File, rng: np.random.Generator) -> int | None:
    """A sum or product of one input with itself."""
    rows = [
        (p, o)
        for p, o in file.of("ADD", "MUL", "SUB", "CONCATENATION")
        if len(o.inputs) > 1
        and file.shape(int(o.inputs[0])) == file.shape(int(o.inputs[1]))
        and int(o.inputs[0]) != int(o.inputs[1])
    ]
    place, op = pick([(p, o) for p, o in rows if all(file.constant(int(i)) is None for i in o.inputs)], rng)
    if op is not None:
        op.inputs = [int(op.inputs[0]), int(op.inputs[0]), *map(int, op.inputs[2:])]
    return place


def _put_in(kind: str, constants: list[Any], options: str = "", of: tuple[str, ...] = HEAVY) -> Planter:
    """An operator that does not belong there, behind a random layer in float."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        ends = {int(i) for i in file.graph.outputs}
        for place, op in shuffled([(p, o) for p, o in file.of(*of) if int(o.outputs[0]) not in ends], rng):
            out = int(op.outputs[0])
            shape = file.shape(out)
            if file.dtype(out) != "float32" or len(shape) < 2:
                continue
            made = [values(shape, rng) if callable(values) else values for values in constants]
            if any(values is None for values in made):
                continue
            return file.behind(place, kind, made, getattr(schema, f"{options}T")() if options else None)
        return None

    return plant


def _mask(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Dropout of a tenth of the channels, as in training."""
    keep = np.arange(shape[-1]) % 10 != 3
    return (keep / 0.9).astype(np.float32) if shape[-1] > 3 else np.float32([1 / 0.9])


def _turned(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray | None:
    return np.int32([0, 2, 1, 3]) if len(shape) == 4 and shape[1] == shape[2] > 1 else None


def _through_float16(file: File, rng: np.random.Generator) -> int | None:
    """The values of one layer pass through float16."""
    ends = {int(i) for i in file.graph.outputs}
    rows = [
        (p, o)
        for p, o in file.of(*HEAVY)
        if file.dtype(int(o.outputs[0])) == "float32" and int(o.outputs[0]) not in ends
    ]
    place, op = pick(rows, rng)
    if op is None:
        return None
    out = int(op.outputs[0])
    half, fresh = file.add_tensor(out, "half"), file.add_tensor(out, "whole")
    file.tensor(half).type = schema.TensorType.FLOAT16
    file.reread(out, fresh, place)
    for number, (first, second) in enumerate(((out, half), (half, fresh)), 1):
        options = schema.CastOptionsT()
        options.inDataType, options.outDataType = file.tensor(first).type, file.tensor(second).type
        file.insert(place + number, "CAST", [first], second, options)
    return int(place + 1)


def _through_8_bits(file: File, rng: np.random.Generator) -> int | None:
    """The values of one layer of a float file are rounded to 8 bits in passing."""
    ends = {int(i) for i in file.graph.outputs}
    rows = [
        (p, o)
        for p, o in file.of(*HEAVY)
        if file.dtype(int(o.outputs[0])) == "float32" and int(o.outputs[0]) not in ends
    ]
    place, op = pick(rows, rng)
    if op is None:
        return None
    out = int(op.outputs[0])
    small, fresh = file.add_tensor(out, "small"), file.add_tensor(out, "whole")
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint = np.float32([0.05]), np.int64([-20])
    file.tensor(small).type, file.tensor(small).quantization = schema.TensorType.INT8, made
    file.reread(out, fresh, place)
    file.insert(place + 1, "QUANTIZE", [out], small)
    file.insert(place + 2, "DEQUANTIZE", [small], fresh)
    return int(place + 1)


def _left_in_float(file: File, rng: np.random.Generator) -> int | None:
    """One operator of an 8-bit file computes in float, between DEQUANTIZE and QUANTIZE."""
    rows = []
    for place, op in file.of("ADD", "MUL", "SUB", "MEAN", "AVERAGE_POOL_2D", "LOGISTIC", "LEAKY_RELU", "HARD_SWISH"):
        taken = [int(i) for i in op.inputs if file.constant(int(i)) is None]
        if file.dtype(int(op.outputs[0])) == "int8" and all(file.dtype(i) == "int8" for i in taken):
            rows.append((place, (op, taken)))
    place, found = pick(rows, rng)
    if found is None:
        return None
    op, taken = found
    out = int(op.outputs[0])
    fresh = {}
    for index in dict.fromkeys((*taken, out)):
        fresh[index] = file.add_tensor(index, f"float_{index}")
        file.tensor(fresh[index]).type, file.tensor(fresh[index]).quantization = schema.TensorType.FLOAT32, None
    for index in map(int, op.inputs):
        values = file.constant(index)
        if values is not None and values.dtype == np.int8:
            grid = file.tensor(index).quantization
            real = (values.astype(np.float32) - np.float32(grid.zeroPoint[0])) * np.float32(grid.scale[0])
            fresh[index] = file.add_constant(real, f"float_{index}")
    op.inputs, op.outputs = [fresh.get(int(i), int(i)) for i in op.inputs], [fresh[out]]
    file.insert(place + 1, "QUANTIZE", [fresh[out]], out)
    for index in dict.fromkeys(taken):
        file.insert(place, "DEQUANTIZE", [index], fresh[index])
        place += 1
    return int(place)


def _output_one_early(file: File, rng: np.random.Generator) -> int | None:
    """The file gives out what its last operator should still have changed."""
    ends = [int(i) for i in file.graph.outputs]
    rows = [(p, o) for p, o in enumerate(file.ops) if _alike(file, o) and int(o.outputs[0]) in ends]
    place, op = pick(rows, rng)
    if op is not None:
        file.reread(int(op.outputs[0]), int(op.inputs[0]))
        file.ops.remove(op)
    return place


def _convolution_in_float(file: File, rng: np.random.Generator) -> int | None:
    """One convolution of an 8-bit file computes in float, with the weights that its integers stand for."""
    rows = [(p, o) for p, o in file.of("CONV_2D") if file.dtype(int(o.outputs[0])) == "int8" and len(o.inputs) > 2]
    place, op = pick([(p, o) for p, o in rows if file.constant(int(o.inputs[1])) is not None], rng)
    if op is None:
        return None
    taken, kernel, bias, out = int(op.inputs[0]), int(op.inputs[1]), int(op.inputs[2]), int(op.outputs[0])
    ends = [file.add_tensor(index, f"float_{index}") for index in (taken, out)]
    for index in ends:
        file.tensor(index).type, file.tensor(index).quantization = schema.TensorType.FLOAT32, None
    scales = np.float32(file.tensor(kernel).quantization.scale)
    step = scales * np.float32(file.tensor(taken).quantization.scale[0])
    real = [file.constant(kernel) * scales.reshape(-1, 1, 1, 1), file.constant(bias) * step]
    held = [file.add_constant(values.astype(np.float32), "as float") for values in real]
    op.inputs, op.outputs = [ends[0], *held], [ends[1]]
    file.insert(place + 1, "QUANTIZE", [ends[1]], out)
    file.insert(place, "DEQUANTIZE", [taken], ends[0])
    return int(place + 1)


WIRING: dict[str, Planter] = {
    "inputs exchanged": _swap_inputs,
    "one input read twice": _same_twice,
    "layer skipped": _skip,
    "last operator skipped": _output_one_early,
    "layer run twice": _twice,
    "another residual": _other_source,
    "a factor put in": _put_in("MUL", [np.float32(0.999)], "MulOptions"),
    "dropout left in": _put_in("MUL", [_mask], "MulOptions"),
    "an offset put in": _put_in("ADD", [np.float32(0.01)], "AddOptions"),
    "a RELU put in": _put_in("RELU", []),
    "rounding put in": _put_in("ROUND", []),
    "height and width exchanged in between": _put_in("TRANSPOSE", [_turned], "TransposeOptions"),
    "reversed along width in between": _put_in(
        "REVERSE_V2", [lambda s, r: np.int32([len(s) - 2]) if len(s) == 4 else None], "ReverseV2Options"
    ),
    "channels reversed in between": _put_in("REVERSE_V2", [lambda s, r: np.int32([len(s) - 1])], "ReverseV2Options"),
    "values pass through float16": _through_float16,
    "values pass through 8 bits": _through_8_bits,
    "an operator left in float": _left_in_float,
    "a convolution left in float": _convolution_in_float,
}
