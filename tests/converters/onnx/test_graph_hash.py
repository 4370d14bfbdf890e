from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import ModelError
from converters.onnx.graph_hash import graph_hash

Linear = Callable[..., onnx.ModelProto]
HERE = Path()


def test_names_order_and_metadata_do_not_count(linear: Linear) -> None:
    other = linear(prefix="other_", swap=True)
    other.doc_string, other.producer_name = "words", "someone"
    other.metadata_props.append(onnx.StringStringEntryProto(key="a", value="b"))
    assert graph_hash(other, HERE) == graph_hash(linear(), HERE)


def test_a_constant_node_is_a_weight(linear: Linear) -> None:
    model = linear()
    weight = model.graph.initializer.pop(0)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["weight"], value=weight))
    assert graph_hash(model, HERE) == graph_hash(linear(), HERE)


def test_independent_nodes_may_come_in_any_order() -> None:
    left, right = helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Abs", ["x"], ["b"])
    join = helper.make_node("Sub", ["a", "b"], ["y"])
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    graphs = [helper.make_graph([*pair, join], "g", [value], [out]) for pair in ((left, right), (right, left))]
    first, second = (graph_hash(helper.make_model(graph), HERE) for graph in graphs)
    assert first == second
    join.input[:] = ["b", "a"]
    crossed = helper.make_graph([left, right, join], "g", [value], [out])
    assert graph_hash(helper.make_model(crossed), HERE) != first


def _one_bit() -> np.ndarray:
    weight = np.arange(15, dtype=np.float32).reshape(3, 5)
    weight.view(np.uint32)[2, 4] ^= 1
    return weight


@pytest.mark.parametrize(
    "change",
    [
        {"weight": _one_bit()},
        {"weight": np.arange(15, dtype=np.float32).reshape(5, 3).T.copy()},
        {"weight": np.arange(15, dtype=np.float64).reshape(3, 5)},
        {"alpha": 0.5},
        {"relu": "Sigmoid"},
    ],
    ids=["one bit of a weight", "weights transposed", "weight type", "attribute", "operator"],
)
def test_what_changes_the_meaning_changes_the_hash(change: dict[str, object], linear: Linear) -> None:
    assert graph_hash(linear(**change), HERE) != graph_hash(linear(), HERE)


def test_opset_input_shape_and_order_of_outputs_count(linear: Linear) -> None:
    def opset(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = 17

    def shape(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4

    def two_outputs(model: onnx.ModelProto) -> None:
        model.graph.output.append(helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["batch", 5]))

    def reordered(model: onnx.ModelProto) -> None:
        two_outputs(model)
        model.graph.output.insert(0, model.graph.output.pop())

    hashes = {graph_hash(linear(), HERE)}
    for change in (opset, shape, two_outputs, reordered):
        model = linear()
        change(model)
        hashes.add(graph_hash(model, HERE))
    assert len(hashes) == 5


def test_branches_count() -> None:
    def model(then_op: str) -> onnx.ModelProto:
        out = [helper.make_tensor_value_info("b", TensorProto.FLOAT, [2])]
        branches = [
            helper.make_graph([helper.make_node(op, ["x"], ["b"])], "branch", [], out) for op in (then_op, "Abs")
        ]
        node = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
        inputs = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
        ]
        return helper.make_model(
            helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
        )

    assert graph_hash(model("Neg"), HERE) == graph_hash(model("Neg"), HERE)
    assert graph_hash(model("Neg"), HERE) != graph_hash(model("Exp"), HERE)


def test_external_weights_hash_as_inner_ones(linear: Linear, tmp_path: Path) -> None:
    onnx.save(linear(), tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    outside = onnx.load(tmp_path / "m.onnx", load_external_data=False)
    assert graph_hash(outside, tmp_path) == graph_hash(linear(), tmp_path)


def test_text_constants_count() -> None:
    def model(text: str) -> onnx.ModelProto:
        weight = numpy_helper.from_array(np.array([text], object), "w")
        out = helper.make_tensor_value_info("y", TensorProto.STRING, [1])
        return helper.make_model(
            helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [out], [weight])
        )

    assert graph_hash(model("cat"), HERE) != graph_hash(model("dog"), HERE)


def test_a_tensor_that_nothing_makes_is_an_error(linear: Linear) -> None:
    model = linear()
    model.graph.node[1].input[0] = "nowhere"
    with pytest.raises(ModelError, match="'nowhere' is used before anything makes it"):
        graph_hash(model, HERE)
