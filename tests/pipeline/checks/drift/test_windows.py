from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.windows import changed, window


def side(kind, shapes, kernel, **said):
    """One operator from tensor 0 with kernel 1 to tensor 2, whose recorded shapes are `shapes`."""
    held = None if kernel is None else np.ones(kernel, np.float32)
    tensors = {0: Tensor(0, "x", None, "float32"), 2: Tensor(2, "y", None, "float32")}
    tensors |= {} if held is None else {1: Tensor(1, "w", held.shape, "float32", held)}
    op = Op(0, kind, (0,) if held is None else (0, 1), (2,), said)
    values = {index: np.zeros((1, 1, *shape), np.float32) for index, shape in zip((0, 2), shapes, strict=True)}
    return Known(Graph("onnx", tensors, (op,), (0,), (2,), ("x",), ("y",)), values)


FLAT = ((12, 20, 3), (6, 10, 8))
DEEP = ((3, 12, 20), (8, 6, 10))
SIDES = {
    "tflite": side("CONV_2D", FLAT, (8, 3, 3, 3), padding="SAME", strideH=2, strideW=2),
    "onnx": side("Conv", DEEP, (8, 3, 3, 3), pads=(0, 0, 1, 1), strides=(2, 2), auto_pad="NOTSET"),
    "mil": side("conv", DEEP, (8, 3, 3, 3), pad=(0, 0, 0, 0), pad_type="same", strides=(2, 2)),
    "mil, custom": side("conv", DEEP, (8, 3, 3, 3), pad=(0, 1, 0, 1), pad_type="custom", strides=(2, 2)),
    "keras": side("Conv2D", FLAT, (3, 3, 3, 8), data_format="NHWC", padding="SAME", strides=(1, 2, 2, 1)),
    "aten": side("aten.conv2d", DEEP, (8, 3, 3, 3), padding=(0, 0), stride=(2, 2), dilation=(1, 1)),
}
WRONG = {
    "strides": side("Conv", DEEP, (8, 3, 3, 3), pads=(0, 0, 1, 1), strides=(2, 1)),
    "dilations": side("Conv", DEEP, (8, 3, 3, 3), pads=(0, 0, 1, 1), strides=(2, 2), dilations=(1, 2)),
    "padding in front": side("Conv", DEEP, (8, 3, 3, 3), pads=(1, 0, 0, 1), strides=(2, 2)),
}


def differing(a, b):
    out, start = (Partner(index, index, Layout((1,), (1,), (0,)), 200.0) for index in (2, 0))
    cut = Segment(out, (start,), a.graph.ops, b.graph.ops)

    ours, theirs = (SimpleNamespace(op=known.graph.ops[0], values=np.zeros((2, 2))) for known in (a, b))
    same = SimpleNamespace(a=ours, b=theirs)  # the two kernels, as `folding` tells them
    return [suspect for _, suspect in changed(a, b, [cut], [same])]


@pytest.mark.parametrize("one", SIDES)
@pytest.mark.parametrize("two", SIDES)
def test_one_convolution_is_the_same_however_a_format_says_it(one, two):
    assert differing(SIDES[one], SIDES[two]) == []


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("one", SIDES)
def test_another_stride_dilation_or_padding_is_told(one, name):
    (suspect,) = differing(SIDES[one], WRONG[name])
    assert (suspect.b.op_type, list(suspect.b.parameters)) == ("Conv", [name])


def test_a_stride_over_one_place_and_the_dilation_of_one_value_have_no_effect():
    first = side("Conv", ((3, 1, 20), (8, 1, 20)), (8, 3, 1, 1), strides=(2, 1), dilations=(1, 1))
    second = side("Conv", ((3, 1, 20), (8, 1, 20)), (8, 3, 1, 1), strides=(1, 1), dilations=(3, 3))
    assert differing(first, second) == []


def test_an_axis_that_a_converter_has_put_in_is_none():
    flat = side("aten.conv1d", ((3, 20), (8, 20)), (8, 3, 3), padding=(1,), stride=(1,))
    deep = side("CONV_2D", ((1, 20, 3), (1, 20, 8)), (8, 1, 3, 3), padding="SAME", strideH=1, strideW=1)
    assert window(flat, flat.graph.ops[0]).told == window(deep, deep.graph.ops[0]).told


def test_nothing_is_said_beside_an_operator_that_pads():
    one, two = SIDES["onnx"], WRONG["padding in front"]
    pad = Op(1, "PAD", (0,), (2,))
    two = Known(Graph("onnx", two.graph.tensors, (*two.graph.ops, pad), (0,), (2,), ("x",), ("y",)), two.recorded)
    assert differing(one, two) == []
