from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import told
from pipeline.checks.drift.blame import Blame
from pipeline.checks.drift.cuts import segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import Nearness

PAIRS = {n: Partner(n, n, Layout((1, 4), (1, 4), (0,)), 100.0) for n in (0, 2)}


def side():
    kernel = tensor(3, data=np.ones((4, 4)))
    ops = [Op(4, "CONV", (0, 3), (1,)), Op(5, "RELU", (1,), (2,))]
    values = {n: np.random.default_rng(n).normal(size=(2, 1, 4)) for n in range(3)}
    return Known(graph([*(tensor(n) for n in range(3)), kernel], ops, (0,), (2,)), values)


def test_a_suspect_is_named_by_its_operator_with_the_weights():
    a, b = side(), side()
    cut = segment(a, b, PAIRS[2], PAIRS)
    assert cut is not None
    near = Nearness(False, 9.0, 0.1, real=True)
    found = told.suspect(a, b, cut, near, Blame())
    assert told.tight(a, b, cut, near, PAIRS) == cut
    assert told.suspect(a, b, cut, near, Blame(b.graph.ops[1])).b.op_type == "RELU"
    assert (found.b.op_index, found.b.op_type, found.b.tensors) == (4, "CONV", ("t1",))
    assert found.measure == "off by up to 0.1 of the range alone, on recorded values"


def test_coverage_is_of_segments_and_of_those_that_agree():
    a, b = side(), side()
    cut = segment(a, b, PAIRS[2], PAIRS)
    assert cut is not None
    shares = told.coverage(a, b, {cut: Nearness(True, 0.1, 0.0)})
    assert (shares["ops_aligned"], shares["proved_b"], shares["ops_isolated"]) == (1.0, 1.0, 2)
    assert told.coverage(a, b, {cut: None})["proved_b"] == 0.0
