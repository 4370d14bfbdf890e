"""The pre-pass proves each replacement: planted wrong ones are caught, taken back and named, and spare the others."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper
from onnx_nodes import kinds, normal, same_values

from converters.onnx.prepass.build import Build
from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import prepare


def _model(tmp_path):
    names = ("Softplus", "Erf", "Softsign")
    tensors = ["x", "a", "b", "y"]
    nodes = [helper.make_node(n, [tensors[i]], [tensors[i + 1]], name=f"the {n}") for i, n in enumerate(names)]
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, 5)) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", [sides[0]], [sides[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx", model


def _off(build: Build, node: onnx.NodeProto) -> list[str]:
    """A little more than it should be: 1 in 2000."""
    return [build.op("Mul", build.op("Tanh", node.input[0]), build.like(1.0005, node.input[0]))]


def _turned(build: Build, node: onnx.NodeProto) -> list[str]:
    return [build.op("Transpose", build.op("Tanh", node.input[0]), perm=[1, 0])]


def _broken(build: Build, node: onnx.NodeProto) -> list[str]:
    return [build.op("Concat", node.input[0], axis=7)]


@pytest.mark.parametrize(("planted", "words"), [(_off, "values differ"), (_turned, "Erf"), (_broken, "does not run")])
def test_a_wrong_replacement_is_taken_back_and_named(planted, words, tmp_path) -> None:
    path, model = _model(tmp_path)
    made = prepare(path, {**rules_without(frozenset()), "Erf": planted})
    assert any("`the Erf`" in line and words in line for line in made.refused), made.refused
    assert "Erf" in kinds(made)
    assert not any("Erf" in line for line in made.replaced)
    same_values(model, made.model, normal(4, 5), 1e-5)


def test_the_right_ones_beside_it_stay(tmp_path) -> None:
    path, _ = _model(tmp_path)
    made = prepare(path, {**rules_without(frozenset()), "Erf": _off})
    assert made.replaced == ("1 Softplus", "1 Softsign")
    assert len(made.refused) == 1
