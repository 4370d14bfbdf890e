from __future__ import annotations

import numpy as np
import pytest

from converters.contract import Format
from converters.errors import UnsupportedError
from converters.graph import Graph, Op, Tensor
from converters.tracer import between


def chain(constants=()):
    """0 -> A -> 1 -> B -> 2 -> C -> 4; C also reads 3."""
    tensors = {i: Tensor(i, f"t{i}", (1,), "float32", np.ones(1) if i in constants else None) for i in range(5)}
    ops = (Op(0, "A", (0,), (1,)), Op(1, "B", (1,), (2,)), Op(2, "C", (2, 3), (4,)))
    return Graph(Format.TFLITE, tensors, ops, (0, 3), (4,), ("x", "y"), ("z",))


def test_only_what_lies_between_runs():
    assert [op.type for op in between(chain(), [1, 3], [4])] == ["B", "C"]
    assert [op.type for op in between(chain(), [2, 3], [4])] == ["C"]
    assert [op.type for op in between(chain(constants=(3,)), [0], [2, 4])] == ["A", "B", "C"]
    assert between(chain(), [2], [2]) == ()


def test_a_tensor_that_is_needed_and_not_given_is_named():
    with pytest.raises(UnsupportedError, match=r"tensor 3 \('t3'\) is needed and not given"):
        between(chain(), [0], [4])
