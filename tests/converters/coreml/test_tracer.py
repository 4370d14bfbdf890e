"""Looking inside a package: values on the way, and pieces alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mil_files import BIAS, WEIGHT, expected, saved

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.coreml import tracer
from converters.errors import ModelError, UnsupportedError

X = np.random.default_rng(1).standard_normal((5, 2, 3)).astype(np.float32)


def _open(path: Path) -> tracer.CoremlTracer:
    own = Signature((TensorSpec("x", (2, 3), "float32"),), (TensorSpec("y", (2, 4), "float32"),))
    return tracer.open(Artifact(path, Format.COREML, Precision.FP32, own, own))


def test_values_on_the_way(tmp_path: Path) -> None:
    opened = _open(saved(tmp_path / "m.mlpackage"))
    linear, _, mul = opened.graph.ops
    wanted = [opened.graph.inputs[0], linear.inputs[1], linear.outputs[0], mul.outputs[0]]
    found = opened.trace([{"x": x} for x in X], wanted)
    np.testing.assert_allclose(found[linear.outputs[0]], X @ WEIGHT.T + BIAS, rtol=1e-5)
    np.testing.assert_allclose(found[mul.outputs[0]], expected(X), rtol=1e-5)
    np.testing.assert_array_equal(found[opened.graph.inputs[0]], X)


def test_one_operator_alone_on_given_values(tmp_path: Path) -> None:
    opened = _open(saved(tmp_path / "m.mlpackage"))
    act = opened.graph.ops[1]
    given = np.linspace(-1, 1, 24, dtype=np.float32).reshape(3, 2, 4)
    found = opened.run({act.inputs[0]: given}, [act.outputs[0]])
    np.testing.assert_allclose(found[act.outputs[0]], np.where(given >= 0, given, 0.25 * given))
    with pytest.raises(UnsupportedError, match="is needed and not given"):
        opened.run({}, [act.outputs[0]])


def test_an_operator_alone_takes_other_weights_than_its_own(tmp_path: Path) -> None:
    opened = _open(saved(tmp_path / "m.mlpackage"))
    linear = opened.graph.ops[0]
    values, weights = linear.inputs[0], linear.inputs[1]
    other = np.broadcast_to(2 * WEIGHT, (len(X), *WEIGHT.shape))
    found = opened.run({values: X, weights: other}, [linear.outputs[0]])
    np.testing.assert_allclose(found[linear.outputs[0]], X @ (2 * WEIGHT).T + BIAS, rtol=1e-5)
    own = opened.run({values: X}, [linear.outputs[0]])
    np.testing.assert_allclose(own[linear.outputs[0]], X @ WEIGHT.T + BIAS, rtol=1e-5)


def test_values_of_float16_are_float16(tmp_path: Path) -> None:
    opened = _open(saved(tmp_path / "m.mlpackage", kind="float16"))
    inner = opened.graph.ops[0].outputs[0]
    assert opened.trace([{"x": X[0]}], [inner])[inner].dtype == np.float16


def test_a_file_that_is_none_is_a_model_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.mlpackage")
    (path / "Manifest.json").write_text("no model")
    with pytest.raises(ModelError, match="its Manifest.json is no JSON"):
        _open(path)
