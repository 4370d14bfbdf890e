"""What is decided here, not by onnx2tf: layouts. Real conversions are in tests/converters/onnx_tf/test_convert.py."""

from __future__ import annotations

import numpy as np
import pytest

from converters.contract import TensorSpec
from converters.onnx2tf import convert


@pytest.mark.parametrize(
    ("layout", "shape", "found", "orders"),
    [
        ("NCHW", (1, 3, 4, 5), (1, 4, 5, 3), [(0, 2, 3, 1)]),
        ("NCHW", (1, 3, 4, 5), (1, 3, 4, 5), [(0, 1, 2, 3)]),
        ("NCHW", (1, 4, 4, 4), (1, 4, 4, 4), [(0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3)]),
        ("", (2, 3), (3, 2), []),
        ("", (2, 3), (2, 3), [(0, 1)]),
        ("NC", (1, 7), (1, 7, 1), []),
    ],
)
def test_the_orders_of_axes_that_fit_a_shape(layout, shape, found, orders):
    own, other = TensorSpec("x", shape, "float32", layout), TensorSpec("x", found, "float32")
    assert list(convert._orders(own, other))[: len(orders) or None] == orders


def test_images_are_channels_last_in_the_file():
    image = TensorSpec("x", (1, 3, 8, 6), "float32", "NCHW", meaning="image", limits=(0, 255))
    turned = convert._turned(image, TensorSpec("x", (1, 8, 6, 3), "float32"))
    assert (turned.layout, turned.meaning, turned.limits) == ("NHWC", "image", (0, 255))
    row = convert._turned(TensorSpec("v", (1, 7), "float32", "NC"), TensorSpec("v", (1, 7), "float32"))
    assert row.layout == "NC"


def test_values_decide_where_shapes_do_not():
    want = np.random.default_rng(0).normal(size=(1, 4, 4)).astype(np.float32)
    assert convert._near(want, want + 1e-6)
    assert not convert._near(want.transpose(0, 2, 1), want)
    assert not convert._near(want, want[:, :3])
