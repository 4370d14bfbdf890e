from __future__ import annotations

import dataclasses
from collections.abc import Callable

from converters.contract import Signature, TensorSpec
from converters.executorch.graph import Graph, Op, Value
from converters.executorch.graph_hash import graph_hash

SIGNATURE = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 2), "float32"),))


def graph() -> Graph:
    """y = relu(linear(x, w))."""
    values = [
        Value("x", (1, 4), "float32"),
        Value("w", (2, 4), "float32", memoryview(bytes(range(32)))),
        Value("h", (1, 2), "float32"),
        Value("y", (1, 2), "float32"),
    ]
    ops = [Op("linear", "xnnpack", (0, 1), (2,), ["flags", 0]), Op("relu", "xnnpack", (2,), (3,))]
    return Graph(values, ops, (0,), (3,))


def changed(change: Callable[[Graph], None]) -> str:
    other = graph()
    change(other)
    return graph_hash(other, SIGNATURE)


def value(place: int, **fields: object) -> Callable[[Graph], None]:
    def change(graph: Graph) -> None:
        graph.values[place] = dataclasses.replace(graph.values[place], **fields)

    return change


def op(place: int, **fields: object) -> Callable[[Graph], None]:
    def change(graph: Graph) -> None:
        graph.ops[place] = dataclasses.replace(graph.ops[place], **fields)

    return change


def test_names_and_places_of_values_mean_nothing() -> None:
    first = graph_hash(graph(), SIGNATURE)
    assert changed(value(2, name="other")) == first
    other = graph()
    other.values[1], other.values[2] = other.values[2], other.values[1]
    other.ops = [Op("linear", "xnnpack", (0, 2), (1,), ["flags", 0]), Op("relu", "xnnpack", (1,), (3,))]
    assert graph_hash(other, SIGNATURE) == first


def test_everything_that_means_something_changes_it() -> None:
    hashes = [
        graph_hash(graph(), SIGNATURE),
        graph_hash(graph(), Signature((TensorSpec("z", (1, 4), "float32"),), SIGNATURE.outputs)),
        changed(value(1, data=memoryview(bytes(32)))),
        changed(value(1, dtype="int32")),
        changed(value(2, quantization="scale 0.5")),
        changed(value(2, initial=b"1234")),
        changed(op(0, attributes=["flags", 1])),
        changed(op(0, inputs=(1, 0))),
        changed(op(0, device="portable")),
        changed(op(1, type="tanh")),
        changed(lambda graph: graph.ops.append(Op("assert", "portable", (3,), ()))),
    ]
    assert len(set(hashes)) == len(hashes)
