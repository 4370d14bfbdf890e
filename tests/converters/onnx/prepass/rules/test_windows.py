"""Pooling with borders, holes, rounding up and places, in one to three dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_nodes import kinds, model_of, normal, replaced

FORMS = [
    {"kernel_shape": [3], "strides": [2], "pads": [1, 1]},
    {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 0, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER", "strides": [1, 2]},
    {"kernel_shape": [2, 2], "auto_pad": "VALID"},
    {"kernel_shape": [2, 3, 2], "pads": [1, 1, 0, 0, 1, 1]},
]


def _image(form: dict[str, object]) -> np.ndarray:
    spatial = len(form["kernel_shape"])  # type: ignore[arg-type]
    return normal(2, 3, *(7, 8, 5)[:spatial])


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_any_window(kind, form, tmp_path):
    x = _image(form)
    made = replaced(tmp_path, model_of(kind, x, **form), x)
    for node in made.model.graph.node:
        if node.op_type == kind:
            names = {item.name for item in node.attribute}
            assert names <= {"kernel_shape", "strides"}, "a window without borders is left"


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_means_that_count_their_borders(form, tmp_path):
    x = _image(form)
    if form.get("auto_pad") != "VALID":
        replaced(tmp_path, model_of("AveragePool", x, count_include_pad=1, **form), x)


def test_holes(tmp_path):
    x = normal(1, 2, 9, 8)
    made = replaced(tmp_path, model_of("MaxPool", x, kernel_shape=[2, 3], dilations=[3, 2], strides=[1, 2]), x)
    assert "MaxPool" not in kinds(made)


@pytest.mark.parametrize("order", [0, 1])
def test_where_each_maximum_was(order, tmp_path):
    x = normal(2, 3, 6, 5)
    form = {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [0, 1, 1, 0], "storage_order": order}
    replaced(tmp_path, model_of("MaxPool", x, outputs=2, **form), x)


def test_what_is_plain_stays(tmp_path):
    import onnx

    from converters.onnx.prepass.rules import rules_without
    from converters.onnx.prepass.run import prepare

    x = normal(1, 2, 6, 6)
    onnx.save(model_of("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), tmp_path / "m.onnx")
    assert not prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}]).replaced


@pytest.mark.parametrize("p", [1, 2, 3])
def test_pooling_of_powers(p, tmp_path):
    x = normal(1, 2, 6, 7)
    replaced(tmp_path, model_of("LpPool", x, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 0, 0], p=p), x)
    replaced(tmp_path, model_of("GlobalLpPool", x, p=p), x)


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "GlobalMaxPool"])
def test_the_whole_image(kind, tmp_path):
    x = normal(2, 3, 4, 5)
    replaced(tmp_path, model_of(kind, x), x)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_neighbouring_channels(size, tmp_path):
    x = normal(1, 6, 3, 4)
    replaced(tmp_path, model_of("LRN", x, size=size, alpha=0.3, beta=0.6, bias=1.5), x)
