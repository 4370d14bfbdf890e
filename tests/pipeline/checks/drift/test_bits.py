from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.align import align
from pipeline.checks.drift.bits import odd
from pipeline.checks.drift.net import comparable

WEIGHTS = [np.random.default_rng(n).normal(size=(4, 4)).astype(np.float16) for n in range(5)]


def chain(moved=(), dtype="float16"):
    """Five layers; of some one value is the next number that the type has."""
    tensors, ops = [tensor(0, dtype=dtype)], []
    for n, weight in enumerate(WEIGHTS):
        values = weight.astype(dtype)
        values[1, 2] = np.nextafter(values[1, 2], values.dtype.type(9)) if n in moved else values[1, 2]
        tensors += [tensor(2 * n + 1, data=values, dtype=dtype), tensor(2 * n + 2, dtype=dtype)]
        ops.append(Op(n, "FULLY_CONNECTED", (2 * n, 2 * n + 1), (2 * n + 2,)))
    return comparable(graph(tensors, ops, (0,), (10,)))


@pytest.mark.parametrize("moved", [(), (0, 3), (0, 1, 2, 3, 4)])
def test_none_or_many_that_are_rounded_otherwise_tell_nothing(moved):
    assert list(odd(align(chain(), chain(moved)))) == []


def test_one_alone_was_changed():
    (found,) = odd(align(chain(), chain((3,))))
    assert (found.b.op_index, found.measure) == (3, "1 of 16 values differ, and no other constant does")


def test_32_bits_are_not_asked_about():
    assert list(odd(align(chain(dtype="float32"), chain((3,), "float32")))) == []
