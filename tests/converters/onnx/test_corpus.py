"""The corpus of ONNX's node tests: how a case is frozen, which ones count, and what is stored of them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx_nodes import model_of, normal

from converters.onnx import corpus


def _case(name: str, model: onnx.ModelProto, inputs, expected) -> SimpleNamespace:
    return SimpleNamespace(name=name, model=model, data_sets=[(inputs, expected)])


def _add() -> SimpleNamespace:
    a, b = normal(2, 3), normal(3)
    model = model_of("Add", a, {"b": b})
    del model.graph.initializer[:]
    model.graph.input.append(onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, (3,)))
    return _case("test_add", model, [a, b], [a + b])


def _built(tmp_path, monkeypatch, *cases: SimpleNamespace):
    monkeypatch.setattr("onnx.backend.test.loader.load_model_tests", lambda kind: list(cases))
    out = corpus.build(tmp_path)
    return out, json.loads((tmp_path / corpus.INDEX).read_text())


def test_all_but_the_first_float_input_are_frozen(tmp_path, monkeypatch) -> None:
    case = _add()
    _, index = _built(tmp_path, monkeypatch, case)
    (row,) = index["cases"]
    assert row["op"] == "Add"
    model = onnx.load(tmp_path / "test_add" / corpus.MODEL)
    assert [value.name for value in model.graph.input] == ["x"]
    assert [tensor.name for tensor in model.graph.initializer] == ["b"]
    assert [entry.version for entry in model.opset_import] == [17]


def test_stored_samples_are_the_case_first_and_its_values_elsewhere(tmp_path, monkeypatch) -> None:
    case = _add()
    _built(tmp_path, monkeypatch, case)
    arrays = np.load(tmp_path / "test_add" / corpus.DATA)
    a, b = case.data_sets[0][0]
    np.testing.assert_array_equal(arrays["input/x"][0], a)
    assert len(arrays["input/x"]) == corpus.SAMPLES
    for sample, output in zip(arrays["input/x"], arrays["output/y0"], strict=True):
        np.testing.assert_array_equal(np.sort(sample.ravel()), np.sort(a.ravel()))
        np.testing.assert_allclose(output, sample + b, rtol=1e-6)
    np.testing.assert_array_equal(arrays["expected/y0"][0], a + b)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda case: case.data_sets[0][1].__setitem__(0, np.zeros((2, 3), np.float32)),
            "another result in ONNX Runtime",
        ),
        (lambda case: case.data_sets[0][0].pop(), "no float32 input"),
        (lambda case: case.model.graph.node[0].__setattr__("op_type", "Nothing"), "not run by ONNX Runtime"),
    ],
)
def test_what_falls_out_is_counted_with_its_reason(change, reason, tmp_path, monkeypatch) -> None:
    case = _add()
    change(case)
    out, index = _built(tmp_path, monkeypatch, case, _add())
    assert out == {reason: 1}
    assert len(index["cases"]) == 1


@pytest.mark.slow
def test_the_whole_corpus(tmp_path) -> None:
    corpus.build(tmp_path)
    index = json.loads((tmp_path / corpus.INDEX).read_text())
    assert len(index["cases"]) >= 678
