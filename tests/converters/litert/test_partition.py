from __future__ import annotations

from pathlib import Path

import flat_models

from converters.litert.flatbuffer import opened
from converters.litert.partition import Node, nodes_of, taken


def node(inputs: str, outputs: str, type: str = "ADD", *, ordered: bool = False, folded: bool = False) -> Node:
    """Tensors by letters."""
    return Node(type, tuple(map(ord, inputs)), tuple(map(ord, outputs)), ordered, folded)


CHAIN = [node("a", "b"), node("b", "c"), node("c", "d"), node("d", "e"), node("e", "f")]


def test_all_where_nothing_is_refused() -> None:
    assert taken(CHAIN, ()) == {0, 1, 2, 3, 4}
    assert taken([], ()) == set()


def test_the_largest_run_alone() -> None:
    assert taken(CHAIN, {1}) == {2, 3, 4}
    assert taken(CHAIN, {3}) == {0, 1, 2}
    assert taken(CHAIN, {0, 1, 2, 3, 4}) == set()


def test_branches_that_wait_for_nothing_join_the_run() -> None:
    """0 is refused and runs first; 1 and 2 do not need it and wait for 3, which does."""
    nodes = [node("a", "b", "FLOOR"), node("x", "y"), node("y", "z"), node("bz", "o")]
    assert taken(nodes, {0}) == {1, 2, 3}


def test_a_refused_operator_that_comes_late_parts_what_needs_it() -> None:
    nodes = [node("a", "b"), node("j", "k", "GATHER"), node("b", "c"), node("k", "l")]
    assert taken(nodes, {1}) == {0, 2}


def test_variables_keep_their_order() -> None:
    """Two states, each read, changed and assigned: the second read waits for the first assignment."""
    nodes = [
        node("r", "a", "READ", ordered=True), node("ax", "b"), node("rb", "", "ASSIGN", ordered=True), node("b", "c"),
        node("s", "d", "READ", ordered=True), node("cd", "e"), node("se", "", "ASSIGN", ordered=True), node("e", "f"),
        node("f", "g"), node("g", "h"),
    ]  # fmt: skip
    assert taken(nodes, {0, 2, 4, 6}) == {5, 7, 8, 9}
    free = [Node(n.type, n.inputs, n.outputs, False, False) for n in nodes]
    assert taken(free, {0, 2, 4, 6}) == {1, 3, 5, 7, 8, 9}


def test_folded_constants_stay_behind() -> None:
    nodes = [node("h", "w", "DEQUANTIZE", folded=True), node("xw", "y"), node("y", "z", "FLOOR")]
    assert taken(nodes, ()) == {0, 1, 2}
    assert taken(nodes, {2}) == {1}


def test_a_damaged_graph_ends() -> None:
    assert taken([node("b", "a"), node("a", "b"), node("x", "y")], {0}) == {2}


def test_nodes_of_a_file(tmp_path: Path) -> None:
    with opened(flat_models.running_sum(tmp_path / "sum.tflite").path) as model:
        nodes = nodes_of(model, model.root.Subgraphs(0))
    assert [n.type for n in nodes] == ["CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ADD", "ASSIGN_VARIABLE"]
    assert [n.ordered for n in nodes] == [True, True, True, False, True]
