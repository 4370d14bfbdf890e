from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.align import align
from pipeline.checks.drift.net import comparable

WEIGHTS = [np.random.default_rng(n).normal(size=(4, 4)) for n in range(3)]


def chain(weights, offset=0):
    """Three dense layers with a RELU behind each, with tensors numbered from `offset`."""
    tensors = [tensor(offset)]
    ops = []
    for n, values in enumerate(weights):
        base = offset + 1 + 3 * n
        before = offset if n == 0 else base - 1
        tensors += [tensor(base, data=values), tensor(base + 1), tensor(base + 2)]
        ops.append(
            [Op(2 * n, "FULLY_CONNECTED", (before, base), (base + 1,)), Op(2 * n + 1, "RELU", (base + 1,), (base + 2,))]
        )
    flat = [op for n in range(len(weights)) for op in ops[n]]
    return comparable(graph(tensors, flat, (offset,), (offset + 3 * len(weights),)))


def test_the_same_graph_is_paired_whatever_its_numbers():
    pairs = align(chain(WEIGHTS), chain(WEIGHTS, offset=7))
    assert pairs.to_b == {n: n for n in range(6)}
    assert pairs.exact == set(range(6))


def test_a_changed_layer_is_paired_by_its_neighbours():
    other = [WEIGHTS[0], WEIGHTS[1] * 1.5, WEIGHTS[2]]
    pairs = align(chain(WEIGHTS), chain(other))
    assert pairs.to_b == {n: n for n in range(6)}
    assert pairs.exact == {0, 1}


def test_a_lost_layer_has_no_partner_and_the_others_have_theirs():
    pairs = align(chain(WEIGHTS), chain([WEIGHTS[0], WEIGHTS[2]]))
    weights = {in_a: in_b for in_a, in_b in pairs.to_b.items() if in_a % 2 == 0}
    assert weights == {0: 0, 4: 2}


def test_layers_of_one_kind_in_another_order_are_told_apart_by_their_weights_between_two_precisions():
    """Both read the input: which comes first in the file says nothing."""

    def beside(order, dtype):
        held = [tensor(1 + n, data=WEIGHTS[number].astype(dtype)) for n, number in enumerate(order)]
        ops = [Op(n, "FULLY_CONNECTED", (0, 1 + n), (3 + n,)) for n in range(2)]
        return comparable(graph([tensor(0), *held, tensor(3), tensor(4)], ops, (0,), (3, 4)), bridged=True)

    assert align(beside([0, 1], np.float32), beside([1, 0], np.float16), bridged=True).to_b == {0: 1, 1: 0}
