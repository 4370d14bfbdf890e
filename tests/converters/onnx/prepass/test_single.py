"""What is computed in float64 is told in float32, where ONNX Runtime finds the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_nodes import normal

from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import prepare
from converters.onnx.prepass.single import in_single
from converters.onnx.prepass.verify import values

X = normal(2, 3)


def model(constant: float = 0.5, take: int = TensorProto.FLOAT, give: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """x -> float64 -> times a constant -> the softmax of that, with a branch that has a constant of its own."""
    number = numpy_helper.from_array(np.array(constant, np.float64), "k")
    inner = numpy_helper.from_array(np.array([0.25]), "")
    branches = {
        name: helper.make_graph(
            [helper.make_node("Constant", [], ["c"], value=inner), helper.make_node(kind, ["scaled", "c"], ["s"])],
            name,
            [],
            [helper.make_tensor_value_info("s", TensorProto.DOUBLE, (2, 3))],
        )
        for name, kind in (("then_branch", "Add"), ("else_branch", "Sub"))
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["wide", "k"], ["scaled"]),
        helper.make_node("If", ["yes"], ["sum"], **branches),
        helper.make_node("Cast", ["sum"], ["y"], to=give),
    ]
    sides = helper.make_tensor_value_info("x", take, X.shape), helper.make_tensor_value_info("y", give, X.shape)
    kept = [number, numpy_helper.from_array(np.array(True), "yes")]
    graph = helper.make_graph(nodes, "g", [sides[0]], [sides[1]], kept)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def types(graph: onnx.GraphProto) -> set[int]:
    found = {tensor.data_type for tensor in graph.initializer}
    for node in graph.node:
        found |= {item.i for item in node.attribute if item.name == "to"} | {
            item.t.data_type for item in node.attribute
        }
        found |= {kind for item in node.attribute if item.HasField("g") for kind in types(item.g)}
    return found


def test_constants_casts_and_branches_are_float32_and_the_values_the_same() -> None:
    made, places = in_single(model(), [{"x": X}])
    assert places == 4
    assert TensorProto.DOUBLE not in types(made.graph)
    (want,), (got,) = values(model(), ["y"], [{"x": X}]), values(made, ["y"], [{"x": X}])
    np.testing.assert_allclose(got[0], want[0], rtol=1e-6)


@pytest.mark.parametrize("side", ["take", "give"])
def test_ends_keep_their_type_behind_one_cast(side: str) -> None:
    original = model(**{side: TensorProto.DOUBLE})
    x = X.astype(np.float64) if side == "take" else X
    made, _ = in_single(original, [{"x": x}])
    assert made is not original
    (want,), (got,) = values(original, ["y"], [{"x": x}]), values(made, ["y"], [{"x": x}])
    assert got[0].dtype == want[0].dtype
    np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
    doubles = [node for node in made.graph.node for item in node.attribute if item.i == TensorProto.DOUBLE]
    assert [list(node.output) for node in doubles] == ([["y"]] if side == "give" else [])


@pytest.mark.parametrize("constant", [1e200, 1e-200])
def test_what_float32_does_not_hold_stays(constant: float) -> None:
    original = model(constant)
    assert in_single(original, [{"x": X}]) == (original, 0)


def test_what_hangs_on_digits_that_float32_lacks_stays() -> None:
    original = model(1e9)
    original.graph.node[1].op_type = "Add"
    original.graph.node.insert(2, helper.make_node("Sub", ["scaled", "k"], ["small"]))
    for item in original.graph.node[3].attribute:
        item.g.node[1].input[0] = "small"
    assert in_single(original, [{"x": X}]) == (original, 0)


def test_a_model_without_float64_is_the_same_object() -> None:
    plain = helper.make_model(
        helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, X.shape)],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    assert in_single(plain, [{"x": X}]) == (plain, 0)


def test_the_pre_pass_says_so(tmp_path) -> None:
    onnx.save(model(), tmp_path / "m.onnx")
    assert prepare(tmp_path / "m.onnx", rules_without(frozenset())).replaced[-1] == "4 float64"
