"""Values of a float model that pass through 8 or 16 bits on their way, where no operator computes in integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.suspects import Side, Suspect
from pipeline.checks.drift.values import SMALL

_IN = frozenset(("QUANTIZE", "QuantizeLinear", "quantize"))
_OUT = frozenset(("DEQUANTIZE", "DequantizeLinear", "dequantize"))
_ALIKE = 1e-3
"""Of the ratio of two scales: what was folded in elsewhere is the same up to the scales' own rounding."""


def passing(a: Known, b: Known, places: Mapping[int, float] | None = None) -> Iterator[Suspect]:
    """Where b rounds to integers and back between two operators in float, and the reference does not.

    A quantizer rounds what an integer kernel takes or gives: there one of both neighbours has other integers, too.
    `places` are those of operators of b in the reference's order of computation, by their numbers.
    """
    if any(str(values.dtype) in SMALL for index, values in a.recorded.items() if index not in a.steady):
        return
    for op in b.graph.ops:
        if op.type not in _IN or op.inputs[0] not in b.maker or op.inputs[0] in b.steady:
            continue
        maker = b.maker[op.inputs[0]]
        backs = b.readers.get(op.outputs[0], [])
        readers = [reader for back in backs for reader in b.readers.get(back.outputs[0], [])]
        if not readers or any(back.type not in _OUT for back in backs) or {*op.outputs} & {*b.graph.outputs}:
            continue
        if not _in_float(b, maker, (), weights=False) or _written_out(b, maker):
            continue
        if not all(_in_float(b, one, backs, weights=True) for one in readers):
            continue
        behind = [after for one in readers for index in one.outputs for after in b.readers.get(index, [])]
        if behind and all(after.type in _IN for after in behind):
            continue  # it only moves what a quantized operator takes next
        theirs = Side(op.index, op.type, tuple(b.graph.tensors[index].name for index in op.outputs))
        cause = f"values pass through integers between {maker.type} and {readers[0].type}, both in float"
        yield Suspect("extra", Side(None, ""), theirs, "rounded in passing", cause, _order(b, op, places))


def parted(a: Known, b: Known, places: Mapping[int, float] | None = None) -> Iterator[Suspect]:
    """Where b rounds to one grid and reads the integers on another: every value is moved. Not where a does it too.

    A factor, or an offset, may be folded into the grid that reads: then a has the same between its own two.
    """
    folded = [by for _, _, _, by in _parted(a)]
    for made, read, what, by in _parted(b):
        if any(np.allclose(by, other, rtol=_ALIKE) for other in folded):
            continue
        ours = Side(made.index, made.type, tuple(b.graph.tensors[index].name for index in made.outputs))
        theirs = Side(read.index, read.type, tuple(b.graph.tensors[index].name for index in read.outputs))
        cause = f"integers are read with another {what} than they were made with"
        yield Suspect("quantization", ours, theirs, f"{what}s differ", cause, _order(b, read, places))


def _parted(side: Known) -> Iterator[tuple[Op, Op, str, tuple[float, float]]]:
    """(operator that rounds, one that reads its integers otherwise, what differs, by how much), of numbers in ONNX."""
    for read in side.graph.ops:
        made = side.maker.get(read.inputs[0]) if read.type == "DequantizeLinear" else None
        if made is None or made.type != "QuantizeLinear":
            continue
        one, two = (_lone_grid(side, op) for op in (made, read))
        if one is None or two is None or one == two:
            continue
        yield made, read, "scale" if one[0] != two[0] else "zero point", (two[0] / one[0], two[1] - one[1])


def _order(b: Known, op: Op, places: Mapping[int, float] | None) -> float:
    """The place of an operator in the reference's order, as `places` has it by its number; else in b's own."""
    return (places or {}).get(op.index, float(b.rank[op.outputs[0]]))


def _lone_grid(side: Known, op: Op) -> tuple[float, float] | None:
    """(scale, zero point) where they are constants of one number."""
    held = [side.graph.tensors[index].data for index in op.inputs[1:3]]
    if not held or any(data is None or data.size != 1 for data in held):
        return None
    scale, zero = (float(data.reshape(-1)[0]) for data in (*held, np.zeros(1))[:2] if data is not None)
    return (scale, zero) if scale > 0 else None


def _written_out(side: Known, op: Op) -> bool:
    """Whether an operator is the last of some that hold single numbers alone, and that take nothing but integers.

    So one operator that a quantizer knows, as a Softmax, stands between what it takes and gives when it is written out.
    """
    queue, seen = [op], {op.index}
    while queue:
        one = queue.pop()
        for index in (i for i in one.inputs if i >= 0):
            maker, tensor = side.maker.get(index), side.graph.tensors[index]
            if maker is None or index in side.steady:
                held = tensor.data if tensor.constant else side.recorded[index][0] if index in side.recorded else None
                if held is None or (held.dtype.kind == "f" and held.size > 1):
                    return False
            elif maker.type in _OUT:
                if side.graph.tensors[maker.inputs[0]].dtype not in SMALL:
                    return False
            elif maker.type in _IN:
                return False
            elif maker.index not in seen:
                seen.add(maker.index)
                queue.append(maker)
    return True


def _in_float(side: Known, op: Op, but: Sequence[Op], *, weights: bool) -> bool:
    """Whether an operator takes nothing that was integers of a grid, but by the operators `but`.

    Without `weights` constants do not count: such an operator computes in float all the same.
    """
    if op.type in (*_IN, *_OUT):
        return False
    allowed = {index for one in but for index in one.outputs}
    makers = [side.maker[i] for i in op.inputs if i in side.maker and (weights or i not in side.steady)]
    backs = [maker for maker in makers if maker.type in _OUT and not allowed.intersection(maker.outputs)]
    return not any(side.graph.tensors[back.inputs[0]].dtype in SMALL for back in backs)
