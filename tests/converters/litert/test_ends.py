from __future__ import annotations

import numpy as np
import pytest
from flat_models import affine

from converters.errors import ToolkitError
from converters.litert import runtime
from converters.litert.ends import rename_ends, sign
from converters.litert.signature import read_signature


def test_the_ends_get_other_names_and_nothing_else_changes(tmp_path):
    made = affine(tmp_path / "m.tflite")
    rename_ends(made.path, {"x": "the image", "y": "y.0"})
    signature = read_signature(made.path)
    assert [spec.name for spec in (*signature.inputs, *signature.outputs)] == ["the image", "y.0"]
    renamed = type(made)(made.path, made.format, made.precision, signature, signature)
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    np.testing.assert_array_equal(runtime.open(renamed, runtime.REFERENCE, 1).run({"the image": x})["y.0"], 2 * x + 1)


def test_an_end_that_nobody_named_is_an_error(tmp_path):
    made = affine(tmp_path / "m.tflite")
    before = made.path.read_bytes()
    with pytest.raises(ToolkitError, match="an end called 'y'; expected were x"):
        rename_ends(made.path, {"x": "a"})
    assert made.path.read_bytes() == before


def test_a_signature_by_the_order_of_the_ends(tmp_path):
    made = affine(tmp_path / "m.tflite")
    sign(made.path, ["in/a"], ["out 0"])
    signature = read_signature(made.path)
    assert [spec.name for spec in (*signature.inputs, *signature.outputs)] == ["in/a", "out 0"]
    before = made.path.read_bytes()
    with pytest.raises(ToolkitError, match="the file has 1 outputs, not a, b"):
        sign(made.path, ["x"], ["a", "b"])
    assert made.path.read_bytes() == before
