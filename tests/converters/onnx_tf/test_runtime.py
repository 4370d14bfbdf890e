from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from flat_models import affine

from converters.errors import ModelError, UnsupportedError
from converters.onnx_tf import runtime


@pytest.fixture
def old(monkeypatch):
    """LiteRT's interpreter under the old one's name: the same calls."""
    from ai_edge_litert.interpreter import Interpreter

    package, module = types.ModuleType("tflite_runtime"), types.ModuleType("tflite_runtime.interpreter")
    module.Interpreter = Interpreter
    monkeypatch.setitem(sys.modules, "tflite_runtime", package)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", module)
    return module


def test_a_file_is_bound_by_the_names_of_its_signature(old, tmp_path):
    session = runtime.open(affine(tmp_path / "m.tflite"), "tflite-runtime[2.14.0]")
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    np.testing.assert_array_equal(session.run({"x": x})["y"], 2 * x + 1)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ValueError("Didn't find op for builtin opcode 'ADD' version '9'"), UnsupportedError, "version '9'"),
        (ValueError("Mmap of '4' failed"), ModelError, "Mmap"),
        (RuntimeError("Encountered unresolved custom op: X"), UnsupportedError, "custom op: X"),
    ],
)
def test_what_it_refuses_is_said(error, kind, said, old, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(old, "Interpreter", refuse)
    with pytest.raises(kind, match=said):
        runtime.open(affine(tmp_path / "m.tflite"), "tflite-runtime[2.14.0]")
