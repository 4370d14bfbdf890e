"""Branches that are decided and loops of known length, against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_nodes import kinds, normal, same_values

from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import prepare

FLOAT = TensorProto.FLOAT


def _value(name: str, kind: int = FLOAT, shape: tuple[int, ...] | None = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(
    node: onnx.NodeProto, constants: dict[str, np.ndarray], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph([node], "g", [_value("x", shape=(2, 3))], outputs, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _body(rounds_stay_true: bool = True) -> onnx.GraphProto:
    nodes = [
        helper.make_node("Identity" if rounds_stay_true else "Not", ["go"], ["on"]),
        helper.make_node("Mul", ["state", "x"], ["next"]),
        helper.make_node("Add", ["next", "x"], ["seen"]),
    ]
    inputs = [_value("i", TensorProto.INT64, ()), _value("go", TensorProto.BOOL, ()), _value("state")]
    return helper.make_graph(
        nodes, "body", inputs, [_value("on", TensorProto.BOOL, ()), _value("next"), _value("seen")]
    )


def _prepared(tmp_path, model, x):
    onnx.save(model, tmp_path / "m.onnx")
    return prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}])


def test_a_loop(tmp_path):
    x = normal(2, 3)
    node = helper.make_node("Loop", ["n", "yes", "x"], ["last", "all"], body=_body())
    outputs = [_value("last", shape=(2, 3)), _value("all", shape=(4, 2, 3))]
    model = _model(node, {"n": np.array(4), "yes": np.array(True)}, outputs)
    made = _prepared(tmp_path, model, x)
    assert not made.refused
    assert "Loop" not in kinds(made)
    same_values(model, made.model, x, 1e-6)


def test_a_loop_that_decides_for_itself_stays(tmp_path):
    x = normal(2, 3)
    node = helper.make_node("Loop", ["n", "yes", "x"], ["last", "all"], body=_body(rounds_stay_true=False))
    outputs = [_value("last", shape=(2, 3)), _value("all", shape=(1, 2, 3))]
    made = _prepared(tmp_path, _model(node, {"n": np.array(4), "yes": np.array(True)}, outputs), x)
    assert not made.replaced
    assert "its condition is computed" in made.refused[0]


@pytest.mark.parametrize("way", [0, 1])
def test_a_scan(way, tmp_path):
    x = normal(2, 3)
    nodes = [helper.make_node("Add", ["sum", "row"], ["next"]), helper.make_node("Identity", ["next"], ["seen"])]
    body = helper.make_graph(
        nodes,
        "body",
        [_value("sum", shape=(3,)), _value("row", shape=(3,))],
        [_value("next", shape=(3,)), _value("seen", shape=(3,))],
    )
    node = helper.make_node(
        "Scan", ["zero", "x"], ["total", "all"], body=body, num_scan_inputs=1, scan_input_directions=[way]
    )
    outputs = [_value("total", shape=(3,)), _value("all", shape=(2, 3))]
    model = _model(node, {"zero": np.zeros(3, np.float32)}, outputs)
    made = _prepared(tmp_path, model, x)
    assert not made.refused
    assert "Scan" not in kinds(made)
    same_values(model, made.model, x, 1e-6)


@pytest.mark.parametrize("taken", [True, False])
def test_a_branch(taken, tmp_path):
    x = normal(2, 3)

    def side(kind: str) -> onnx.GraphProto:
        return helper.make_graph([helper.make_node(kind, ["x"], ["r"])], kind, [], [_value("r", shape=(2, 3))])

    node = helper.make_node("If", ["c"], ["y"], then_branch=side("Abs"), else_branch=side("Neg"))
    model = _model(node, {"c": np.array(taken)}, [_value("y", shape=(2, 3))])
    made = _prepared(tmp_path, model, x)
    assert kinds(made) - {"Identity"} == {"Abs" if taken else "Neg"}
    same_values(model, made.model, x, 0)


def test_a_branch_inside_a_loop_reads_what_the_loop_makes(tmp_path):
    """The inner branch is undecided, so it stays, with the names of each round."""
    x = normal(2, 3)
    side = {
        name: helper.make_graph([helper.make_node(kind, ["next"], ["r"])], name, [], [_value("r", shape=(2, 3))])
        for name, kind in (("then_branch", "Abs"), ("else_branch", "Neg"))
    }
    body = _body()
    body.node.extend(
        [
            helper.make_node("ReduceSum", ["next"], ["sum"], keepdims=0),
            helper.make_node("Greater", ["sum", "zero"], ["positive"]),
            helper.make_node("If", ["positive"], ["chosen"], **side),
        ]
    )
    body.output[2].name = "chosen"
    node = helper.make_node("Loop", ["n", "yes", "x"], ["last", "all"], body=body)
    outputs = [_value("last", shape=(2, 3)), _value("all", shape=(3, 2, 3))]
    constants = {"n": np.array(3), "yes": np.array(True), "zero": np.array(0, np.float32)}
    model = _model(node, constants, outputs)
    made = _prepared(tmp_path, model, x)
    assert made.replaced == ("1 Loop",)
    assert "If" in kinds(made)
    same_values(model, made.model, x, 1e-6)
