from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.align import align
from pipeline.checks.drift.net import comparable
from pipeline.checks.drift.wiring import detours

A, B = (np.random.default_rng(n).normal(size=(4, 4)) for n in range(2))


def net(ops, outputs=(6,), **more):
    tensors = [tensor(0), tensor(1, data=A), tensor(2, data=B), *(tensor(n) for n in range(3, 9))]
    made = [Op(n, kind, inputs, out) for n, (kind, inputs, out) in enumerate(ops)]
    return comparable(graph(tensors, made, (0,), outputs, **more))


FIRST, SECOND = ("FULLY_CONNECTED", (0, 1), (3,)), ("FULLY_CONNECTED", (3, 2), (4,))
RIGHT = [FIRST, SECOND, ("SUB", (3, 4), (5,)), ("EXP", (5,), (6,))]


def told(ops, right=(6,), **more):
    honest = net(RIGHT, right, output_names=tuple("xyz"[: len(right)]))
    return [(d.suspect.kind, d.suspect.cause, d.boundaries) for d in detours(align(honest, net(ops, **more)))]


def test_the_same_wiring_has_no_detours():
    assert told(RIGHT) == []
    assert told([FIRST, SECOND, ("SUB", (3, 4), (7,)), ("EXP", (7,), (6,))]) == []


def test_exchanged_inputs():
    found = told([FIRST, SECOND, ("SUB", (4, 3), (5,)), RIGHT[3]])
    assert found == [("wiring", "its inputs are exchanged", ((3, 4), (4, 3)))]


def test_a_skipped_layer():
    ((kind, cause, boundaries),) = told([FIRST, SECOND, ("EXP", (4,), (6,))])
    assert (kind, cause) == ("missing", "SUB is skipped")
    assert boundaries == ((5, 4),)


def test_a_layer_run_twice():
    ((kind, cause, _),) = told([FIRST, SECOND, ("FULLY_CONNECTED", (4, 2), (7,)), ("SUB", (3, 7), (5,)), RIGHT[3]])
    assert (kind, cause) == ("extra", "FULLY_CONNECTED is run twice")


def test_another_source():
    ((kind, cause, _),) = told([FIRST, SECOND, ("SUB", (0, 4), (5,)), RIGHT[3]])
    assert (kind, cause) == ("wiring", "it reads input 't0', not what corresponds to output 0 of FULLY_CONNECTED 0")


@pytest.mark.parametrize(
    ("outputs", "names", "kinds"),
    [
        ((6, 4), ("y", "x"), {"outputs"}),
        ((4, 6), ("y", "x"), {"names"}),
        ((4, 6), ("p", "q"), set()),
        ((6,), ("x",), {"outputs"}),
    ],
)
def test_outputs_by_place_and_by_name(outputs, names, kinds):
    found = told(RIGHT, right=(4, 6), outputs=outputs, output_names=names)
    assert {kind for kind, _, _ in found} == kinds


def test_an_input_that_is_read_twice_is_told_at_its_reader():
    ((kind, cause, _),) = told([FIRST, SECOND, ("SUB", (3, 3), (5,)), RIGHT[3]])
    assert (kind, cause) == (
        "wiring",
        "it reads output 0 of FULLY_CONNECTED 0 twice, not output 0 of FULLY_CONNECTED 1",
    )


def test_a_graph_that_hands_its_input_on():
    ((kind, _, boundaries),) = told([], outputs=(0,))
    assert (kind, boundaries) == ("missing", ((6, 0),))
