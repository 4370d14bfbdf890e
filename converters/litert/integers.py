"""Operators that ai-edge-quantizer leaves in float between integers, though LiteRT has integer kernels: made integers.

What it leaves reads what DEQUANTIZE gives and is quantized again behind: the operator takes the integers themselves. A
kind that LiteRT does not run so stays in float.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from converters.litert.flatbuffer import tables
from converters.litert.kernels import resolvers, runs
from converters.litert.needs import version_for
from converters.litert.pack import packed, unpacked

Ranges = Callable[[str], tuple[float, float] | None]
"""The least and the greatest calibrated value of a tensor of the float file, by its name."""


class Grid(NamedTuple):
    """real = scale * (stored - zero_point)."""

    scale: float
    zero_point: int


MADE = "_integers"
"""What the names of tensors end with that are integers here in the place of floats."""
OWN = ("LEAKY_RELU", "PRELU", "ELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "EXP", "LOG", "ABS")
"""Their outputs have a grid of their own."""
SAME = (
    *("EXPAND_DIMS", "SQUEEZE", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"),
    *("TILE", "REVERSE_V2", "SPLIT_V", "REDUCE_MAX", "MINIMUM"),
)
"""Their outputs are some of the values of their inputs, on the same grid."""
FIXED = {"LOG_SOFTMAX": Grid(16 / 256, 127), "L2_NORMALIZATION": Grid(1 / 128, 0)}
"""Grids that LiteRT's kernels of 8 bits prescribe."""
INDICES = ("ARG_MAX", "ARG_MIN", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
"""They give out places or truths, not values."""
TABLE = "EMBEDDING_LOOKUP"
KINDS = (TABLE, *OWN, *SAME, *FIXED, *INDICES)
_CONSTANTS = {"PRELU": False, **dict.fromkeys(("MINIMUM", *INDICES[2:]), True)}
"""Whose second input is a constant that must be integers too, and whether it lies on the grid of the first."""
_BESIDE = 1


def in_integers(path: Path, dtype: str, kept: Collection[str], ranges: Ranges) -> None:
    """Rewrites a quantized file of int8 or int16 in its place; operators that give out `kept` tensors stay."""
    content, before = path.read_bytes(), b""
    if not _File.of(content).has(KINDS):
        return
    kernels = [each for each in resolvers() if runs(content, each)]
    while content != before:
        before = content
        file = _File.of(content)
        there = [kind for kind in KINDS if file.has((kind,))]
        alone = [[kind] for kind in there] if len(there) > 1 else []
        for kinds in (there, *alone):  # all at once, else those that LiteRT runs so
            made = _with(kinds, content, dtype, kept, ranges, kernels)
            content = made or content
            if made and kinds is there:
                break
    path.write_bytes(content)


def _with(
    kinds: Sequence[str], content: bytes, dtype: str, kept: Collection[str], ranges: Ranges, kernels: Sequence[Any]
) -> bytes | None:
    """The file with the operators of some kinds made integers; None where there are none, or LiteRT does not run it.

    Kernels may take integers in a version that is older than the one that says so.
    """
    for newest in (True, False):
        file, turns = _File.of(content), 0
        while any(file.turn(kind, kept, ranges, version_for(kind, dtype) if newest else 1) for kind in kinds):
            turns += 1  # what reads the floats of one that is integer now may be integer, too
        if not turns:
            return None
        made = packed(file.model)
        if all(runs(made, each) for each in kernels):
            return made
    return None


@dataclass
class _File:
    """The tables of a file; its first graph is changed. Operators made integers get `version`."""

    model: Any
    version: int = 1
    schema: Any = field(default_factory=tables)

    def __post_init__(self) -> None:
        self.graph = self.model.subgraphs[0]
        names = {v: name for name, v in vars(self.schema.BuiltinOperator).items() if not name.startswith("_")}
        codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in self.model.operatorCodes]
        self.kinds = [names.get(code, "") for code in codes]
        for op in self.graph.operators:
            op.inputs, op.outputs = ([int(index) for index in side] for side in (op.inputs, op.outputs))
        small = self.schema.TensorType
        self.types: dict[int, type[np.int8] | type[np.int16]] = {small.INT8: np.int8, small.INT16: np.int16}

    @classmethod
    def of(cls, content: bytes) -> _File:
        """The tables of a file's bytes."""
        return cls(unpacked(content))

    def has(self, kinds: Collection[str]) -> bool:
        """Whether any of its operators is of these kinds."""
        return any(self.kinds[op.opcodeIndex] in kinds for op in self.graph.operators)

    def turn(self, kind: str, kept: Collection[str], ranges: Ranges, version: int) -> bool:
        """Makes integers, in a version, of the operators of a kind, in the order of the file; whether there was any."""
        turned, self.version = False, version
        for op in list(self.graph.operators):
            names = {_name(self.graph.tensors[index]) for index in op.outputs}
            if self.kinds[op.opcodeIndex] == kind and not names & set(kept):
                turned |= self._looked_up(op) if kind == TABLE else self._turned(op, kind, ranges)
        self._without_unread()
        return turned

    def _turned(self, op: Any, kind: str, ranges: Ranges) -> bool:
        source = self._integers(op.inputs[0])
        if source is None:
            return False
        given = self.graph.tensors[source]
        if kind in _CONSTANTS and not self._constant(op, _BESIDE, given, same=_CONSTANTS[kind]):
            return False
        grids = [] if kind in INDICES else [self._grid(kind, index, given, ranges) for index in op.outputs]
        if any(grid is None for grid in grids):
            return False
        op.inputs[0] = source
        for slot, grid in enumerate(grids):
            assert grid is not None
            self._give_out(op, slot, given.type, grid)
        op.opcodeIndex = self._code(kind, self.version)
        return True

    def _looked_up(self, op: Any) -> bool:
        """Rows of a table in float: the table on the grid of 8 bits on which they are quantized behind it."""
        made = op.outputs[0]
        behind = self._quantizers(made)
        table = self.graph.tensors[op.inputs[1]]
        values = self._floats(table)
        if not behind or values is None:
            return False
        target = self.graph.tensors[behind[0].outputs[0]]
        if target.type != self.schema.TensorType.INT8:
            return False
        grid = _grid_of(target)
        op.inputs[1] = self._stored(op.inputs[1], values, target.type, grid)
        self._give_out(op, 0, target.type, grid)
        op.opcodeIndex = self._code(TABLE, self.version)
        return True

    def _integers(self, index: int) -> int | None:
        """The integers that a float tensor is expanded from; None where it is computed in float."""
        maker = next((op for op in self.graph.operators if index in op.outputs), None)
        if maker is None or self.kinds[maker.opcodeIndex] != "DEQUANTIZE":
            return None
        found = int(maker.inputs[0])
        tensor = self.graph.tensors[found]
        scales = tensor.quantization.scale if tensor.quantization else None
        return found if tensor.type in self.types and scales is not None and len(scales) == 1 else None

    def _quantizers(self, index: int) -> list[Any]:
        found = [op for op in self.graph.operators if index in op.inputs]
        return [op for op in found if self.kinds[op.opcodeIndex] == "QUANTIZE"]

    def _grid(self, kind: str, made: int, given: Any, ranges: Ranges) -> Grid | None:
        if kind in SAME:
            return _grid_of(given)
        if kind in FIXED:
            return FIXED[kind] if self.types[given.type] is np.int8 else None
        for op in self._quantizers(made):
            target = self.graph.tensors[op.outputs[0]]
            if target.type == given.type:
                return _grid_of(target)
        found = ranges(_name(self.graph.tensors[made]))
        return None if found is None else _fitted(*found, self.types[given.type])

    def _constant(self, op: Any, slot: int, given: Any, *, same: bool) -> bool:
        """Makes integers of a constant beside the values, on their grid or one of its own; whether it is one."""
        tensor = self.graph.tensors[op.inputs[slot]]
        values = self._floats(tensor)
        if values is None:
            return False
        largest = float(np.abs(values).max(initial=0.0)) or 1.0
        own = Grid(largest / np.iinfo(self.types[given.type]).max, 0)  # symmetric, as kernels that multiply want it
        grid = _grid_of(given) if same else own
        op.inputs[slot] = self._stored(op.inputs[slot], values, given.type, grid)
        return True

    def _floats(self, tensor: Any) -> np.ndarray | None:
        data = self.model.buffers[tensor.buffer].data
        if tensor.type != self.schema.TensorType.FLOAT32 or data is None or not len(data):
            return None
        values: np.ndarray = np.asarray(data, np.uint8).view(np.float32)
        return values

    def _stored(self, place: int, values: np.ndarray, type: int, grid: Grid) -> int:
        """The place of a constant of integers that stand for these values: its own, where nobody else reads it."""
        limits = np.iinfo(self.types[type])
        integers = np.clip(np.rint(values / grid.scale) + grid.zero_point, limits.min, limits.max)
        buffer = self.schema.BufferT()
        buffer.data = integers.astype(self.types[type]).view(np.uint8)
        old = self.graph.tensors[place]
        made = self._like(old, type, grid)
        made.buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        if sum(place in op.inputs for op in self.graph.operators) > 1:
            return self._added(made)
        self.graph.tensors[place] = made
        if not any(tensor.buffer == old.buffer for graph in self.model.subgraphs for tensor in graph.tensors):
            self.model.buffers[old.buffer].data = None
        return place

    def _added(self, tensor: Any) -> int:
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _like(self, tensor: Any, type: int, grid: Grid) -> Any:
        """A tensor of the same shape, of integers."""
        made = self.schema.TensorT()
        made.shape, made.shapeSignature, made.hasRank = tensor.shape, tensor.shapeSignature, tensor.hasRank
        made.name = f"{_name(tensor)}{MADE}"
        made.type, made.buffer = type, 0
        made.quantization = self.schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [grid.scale], [grid.zero_point]
        return made

    def _give_out(self, op: Any, slot: int, type: int, grid: Grid) -> None:
        """Puts integers in the place of an output, and expands them for whoever else reads its floats."""
        floats = op.outputs[slot]
        made = self._added(self._like(self.graph.tensors[floats], type, grid))
        op.outputs[slot] = made
        place = next(at for at, other in enumerate(self.graph.operators) if other is op)
        for quantizer in self._quantizers(floats):
            target = quantizer.outputs[0]
            tensor = self.graph.tensors[target]
            quantizer.inputs[0] = made
            if tensor.type == type and _grid_of(tensor) == grid and target not in self.graph.outputs:
                self._read_instead(target, made)
                self.graph.operators.remove(quantizer)
        if floats in self.graph.outputs or any(floats in other.inputs for other in self.graph.operators):
            expand = self.schema.OperatorT()
            expand.opcodeIndex = self._code("DEQUANTIZE", version_for("DEQUANTIZE", np.dtype(self.types[type]).name))
            expand.inputs, expand.outputs = [made], [floats]
            self.graph.operators.insert(place + 1, expand)

    def _read_instead(self, old: int, new: int) -> None:
        for op in self.graph.operators:
            op.inputs = [new if index == old else int(index) for index in op.inputs]

    def _code(self, kind: str, version: int) -> int:
        """The place of an operator's code in a version, or a later one."""
        builtin = getattr(self.schema.BuiltinOperator, kind)
        for place, code in enumerate(self.model.operatorCodes):
            if self.kinds[place] == kind and code.version >= version:
                return place
        code = self.schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        self.model.operatorCodes.append(code)
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def _without_unread(self) -> None:
        """Takes away the DEQUANTIZE operators that nobody reads any more."""
        read = {int(index) for op in self.graph.operators for index in op.inputs} | set(map(int, self.graph.outputs))
        self.graph.operators = [
            op
            for op in self.graph.operators
            if self.kinds[op.opcodeIndex] != "DEQUANTIZE" or read.intersection(map(int, op.outputs))
        ]


def _name(tensor: Any) -> str:
    return tensor.name.decode() if isinstance(tensor.name, bytes) else str(tensor.name or "")


def _grid_of(tensor: Any) -> Grid:
    return Grid(float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0]))


def _fitted(low: float, high: float, dtype: type[np.int8] | type[np.int16]) -> Grid:
    """The grid that holds these values and zero: symmetric of 16 bits, as LiteRT's kernels want it."""
    low, high = min(low, 0.0), max(high, 0.0)
    limits = np.iinfo(dtype)
    if dtype is np.int16:
        return Grid((max(-low, high) or 1.0) / limits.max, 0)
    scale = (high - low or 1.0) / (limits.max - limits.min)
    return Grid(float(np.float32(scale)), int(np.clip(round(limits.min - low / scale), limits.min, limits.max)))
