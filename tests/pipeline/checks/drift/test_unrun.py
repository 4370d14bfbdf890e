from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.unrun import open_ends, recorded

PLAIN = Layout((1, 4), (1, 4), (0,))
X = np.random.default_rng(0).normal(size=(4, 1, 4))


def side(values):
    ops = [Op(0, "A", (0,), (1,)), Op(1, "B", (1,), (2,))]
    return Known(graph([tensor(n) for n in range(3)], ops, (0,), (2,)), {0: X, 1: X, 2: values})


def cut(start_db, end_db):
    return Segment(Partner(2, 2, PLAIN, end_db), (Partner(1, 1, PLAIN, start_db),), (), ())


def test_an_end_that_is_far_off_behind_starts_that_are_the_same_differs():
    found = recorded(side(X), side(X * 1.1), cut(130.0, 20.0))
    assert found is not None
    assert (found.agrees, found.real) == (False, True)
    assert found.said().endswith("behind inputs that are the same")


def test_starts_that_are_as_far_off_or_ends_that_are_near_tell_nothing():
    assert recorded(side(X), side(X * 1.1), cut(25.0, 20.0)) is None
    assert recorded(side(X), side(X * (1 + 1e-5)), cut(130.0, 100.0)) is None


def test_an_output_without_a_segment_is_held_against_the_inputs():
    one = side(X)
    pairs = {0: Partner(0, 0, PLAIN, 200.0), 2: Partner(2, 2, PLAIN, 20.0)}
    (found,) = open_ends(one, one, pairs, [])
    assert (found.out, found.given) == (pairs[2], (pairs[0],))
    assert list(open_ends(one, one, pairs, [cut(130.0, 20.0)])) == []
