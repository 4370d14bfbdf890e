from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import ends
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import matched

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(3, 4, 1, 8)).astype(np.float32)


def side(outputs, names):
    ops = [Op(0, "EXP", (0,), (1,)), Op(1, "NEG", (0,), (2,))]
    return Known(
        graph([tensor(n, (1, 8)) for n in range(3)], ops, (0,), outputs, output_names=names),
        {n: VALUES[n] for n in range(3)},
    )


@pytest.mark.parametrize(
    ("outputs", "names", "said"),
    [
        ((1, 2), ("p", "q"), []),
        ((2, 1), ("y", "x"), []),
        ((2, 1), ("x", "y"), ["outputs are exchanged"] * 2),
        ((2, 1), ("p", "q"), ["outputs are exchanged"] * 2),
        ((2, 1), ("Identity_1", "Identity"), []),
        ((1, 2), ("StatefulPartitionedCall:1", "StatefulPartitionedCall:0"), ["outputs are exchanged"] * 2),
    ],
)
def test_outputs_are_told_by_name_else_by_place(outputs, names, said):
    a, b = side((1, 2), ("x", "y")), side(outputs, names)
    found = list(ends.exchanged(a, b, matched(a, b)))
    assert [suspect.cause.rsplit(": ")[-1] for suspect in found] == said


@pytest.mark.parametrize(
    ("names", "said"),
    [(("intent", "tags"), []), (("output_0", "output_1"), ["outputs are exchanged"] * 2)],
)
def test_where_no_name_is_shared_sizes_tell_which_output_is_which(names, said):
    def known(outputs, names):
        ops = [Op(0, "EXP", (0,), (1,)), Op(1, "MEAN", (0,), (2,))]
        values = {0: VALUES[0], 1: np.exp(VALUES[0]), 2: VALUES[0][..., :3]}
        tensors = [tensor(0, (1, 8)), tensor(1, (1, 8)), tensor(2, (1, 3))]
        return Known(graph(tensors, ops, (0,), outputs, output_names=names), values)

    a, b = known((1, 2), ("output_0", "output_1")), known((2, 1), names)
    found = list(ends.exchanged(a, b, matched(a, b)))
    assert [suspect.cause.rsplit(": ")[-1] for suspect in found] == said


def test_an_output_that_holds_something_else_is_a_partner_all_the_same():
    a, b = side((1, 2), ("x", "y")), side((1, 2), ("x", "y"))
    b.recorded = {**b.recorded, 2: RNG.normal(size=(4, 1, 8))}
    pairs = matched(a, b)
    assert 2 not in pairs
    assert ends.outputs(a, b, pairs)[2].a == 2


def test_a_missing_output_is_told():
    a, b = side((1, 2), ("x", "y")), side((1,), ("x",))
    assert [suspect.measure for suspect in ends.exchanged(a, b, {})] == ["2 became 1"]


def test_an_output_that_nothing_else_judges_is_held_to_the_reference():
    values = np.random.default_rng(0).normal(size=(4, 1, 6)).astype(np.float32)
    ops = [Op(0, "IF", (0,), (1,))]

    def side(out):
        return Known(graph([tensor(0), tensor(1)], ops, (0,), (1,)), {0: values, 1: out})

    assert not list(ends.far(side(values), side(values * 1.2), ()))
    (found,) = ends.far(side(values), side(values[:, :, ::-1].copy() * 3), ())
    assert (found.kind, found.b.op_type) == ("outputs", "IF")
    assert not list(ends.far(side(values), side(-values), (1,)))
