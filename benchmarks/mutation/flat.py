"""A .tflite file taken apart for faults and honest changes: operators, constants, packing again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.layer import Layer, Values
from converters.litert.flatbuffer import DTYPES
from converters.litert.pack import packed, unpacked

TYPES = {value: DTYPES.get(name, name.lower()) for name, value in vars(schema.TensorType).items() if name[0] != "_"}
OPS = {value: name for name, value in vars(schema.BuiltinOperator).items() if name[0] != "_"}
HEAVY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
SMALL = ("int8", "uint8")
PACKED = ("int4", "uint4", "int2")
"""Types of which numpy knows none: two values and more in a byte."""
LEAST_WEIGHTS = 16
"""Of a kernel that counts as a layer's."""


def _archive(data: bytes) -> dict[str, bytes]:
    """The files in a zip archive behind the flatbuffer: labels."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@dataclass
class File:
    """The tables of a file, to be changed in place, and the label files behind them."""

    model: Any
    archive: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> File:
        """Takes a file apart."""
        data = path.read_bytes()
        return cls(unpacked(data), _archive(data))

    def write(self, path: Path) -> Path:
        """Puts it together again."""
        tail = io.BytesIO()
        if self.archive:
            with zipfile.ZipFile(tail, "w") as archive:
                for name, content in self.archive.items():
                    archive.writestr(zipfile.ZipInfo(name), content)
        path.write_bytes(packed(self.model) + tail.getvalue())
        return path

    @property
    def graph(self) -> Any:
        """The main graph."""
        return self.model.subgraphs[0]

    @property
    def ops(self) -> list[Any]:
        """Its operators."""
        return self.graph.operators

    def tensor(self, index: int) -> Any:
        """A tensor by its index."""
        return self.graph.tensors[index]

    def type(self, op: Any) -> str:
        """An operator's type."""
        code = self.model.operatorCodes[op.opcodeIndex]
        return OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def dtype(self, index: int) -> str:
        """A tensor's number type."""
        return TYPES[self.tensor(index).type]

    def constant(self, index: int) -> np.ndarray | None:
        """A constant's values, None for a tensor that is computed; of one that is stored in float16 what is stored."""
        if index < 0:
            return None
        tensor = self.tensor(self._stored(index))
        data = self.model.buffers[tensor.buffer].data
        if data is None or len(data) == 0 or self.dtype(self._stored(index)) in PACKED:
            return None
        values = np.asarray(data, np.uint8).view(self.dtype(self._stored(index)))
        shape = () if tensor.shape is None else tuple(tensor.shape)
        return values.reshape(shape) if values.size == np.prod(shape, dtype=int) else None

    def _stored(self, index: int) -> int:
        """The float16 tensor behind a DEQUANTIZE that makes tensor `index` of it; else `index`."""
        for op in self.ops:
            if self.type(op) == "DEQUANTIZE" and int(op.outputs[0]) == index:
                return int(op.inputs[0]) if self.dtype(int(op.inputs[0])) == "float16" else index
        return index

    def set(self, index: int, values: np.ndarray) -> None:
        """New values for a constant, in a buffer of its own."""
        buffer = schema.BufferT()
        buffer.data = (
            np.ascontiguousarray(values).view(np.uint8).reshape(-1) if values.ndim else values.reshape(1).view(np.uint8)
        )
        self.model.buffers.append(buffer)
        self.tensor(index).buffer = len(self.model.buffers) - 1

    def own(self, op: Any, slot: int, values: np.ndarray) -> None:
        """New values for one operator's constant, whoever shares the old ones; of what is stored in float16 for all."""
        stored = self._stored(int(op.inputs[slot]))
        if stored != int(op.inputs[slot]):
            self.set(stored, values.astype(np.float16))
            return
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
        """Those with a constant kernel of some size, which numpy can hold."""
        found = []
        for place, op in self.of(*HEAVY):
            kernel = self.constant(int(op.inputs[1]))
            if kernel is not None and kernel.size >= LEAST_WEIGHTS and kernel.ndim in (2, 4):
                found.append((place, op))
        return found

    def layers(self) -> list[Layer]:
        """As `Editable.layers`."""
        return [self._layer(place, op) for place, op in self.heavy()]

    def _layer(self, place: int, op: Any) -> Layer:
        stored = self.constant(int(op.inputs[1]))
        assert stored is not None
        depthwise = self.type(op) == "DEPTHWISE_CONV_2D"
        slot = 3 if self.type(op) == "TRANSPOSE_CONV" else 2
        bias = self.constant(int(op.inputs[slot])) if len(op.inputs) > slot else None
        kernel = (
            stored.transpose(3, 1, 2, 0)
            if depthwise
            else stored.reshape(len(stored), *stored.shape[1:-1] or (1, 1), -1)
        )

        def set_kernel(values: np.ndarray) -> None:
            self.own(op, 1, values.transpose(3, 1, 2, 0) if depthwise else values.reshape(stored.shape))

        return Layer(place, kernel, bias, set_kernel, lambda values: self.own(op, slot, values), depthwise)

    def values(self) -> list[Values]:
        """As `Editable.values`."""
        found = []
        for place, op in enumerate(self.ops):
            for slot, index in enumerate(map(int, op.inputs)):
                data = self.constant(index) if self.type(op) not in HEAVY else None
                if data is not None and data.dtype == np.float32:
                    set = partial(self.own, op, slot)
                    found.append(Values(place, self.type(op), data, set))
        return found

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape, empty where the file does not say it."""
        shape = self.tensor(index).shape
        return () if shape is None else tuple(int(n) for n in shape)

    def insert(self, place: int, kind: str, inputs: list[int], out: int, options: Any = None) -> None:
        """A new operator at a place; `options` is a table of the schema."""
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self.code(kind), inputs, [out]
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            made.builtinOptions, made.builtinOptionsType = options, getattr(schema.BuiltinOptions, name)
        self.ops.insert(place, made)

    def add_constant(self, values: np.ndarray, name: str) -> int:
        """A constant tensor without quantization; its index."""
        made = schema.TensorT()
        kinds = {dtype: number for number, dtype in TYPES.items()}
        made.name, made.type, made.shape = name, kinds[str(values.dtype)], list(values.shape)
        self.graph.tensors.append(made)
        self.set(len(self.graph.tensors) - 1, values)
        return len(self.graph.tensors) - 1

    def behind(self, place: int, kind: str, constants: list[np.ndarray], options: Any = None) -> int:
        """Puts an operator behind another's first output, for all who read that; its place."""
        out = int(self.ops[place].outputs[0])
        fresh = self.add_tensor(out, f"{kind.lower()}_{place}")
        self.reread(out, fresh, place)
        held = [self.add_constant(values, f"constant_{place}") for values in constants]
        self.insert(place + 1, kind, [out, *held], fresh, options)
        return place + 1

    def reread(self, old: int, new: int, after: int = -1) -> None:
        """Everything behind place `after` that reads tensor `old` reads `new`; outputs too."""
        for op in self.ops[after + 1 :]:
            op.inputs = [new if int(i) == old else int(i) for i in op.inputs]
        self.graph.outputs = [new if int(i) == old else int(i) for i in self.graph.outputs]
        for definition in self.model.signatureDefs or []:
            for row in definition.outputs:
                row.tensorIndex = new if row.tensorIndex == old else row.tensorIndex
