"""A .tflite file taken apart for faults and honest changes: operators, constants, packing again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.litert.flatbuffer import DTYPES
from converters.litert.pack import packed

TYPES = {value: DTYPES.get(name, name.lower()) for name, value in vars(schema.TensorType).items() if name[0] != "_"}
OPS = {value: name for name, value in vars(schema.BuiltinOperator).items() if name[0] != "_"}
HEAVY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass
class File:
    """The tables of a file, to be changed in place."""

    model: Any

    @classmethod
    def read(cls, path: Path) -> File:
        return cls(schema.ModelT.InitFromPackedBuf(path.read_bytes()))

    def write(self, path: Path) -> Path:
        path.write_bytes(packed(self.model))
        return path

    @property
    def graph(self) -> Any:
        return self.model.subgraphs[0]

    @property
    def ops(self) -> list[Any]:
        return self.graph.operators

    def tensor(self, index: int) -> Any:
        return self.graph.tensors[index]

    def type(self, op: Any) -> str:
        code = self.model.operatorCodes[op.opcodeIndex]
        return OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def dtype(self, index: int) -> str:
        return TYPES[self.tensor(index).type]

    def constant(self, index: int) -> np.ndarray | None:
        """A constant's values, None for a tensor that is computed."""
        if index < 0:
            return None
        tensor = self.tensor(index)
        data = self.model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            return None
        values = np.asarray(data, np.uint8).view(self.dtype(index))
        shape = () if tensor.shape is None else tuple(tensor.shape)
        return values.reshape(shape) if values.size == np.prod(shape, dtype=int) else None

    def set(self, index: int, values: np.ndarray) -> None:
        """New values for a constant, in a buffer of its own."""
        buffer = schema.BufferT()
        buffer.data = (
            np.ascontiguousarray(values).view(np.uint8).reshape(-1) if values.ndim else values.reshape(1).view(np.uint8)
        )
        self.model.buffers.append(buffer)
        self.tensor(index).buffer = len(self.model.buffers) - 1

    def own(self, op: Any, slot: int, values: np.ndarray) -> None:
        """New values for one operator's constant, whoever shares the old ones."""
        index = self.add_tensor(int(op.inputs[slot]), "changed")
        self.set(index, values)
        op.inputs = [index if k == slot else int(i) for k, i in enumerate(op.inputs)]

    def add_tensor(self, like: int, name: str) -> int:
        """A computed tensor as `like`; its index."""
        made = schema.TensorT()
        old = self.tensor(like)
        made.name, made.type, made.shape, made.buffer = name, old.type, old.shape, 0
        made.shapeSignature, made.quantization = old.shapeSignature, old.quantization
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def code(self, kind: str) -> int:
        """The index of an operator code, added where there is none."""
        wanted = getattr(schema.BuiltinOperator, kind)
        for place, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == wanted:
                return place
        made = schema.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode, made.version = wanted, min(wanted, 127), 1
        self.model.operatorCodes.append(made)
        return len(self.model.operatorCodes) - 1

    def of(self, *kinds: str) -> Iterator[tuple[int, Any]]:
        """(place, operator) of the operators of some types."""
        return ((place, op) for place, op in enumerate(self.ops) if self.type(op) in kinds)

    def heavy(self) -> list[tuple[int, Any]]:
        """Those with a constant kernel of some size."""
        found = []
        for place, op in self.of(*HEAVY):
            kernel = self.constant(int(op.inputs[1]))
            if kernel is not None and kernel.size >= 64:
                found.append((place, op))
        return found

    def reread(self, old: int, new: int, after: int = -1) -> None:
        """Everything behind place `after` that reads tensor `old` reads `new`; outputs too."""
        for op in self.ops[after + 1 :]:
            op.inputs = [new if int(i) == old else int(i) for i in op.inputs]
        self.graph.outputs = [new if int(i) == old else int(i) for i in self.graph.outputs]
        for definition in self.model.signatureDefs or []:
            for row in definition.outputs:
                row.tensorIndex = new if row.tensorIndex == old else row.tensorIndex


Planter = Callable[[File, np.random.Generator], int | None]


def pick(rows: Iterable[Any], rng: np.random.Generator) -> Any:
    """One of some (place, what is there), or (None, None)."""
    rows = list(rows)
    return rows[int(rng.integers(len(rows)))] if rows else (None, None)
