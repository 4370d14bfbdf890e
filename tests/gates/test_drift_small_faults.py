"""Faults that outputs hide or that only a shape shows, in files of a few operators; each beside its honest twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from drift_models import KERNEL, dense
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

RNG = np.random.default_rng(5)
TABLE, FIRST, SECOND = (RNG.normal(size=size).astype(np.float32) for size in ((16, 8), (8, 12), (12, 5)))


def judged(a: Path, b: Path) -> Drift:
    return drift(a, b, "", InProcess(), config.load().limits)


def saved(path: Path, nodes: list[Any], taken: dict[str, tuple[int, ...]], rank: int, **held: np.ndarray) -> Path:
    """A file whose output y has open axes."""
    kinds = {name: TensorProto.INT64 if name == "tokens" else TensorProto.FLOAT for name in taken}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in taken.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [f"n{axis}" for axis in range(rank)])],
        [numpy_helper.from_array(values, name) for name, values in held.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def pooled(path: Path, keep: int, axis: int = 2) -> Path:
    nodes = [
        helper.make_node("Relu", ["x"], ["h"]),
        helper.make_node("ReduceMean", ["h", "axes"], ["y"], keepdims=keep),
    ]
    return saved(path, nodes, {"x": (1, 6, 4)}, 2 + keep, axes=np.int64([axis]))


@pytest.mark.parametrize(("keep", "axis"), [(0, 2), (1, 1)])
def test_an_output_of_another_rank_or_size_fails_in_its_operator(tmp_path, keep, axis):
    right = pooled(tmp_path / "right.onnx", 1)
    assert judged(right, pooled(tmp_path / "same.onnx", 1)).outcome is Outcome.PASSED
    found = judged(right, pooled(tmp_path / "wrong.onnx", keep, axis))
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "ReduceMean")


def crossed(path: Path, columns: int) -> Path:
    """What `drift_models.dense` computes, of it so many columns."""
    nodes = [
        helper.make_node("Sub", ["a", "b"], ["d"]),
        helper.make_node("MatMul", ["d", "k"], ["m"]),
        helper.make_node("Add", ["m", "t"], ["s"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Slice", ["r", "from", "to", "axis"], ["y"]),
    ]
    held = {"from": np.int64([0]), "to": np.int64([columns]), "axis": np.int64([1])}
    bias = np.float32([0.1, 0.2, 0.3, -0.4])
    return saved(path, nodes, {"a": (1, 6), "b": (1, 6)}, 2, k=np.ascontiguousarray(KERNEL.T), t=bias, **held)


def test_an_output_of_another_size_fails_between_formats(tmp_path):
    right = dense(tmp_path / "right.tflite").path
    assert judged(right, crossed(tmp_path / "same.onnx", 4)).outcome is Outcome.PASSED
    found = judged(right, crossed(tmp_path / "wrong.onnx", 3))
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Slice")


def worded(
    path: Path, small: bool = False, form: str = "tanh", table: np.ndarray = TABLE, through: bool = False
) -> Path:
    """A table, two matrices and a GELU between; `small`: all weights in 8 bits; `through`: values pass through them."""
    held: dict[str, np.ndarray] = {}
    nodes = []
    for name, values in {"table": table, "first": FIRST, "second": SECOND}.items():
        step = np.float32(np.abs(values).max() / 127)
        if small:
            held |= {f"{name}_q": np.rint(values / step).astype(np.int8), f"{name}_s": step, f"{name}_z": np.int8(0)}
            nodes.append(helper.make_node("DequantizeLinear", [f"{name}_{part}" for part in "qsz"], [name]))
        else:
            held[name] = values
    last = "through" if through else "h"
    nodes += [
        helper.make_node("Gather", ["table", "tokens"], ["x"]),
        helper.make_node("MatMul", ["x", "first"], ["h"]),
        helper.make_node("Gelu", [last], ["g"], approximate=form),
        helper.make_node("MatMul", ["g", "second"], ["y"]),
    ]
    if through:
        held |= {"step": np.float32(0.1), "zero": np.int8(0)}
        nodes.insert(-2, helper.make_node("QuantizeLinear", ["h", "step", "zero"], ["q"]))
        nodes.insert(-2, helper.make_node("DequantizeLinear", ["q", "step", "zero"], ["through"]))
    return saved(path, nodes, {"tokens": (1, 6)}, 3, **held)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"form": "none"}, "Gelu"),
        ({"table": TABLE[[1, 0, *range(2, 16)]]}, "Gather"),
        ({"through": True}, "QuantizeLinear"),
    ],
)
def test_what_weights_of_8_bits_hide_fails_in_its_operator(tmp_path, change, where):
    right = worded(tmp_path / "right.onnx")
    assert judged(right, worded(tmp_path / "same.onnx", small=True)).outcome is Outcome.PASSED
    found = judged(right, worded(tmp_path / "wrong.onnx", small=True, **change))
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, where)


def gemmed(path: Path, alpha: float) -> Path:
    """What `drift_models.dense` computes, its kernel in 8 bits, times a number."""
    step = np.float32(np.abs(KERNEL).max() / 127)
    nodes = [
        helper.make_node("Sub", ["a", "b"], ["d"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["k"]),
        helper.make_node("Gemm", ["d", "k", "t"], ["m"], alpha=alpha, transB=1),
        helper.make_node("Relu", ["m"], ["y"]),
    ]
    held = {"q": np.rint(KERNEL / step).astype(np.int8), "s": step, "z": np.int8(0)}
    return saved(path, nodes, {"a": (1, 6), "b": (1, 6)}, 2, t=np.float32([0.1, 0.2, 0.3, -0.4]), **held)


def test_a_number_that_multiplies_a_rounded_kernel_is_a_part_of_it(tmp_path):
    right = dense(tmp_path / "right.tflite").path
    assert judged(right, gemmed(tmp_path / "same.onnx", 1.0)).outcome is Outcome.PASSED
    found = judged(right, gemmed(tmp_path / "wrong.onnx", 1.01))
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Gemm")
