from __future__ import annotations

import importlib

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner, best_layout
from pipeline.drift import pairing
from pipeline.drift.alone import Alone
from pipeline.drift.repairing import better
from pipeline.drift.work import Work
from pipeline.lone import open_artifact

across = importlib.import_module("pipeline.drift.across")
LIMITS = config.load().limits


def normed(path, weight):
    """y = h / sqrt(mean(h h) + 1e-4), with h = x W."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Mul", ["h", "h"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["mean"], axes=[1]),
        helper.make_node("Add", ["mean", "eps"], ["moved"]),
        helper.make_node("Sqrt", ["moved"], ["root"]),
        helper.make_node("Div", ["h", "root"], ["y"]),
    ]
    held = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.float32([1e-4]), "eps")]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, 8)) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture
def alone(tmp_path):
    weight = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    coarse = np.rint(weight * 32) / np.float32(32)
    pool = InProcess(tmp_path)
    paths = normed(tmp_path / "a.onnx", weight), normed(tmp_path / "b.onnx", coarse)
    a, b = (open_artifact(path, pool, LIMITS)[0] for path in paths)
    work = Work(a, b, None, pool, LIMITS)
    sides = [(file, work.ask(file, "graph")) for file in (a, b)]
    return Alone(work, *(Known(graph, across._recorded(work, file, graph)) for file, graph in sides))


def test_the_partner_is_the_tensor_up_to_which_the_segment_agrees(alone):
    a, b = alone.a, alone.b
    name = {tensor.name: index for index, tensor in b.graph.tensors.items()}  # the same in both
    pairs = {}
    for ours, theirs in (("x", "x"), ("square", "square"), ("mean", "moved"), ("y", "y")):
        db, layout = best_layout(a.real(name[ours]), b.real(name[theirs]))
        pairs[name[theirs]] = Partner(name[ours], name[theirs], layout, db)
    results = alone.compare(pairing.segments_of(a, b, pairs))
    wrong = [cut.out.b for cut, found in results.items() if found and not found.agrees]
    assert name["moved"] in wrong
    found = better(alone, pairs, results)
    assert {index: pair.a for index, pair in found.items()} == {name["moved"]: name["moved"]}


def test_where_nothing_is_wrong_nothing_is_put_right(alone):
    pairs = pairing.pairs_of(alone.a, alone.b)
    assert better(alone, pairs, {}) == {}
