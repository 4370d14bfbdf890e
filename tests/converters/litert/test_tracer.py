from __future__ import annotations

import struct

import numpy as np
import pytest
from drift_models import dense
from flat_models import Graph, Op, T, custom, save

from converters.errors import ModelError, UnsupportedError
from converters.litert import tracer


def test_a_file_that_is_none_is_a_model_error(tmp_path):
    made = dense(tmp_path / "m.tflite")
    assert [op.index for op in tracer.open(made).graph.ops]
    made.path.write_bytes(b"no model")
    with pytest.raises(ModelError, match="is not a TensorFlow Lite file"):
        tracer.open(made)


def test_what_lies_around_a_custom_operator_that_only_a_delegate_knows_is_seen(tmp_path):
    kernel, bias = np.ones((1, 2, 2, 1), np.float32), np.float32([0.5])
    tensors = [
        *(T("in", (1, 2, 2, 1)), T("two", (), value=2.0), T("a", (1, 2, 2, 1)), T("b", (1, 4, 4, 1))),
        *(T("kernel", kernel.shape, value=kernel), T("bias", (1,), value=bias), T("y", (1, 4, 4, 1))),
    ]
    ops = [
        Op("MUL", ("in", "two"), ("a",)),
        Op("Convolution2DTransposeBias", ("a", "kernel", "bias"), ("b",), struct.pack("3i", 1, 2, 2)),
        Op("ABS", ("b",), ("y",)),
    ]
    inside = tracer.open(save(tmp_path / "m.tflite", Graph(tensors, ops, ("in",), ("y",), {"in": "x", "y": "y"})))
    samples = [{"x": np.full((1, 2, 2, 1), n, np.float32)} for n in (-1, -2)]
    found = inside.trace(samples, [0, 2, 3, 6])
    assert [found[index][:, 0, 0, 0, 0].tolist() for index in (0, 2, 3, 6)] == [
        [-1, -2],
        [-2, -4],
        [-1.5, -3.5],
        [1.5, 3.5],
    ]
    alone = inside.run({2: np.ones((1, 1, 2, 2, 1), np.float32)}, [6])
    assert alone[6].tolist() == np.full((1, 1, 4, 4, 1), 1.5).tolist()


def test_before_a_custom_operator_that_nothing_runs_values_are_seen(tmp_path):
    inside = tracer.open(custom(tmp_path / "m.tflite"))
    x = np.ones((1, 4), np.float32)
    assert list(inside.trace([{"x": x}], [0, 1])) == [0]
    with pytest.raises(UnsupportedError, match="FancyWarp"):
        inside.run({0: x[None]}, [1])
