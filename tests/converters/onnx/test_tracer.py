from __future__ import annotations

import pytest
from onnx_files import saved

from converters.contract import Artifact, Format, Precision, Signature
from converters.errors import ModelError
from converters.onnx import tracer


def test_a_file_that_is_none_is_a_model_error(tmp_path):
    nothing = Signature((), ())
    made = Artifact(saved(tmp_path / "m.onnx"), Format.ONNX, Precision.FP32, nothing, nothing)
    assert tracer.open(made).graph.ops
    made.path.write_bytes(b"no model")
    with pytest.raises(ModelError):
        tracer.open(made)
