"""Convolutions, windows, products and reductions, each against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
from lowered_models import agrees
from onnx_nodes import normal

from converters.errors import UnsupportedError

IMAGE = normal(2, 4, 7, 6)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"pads": [1, 1, 1, 1]},
        {"pads": [2, 0, 1, 3], "strides": [2, 2]},
        {"strides": [2, 3], "dilations": [1, 1], "auto_pad": "SAME_LOWER"},
        {"dilations": [2, 2], "pads": [2, 2, 2, 2]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 1]},
        {"group": 2},
        {"group": 4, "strides": [2, 2]},
        {"group": 4, "strides": [2, 1]},
    ],
    ids=str,
)
def test_convolutions(form):
    group = form.get("group", 1)
    agrees("Conv", IMAGE, {"w": normal(8, 4 // group, 3, 3), "b": normal(8)}, **form)


def test_a_volume():
    x = normal(1, 2, 4, 5, 6)
    agrees("Conv", x, {"w": normal(3, 2, 2, 2, 2)}, pads=[1, 0, 0, 0, 1, 1])


@pytest.mark.parametrize(
    "form",
    [{"strides": [2, 2], "pads": [1, 0, 1, 2]}, {"strides": [2, 3], "output_padding": [1, 2]}, {"group": 2}, {}],
    ids=str,
)
def test_transposed_ones(form):
    agrees("ConvTranspose", IMAGE, {"w": normal(4, 3, 3, 3), "b": normal(3 * form.get("group", 1))}, **form)


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_windows(kind):
    agrees(kind, IMAGE, kernel_shape=[2, 3], strides=[2, 2])
    agrees(kind, IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def test_a_window_that_it_does_not_do():
    with pytest.raises(UnsupportedError, match="pooling over 1 dimensions"):
        agrees("MaxPool", normal(1, 2, 6), kernel_shape=[2])


@pytest.mark.parametrize("other", [(4, 5), (2, 4, 5), (4,)], ids=str)
def test_products(other):
    agrees("MatMul", normal(2, 3, 4), {"b": normal(*other)})


def test_a_product_scaled_and_added_to():
    agrees("Gemm", normal(4, 3), {"b": normal(5, 4), "c": normal(5)}, transA=1, transB=1, alpha=0.5, beta=2.0)


@pytest.mark.parametrize("kind", ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd"])
@pytest.mark.parametrize("form", [{}, {"axes": [-1, 1], "keepdims": 0}, {"axes": [2]}], ids=str)
def test_reductions(kind, form):
    agrees(kind, IMAGE, **form)


def test_places_of_extremes_and_the_greatest():
    agrees("ArgMax", IMAGE, axis=1)
    agrees("ArgMin", IMAGE, axis=-1, keepdims=0)
    agrees("TopK", IMAGE, {"k": np.array([2])}, outputs=2)
    agrees("CumSum", IMAGE, {"a": np.array(1)}, exclusive=1, reverse=1)


@pytest.mark.parametrize("axis", [1, -1])
def test_shares(axis):
    agrees("Softmax", IMAGE, axis=axis)
    agrees("LogSoftmax", IMAGE, axis=axis)


def test_blocks_and_images_resized():
    agrees("DepthToSpace", IMAGE, blocksize=2)
    factors = {"f": np.array([1, 1, 2, 3], np.float32)}
    form = {"coordinate_transformation_mode": "half_pixel", "mode": "linear"}
    agrees("Resize", IMAGE, factors, order=("x", "", "f"), **form)
    form = {"coordinate_transformation_mode": "asymmetric", "mode": "nearest", "nearest_mode": "floor"}
    agrees("Resize", IMAGE, factors, order=("x", "", "f"), **form)
