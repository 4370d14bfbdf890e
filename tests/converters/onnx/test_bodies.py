from __future__ import annotations

import onnx
import pytest
from gates.test_drift_of_other_tools import unspoken
from gates.test_drift_optimized import branching, reading

from converters.errors import UnsupportedError
from converters.onnx import bodies
from converters.onnx.graph import numbered


def test_each_branch_is_a_model_of_what_it_reads(tmp_path):
    path = branching(tmp_path / "m.onnx")
    place = next(k for k, node in enumerate(onnx.load(path).graph.node) if node.op_type == "If")
    found = bodies.write(path, place, tmp_path, {})
    assert sorted(found) == ["else_branch", "then_branch"]
    model = onnx.load(found["then_branch"])
    onnx.checker.check_model(model)
    assert [value.name for value in model.graph.input] == ["r"]
    assert [node.op_type for node in model.graph.node] == ["Tanh"]


def test_what_is_computed_from_constants_outside_comes_along(tmp_path):
    found = bodies.write(reading(tmp_path / "m.onnx", (1, 0, 2, 3)), 5, tmp_path, {})
    model = onnx.load(found["then_branch"])
    onnx.checker.check_model(model)
    assert [value.name for value in model.graph.input] == ["t", "r"]
    assert [node.op_type for node in model.graph.node] == ["Cast", "Abs", "Neg", "Sub", "Mul"]
    assert [tensor.name for tensor in model.graph.initializer] == ["w16"]


def test_weights_in_other_files_are_read(tmp_path):
    model = onnx.load(branching(tmp_path / "m.onnx"))
    onnx.save(model, tmp_path / "apart.onnx", save_as_external_data=True, location="apart.data", size_threshold=0)
    found = bodies.write(tmp_path / "apart.onnx", 5, tmp_path, {})
    assert sorted(found) == ["else_branch", "then_branch"]


def test_what_the_file_leaves_open_is_as_it_was_seen(tmp_path):
    model = onnx.load(unspoken(tmp_path / "m.onnx"))
    number = numbered(model.graph)
    with pytest.raises(UnsupportedError, match="no known shape"):
        bodies.write(tmp_path / "m.onnx", 4, tmp_path, {})
    seen = {number[name]: ((6,), "float32") for name in ("f", "g")}
    found = bodies.write(tmp_path / "m.onnx", 4, tmp_path, seen)
    body = onnx.load(found["then_branch"])
    onnx.checker.check_model(body)
    assert [value.name for value in body.graph.input] == ["f"]
