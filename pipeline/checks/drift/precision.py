"""Between two precisions: what was left in float, ranges that an activation implies, values behind a range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from converters.graph import Tensor
from pipeline.checks.drift.align import Pairs
from pipeline.checks.drift.net import Net
from pipeline.checks.drift.parameters import side
from pipeline.checks.drift.suspects import Suspect

WHOLE_SHARE = 0.5
"""Of operators in 8 bits: from here on a file is an integer one, and an operator in float was left behind."""
_SMALL = ("int8", "uint8")
_TAKEN = (
    *("conv", "fullyconnected", "gemm", "matmul", "linear"),
    *("add", "mul", "sub", "concat", "pool", "mean", "reshape", "resize"),
)
"""Parts of the names of operators that every quantizer takes; others are left where no integer kernel is."""
_LEAST = {"RELU": 0.0, "RELU6": 0.0, "Relu": 0.0}
_SHARED = ("CONCATENATION", "PACK", "ADD", "MAXIMUM", "MINIMUM", "PAD", "PADV2", "STRIDED_SLICE", "SPLIT")
"""Readers that may ask their inputs for one common range, wider than what each of them needs."""


def suspects(pairs: Pairs) -> Iterator[Suspect]:
    """Operators left in float in a file of integers, and ranges that waste or cut what their activation gives."""
    small, large = (_outputs(pairs.b, types) for types in (_SMALL, ("float32",)))
    if small and len(small) >= WHOLE_SHARE * (len(small) + len(large)) and not _outputs(pairs.a, _SMALL):
        for in_b in large:
            in_a = pairs.to_a.get(in_b)
            if in_a is not None and quantizable(pairs.b.nodes[in_b].type) and _between(pairs.b, in_b):
                ours, theirs = side(pairs.a, pairs.a.nodes[in_a]), side(pairs.b, pairs.b.nodes[in_b])
                cause = "it was left in float between operators in 8 bits"
                yield Suspect("float", ours, theirs, "float32 in a file of 8 bits", cause, in_a)
    for in_a, in_b in sorted(pairs.to_b.items()):
        found = _implied(pairs, in_a, in_b)
        if found:
            yield found


def quantizable(kind: str) -> bool:
    """Whether every quantizer takes operators of a type to 8 bits, whatever the format calls them."""
    plain = kind.replace("_", "").lower()
    return plain in ("relu", "relu6") or any(part in plain for part in _TAKEN)


def _outputs(net: Net, types: tuple[str, ...]) -> list[int]:
    """The nodes that give out one of these types."""
    return [n for n, node in enumerate(net.nodes) if any(net.tensors[i].dtype in types for i in node.outputs)]


def _between(net: Net, number: int) -> bool:
    """Whether what a float operator gives out is computed with in 8 bits, and so is what it takes."""
    readers = [reader for index in net.nodes[number].outputs for reader, _ in net.readers.get(index, ())]
    makers = [net.maker[i][0] for i in net.nodes[number].inputs if i in net.maker]
    small = set(_outputs(net, _SMALL))
    return bool(small.intersection(readers)) and bool(small.intersection(makers))


def _implied(pairs: Pairs, in_a: int, in_b: int) -> Suspect | None:
    """A range whose low end is not the activation's: what is never below zero starts at the least integer."""
    one, two = pairs.a.nodes[in_a], pairs.b.nodes[in_b]
    if one.type not in _LEAST or not two.outputs:
        return None
    tensor = pairs.b.tensors[two.outputs[0]]
    found = tensor.quantization
    if found is None or len(found.scales) != 1 or tensor.dtype not in _SMALL or _shares(pairs.b, tensor):
        return None
    least = int(np.iinfo(tensor.dtype).min)
    if int(found.zero_points[0]) == least:
        return None
    given = {"zero_point": int(found.zero_points[0]), "scale": float(found.scales[0])}
    cause = f"the output's zero point is {found.zero_points[0]}; behind {one.type} it is {least}"
    ours, theirs = side(pairs.a, one), side(pairs.b, two, given)
    return Suspect("quantization", ours, theirs, f"off by {found.zero_points[0] - least}", cause, in_a)


def _shares(net: Net, tensor: Tensor) -> bool:
    """Whether a tensor's range may be another's: a reader wants a common one, or another tensor has the same."""
    readers = {net.nodes[reader].type for reader, _ in net.readers.get(tensor.index, ())}
    twins = [other for other in net.tensors.values() if other.quantization is not None and not other.constant]
    same = [other for other in twins if other.quantization is not None and other.quantization.same(tensor.quantization)]
    return bool(readers.intersection(_SHARED)) or len(same) > 1


def rounded(net: Net, index: int) -> int:
    """The tensor that holds a tensor's values when QuantizeLinear and DequantizeLinear have cut and rounded them."""
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        behind = [op for op in net.graph.ops if op.type == kind and op.inputs and op.inputs[0] == index]
        if not behind:
            return index
        index = behind[0].outputs[0]
    return index
