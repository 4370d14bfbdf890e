from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.steps import odd

STEPS, KERNEL = 7, 1
RNG = np.random.default_rng(0)


def written_out(changed=None, steps=STEPS):
    """h -> tanh(h W + x[k]), step by step; `changed` has other operators by their places."""
    tensors = [tensor(0, (1, 4)), tensor(KERNEL, data=RNG.normal(size=(4, 4)).astype(np.float32)), tensor(2, (9, 4))]
    ops, state = [], 0
    for n in range(steps):
        at, taken, product, total, new = (3 + 5 * n + k for k in range(5))
        tensors += [tensor(at, data=np.int32([n, 0])), *(tensor(i, (1, 4)) for i in (taken, product, total, new))]
        ops += [
            Op(4 * n, "SLICE", (2, at), (taken,)),
            Op(4 * n + 1, "FULLY_CONNECTED", (state, KERNEL), (product,)),
            Op(4 * n + 2, "ADD", (product, taken), (total,)),
            Op(4 * n + 3, "TANH", (total,), (new,)),
        ]
        state = new
    ops = [Op(op.index, (changed or {}).get(op.index, op.type), op.inputs, op.outputs) for op in ops]
    seen = {index for op in ops for index in op.outputs} | {0, 2}
    recorded = {index: RNG.normal(size=(4, 1, 4)).astype(np.float32) for index in seen}
    return Known(graph(tensors, ops, (0, 2), (state,)), recorded)


def test_steps_that_are_alike_have_no_odd_operator():
    assert odd(written_out()) == []


@pytest.mark.parametrize(("place", "kind"), [(14, "SUB"), (11, "LOGISTIC")])
def test_the_operator_of_one_step_that_is_not_as_in_the_others_is_found(place, kind):
    (found,) = odd(written_out({place: kind}))
    assert (found.op.index, found.op.type) == (place, kind)
    assert found.like.type == {"SUB": "ADD", "LOGISTIC": "TANH"}[kind]


def test_the_first_step_may_lack_what_comes_of_a_state():
    """Where the state is nothing yet, what multiplies it is nothing."""
    assert odd(written_out({3: "LOGISTIC"})) == []


def test_few_steps_say_nothing():
    assert odd(written_out({6: "SUB"}, steps=4)) == []
