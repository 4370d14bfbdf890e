"""A Core ML package as a `converters.graph.Graph`: weights as they lie in the file, small constants as attributes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Format
from converters.coreml.interpreter import Interpreter, Step
from converters.coreml.ops import KERNELS
from converters.coreml.package import read_package
from converters.coreml.program import Constant, Operation, Program, Type, read_program
from converters.coreml.signature import ends, read_signature
from converters.digest import digest
from converters.graph import Graph, Op, Quantization, Tensor

_VALUES = frozenset(("x", "y", "a", "b", "cond", "data", "updates", "values", "indices", "query", "key", "value"))
"""Parameters that are values, even where they are constant and small; others are attributes then."""
_AFFINE, _TABLE = "constexpr_affine_dequantize", "constexpr_lut_to_dense"


def read_graph(path: Path) -> Graph:
    """The main function of the package at `path`.

    Raises:
        ModelError: no package, or damaged.
        UnsupportedError: it has operators that are not known here.
    """
    package = read_package(Path(path))
    program = read_program(package)
    signature = read_signature(package, program)
    names = [spec.name for spec in signature.inputs], [spec.name for spec in signature.outputs]
    return graph_of(Interpreter(program), *names)


def graph_of(interpreter: Interpreter, input_names: Iterable[str], output_names: Iterable[str]) -> Graph:
    """The graph of what an interpreter runs: its operators by their place among the interpreter's steps."""
    program = interpreter.program
    number = numbered(interpreter)
    types = value_types(program)
    stored = {op.outputs[0].name: op for op in program.block.operations if op.type in ("const", _AFFINE, _TABLE)}
    inputs, outputs = ends(program)
    return Graph(
        format=Format.COREML,
        tensors={
            index: _tensor(index, name, types.get(name, Type("")), stored.get(name), interpreter.constants.get(name))
            for name, index in number.items()
        },
        ops=tuple(_op(place, step, number, interpreter.constants) for place, step in enumerate(interpreter.steps)),
        inputs=tuple(number[value.name] for value in inputs),
        outputs=tuple(number[value.name] for value in outputs),
        input_names=tuple(input_names),
        output_names=tuple(output_names),
        notes={"opset": program.opset.encode()},
    )


def numbered(interpreter: Interpreter) -> dict[str, int]:
    """A number for each value by its name: inputs, constants that are read as values, results, in the file's order."""
    names = [value.name for value in interpreter.program.inputs]
    for step in interpreter.steps:
        for operand in operands(step, interpreter.constants):
            names.append(operand)
        names += [value.name for value in step.operation.outputs]
    names += interpreter.program.block.outputs
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def operands(step: Step, constants: Mapping[str, Any]) -> list[str]:
    """The names of what an operator reads as values, in the order of its parameters; what inner blocks read behind."""
    op = step.operation
    found: list[str] = []
    for parameter in sorted(op.inputs, key=lambda name: _order(op.type).get(name, 99)):
        for place, binding in enumerate(op.inputs[parameter]):
            name = binding if isinstance(binding, str) else f"{op.outputs[0].name}/{parameter}/{place}"
            if name not in constants and isinstance(binding, Constant):
                continue
            if name not in constants or _is_value(parameter, constants[name]):
                found.append(name)
    return found + sorted(_outside(op) - set(constants) - set(found))


def value_types(program: Program) -> dict[str, Type]:
    """The declared type of every value by its name, those of inner blocks included."""
    found = {value.name: value.type for value in program.inputs}
    found |= {value.name: value.type for op in program.block.walk() for value in op.outputs}
    return found


@cache
def _order(kind: str) -> Mapping[str, int]:
    kernel = KERNELS.get(kind)
    return {name: i for i, name in enumerate(inspect.signature(kernel).parameters)} if kernel else {}


def _is_value(parameter: str, constant: Any) -> bool:
    """Whether a constant parameter is told as a tensor: weights, and operands like the 2 of x * 2."""
    if not isinstance(constant, np.ndarray):
        return False
    return parameter in _VALUES or (constant.dtype.kind == "f" and constant.ndim > 0)


def _op(place: int, step: Step, number: Mapping[str, int], constants: Mapping[str, Any]) -> Op:
    op = step.operation
    read = operands(step, constants)
    attributes = {
        name: _told(value)
        for name, value in step.fixed.items()
        if not _is_value(name, value) or isinstance(op.inputs[name][0], Constant)
    }
    if op.blocks:
        attributes["body"] = digest(*map(_body, op.blocks)).hex()[:16]
    return Op(
        place,
        op.type,
        tuple(number[name] for name in read),
        tuple(number[value.name] for value in op.outputs),
        dict(sorted(attributes.items())),
    )


def _tensor(index: int, name: str, type: Type, stored: Operation | None, held: Any) -> Tensor:
    """Of a constant the values as the file has them, or as they are expanded to."""
    shape = tuple(-1 if size is None else size for size in type.shape)
    if held is None:
        return Tensor(index, name, shape, type.dtype)
    if stored is not None and stored.type == _AFFINE and "quantized_data" in stored.attributes:
        return _quantized(index, name, stored)
    data = np.asarray(held)
    if stored is not None and stored.type == "const":
        data = np.asarray(stored.attributes["val"].value)
    palettized = stored is not None and stored.type == _TABLE
    return Tensor(index, name, data.shape, str(data.dtype), data, palettized=palettized)


def _quantized(index: int, name: str, op: Operation) -> Tensor:
    data, scale, zero_point, axis = (
        np.asarray(op.attributes[key].value) for key in ("quantized_data", "scale", "zero_point", "axis")
    )
    scales = scale.reshape(-1).astype(np.float64)
    zeros = np.broadcast_to(zero_point.reshape(-1).astype(np.int64), scales.shape)
    return Tensor(index, name, data.shape, str(data.dtype), data, Quantization(scales, zeros, int(axis)))


def _outside(op: Operation) -> set[str]:
    """What inner blocks read of the values around them."""
    found: set[str] = set()
    for block in op.blocks:
        own = {value.name for value in block.inputs} | {v.name for inner in block.walk() for v in inner.outputs}
        read = {item for inner in block.walk() for items in inner.inputs.values() for item in items}
        found |= {name for name in {*read, *block.outputs} if isinstance(name, str)} - own
    return found


def _body(block: Any) -> bytes:
    """What an inner block does: its operators, and constants by their values."""
    rows = []
    for op in block.walk():
        names = sorted((k, [i if isinstance(i, str) else _told(i.value) for i in v]) for k, v in op.inputs.items())
        values = sorted((key, _told(item.value)) for key, item in op.attributes.items() if key != "name")
        rows.append(digest(op.type, repr(names), repr(values), repr([value.name for value in op.outputs])))
    return digest(*rows, *block.outputs)


def _told(value: Any) -> Any:
    """An attribute as numbers, texts and tuples of them."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(_told, value))
    return value
