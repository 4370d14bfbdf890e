"""A GELU whose error function is written out: no recorded value need reach the limits that the polynomial has."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from converters.onnx.prepass.rules import elementwise
from converters.onnx.prepass.run import prepare
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits
WIDTH, BLOCKS = 16, 4


def gelus(path, gain):
    """x (4, 16): four layers with a GELU each, as PyTorch's exporter writes it."""
    rng = np.random.default_rng(0)
    held = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    nodes, x = [], "x"
    for k in range(BLOCKS):
        held[f"w{k}"] = (rng.normal(size=(WIDTH, WIDTH)) * gain / WIDTH**0.5).astype(np.float32)
        held[f"b{k}"] = rng.normal(size=WIDTH).astype(np.float32)
        steps = (
            ("MatMul", x, f"w{k}", "m"),
            ("Add", f"m{k}", f"b{k}", "h"),
            ("Div", f"h{k}", "root", "d"),
            ("Erf", f"d{k}", "", "e"),
            ("Add", f"e{k}", "one", "p"),
            ("Mul", f"h{k}", f"p{k}", "q"),
            ("Mul", f"q{k}", "half", "g"),
        )
        nodes += [helper.make_node(kind, [n for n in (a, b) if n], [f"{out}{k}"]) for kind, a, b, out in steps]
        x, gain = f"g{k}", 1.4
    nodes[-1].output[0] = "y"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, WIDTH)) for name in "xy"]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def judged(folder, gain, change=None):
    """The verdict on the written-out file, `change` done to its model first."""
    made = prepare(gelus(folder / "a.onnx", gain), {"Erf": elementwise.erf})
    if change:
        change(made.model)
    made.save(folder / "b.onnx")
    return drift(folder / "a.onnx", folder / "b.onnx", "", InProcess(), LIMITS)


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_the_polynomial_is_an_error_function(tmp_path, gain):
    found = judged(tmp_path, gain)
    assert found.outcome is Outcome.PASSED, found.suspects


def test_one_whose_coefficient_is_off_is_not(tmp_path):
    def off(model):
        tensor = [t for t in model.graph.initializer if t.name.startswith("prepass/")][-3]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.1), tensor.name))

    found = judged(tmp_path, 1.0, off)
    assert found.outcome is Outcome.FAILED
