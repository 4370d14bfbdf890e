"""An ML program (MIL) as data: functions, blocks, operators and constants, from a saved package."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.coreml.blob import BITS, unpack
from converters.coreml.package import Package
from converters.coreml.wire import Message
from converters.errors import ModelError

TYPES = {
    1: "bool",
    2: "string",
    10: "float16",
    11: "float32",
    12: "float64",
    13: "bfloat16",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    25: "int4",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    34: "uint64",
    35: "uint4",
    36: "uint2",
    37: "uint1",
    38: "uint6",
    39: "uint3",
}
"""`DataType` of MIL.proto -> its name here."""


@dataclass(frozen=True)
class Type:
    """Of a tensor; an axis of unknown size is None. `state` where it is kept from call to call; "" is no tensor."""

    dtype: str
    shape: tuple[int | None, ...] = ()
    state: bool = False

    @property
    def stored(self) -> str:
        """The type of its numpy values: small integers lie in 8 bits."""
        if self.dtype in BITS:
            return "int8" if self.dtype == "int4" else "uint8"
        return "float32" if self.dtype == "bfloat16" else self.dtype


@dataclass(frozen=True)
class Named:
    """A value that a block takes, or an operator makes."""

    name: str
    type: Type


@dataclass(frozen=True)
class Constant:
    """A value that stands in the program, or in its weight file: an array, a text, a bool, or a list of those."""

    type: Type
    value: Any


Binding = str | Constant


@dataclass(frozen=True)
class Operation:
    """One operator. An input is one value or several, by name or as they are; attributes are constants."""

    type: str
    inputs: Mapping[str, tuple[Binding, ...]]
    outputs: tuple[Named, ...]
    blocks: tuple[Block, ...]
    attributes: Mapping[str, Constant]


@dataclass(frozen=True)
class Block:
    """Operators in their order; `outputs` are names."""

    inputs: tuple[Named, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]

    def walk(self) -> Iterator[Operation]:
        """Every operator, those of inner blocks before the one that holds them."""
        for operation in self.operations:
            for block in operation.blocks:
                yield from block.walk()
            yield operation


@dataclass(frozen=True)
class Program:
    """The main function of a package."""

    inputs: tuple[Named, ...]
    block: Block
    opset: str
    function: str


def read_program(package: Package) -> Program:
    """The function that a package runs by default, constants read from its weight files.

    Raises:
        ModelError: damaged, weights missing or truncated.
    """
    try:
        name = package.model["description"].get("defaultFunctionName") or "main"
        functions = package.model["mlProgram"]["functions"]
        if name not in functions:
            raise ModelError(f"there is no function {name!r}; there are {', '.join(functions) or 'none'}")
        function = functions[name]
        opset = function["opset"]
        if opset not in function["blocks"]:
            raise ModelError(f"function {name!r} is said to be of {opset}, and is of {', '.join(function['blocks'])}")
        inputs = tuple(map(_named, function.get("inputs", ())))
        return Program(inputs, _block(function["blocks"][opset], package), opset, name)
    except ModelError as error:
        raise ModelError(f"{package.path} is damaged: {error}; convert or fetch it again") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, IndexError, struct.error) as error:
        raise ModelError(
            f"{package.path} is damaged: {type(error).__name__} {error}; convert or fetch it again"
        ) from error


def read_type(message: Message) -> Type:
    """A type; the empty one where it is no tensor."""
    if "state" in message:
        inner = read_type(message["state"]["wrapped"])
        return Type(inner.dtype, inner.shape, state=True)
    tensor = message.get("tensor")
    if tensor is None:
        return Type("")
    dtype = TYPES.get(tensor.get("dataType", 0))
    if dtype is None:
        raise ModelError(f"a tensor is of type {tensor.get('dataType')}, which is not known here")
    sizes = tensor.get("dimensions", [])
    return Type(dtype, tuple(axis["constant"].get("size", 0) if "constant" in axis else None for axis in sizes))


def read_value(message: Message, package: Package) -> Constant:
    """A constant, read from the program or from the weight file."""
    type = read_type(message.get("type", {}))
    if "blob" in message:
        place = message["blob"]
        if not type.dtype or None in type.shape:
            raise ModelError("weights of no known type and shape")
        return Constant(type, package.blob(place["fileName"]).read(place.get("offset", 0), type.dtype, _sizes(type)))
    immediate = message.get("immediate", {})
    if "tensor" in immediate:
        return Constant(type, _immediate(immediate["tensor"], type))
    for kind in ("tuple", "list"):
        if kind in immediate:
            values = immediate[kind].get("values", [])
            return Constant(type, [read_value(value, package).value for value in values])
    raise ModelError("a constant without a value")


def _block(message: Message, package: Package) -> Block:
    return Block(
        tuple(map(_named, message.get("inputs", ()))),
        tuple(_operation(operation, package) for operation in message.get("operations", ())),
        tuple(message.get("outputs", ())),
    )


def _operation(message: Message, package: Package) -> Operation:
    def binding(item: Message) -> Binding:
        return item["name"] if "name" in item else read_value(item["value"], package)

    return Operation(
        type=message["type"],
        inputs={
            name: tuple(map(binding, item.get("arguments", ()))) for name, item in message.get("inputs", {}).items()
        },
        outputs=tuple(map(_named, message.get("outputs", ()))),
        blocks=tuple(_block(block, package) for block in message.get("blocks", ())),
        attributes={name: read_value(item, package) for name, item in message.get("attributes", {}).items()},
    )


def _named(message: Message) -> Named:
    return Named(message["name"], read_type(message.get("type", {})))


def _sizes(type: Type) -> tuple[int, ...]:
    return tuple(size or 0 for size in type.shape)


def _immediate(tensor: Message, type: Type) -> Any:
    """Values that stand in the program; a text or a bool without axes is plain."""
    shape = _sizes(type)
    count = int(np.prod(shape, dtype=np.int64))
    kind = next((name for name in tensor if name != "?"), None)
    values: Any = tensor[kind].get("values", [] if kind != "bytes" else b"") if kind else []
    if kind == "strings":
        return values[0] if not shape else list(values)
    packed = kind == "bytes"
    array = unpack(memoryview(values), type.dtype, count) if packed else np.asarray(values).astype(type.stored)
    if array.size != count:
        raise ModelError(f"a constant has {array.size} values, its type {shape} wants {count}")
    if type.dtype == "bool" and not shape:
        return bool(array.reshape(-1)[0])
    return array.reshape(shape)
