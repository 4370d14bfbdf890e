"""Small biases behind sums of integers: told from an operator put in, and a fault beside one is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

RNG = np.random.default_rng(5)
KERNELS = [RNG.normal(size=shape).astype(np.float32) / 5 for shape in ((8, 3, 3, 3), (8, 8, 3, 3))]
BIAS = (1e-3 * RNG.normal(size=8)).astype(np.float32)


def net(path: Path, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> Path:
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 3, 16, 16]), ("y", [1, 8, 16, 16]))
    ]
    held = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def reference(path: Path, bias: np.ndarray) -> Path:
    """Convolution, batch norm, ReLU, twice."""
    nodes, constants, x = [], {}, "x"
    for place, kernel in enumerate(KERNELS):
        norm = {"scale": np.full(8, 0.8), "offset": bias, "mean": np.zeros(8), "variance": np.ones(8)}
        constants |= {f"w{place}": kernel} | {f"{k}{place}": v.astype(np.float32) for k, v in norm.items()}
        nodes.append(helper.make_node("Conv", [x, f"w{place}"], [f"c{place}"], pads=[1, 1, 1, 1]))
        nodes.append(
            helper.make_node("BatchNormalization", [f"c{place}", *(f"{k}{place}" for k in norm)], [f"n{place}"])
        )
        x = f"r{place}" if place == 0 else "y"
        nodes.append(helper.make_node("Relu", [f"n{place}"], [x]))
    return net(path, nodes, constants)


def dynamic(path: Path, bias: np.ndarray, put_in: float = 0.0) -> Path:
    """The same with integers, as ONNX Runtime's quantizer writes it; `put_in` is added beside the first bias."""
    nodes, x = [helper.make_node("Reshape", ["flat", "form"], ["bias"])], "x"
    constants: dict[str, np.ndarray] = {"flat": bias, "form": np.array([1, -1, 1, 1]), "zero": np.array(0, np.int8)}
    for place, kernel in enumerate(KERNELS):
        folded = kernel * np.float32(0.8 / np.sqrt(1 + 1e-5))
        scale = np.float32(np.abs(folded).max() / 127)
        constants |= {f"w{place}": np.rint(folded / scale).astype(np.int8), f"s{place}": np.array(scale)}
        nodes += [
            helper.make_node("DynamicQuantizeLinear", [x], [f"q{place}", f"qs{place}", f"qz{place}"]),
            helper.make_node("Mul", [f"qs{place}", f"s{place}"], [f"t{place}"]),
            helper.make_node(
                "ConvInteger", [f"q{place}", f"w{place}", f"qz{place}", "zero"], [f"i{place}"], pads=[1, 1, 1, 1]
            ),
            helper.make_node("Cast", [f"i{place}"], [f"f{place}"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"f{place}", f"t{place}"], [f"m{place}"]),
            helper.make_node("Add", [f"m{place}", "bias"], [f"b{place}"]),
        ]
        last = f"b{place}"
        if put_in and not place:
            constants["put_in"] = np.full((1, 8, 1, 1), put_in, np.float32)
            nodes.append(helper.make_node("Add", [last, "put_in"], ["odd"]))
            last = "odd"
        x = f"r{place}" if place == 0 else "y"
        nodes.append(helper.make_node("Relu", [last], [x]))
    return net(path, nodes, constants)


@pytest.mark.parametrize("size", [1.0, 0.03])
@pytest.mark.parametrize(("put_in", "outcome"), [(0.0, Outcome.PASSED), (0.03, Outcome.FAILED)])
def test_a_small_bias_is_told_from_an_offset_put_in(tmp_path: Path, size: float, put_in: float, outcome: Outcome):
    files = (
        reference(tmp_path / "a.onnx", BIAS * np.float32(size)),
        dynamic(tmp_path / "b.onnx", BIAS * np.float32(size), put_in),
    )
    found = drift(*files, "", InProcess(), config.load().limits)
    assert found.outcome is outcome, found.suspects
