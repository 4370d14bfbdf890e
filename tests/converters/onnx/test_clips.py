from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.onnx.clips import hold, limits, release

KERNEL = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)


def clipped(low: float | None, high: float | None, *, last: bool = False) -> onnx.ModelProto:
    """Conv, Clip and, where the Clip is not `last`, Conv; None is a limit that the operator does without."""
    held = [("kernel", KERNEL), ("kernel2", np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1))]
    held += [(name, np.float32(end)) for name, end in (("low", low), ("high", high)) if end is not None]
    ends = [name if end is not None else "" for name, end in (("low", low), ("high", high))]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["free"]),
        helper.make_node("Clip", ["free", *ends], ["y" if last else "held"]),
    ]
    nodes += [] if last else [helper.make_node("Conv", ["held", "kernel2"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 6, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 10])],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in held],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def quantized(model: onnx.ModelProto, precision: Precision, folder: Path) -> tuple[Artifact, Artifact]:
    """The float file and what is made of it, calibrated on images of small values."""
    path = folder / "net.onnx"
    onnx.save(model, path)
    signature = job.inspect(path, Format.ONNX).signature
    source = Artifact(path, Format.ONNX, Precision.FP32, signature, signature)
    np.savez(folder / "s.npz", image=np.random.default_rng(1).uniform(-0.1, 0.1, (8, 1, 3, 6, 10)).astype(np.float32))
    request = ConversionRequest(source, folder / f"{precision}.onnx", precision, folder / "s.npz")
    return source, job.convert("quantize_onnx", request)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT8_IO, Precision.INT16X8])
@pytest.mark.parametrize(("low", "high"), [(0.1, 1.0), (-1.0, -0.1), (0.05, None)])
def test_limits_that_no_range_holds_stay(
    low: float, high: float | None, precision: Precision, last: bool, tmp_path: Path
) -> None:
    """They were lost: ONNX Runtime takes a Clip away, and a range from zero on lets pass what is below 0.1."""
    source, made = quantized(clipped(low, high, last=last), precision, tmp_path)
    nodes = onnx.load(made.path).graph.node
    assert [node.op_type for node in nodes].count("Clip") == 1
    assert not any("reader" in name for node in nodes for name in (node.name, *node.output))
    if precision is Precision.INT8_IO:
        return
    images = dict(np.load(tmp_path / "s.npz"))
    wanted, found = (job.open_session("onnxruntime", file).run_many(images)["y"] for file in (source, made))
    assert np.abs(wanted - found).max() < 0.02 * np.abs(wanted).max()


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (-0.2, 0.2), (0.0, None)])
def test_limits_that_a_range_holds_cost_no_operator(low: float, high: float | None, tmp_path: Path) -> None:
    _, made = quantized(clipped(low, high), Precision.INT8, tmp_path)
    assert "Clip" not in {node.op_type for node in onnx.load(made.path).graph.node}


def test_limits_that_are_computed_stay(tmp_path: Path) -> None:
    model = clipped(0.0, None)
    model.graph.node.insert(1, helper.make_node("ReduceMean", ["free"], ["low"], keepdims=0))
    del model.graph.initializer[2]
    _, made = quantized(model, Precision.INT8, tmp_path)
    assert "Clip" in {node.op_type for node in onnx.load(made.path).graph.node}


def test_sixteen_bits_have_room_up_to_the_limits_of_a_clip_and_none_beyond(tmp_path: Path) -> None:
    """What calibration saw was the end: values up to the limit that the Clip lets pass were cut off."""
    _, made = quantized(clipped(-0.02, 1000.0), Precision.INT16X8, tmp_path)
    source, _ = quantized(clipped(None, None), Precision.INT8, tmp_path)
    greatest = job.open_session("onnxruntime", source).run_many(dict(np.load(tmp_path / "s.npz")))["y"].max()
    graph = onnx.load(made.path).graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    rounded = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "held")
    scale, zero = (float(held[name]) for name in rounded.input[1:])
    assert -scale * zero == pytest.approx(-0.02, rel=0.01)
    assert scale * (65535 - zero) == pytest.approx(2 * greatest, rel=0.01)


def test_limits_are_read_from_attributes_and_inputs() -> None:
    nodes = [
        helper.make_node("Clip", ["a"], ["old"], min=-1.0, max=2.0),
        helper.make_node("Constant", [], ["two"], value=numpy_helper.from_array(np.float32(2))),
        helper.make_node("Clip", ["a", "", "two"], ["above"]),
        helper.make_node("Clip", ["a", "b"], ["open"]),
    ]
    graph = helper.make_graph(nodes, "g", [], [])
    infinite = float("inf")
    assert limits(graph) == {"old": (-1, 2), "above": (-infinite, 2), "open": (-infinite, infinite)}


def test_what_is_put_in_is_taken_out_again() -> None:
    graph = clipped(0.1, 1.0).graph
    before = graph.SerializeToString()
    readers = hold(graph)
    assert len(readers) == 1
    assert graph.SerializeToString() != before
    release(graph, readers)
    assert graph.SerializeToString() == before
