"""Weights that are stored as small integers: who reads them as they are, and whether their scales are fine enough."""

from __future__ import annotations

from converters.inspection import Inspection, TensorInfo
from pipeline.checks.float_ops import DEQUANTIZERS, moves

EIGHT_BITS = ("int8", "uint8", "int4", "uint4")
INDICES = ("uint8", "uint6", "uint4", "uint3", "uint2", "uint1")
_EXPANDING = ("LOOKUP", "GATHER", "NBITS")
"""In the names of operators that expand what they take out of a table of integers, or a block at a time."""
_OUTPUT_CHANNELS = {"DEPTHWISE_CONV_2D": -1, "ConvTranspose": 1, "conv_transpose": 1}
"""The axis of an operator's weights that they lie along; in others it is the first."""


def is_vector(tensor: TensorInfo) -> bool:
    """A bias or another vector: every toolkit keeps those in a wider type than the weights."""
    return sum(size > 1 for size in tensor.shape) <= 1


def only_moved(inspection: Inspection) -> set[int]:
    """Places of the constants that operators only take rows out of or move: they have the type of activations."""
    read = {place for op in inspection.ops for place in op.inputs}
    return read - {place for op in inspection.ops if not moves(op.type) for place in op.inputs}


def taken_out(inspection: Inspection) -> set[int]:
    """Places of what operators that only move values take out of constants: rows of a table, which are weights."""
    found = {place for place, tensor in enumerate(inspection.tensors) if tensor.constant}
    constants = set(found)
    for op in inspection.ops:
        values = [place for place in op.inputs if place >= 0 and inspection.tensors[place].dtype in EIGHT_BITS]
        if moves(op.type) and values and found.issuperset(values):
            found.update(op.outputs)
    return found - constants


def read_as_integers(inspection: Inspection) -> list[str]:
    """Matrices of integers that an operator reads as they are, where another would read what they are expanded to."""
    kinds: dict[int, set[str]] = {}
    for op in inspection.ops:
        for place in op.inputs:
            kinds.setdefault(place, set()).add(op.type)
    stored = (
        place
        for place, tensor in enumerate(inspection.tensors)
        if tensor.constant and tensor.dtype in (*EIGHT_BITS, *INDICES)
    )
    return [
        inspection.tensors[place].name
        for place in stored
        if not is_vector(inspection.tensors[place]) and any(map(_computes_on_integers, kinds.get(place, ())))
    ]


def _computes_on_integers(kind: str) -> bool:
    expands = kind in DEQUANTIZERS or any(part in kind.upper() for part in _EXPANDING)
    return not expands and not moves(kind)


def per_tensor_convolutions(inspection: Inspection) -> list[str]:
    """Names of 8-bit convolution weights of several output channels that share one scale."""
    source = {op.outputs[0]: op.inputs[0] for op in inspection.ops if op.type in DEQUANTIZERS}
    found = []
    for op in inspection.ops:
        if "CONV" not in op.type.upper():
            continue
        for place in op.inputs:
            origin = source.get(place, place)
            tensor = inspection.tensors[origin] if origin >= 0 else None
            if tensor is None or not tensor.constant or tensor.dtype not in EIGHT_BITS or len(tensor.shape) < 3:
                continue
            channels = tensor.shape[_OUTPUT_CHANNELS.get(op.type, 0)]
            if channels > 1 and tensor.scales <= 1:
                found.append(tensor.name)
    return found
