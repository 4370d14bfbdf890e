from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from rooted_models import both

from pipeline.checks.drift.matching import Partner, best_layout, in_order
from pipeline.drift import pairing
from pipeline.drift.repairing import better, merged, restarted


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
    return both(tmp_path, normed(tmp_path / "a.onnx", weight), normed(tmp_path / "b.onnx", coarse))


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


def test_no_pair_says_that_what_comes_first_in_one_model_comes_second_in_the_other(alone):
    name = {tensor.name: index for index, tensor in alone.b.graph.tensors.items()}
    _, layout = best_layout(alone.a.real(name["mean"]), alone.b.real(name["moved"]))
    across = Partner(name["mean"], name["moved"], layout, 80.0)
    assert not in_order(alone.a, alone.b, Partner(name["moved"], name["mean"], layout, 80.0), [across])
    assert in_order(alone.a, alone.b, Partner(name["root"], name["root"], layout, 80.0), [across])


def test_where_nothing_is_wrong_nothing_is_put_right(alone):
    pairs = pairing.pairs_of(alone.a, alone.b)
    assert better(alone, pairs, {}) == {}


def offset(path, *, rounded, lost=False):
    """y = x W + b; `rounded`: with weights of 8 bits, the sum stored in 16 bits; `lost`: without b."""
    rng = np.random.default_rng(1)
    codes, small = rng.integers(-127, 128, (8, 2)).astype(np.int8), np.float32([0.02, -0.015])
    held = {
        "codes": codes,
        "s": np.float32(0.01),
        "z": np.int8(0),
        "b": small * (not lost),
        "w": codes * np.float32(0.01),
    }
    held |= {"fine": np.float32(1e-3), "half": np.uint16(32768)}
    if rounded:
        nodes = [helper.make_node("DequantizeLinear", ["codes", "s", "z"], ["wd"])]
        nodes.append(helper.make_node("Gemm", ["x", "wd", "b"], ["sum"]))
        nodes.append(helper.make_node("QuantizeLinear", ["sum", "fine", "half"], ["q"]))
        nodes.append(helper.make_node("DequantizeLinear", ["q", "fine", "half"], ["y"]))
    else:
        nodes = [helper.make_node("MatMul", ["x", "w"], ["sum"]), helper.make_node("Add", ["sum", "b"], ["y"])]
    used = {name for node in nodes for name in node.input}
    constants = [numpy_helper.from_array(np.asarray(v), name) for name, v in held.items() if name in used]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, c)) for n, c in (("x", 8), ("y", 2)))
    graph = helper.make_graph(nodes, "g", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


@pytest.mark.parametrize("lost", [False, True])
def test_a_pair_before_a_bias_that_was_folded_in_is_dropped_where_all_agrees_then(tmp_path, lost):
    paths = offset(tmp_path / "a.onnx", rounded=False), offset(tmp_path / "b.onnx", rounded=True, lost=lost)
    alone = both(tmp_path, *paths)
    sides = alone.a, alone.b
    places = [{tensor.name: index for index, tensor in side.graph.tensors.items()} for side in sides]
    pairs = {}
    for name in ("x", "sum", "y"):
        ours, theirs = (place[name] for place in places)
        db, layout = best_layout(sides[0].real(ours), sides[1].real(theirs))
        pairs[theirs] = Partner(ours, theirs, layout, db)
    results = alone.compare(pairing.segments_of(*sides, pairs))
    kept = merged(alone, pairs, results)
    assert (places[1]["sum"] in kept) is lost


def factored(path):
    """y = x W 1.3 + 0.5."""
    weight = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    held = {"w": weight, "factor": np.float32([1.3]), "offset": np.float32([0.5])}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Mul", ["h", "factor"], ["m"]),
        helper.make_node("Add", ["m", "offset"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, 8)) for name in "xy"]
    values = [numpy_helper.from_array(value, name) for name, value in held.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_a_segment_that_starts_before_a_factor_starts_behind_it(tmp_path):
    alone = both(tmp_path, factored(tmp_path / "a.onnx"), factored(tmp_path / "b.onnx"))
    a, b = alone.a, alone.b
    name = {tensor.name: index for index, tensor in b.graph.tensors.items()}
    pairs = {}
    for ours, theirs in (("x", "x"), ("h", "m"), ("y", "y")):
        db, layout = best_layout(a.real(name[ours]), b.real(name[theirs]))
        pairs[name[theirs]] = Partner(name[ours], name[theirs], layout, db)
    results = alone.compare(pairing.segments_of(a, b, pairs))
    assert restarted(alone, pairs, results)[name["m"]].a == name["m"]
