"""The order of nodes: each behind everything that it reads, also from inside the bodies of its loops and branches."""

from __future__ import annotations

from collections.abc import Iterator

import onnx


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Puts the nodes of a graph in order, otherwise as they stand.

    ONNX Runtime's own sort looks at a node's inputs only; the body of a `Loop` reads from around it too.
    """
    made = {name for node in graph.node for name in node.output}
    waiting, done = [(node, set(_reads(node)) & made) for node in graph.node], set[str]()
    ordered: list[onnx.NodeProto] = []
    while waiting:
        ready = [node for node, reads in waiting if reads <= done]
        if not ready:
            return  # a ring, which onnx's checker names
        waiting = [(node, reads) for node, reads in waiting if not reads <= done]
        ordered += ready
        done |= {name for node in ready for name in node.output}
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del graph.node[:]
    graph.node.extend(copies)


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Names that a node reads, those that its bodies take from around them included."""
    yield from node.input
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            own = {name for inner in body.node for name in inner.output}
            own |= {value.name for value in (*body.input, *body.initializer)}
            outside = {name for inner in body.node for name in _reads(inner)} | {value.name for value in body.output}
            yield from outside - own
