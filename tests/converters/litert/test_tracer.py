from __future__ import annotations

import pytest
from drift_models import dense

from converters.errors import ModelError
from converters.litert import tracer


def test_a_file_that_is_none_is_a_model_error(tmp_path):
    made = dense(tmp_path / "m.tflite")
    assert [op.index for op in tracer.open(made).graph.ops]
    made.path.write_bytes(b"no model")
    with pytest.raises(ModelError, match="is not a TensorFlow Lite file"):
        tracer.open(made)
