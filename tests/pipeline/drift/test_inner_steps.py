from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from gates.in_process import InProcess
from gates.test_drift_inner_rounding import made

from pipeline import config
from pipeline.checks.drift import ends
from pipeline.checks.drift.cuts import segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner, best_layout
from pipeline.checks.drift.nearness import Nearness
from pipeline.drift import inner_steps
from pipeline.drift.alone import Alone
from pipeline.drift.work import Work
from pipeline.lone import open_artifact

WRONG = Nearness(False, 2.0, 0.1)


def whole(tmp_path, **fault):
    """Both models as one segment."""
    pool, limits = InProcess(), config.load().limits
    paths = made(tmp_path / "a.onnx", rounded=False), made(tmp_path / "b.onnx", rounded=True, **fault)
    a, b = (open_artifact(path, pool, limits)[0] for path in paths)
    given = {"x": np.random.default_rng(0).normal(size=(16, 1, 12)).astype(np.float32)}
    work = Work(a, b, given, pool, limits)
    graphs = [work.ask(side, "graph") for side in (a, b)]
    sides = [
        Known(graph, work.trace(file, graph, [*graph.inputs, *(i for op in graph.ops for i in op.outputs)]))
        for file, graph in zip((a, b), graphs, strict=True)
    ]
    _, layout = best_layout(given["x"], given["x"])
    assert layout is not None
    start = Partner(graphs[0].inputs[0], graphs[1].inputs[0], layout, 99.0)
    pairs = {start.b: start} | ends.outputs(*sides, {start.b: start})
    cut = segment(*sides, pairs[graphs[1].outputs[0]], pairs)
    assert cut is not None
    return Alone(work, *sides), cut


def test_an_error_that_the_roundings_inside_explain_is_none(tmp_path):
    alone, cut = whole(tmp_path)
    found = inner_steps.settled(alone, {cut: WRONG})[cut]
    assert found.agrees
    assert found.spread < 0.5
    assert inner_steps.settled(alone, {cut: dataclasses.replace(WRONG, agrees=True)}) == {}


@pytest.mark.parametrize("fault", [{"zero": -70}, {"end": "HardSigmoid"}, {"less": 0.12}])
def test_one_that_lasts_or_is_larger_stays(tmp_path, fault):
    alone, cut = whole(tmp_path, **fault)
    assert inner_steps.settled(alone, {cut: WRONG}) == {}
