"""Which boxes are kept, against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx_nodes import model_of

from converters.contract import TensorSpec
from converters.onnx.prepass.fold import session_of
from converters.onnx_tflite.convert import lowered


@pytest.mark.parametrize("centre", [0, 1])
def test_boxes_that_overlap(centre):
    boxes = np.array([[[0, 0, 1, 1], [1, 1.1, 0, 0.1], [0, 2, 1, 3], [0, 2.05, 1, 3]]], np.float32)
    if centre:
        boxes[0, 1] = 1, 1.1, 0.2, 0.1
    scores = np.array([[[0.9, 0.8, 0.7, 0.95], [0.1, 0.6, 0.2, 0.3]]], np.float32)
    agrees_on(boxes, scores, centre, most=3)


@pytest.mark.parametrize("centre", [0, 1])
def test_boxes_without_an_area_are_each_kept_once(centre):
    """LiteRT's kernel takes such a box again and again, for it does not overlap even itself."""
    flat = [2, 0, 0, 5] if centre else [2, 0, 2, 5]
    boxes = np.array([[[0, 0, 1, 1], flat, flat, [0, 0, 0, 0], [-7, 3, 2, 9]]], np.float32)
    scores = np.array([[[0.9, 0.8, 0.7, 0.95, 0.5]]], np.float32)
    assert len(agrees_on(boxes, scores, centre)) == 5


def agrees_on(boxes, scores, centre, most=0):
    most = most or scores.shape[-1]
    rest = {"m": np.array([most]), "o": np.array([0.5], np.float32), "t": np.array([0.15], np.float32)}
    form = {"order": ("b", "x", "m", "o", "t"), "center_point_box": centre}
    model = model_of("NonMaxSuppression", scores, {"b": boxes, **rest}, **form)
    content = lowered(model, {"x": TensorSpec("x", scores.shape, "float32")})
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], scores)
    interpreter.invoke()
    (want,) = session_of(model).run(None, {"x": scores})
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), want)
    return want
