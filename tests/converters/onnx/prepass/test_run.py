"""The whole pre-pass: what is replaced, kept, proved and told."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_nodes import kinds, model_of, normal, same_values

from converters.errors import ModelError
from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import drawn, prepare, rewritten


def _chain(tmp_path, *names: str, opset: int = 17):
    """x -> each operator in turn -> y, saved; every node is called after its operator and place."""
    tensors = ["x", *(f"t{place}" for place in range(len(names) - 1)), "y"]
    nodes = [helper.make_node(n, [tensors[i]], [tensors[i + 1]], name=f"the {n} {i}") for i, n in enumerate(names)]
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 3)) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", [sides[0]], [sides[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx", model


def test_only_what_has_a_rule_is_replaced(tmp_path) -> None:
    path, model = _chain(tmp_path, "Abs", "Erf", "Softplus", "Erf")
    made = prepare(path, rules_without(frozenset()))
    assert made.replaced == ("2 Erf", "1 Softplus")
    assert not made.refused
    assert "Abs" in kinds(made)
    assert not {"Erf", "Softplus"} & kinds(made)
    same_values(model, made.model, normal(2, 3), 1e-5)


def test_rules_work_on_what_rules_made(tmp_path) -> None:
    path, _ = _chain(tmp_path, "Asin", "Tan")
    assert "Atan" not in kinds(prepare(path, rules_without(frozenset())))
    assert "Atan" in kinds(prepare(path, rules_without(frozenset({"Atan"}))))


def test_without_proof_the_same_is_replaced_in_a_model_that_cannot_be_run(tmp_path) -> None:
    path, model = _chain(tmp_path, "Erf", "Softplus")
    model.graph.node.append(helper.make_node("Unknown", ["y"], ["z"], domain="elsewhere"))
    model.graph.output[0].name = "z"
    model.opset_import.append(helper.make_opsetid("elsewhere", 1))
    onnx.save(model, path)
    assert "Erf" in kinds(prepare(path, rules_without(frozenset())))
    assert not {"Erf", "Softplus"} & {node.op_type for node in rewritten(path, rules_without(frozenset())).graph.node}


def test_an_older_opset_is_brought_up(tmp_path) -> None:
    path, model = _chain(tmp_path, "Erf", opset=9)
    made = prepare(path, rules_without(frozenset()))
    assert made.replaced == ("1 Erf",)
    same_values(model, made.model, normal(2, 3), 1e-5)


def test_nodes_of_one_name_are_told_apart(tmp_path) -> None:
    path, model = _chain(tmp_path, "Erf", "Softplus", "Erf")
    for node in model.graph.node:
        node.name = "same"
    onnx.save(model, path)
    made = prepare(path, rules_without(frozenset()))
    assert made.replaced == ("2 Erf", "1 Softplus")
    assert not made.refused


def test_names_of_the_ends_stay(tmp_path) -> None:
    path, _ = _chain(tmp_path, "Erf")
    made = prepare(path, rules_without(frozenset())).model
    assert [value.name for value in made.graph.input] == ["x"]
    assert [value.name for value in made.graph.output] == ["y"]


def test_weights_beside_the_file_are_read_from_its_folder(tmp_path) -> None:
    x, weights = normal(2, 64), normal(64, 64)
    model = model_of("Gemm", x, {"w": weights})
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    made = prepare(path, rules_without(frozenset()))
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.model.graph.initializer}
    np.testing.assert_array_equal(held["w"], weights)


def test_a_model_that_does_not_run_keeps_its_operators(tmp_path) -> None:
    path, model = _chain(tmp_path, "Abs", "Erf")
    model.graph.node[0].domain = "nowhere"
    model.opset_import.append(helper.make_opsetid("nowhere", 1))
    onnx.save(model, path)
    made = prepare(path, rules_without(frozenset()))
    assert not made.replaced
    assert made.refused


def test_a_damaged_file_is_an_error(tmp_path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07\x12")
    with pytest.raises(ModelError):
        prepare(tmp_path / "m.onnx", {})


def test_inputs_are_drawn_where_none_are_given() -> None:
    model = model_of("Gather", normal(4, 3), {"i": np.array([1])})
    first, second = drawn(model)
    assert first["x"].shape == (4, 3)
    assert (first["x"] != second["x"]).any()
    np.testing.assert_array_equal(drawn(model)[0]["x"], first["x"])
