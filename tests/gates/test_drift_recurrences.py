"""A recurrence against its steps written out, in 8 bits: constants that no segment of so many operators could judge."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

RNG = np.random.default_rng(3)
STEPS, TAKEN, UNITS = 6, 5, 8
KERNEL = RNG.normal(size=(3 * UNITS, TAKEN)).astype(np.float32) / 2
STATE = RNG.normal(size=(3 * UNITS, UNITS)).astype(np.float32) / 3
BIAS = RNG.normal(size=(2, 3 * UNITS)).astype(np.float32) / 3
GATES = {"update": 0, "reset": 1, "new": 2}


def saved(path, nodes, **held):
    """x (STEPS, 1, TAKEN) -> y (1, UNITS)."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (STEPS, 1, TAKEN))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, UNITS))
    tensors = [numpy_helper.from_array(np.asarray(values), name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def whole(path):
    """One operator."""
    nodes = [
        helper.make_node("GRU", ["x", "w", "r", "b"], ["", "last"], hidden_size=UNITS, linear_before_reset=1),
        helper.make_node("Squeeze", ["last", "zero"], ["y"]),
    ]
    return saved(path, nodes, w=KERNEL[None], r=STATE[None], b=BIAS.reshape(1, -1), zero=np.int64([0]))


def steps(path, kernel=KERNEL, state=STATE, bias=BIAS, instead=None):
    """Its steps, gates in another order, kernels in 8 bits; `instead` has other operators by what they give out."""
    turned = [1, 0, 2]  # reset, update, new
    held = {"one": np.float32(1), "h0": np.zeros((1, UNITS), np.float32), "zero": np.int8(0)}
    nodes = []
    for name, values in (("w", kernel), ("r", state)):
        stored = values.reshape(3, UNITS, -1)[turned].reshape(values.shape)
        held |= {f"{name}_s": np.float32(np.abs(stored).max() / 127)}
        held |= {f"{name}_q": np.rint(stored / held[f"{name}_s"]).astype(np.int8)}
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", f"{name}_s", "zero"], [name]))
    held |= {f"b{n}": one.reshape(3, UNITS)[turned].reshape(-1) for n, one in enumerate(bias)}
    held["parts"] = np.int64([UNITS] * 3)
    nodes.append(helper.make_node("Split", ["x"], [f"x{n}" for n in range(STEPS)], axis=0))
    held["first"] = np.int64([0])
    for n in range(STEPS):
        nodes += [
            helper.make_node("Squeeze", [f"x{n}", "first"], [f"s{n}"]),
            helper.make_node("Gemm", [f"s{n}", "w", "b0"], [f"i{n}"], transB=1),
            helper.make_node("Gemm", [f"h{n}", "r", "b1"], [f"g{n}"], transB=1),
            helper.make_node("Split", [f"i{n}", "parts"], [f"ir{n}", f"iz{n}", f"in{n}"], axis=1),
            helper.make_node("Split", [f"g{n}", "parts"], [f"gr{n}", f"gz{n}", f"gn{n}"], axis=1),
            helper.make_node("Add", [f"ir{n}", f"gr{n}"], [f"ra{n}"]),
            helper.make_node("Sigmoid", [f"ra{n}"], [f"r{n}"]),
            helper.make_node("Add", [f"iz{n}", f"gz{n}"], [f"za{n}"]),
            helper.make_node("Sigmoid", [f"za{n}"], [f"z{n}"]),
            helper.make_node("Mul", [f"r{n}", f"gn{n}"], [f"rn{n}"]),
            helper.make_node("Add", [f"in{n}", f"rn{n}"], [f"na{n}"]),
            helper.make_node("Tanh", [f"na{n}"], [f"n{n}"]),
            helper.make_node("Sub", ["one", f"z{n}"], [f"o{n}"]),
            helper.make_node("Mul", [f"o{n}", f"n{n}"], [f"on{n}"]),
            helper.make_node("Mul", [f"z{n}", f"h{n}"], [f"zh{n}"]),
            helper.make_node("Add", [f"on{n}", f"zh{n}"], [f"h{n + 1}" if n + 1 < STEPS else "y"]),
        ]
    for node in nodes:
        node.op_type = (instead or {}).get(node.output[0], node.op_type)
    return saved(path, nodes, **held)


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    return whole(tmp_path_factory.mktemp("right") / "right.onnx")


def test_honest_steps_pass(right, tmp_path):
    found = drift(right, steps(tmp_path / "same.onnx"), "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def _changed(values, change):
    other = values.copy()
    change(other)
    return other


def _exchange(values):
    values[0, [2, 5]] = values[0, [5, 2]]


def _scale(values):
    values[4] *= 1.05


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"bias": _changed(BIAS, _exchange)}, "bias"),
        ({"kernel": _changed(KERNEL, _scale)}, "kernel"),
        ({"state": np.roll(STATE, 1, 0)}, "kernel"),
    ],
)
def test_a_changed_constant_fails_in_its_operator(right, tmp_path, fault, cause):
    found = drift(right, steps(tmp_path / "wrong.onnx", **fault), "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Gemm")
    assert found.suspects[0].cause.startswith(cause)


@pytest.mark.parametrize(("place", "kind"), [("na3", "Sub"), ("z2", "Tanh")])
def test_an_operator_of_one_step_that_is_unlike_those_of_the_others_is_told_itself(right, tmp_path, place, kind):
    found = drift(right, steps(tmp_path / "wrong.onnx", instead={place: kind}), "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, kind)
    assert found.suspects[0].b.tensors == (place,)
    assert "in the other steps" in found.suspects[0].cause
