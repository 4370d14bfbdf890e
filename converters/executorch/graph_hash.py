"""A hash of what a .pte file means: places in memory, names of values and debug handles may differ from run to run.

Dependent on weights, attributes, types, quantization, topology, which backend runs what, and the signature's names.
"""

from __future__ import annotations

from converters.contract import Signature
from converters.digest import digest
from converters.executorch.graph import Graph, Value


def graph_hash(graph: Graph, signature: Signature) -> str:
    """The hex digest of the main method."""
    known = {
        place: digest("input", spec.name, _kind(graph.values[place]))
        for place, spec in zip(graph.inputs, signature.inputs, strict=True)
    }
    effects = []

    def value(place: int) -> bytes:
        """What the tensor holds: by its bytes, or by how it came about."""
        if place not in known:
            tensor = graph.values[place]
            known[place] = digest("tensor", _kind(tensor), b"" if tensor.data is None else bytes(tensor.data))
        return known[place]

    for op in graph.ops:
        own = digest("op", op.type, op.device, repr(op.attributes), *map(value, op.inputs))
        if not op.outputs:
            effects.append(own)
        for index, place in enumerate(op.outputs):
            known[place] = digest("made", own, index, _kind(graph.values[place]))
    ends = (digest(s.name, value(place)) for s, place in zip(signature.outputs, graph.outputs, strict=True))
    return digest("graph", *ends, "effects", *effects).hex()


def _kind(value: Value) -> str:
    """Type, shape, quantization and first value."""
    return repr((value.dtype, value.shape, value.quantization, value.initial))
