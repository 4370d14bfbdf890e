"""Values of a float model that pass through 8 or 16 bits on their way, where no operator computes in integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.suspects import Side, Suspect

_IN = frozenset(("QUANTIZE", "QuantizeLinear", "quantize"))
_OUT = frozenset(("DEQUANTIZE", "DequantizeLinear", "dequantize"))
_SMALL = ("int8", "uint8", "int16", "uint16")


def passing(a: Known, b: Known) -> Iterator[Suspect]:
    """Where b rounds to integers and back between two operators in float, and the reference does not.

    A quantizer rounds what an integer kernel takes or gives: there one of both neighbours has other integers, too.
    """
    if any(str(values.dtype) in _SMALL for index, values in a.recorded.items() if index not in a.steady):
        return
    for op in b.graph.ops:
        if op.type not in _IN or op.inputs[0] not in b.maker or op.inputs[0] in b.steady:
            continue
        maker = b.maker[op.inputs[0]]
        backs = b.readers.get(op.outputs[0], [])
        readers = [reader for back in backs for reader in b.readers.get(back.outputs[0], [])]
        if not readers or any(back.type not in _OUT for back in backs) or {*op.outputs} & {*b.graph.outputs}:
            continue
        if not _in_float(b, maker, (), weights=False):
            continue
        if not all(_in_float(b, one, backs, weights=True) for one in readers):
            continue
        behind = [after for one in readers for index in one.outputs for after in b.readers.get(index, [])]
        if behind and all(after.type in _IN for after in behind):
            continue  # it only moves what a quantized operator takes next
        theirs = Side(op.index, op.type, tuple(b.graph.tensors[index].name for index in op.outputs))
        cause = f"values pass through integers between {maker.type} and {readers[0].type}, both in float"
        yield Suspect("extra", Side(None, ""), theirs, "rounded in passing", cause, float(b.rank[op.outputs[0]]))


def parted(a: Known, b: Known) -> Iterator[Suspect]:
    """Where b rounds to one grid and reads the integers on another: every value is moved. Not where a does it too."""
    if any(True for _ in _parted(a)):
        return
    for made, read, what in _parted(b):
        ours = Side(made.index, made.type, tuple(b.graph.tensors[index].name for index in made.outputs))
        theirs = Side(read.index, read.type, tuple(b.graph.tensors[index].name for index in read.outputs))
        cause = f"integers are read with another {what} than they were made with"
        yield Suspect("quantization", ours, theirs, f"{what}s differ", cause, float(b.rank[read.outputs[0]]))


def _parted(side: Known) -> Iterator[tuple[Op, Op, str]]:
    """(an operator that rounds, one that reads its integers otherwise, what differs), of constants in ONNX."""
    for read in side.graph.ops:
        made = side.maker.get(read.inputs[0]) if read.type == "DequantizeLinear" else None
        if made is None or made.type != "QuantizeLinear":
            continue
        for slot, what in ((1, "scale"), (2, "zero point")):
            if slot < min(len(made.inputs), len(read.inputs)):
                one, two = (side.graph.tensors[op.inputs[slot]].data for op in (made, read))
                if one is not None and two is not None and one.shape == two.shape and not np.array_equal(one, two):
                    yield made, read, what
                    break


def _in_float(side: Known, op: Op, but: Sequence[Op], *, weights: bool) -> bool:
    """Whether an operator takes nothing that was integers of a grid, but by the operators `but`.

    Without `weights` constants do not count: such an operator computes in float all the same.
    """
    if op.type in (*_IN, *_OUT):
        return False
    allowed = {index for one in but for index in one.outputs}
    makers = [side.maker[i] for i in op.inputs if i in side.maker and (weights or i not in side.steady)]
    backs = [maker for maker in makers if maker.type in _OUT and not allowed.intersection(maker.outputs)]
    return not any(side.graph.tensors[back.inputs[0]].dtype in _SMALL for back in backs)
