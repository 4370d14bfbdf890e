from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from converters.onnx.order import sort_nodes


def graph(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    return helper.make_graph(nodes, "g", [value], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])


def branch(name: str, reads: str) -> onnx.GraphProto:
    out = helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, [1])
    return helper.make_graph([helper.make_node("Neg", [reads], [f"{name}_out"])], name, [], [out])


def test_nodes_stand_behind_what_they_read() -> None:
    found = graph(helper.make_node("Neg", ["h"], ["y"]), helper.make_node("Abs", ["x"], ["h"]))
    assert sort_nodes(found)
    assert [node.op_type for node in found.node] == ["Abs", "Neg"]


def test_a_body_s_reads_from_around_it_count() -> None:
    bodies = {"then_branch": branch("a", "h"), "else_branch": branch("b", "x")}
    found = graph(
        helper.make_node("If", ["is"], ["y"], **bodies),
        helper.make_node("Cast", ["x"], ["is"], to=TensorProto.BOOL),
        helper.make_node("Abs", ["x"], ["h"]),
    )
    sort_nodes(found)
    assert [node.op_type for node in found.node] == ["Cast", "Abs", "If"]
    onnx.checker.check_model(helper.make_model(found, opset_imports=[helper.make_opsetid("", 18)], ir_version=10))


def test_a_sorted_graph_stays_as_it_is_and_a_ring_too() -> None:
    for nodes in (
        [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["y"])],
        [helper.make_node("Abs", ["b"], ["a"]), helper.make_node("Neg", ["a"], ["b"])],
    ):
        found = graph(*nodes)
        assert not sort_nodes(found)
        assert list(found.node) == nodes


def test_bodies_are_sorted_too() -> None:
    body = branch("a", "late")
    body.node.append(helper.make_node("Abs", ["x"], ["late"]))
    found = graph(
        helper.make_node("Cast", ["x"], ["is"], to=TensorProto.BOOL),
        helper.make_node("If", ["is"], ["y"], then_branch=body, else_branch=branch("b", "x")),
    )
    assert sort_nodes(found)
    onnx.checker.check_model(helper.make_model(found, opset_imports=[helper.make_opsetid("", 18)], ir_version=10))
