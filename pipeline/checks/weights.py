"""Which constants of a file its precision speaks of: those that a quantizer of its format makes small.

Who reads a constant decides, not what it is called: what a product of matrices, a convolution, a recurrence or a
look-up computes with counts, and so does what nobody reads. What is only added, multiplied or chosen element by element
(a table of positions, a mask, a window) does not: quantizers leave it in the type of the operator's other side.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from converters.contract import Format, Precision
from converters.inspection import Inspection, OpInfo, TensorInfo
from pipeline.checks.float_ops import DEQUANTIZERS, QUANTIZERS, moves, operators_kept
from pipeline.checks.integer_weights import INDICES, is_vector, only_moved

SIXTEEN_BITS = ("int16", "uint16")
_WEIGHT_TYPES = ("float32", "float64", "float16", "bfloat16", "int8", "int4", *INDICES, *SIXTEEN_BITS)
_RECURRENT, _BIAS = ("LSTM", "GRU", "RNN"), 3
"""ONNX's recurrent operators, and which of their inputs is the bias."""
_ELEMENTWISE = frozenset((
    "add", "sub", "mul", "div", "real_div", "pow", "max", "min", "maximum", "minimum", "squared_difference",
    "where", "select", "select_v2", "masked_fill", "equal", "not_equal", "less", "less_equal", "lessorequal", "greater",
    "greater_equal", "greaterorequal",
))  # fmt: skip
"""In small letters, of every format."""
_LOOKUPS = ("gather", "gathernd", "gather_nd", "embedding_lookup", "embedding", "index_select")
_LEFT_IN_FLOAT = frozenset(("GATHER", "GATHER_ND"))
"""LiteRT's: its quantizer takes tables of EMBEDDING_LOOKUP, and those of these only where activations are integers."""
_WITHOUT_ACTIVATIONS = (Precision.FP16, Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS, Precision.DYNAMIC)
_NOT_IN_4_BITS = frozenset(("DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"))
"""LiteRT's: how many of a network's weights those are is the network's affair."""


def weight_tensors(inspection: Inspection) -> list[TensorInfo]:
    """Constant tensors that hold weights: not the scales and zero points of quantizing operators."""
    helpers = {tensor for op in inspection.ops if op.type in QUANTIZERS | DEQUANTIZERS for tensor in op.inputs[1:]}
    return [
        tensor
        for place, tensor in enumerate(inspection.tensors)
        if tensor.constant and tensor.dtype in _WEIGHT_TYPES and place not in helpers
    ]


def weights_kept(inspection: Inspection, kept: Collection[str]) -> list[TensorInfo]:
    """The float constants that operators which a recipe leaves in float read, and no other operator."""
    declared = operators_kept(inspection, kept)
    others = {place for op in inspection.ops if op not in declared for place in op.inputs}
    places = {place for op in declared for place in op.inputs if place >= 0} - others
    found = (inspection.tensors[place] for place in sorted(places))
    return [tensor for tensor in found if tensor.constant and "float" in tensor.dtype]


def judged(inspection: Inspection, claimed: Precision, least: int, kept: Collection[str] = ()) -> list[TensorInfo]:
    """The weights of at least `least` values that a file of the precision `claimed` is judged by."""
    large = [tensor for tensor in weight_tensors(inspection) if math.prod(tensor.shape) >= least]
    left = weights_kept(inspection, kept)
    if claimed is not Precision.FP32:
        large = [tensor for tensor in large if not is_vector(tensor)]
        left += [inspection.tensors[place] for place in beside(inspection, claimed)]
    return [tensor for tensor in large if not any(tensor is other for other in left)]


def wide_bytes(inspection: Inspection, claimed: Precision, least: int, ratio: float, kept: Collection[str] = ()) -> int:
    """By how many bytes the constants in float that are not judged are larger than `ratio` of what they are in fp32."""
    counted = judged(inspection, claimed, least, kept)
    wide = [t for t in weight_tensors(inspection) if "float" in t.dtype and not any(t is other for other in counted)]
    return round(sum(max(0.0, tensor.size_bytes - 4 * ratio * math.prod(tensor.shape)) for tensor in wide))


def beside(inspection: Inspection, claimed: Precision) -> set[int]:
    """Places of the constants of two axes or more that no quantizer makes small in a file of this precision."""
    found = set(addends(inspection))
    read = _readers(inspection)
    if claimed is Precision.INT4_WEIGHTS:
        found |= {place for place, kinds in read.items() if kinds and kinds <= _NOT_IN_4_BITS}
    if inspection.format is Format.TFLITE and claimed in _WITHOUT_ACTIVATIONS:
        easy = {place: {kind for kind in kinds if not elementwise(kind)} for place, kinds in read.items()}
        found |= {place for place, kinds in easy.items() if kinds and kinds <= _LEFT_IN_FLOAT}
    tables = {place for place in only_moved(inspection) if place >= 0}  # they have the type of activations
    return found | {place for place in tables if inspection.tensors[place].dtype in SIXTEEN_BITS}


def addends(inspection: Inspection) -> set[int]:
    """Places of the constants that are only added, multiplied or chosen, element by element: positions, scales, masks.

    As with biases, toolkits keep them in the type of the operator's other side. Those of recurrent layers, a row a
    direction, are among them, and what is only cut, turned or dequantized to be added.
    """
    return {place for place, kinds in _readers(inspection).items() if kinds and all(map(elementwise, kinds))}


def elementwise(kind: str) -> bool:
    """Whether operators of a type only compute, or choose, element by element."""
    name = kind.rpartition("::")[2].removeprefix("aten.").partition(".")[0].lower()
    return name.removeprefix("aten_") in _ELEMENTWISE


def _readers(inspection: Inspection) -> dict[int, set[str]]:
    """The types of the operators that compute with each constant, through those that move or expand it."""
    direct: dict[int, list[tuple[OpInfo, int]]] = {}
    for op in inspection.ops:
        for slot, place in enumerate(op.inputs):
            direct.setdefault(place, []).append((op, slot))
    fixed = _fixed(inspection)

    def kinds(place: int, seen: set[int]) -> Iterator[str]:
        for op, slot in direct.get(place, ()):
            if not _carries(op, slot, fixed):
                yield "add" if op.type in _RECURRENT and slot == _BIAS else op.type
                continue
            for made in op.outputs:
                if made not in seen:
                    seen.add(made)
                    yield from kinds(made, seen)
                if made not in direct:
                    yield "output"  # of the file, or of nothing

    return {place: set(kinds(place, {place})) for place, tensor in enumerate(inspection.tensors) if tensor.constant}


def _carries(op: OpInfo, slot: int, fixed: set[int]) -> bool:
    """Whether an operator gives out the values of one of its inputs; a look-up at computed places reads a table."""
    if op.type in DEQUANTIZERS:
        return slot == 0
    name = op.type.rpartition("::")[2].partition(".")[0].lower()
    if name.removesuffix("_copy") in _LOOKUPS:
        return all(place in fixed for place in op.inputs if place >= 0)
    return name == "cast" or moves(op.type)


def _fixed(inspection: Inspection) -> set[int]:
    """Places of constants, and of what is computed of constants alone."""
    found = {place for place, tensor in enumerate(inspection.tensors) if tensor.constant}
    for op in inspection.ops:
        read = [place for place in op.inputs if place >= 0]
        if read and found.issuperset(read):
            found.update(op.outputs)
    return found
