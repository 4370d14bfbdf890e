"""What a Core ML package says of itself, read tensor by tensor without running it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Format
from converters.coreml.blob import bits_of
from converters.coreml.graph_hash import graph_hash
from converters.coreml.needs import needs
from converters.coreml.package import read_package
from converters.coreml.program import Block, Constant, Operation, Type, read_program
from converters.coreml.signature import KEY, read_signature
from converters.errors import ModelError
from converters.grid import grid_bits
from converters.inspection import Inspection, OpInfo, TensorInfo
from converters.masks import masks

_STORED = ("quantized_data", "data", "indices", "nonzero_data", "indices_nonzero_data", "source_val")
"""The parameter of a constexpr operator that holds the values; the others say what they stand for."""


def inspect(path: Path) -> Inspection:
    """Tensors and operators of the main function, inner blocks included; signature and hash.

    Texts are no tensors. A compressed weight is a constant of the type that it is stored in (`uint4` for indices into
    a table of 16), and the constexpr operator that expands it is an operator.

    Raises:
        ModelError: no package, damaged, weights missing or truncated.
    """
    package = read_package(Path(path))
    program = read_program(package)
    signature = read_signature(package, program)
    reader = _Reader()
    for value in program.inputs:
        reader.computed(value.name, value.type)
    reader.block(program.block)
    description = package.model["description"]
    metadata = description.get("metadata", {}).get("userDefined", {})
    return Inspection(
        format=Format.COREML,
        signature=signature,
        tensors=tuple(reader.tensors),
        ops=tuple(reader.ops),
        graph_hash=graph_hash(program, signature),
        metadata={
            **{key: value for key, value in metadata.items() if key != KEY},
            "specification": str(package.model["specificationVersion"]),
            "opset": program.opset,
        },
        stateful=any(value.type.state for value in program.inputs),
        needs=needs(int(package.model["specificationVersion"])),
    )


class _Reader:
    """Collects tensors and operators, tensors by name."""

    def __init__(self) -> None:
        self.tensors: list[TensorInfo] = []
        self.ops: list[OpInfo] = []
        self.known: dict[str, int] = {}

    def block(self, block: Block) -> None:
        for value in block.inputs:
            self.computed(value.name, value.type)
        for op in block.operations:
            for inner in op.blocks:
                self.block(inner)
            self._operation(op)

    def computed(self, name: str, type: Type) -> int:
        shape = tuple(-1 if size is None else size for size in type.shape)
        return self._add(name, TensorInfo(name, shape, type.dtype, constant=False))

    def _operation(self, op: Operation) -> None:
        if op.type == "const":
            self._constant(op.outputs[0].name, op.attributes["val"])
            return
        read: list[int] = []
        expands = op.type.startswith("constexpr_")
        for name in sorted(op.inputs, key=lambda name: (name not in _STORED, name)):
            for place, item in enumerate(op.inputs[name]):
                if isinstance(item, Constant):
                    read.append(self._constant(f"{op.outputs[0].name}/{name}/{place}", item))
                elif item in self.known:
                    read.append(self.known[item])
                else:
                    raise ModelError(f"damaged: {op.type} reads {item!r}, which nothing makes")
        if expands and op.attributes:
            read += self._compressed(op)
        if expands and read:
            self._scales(op, read)
        made = tuple(self.computed(value.name, value.type) for value in op.outputs)
        self.ops.append(OpInfo(op.type, tuple(index for index in read if index >= 0), made))

    def _compressed(self, op: Operation) -> list[int]:
        """The attributes of a constexpr operator as tensors, the values first."""
        values = {name: item for name, item in op.attributes.items() if name != "name"}
        order = sorted(values, key=lambda name: (name not in _STORED, name))
        found = []
        for name in order:
            label = f"{op.outputs[0].name}/{name}"
            if name == "indices" and "shape" in values:  # packed: as many bits as the table has places
                shape = tuple(int(size) for size in np.asarray(values["shape"].value))
                bits = int(np.log2(np.asarray(values["lut"].value).size))
                size = np.asarray(values[name].value).nbytes
                found.append(self._add(label, TensorInfo(label, shape, f"uint{bits}", constant=True, size_bytes=size)))
            else:
                found.append(self._constant(label, values[name]))
        return found

    def _scales(self, op: Operation, read: list[int]) -> None:
        """Notes on a compressed weight how many scales, or values of tables, it has."""
        given: Mapping[str, Any] = {**op.attributes, **{name: items[0] for name, items in op.inputs.items()}}
        name = next((name for name in ("scale", "lut") if name in given), "")
        item = given.get(name)
        if item is not None and read[0] >= 0:
            shape = self.tensors[self.known[item]].shape if isinstance(item, str) else np.shape(item.value)
            count = int(np.prod(shape))
            info = self.tensors[read[0]]
            self.tensors[read[0]] = TensorInfo(**{**vars(info), "scales": count})

    def _constant(self, name: str, constant: Constant) -> int:
        """A constant as a tensor; -1 for a text."""
        value = np.asarray(constant.value)
        if constant.type.dtype in ("string", "") or value.dtype.kind not in "fiub":
            self.known[name] = -1
            return -1
        size = (value.size * bits_of(constant.type.dtype) + 7) // 8
        finite, grid = True, 32
        if value.dtype.kind == "f":
            finite = bool(np.isfinite(value).all())
            grid = grid_bits(value) if constant.type.dtype == "float32" else 32
        dtype = constant.type.dtype
        info = TensorInfo(name, value.shape, dtype, True, size, finite=finite, mask=masks(value), grid_bits=grid)
        return self._add(name, info)

    def _add(self, name: str, info: TensorInfo) -> int:
        self.tensors.append(info)
        self.known[name] = len(self.tensors) - 1
        return len(self.tensors) - 1
