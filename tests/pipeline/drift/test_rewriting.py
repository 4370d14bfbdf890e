from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from gates.test_drift_optimized import branching
from onnx import helper

from pipeline import config
from pipeline.checks.drift.suspects import Side, Suspect
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift, rewriting
from pipeline.drift.rewriting import computes_in, settled
from pipeline.drift.work import Work
from pipeline.lone import open_artifact

TYPE = Suspect("type", Side(0, "Conv"), Side(0, "Other"), "another operator", "Conv became Other", 0)


def test_pieces_that_agree_settle_what_differs_but_for_what_no_rewriting_does(tmp_path):
    pool, limits = InProcess(), config.load().limits
    file, _ = open_artifact(branching(tmp_path / "m.onnx"), pool, limits)
    given = {"x": np.random.default_rng(0).normal(size=(4, 1, 3, 8, 8)).astype(np.float32)}
    work = Work(file, file, given, pool, limits)
    graph = work.ask(file, "graph")
    assert settled([TYPE], graph, graph, work, paired=True) == []
    assert settled([], graph, graph, work, paired=True) == []
    named = Suspect("names", TYPE.a, TYPE.b, "", "names are exchanged")
    assert settled([TYPE, named], graph, graph, work, paired=True) == [TYPE, named]


def test_computing_in_a_type_is_not_storing_in_it(tmp_path):
    file, _ = open_artifact(branching(tmp_path / "m.onnx"), InProcess(), config.load().limits)
    graph = Work(file, file, None, InProcess(), config.load().limits).ask(file, "graph")
    assert computes_in(graph, ["float32"])
    assert not computes_in(graph, ["float16"])


@pytest.mark.parametrize("last", ["Neg", "Sqrt"], ids=["another number", "no number in places"])
def test_where_an_output_is_far_off_no_piece_is_run(tmp_path, monkeypatch, last):
    pool, limits = InProcess(), config.load().limits
    one, two = (branching(tmp_path / f"{name}.onnx") for name in "ab")
    ended(one, "Sqrt" if last == "Neg" else "Neg")
    ended(two, last)
    a, b = (open_artifact(path, pool, limits)[0] for path in (one, two))
    work = Work(a, b, {"x": np.random.default_rng(0).normal(size=(4, 1, 3, 8, 8)).astype(np.float32)}, pool, limits)
    monkeypatch.setattr(rewriting, "opinion", lambda *_: pytest.fail("pieces were run"))
    assert settled([TYPE], work.ask(a, "graph"), work.ask(b, "graph"), work, paired=True) == [TYPE]


def ended(path, last):
    """The file with another operator at its end."""
    model = onnx.load(path)
    end = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = [f"{name}_" if name == end else name for name in node.output]
    model.graph.node.append(helper.make_node(last, [f"{end}_"], [end]))
    onnx.save(model, path)


def compared(path, kind):
    """x (1, 4) -> x, one more where it is beyond -50 (`kind` says how) and beyond 50 too: no sample is."""
    held = [onnx.numpy_helper.from_array(np.float32(value), name) for name, value in (("low", -50), ("high", 50))]
    nodes = [
        helper.make_node(kind, ["x", "low"], ["first"]),
        helper.make_node("Greater", ["x", "high"], ["second"]),
        helper.make_node("And", ["first", "second"], ["both"]),
        helper.make_node("Cast", ["both"], ["more"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Add", ["x", "more"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, 4)) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_an_operator_that_never_moves_proves_nothing_by_what_comes_behind_it(tmp_path):
    right, wrong, same = (compared(tmp_path / f"{kind}.onnx", kind) for kind in ("Greater", "Less", "GreaterOrEqual"))
    limits = config.load().limits
    found = drift(right, wrong, "", InProcess(), limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Less")
    found = drift(right, same, "", InProcess(), limits)  # alike on all samples, and none of them tells
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "GreaterOrEqual")
