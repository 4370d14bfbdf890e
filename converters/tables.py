"""Which integers a file's inputs may hold: those that index a table have no more values than the table has rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from converters.contract import Signature
from converters.inspection import Inspection, OpInfo
from converters.names import without_tf

_LOOKUPS = ("gather", "gatherv2", "embedding", "embedding_lookup")
"""By the operator's name in small letters. Formats order what goes in otherwise: the table is what is constant."""
_MOVES = (
    *("identity", "cast", "reshape", "squeeze", "unsqueeze", "expand_dims", "expanddims", "flatten", "transpose"),
    *("slice", "strided_slice", "stridedslice", "slice_by_index", "where", "select", "select_v2", "selectv2"),
    *("concat", "concatenation", "concatv2", "dequantize", "dequantizelinear", *_LOOKUPS),
)
"""Operators that give out what went in: they may stand before a lookup's indices, or before its table."""


def within_tables(found: Inspection) -> Signature:
    """The signature whose integer inputs have the limits of the smallest table that they index, 0 to rows - 1.

    The rows are a table's first axis, of two or more. An input that the file computes with before is left open.
    """
    made = {index: op for op in found.ops for index in op.outputs}
    rows: dict[str, int] = {}
    for op in found.ops:
        if _plain(op) in _LOOKUPS:
            asked = {
                without_tf(found.tensors[i].name) for i in _before(op.inputs, made) if not found.tensors[i].constant
            }
            for size in _tables(found, made, op):
                rows |= {name: min(size, rows.get(name, size)) for name in asked}
    inputs = tuple(
        dataclasses.replace(spec, limits=(0.0, rows[without_tf(spec.name)] - 1.0))
        if spec.limits is None and spec.dtype.startswith(("int", "uint")) and without_tf(spec.name) in rows
        else spec
        for spec in found.signature.inputs
    )
    return dataclasses.replace(found.signature, inputs=inputs)


def _tables(found: Inspection, made: dict[int, OpInfo], op: OpInfo) -> Iterator[int]:
    """The rows of each constant table that an operator looks values up in."""
    given = found.tensors[op.outputs[0]].shape
    for index in _before(op.inputs, made):
        tensor = found.tensors[index]
        rows = len(tensor.shape) > 1 and tensor.constant and tensor.dtype not in ("int32", "int64")
        if rows and tensor.shape[0] > 1 and (not given or given[-1] == tensor.shape[-1]):
            yield tensor.shape[0]


def _before(indices: Sequence[int], made: dict[int, OpInfo]) -> set[int]:
    """Tensors and those that they are moved from, back to the first."""
    seen: set[int] = set()
    waiting = [index for index in indices if index >= 0]
    while waiting:
        index = waiting.pop()
        if index not in seen:
            seen.add(index)
            op = made.get(index)
            waiting += [i for i in op.inputs if i >= 0] if op is not None and _plain(op) in _MOVES else []
    return seen


def _plain(op: OpInfo) -> str:
    """`Gather` of ONNX, `GATHER` of TFLite and `aten.embedding.default` of torch by one name each."""
    parts = op.type.replace("::", ".").lower().split(".")
    return parts[1] if parts[0] == "aten" and len(parts) > 1 else parts[0]
