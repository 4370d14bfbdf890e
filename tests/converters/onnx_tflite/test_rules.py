"""What is left to TensorFlow Lite's own kernels, and what they would do otherwise."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx_nodes import kinds, model_of, normal

from converters.onnx.prepass.run import prepare
from converters.onnx_tflite.rules import rules

X = normal(1, 2, 4, 5)


def _left(tmp_path, model) -> bool:
    onnx.save(model, tmp_path / "m.onnx")
    return model.graph.node[0].op_type in kinds(prepare(tmp_path / "m.onnx", rules(), [{"x": X}]))


@pytest.mark.parametrize(
    ("factors", "form", "left"),
    [
        ((2, 2), {"mode": "linear"}, True),
        ((2, 3), {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, True),
        ((2, 2), {"mode": "nearest"}, True),
        ((2, 2), {"mode": "nearest", "nearest_mode": "ceil"}, False),
        ((0.5, 0.4), {"mode": "nearest"}, False),
        ((2, 2), {"mode": "cubic"}, False),
        ((1.3, 1.3), {"mode": "linear"}, False),
    ],
    ids=str,
)
def test_images_resized(factors, form, left, tmp_path):
    constants = {"f": np.array([1, 1, *factors], np.float32)}
    assert _left(tmp_path, model_of("Resize", X, constants, order=("x", "", "f"), **form)) is left


def test_blocks(tmp_path):
    x = normal(1, 4, 2, 3)
    for mode, left in (("DCR", True), ("CRD", False)):
        model = model_of("DepthToSpace", x, blocksize=2, mode=mode)
        onnx.save(model, tmp_path / "m.onnx")
        assert ("DepthToSpace" in kinds(prepare(tmp_path / "m.onnx", rules(), [{"x": x}]))) is left


@pytest.mark.parametrize("kind", ["Gelu", "HardSwish", "LeakyRelu", "PRelu", "Gemm", "Clip"])
def test_what_has_a_kernel_stays(kind):
    assert kind not in rules()
