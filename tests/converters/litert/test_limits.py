from __future__ import annotations

import math

import numpy as np
import pytest

from converters.contract import Format
from converters.graph import Graph, Op, Tensor
from converters.litert.limits import limits, within


def graph(ops: list[Op], outputs: tuple[int, ...], **constants: float) -> Graph:
    """Tensors t0, t1, ...; c8 and c9 are constants of one value."""
    data = {8: constants.get("c8"), 9: constants.get("c9")}
    tensors = {i: Tensor(i, f"t{i}", (1, 4), "float32") for i in range(8)}
    tensors |= {i: Tensor(i, f"c{i}", (), "float32", np.array(v, np.float32)) for i, v in data.items() if v is not None}
    return Graph(Format.TFLITE, tensors, tuple(ops), (0,), outputs, ("t0",), tuple(f"t{i}" for i in outputs))


def test_a_clip_behind_moves_bounds_what_is_moved():
    ops = [
        Op(0, "EXP", (0,), (1,)),
        Op(1, "RELU", (1,), (2,)),
        Op(2, "TRANSPOSE", (2,), (3,)),
        Op(3, "MINIMUM", (3, 8), (4,)),
        Op(4, "MAXIMUM", (4, 9), (5,)),
    ]
    found = limits(graph(ops, (5,), c8=10.0, c9=1.0))
    assert found == {"t4": (1.0, math.inf), **dict.fromkeys(("t1", "t2", "t3"), (1.0, 10.0))}
    assert within(found, "t1", (0.0, 9000.0)) == (1.0, 10.0)
    assert within(found, "t7", (0.0, 9000.0)) == (0.0, 9000.0)


@pytest.mark.parametrize(
    ("ops", "outputs"),
    [
        ([Op(0, "EXP", (0,), (1,)), Op(1, "RELU6", (1,), (2,)), Op(2, "ADD", (1, 2), (3,))], (3,)),
        ([Op(0, "EXP", (0,), (1,)), Op(1, "RELU6", (1,), (2,))], (1, 2)),
        ([Op(0, "RELU6", (0,), (1,))], (1,)),
        ([Op(0, "EXP", (0,), (1,)), Op(1, "MINIMUM", (1, 0), (2,))], (2,)),
    ],
    ids=["read twice", "given out", "an input", "a computed limit"],
)
def test_what_someone_else_sees_is_not_bounded(ops: list[Op], outputs: tuple[int, ...]):
    assert limits(graph(ops, outputs)) == {}
