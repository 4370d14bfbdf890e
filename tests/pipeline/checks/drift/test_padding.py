from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.net import comparable
from pipeline.checks.drift.padding import pads_nothing


def side(kernel, size, out, stride=1, kind="CONV_2D"):
    """(1, size, 6, 2) -> (1, out, 6, 3) by a window that is as wide as one value."""
    attributes = {"padding": "SAME", "strideH": stride, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    tensors = [tensor(0, (1, size, 6, 2)), tensor(1, data=np.ones((3, kernel, 1, 2))), tensor(2, (1, out, 6, 3))]
    net = comparable(graph(tensors, [Op(0, kind, (0, 1), (2,), attributes)], (0,), (2,)), bridged=False)
    return net, net.nodes[0]


@pytest.mark.parametrize(
    ("kernel", "size", "out", "stride", "fills"),
    [(1, 8, 8, 1, True), (3, 8, 8, 1, False), (2, 8, 4, 2, True), (3, 8, 4, 2, False), (3, 8, 6, 1, False)],
)
def test_windows_that_fill_what_is_there_pad_nothing(kernel, size, out, stride, fills):
    assert pads_nothing(*side(kernel, size, out, stride)) is fills


def test_an_open_size_tells_nothing():
    assert not pads_nothing(*side(1, -1, 8))
