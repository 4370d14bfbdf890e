"""Single factors beside layers, learnt scales or slopes of hard sigmoids: folded into rounded weights no fault."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits
SCALES, OFFSET, SLOPE = (0.93, 0.3), 0.00045, 0.2
RNG = np.random.default_rng(0)
KERNELS = [RNG.normal(size=(6, 3, 3, 3)) / 4, RNG.normal(size=(8, 6, 1, 1))]
BIASES = [RNG.normal(size=6), RNG.normal(size=8) / 4]


def saved(path, nodes, held):
    values = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 12, 12)),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 8, 10, 10)),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def reference(path):
    """y = hard_sigmoid(conv(relu(conv(x) * s + o) * t))."""
    nodes = [
        helper.make_node("Conv", ["x", "k0", "b0"], ["c"]),
        helper.make_node("Mul", ["c", "s"], ["m"]),
        helper.make_node("Add", ["m", "o"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Mul", ["r", "t"], ["n"]),
        helper.make_node("Conv", ["n", "k1", "b1"], ["d"]),
        helper.make_node("HardSigmoid", ["d"], ["y"], alpha=SLOPE, beta=0.5),
    ]
    held = {f"k{n}": kernel.astype(np.float32) for n, kernel in enumerate(KERNELS)}
    held |= {f"b{n}": bias.astype(np.float32) for n, bias in enumerate(BIASES)}
    held |= {name: np.float32([value]) for name, value in (("s", SCALES[0]), ("t", SCALES[1]), ("o", OFFSET))}
    return saved(path, nodes, held)


def folded(path, factor=1.0, channel=0.0):
    """The same with all folded into weights of 8 bits; the first kernel times `factor`, a bias moved in one channel."""
    kernels = [KERNELS[0] * SCALES[0] * factor, KERNELS[1] * SCALES[1] * SLOPE]
    biases = [BIASES[0] * SCALES[0] + OFFSET, BIASES[1] * SLOPE + 0.5]
    biases[0][2] += channel
    nodes, held = [], {"low": np.float32(0), "high": np.float32(1)}
    for n, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        step = np.abs(kernel).max() / 127
        held |= {f"q{n}": np.rint(kernel / step).astype(np.int8), f"s{n}": np.float32(step), f"z{n}": np.int8(0)}
        held[f"b{n}"] = bias.astype(np.float32)
        nodes.append(helper.make_node("DequantizeLinear", [f"q{n}", f"s{n}", f"z{n}"], [f"k{n}"]))
    nodes += [
        helper.make_node("Conv", ["x", "k0", "b0"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "k1", "b1"], ["d"]),
        helper.make_node("Clip", ["d", "low", "high"], ["y"]),
    ]
    return saved(path, nodes, held)


def verdict(folder, **changes):
    a, b = reference(folder / "a.onnx"), folded(folder / "b.onnx", **changes)
    return drift(str(a), b, "", InProcess(folder), LIMITS)


def test_factors_and_an_offset_that_were_folded_in_are_no_fault(tmp_path):
    found = verdict(tmp_path)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("changes", [{"factor": 1.01}, {"factor": 0.5}, {"channel": 0.02}])
def test_one_factor_more_or_a_channel_moved_by_itself_is_a_fault(tmp_path, changes):
    found = verdict(tmp_path, **changes)
    assert found.outcome is Outcome.FAILED
