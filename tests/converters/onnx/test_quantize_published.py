"""Files as publishers have them: of old opsets, with norms, branches and transposed convolutions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.errors import UnsupportedError
from converters.masks import masked

RANDOM = np.random.default_rng(0)
IMAGES = np.random.default_rng(1).uniform(-1, 1, (8, 1, 3, 6, 10)).astype(np.float32)


def file(folder, nodes, shape, held, opset=11):
    """A file that takes an image and gives `y` of a shape."""
    constants = [numpy_helper.from_array(np.asarray(values, np.float32), name) for name, values in held.items()]
    takes = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 6, 10])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "net", [takes], [gives], constants)
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7), path)
    signature = job.inspect(path, Format.ONNX).signature
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature, model="net")


def made(source, precision, folder):
    np.savez(folder / "samples.npz", image=IMAGES)
    request = ConversionRequest(source, folder / f"{precision}.onnx", precision, folder / "samples.npz")
    return job.convert("quantize_onnx", request)


def weights(artifact):
    found = job.inspect(artifact.path, Format.ONNX).tensors
    return {tensor.name: tensor for tensor in found if tensor.constant and len(tensor.shape) > 1}


def error(source, quantized):
    want, got = (job.open_session("onnxruntime", one).run_many({"image": IMAGES})["y"] for one in (source, quantized))
    return float(np.abs(got - want).max() / np.ptp(want))


def test_files_of_opsets_before_scales_a_channel_are_told_in_a_newer_one(tmp_path: Path) -> None:
    """ONNX Runtime writes an axis that DequantizeLinear did not know in opset 11: the checker refused the file."""
    nodes = [helper.make_node("Conv", ["image", "kernel"], ["sums"]), helper.make_node("Add", ["sums", "bias"], ["y"])]
    held = {"kernel": RANDOM.normal(size=(4, 3, 3, 3)), "bias": np.ones((1, 4, 1, 1))}
    source = file(tmp_path, nodes, [1, 4, 4, 8], held)
    quantized = made(source, Precision.INT8, tmp_path)
    assert {tensor.dtype for tensor in weights(quantized).values()} == {"int8"}
    assert error(source, quantized) < 0.03


def test_a_norm_whose_variance_float16_cannot_hold_is_folded_first(tmp_path: Path) -> None:
    """A public text detector's fp16 file was refused for it."""
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["sums"]),
        helper.make_node("BatchNormalization", ["sums", "scale", "shift", "mean", "variance"], ["y"]),
    ]
    held = {name: RANDOM.uniform(1, 2, 4) for name in ("scale", "shift", "mean")}
    held |= {"kernel": 1000 * RANDOM.normal(size=(4, 3, 3, 3)), "variance": np.full(4, 2.5e7)}
    source = file(tmp_path, nodes, [1, 4, 4, 8], held)
    quantized = made(source, Precision.FP16, tmp_path)
    assert {tensor.dtype for tensor in weights(quantized).values()} == {"float16"}
    assert error(source, quantized) < 2e-3


def test_constants_that_the_graph_computes_are_computed_before_they_are_made_small(tmp_path: Path) -> None:
    """A public pitch detector's filters are cosines of angles: in float16 those are off by whole thousandths."""
    angles = np.arange(64).reshape(4, 4, 2, 2)
    nodes = [
        helper.make_node("Mul", ["angles", "step"], ["turned"]),
        helper.make_node("Cos", ["turned"], ["kernel"]),
        helper.make_node("Conv", ["image", "kernel"], ["y"]),
    ]
    source = file(tmp_path, nodes, [1, 4, 5, 9], {"angles": 16 * angles[:, :3], "step": np.full(1, 2 * np.pi / 61)})
    quantized = made(source, Precision.FP16, tmp_path)
    assert error(source, quantized) < 1e-3


def test_a_transposed_convolution_has_a_scale_a_channel(tmp_path: Path) -> None:
    """ONNX Runtime's quantizer gives it one for all, which the check `precision` fails."""
    kernel = RANDOM.normal(size=(3, 5, 2, 2)) * np.float32([1, 0.1, 0.01, 1, 2]).reshape(1, 5, 1, 1)
    nodes = [helper.make_node("ConvTranspose", ["image", "kernel"], ["y"], strides=[2, 2])]
    source = file(tmp_path, nodes, [1, 5, 12, 20], {"kernel": kernel}, opset=13)
    quantized = made(source, Precision.INT8, tmp_path)
    (weight,) = weights(quantized).values()
    assert (weight.dtype, weight.scales) == ("int8", 5)
    assert error(source, quantized) < 0.02


def test_weights_that_a_decided_branch_reads_are_small(tmp_path: Path) -> None:
    """A speech detector's LSTM stands in a branch that the size of its state decides."""

    def branch(name: str, matrix: str) -> onnx.GraphProto:
        gives = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node("MatMul", ["image", matrix], [f"{name}_y"])], name, [], [gives])

    nodes = [
        helper.make_node("Shape", ["image"], ["sizes"]),
        helper.make_node("Size", ["sizes"], ["rank"]),
        helper.make_node("Constant", [], ["four"], value_int=4),
        helper.make_node("Equal", ["rank", "four"], ["flat"]),
        helper.make_node("If", ["flat"], ["y"], then_branch=branch("a", "first"), else_branch=branch("b", "second")),
    ]
    held = {"first": RANDOM.normal(size=(10, 12)), "second": RANDOM.normal(size=(10, 12))}
    source = file(tmp_path, nodes, [1, 3, 6, 12], held, opset=13)
    for precision in (Precision.INT8_WEIGHTS, Precision.DYNAMIC):
        quantized = made(source, precision, tmp_path)
        assert {tensor.dtype for tensor in weights(quantized).values()} == {"int8"}, precision
        assert error(source, quantized) < 0.03


def test_a_mask_that_is_infinite_stays_so_in_float16(tmp_path: Path) -> None:
    mask = np.where(np.arange(10) < 4, -np.inf, 0.0)
    nodes = [helper.make_node("Add", ["image", "mask"], ["sums"]), helper.make_node("Softmax", ["sums"], ["soft"])]
    nodes.append(helper.make_node("MatMul", ["soft", "w"], ["y"]))
    source = file(tmp_path, nodes, [1, 3, 6, 8], {"mask": mask, "w": RANDOM.normal(size=(10, 8))}, opset=13)
    assert error(source, made(source, Precision.FP16, tmp_path)) < 2e-3


@pytest.mark.parametrize("hidden", [-np.inf, np.finfo(np.float32).min, -1e4])
@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT16X8])
def test_a_mask_stays_in_float_up_to_its_softmax_and_all_else_is_quantized(tmp_path: Path, precision, hidden) -> None:
    mask = np.where(np.arange(10) < 4 + np.arange(6)[:, None], 0.0, hidden)
    nodes = [
        helper.make_node("MatMul", ["image", "v"], ["scores"]),
        helper.make_node("Add", ["scores", "mask"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["soft"]),
        helper.make_node("MatMul", ["soft", "w"], ["y"]),
    ]
    held = {"mask": mask, "v": RANDOM.normal(size=(10, 10)) / 3, "w": RANDOM.normal(size=(10, 8))}
    source = file(tmp_path, nodes, [1, 3, 6, 8], held, opset=13)
    quantized = made(source, precision, tmp_path)
    assert error(source, quantized) < 0.03
    found = job.inspect(quantized.path, Format.ONNX)
    assert [op.type for op in masked(found.ops, [i for i, t in enumerate(found.tensors) if t.mask]).ops] == [
        "Add",
        "Softmax",
    ]
    made_by = {out: op.type for op in found.ops for out in op.outputs}
    read = [made_by[op.inputs[0]] for op in found.ops if op.type in ("MatMul", "Add")]
    assert read == ["DequantizeLinear"] * 3, "the scores themselves are on a grid, and the probabilities"
    assert {tensor.dtype for tensor in weights(quantized).values() if not tensor.mask} == {"int8"}


def test_infinities_that_lead_to_no_softmax_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["image", "mask"], ["sums"]), helper.make_node("MatMul", ["sums", "w"], ["y"])]
    held = {"mask": np.where(np.arange(10) < 4, -np.inf, 0.0), "w": RANDOM.normal(size=(10, 8))}
    with pytest.raises(UnsupportedError, match="holds Inf or NaN and leads to no Softmax.*-100"):
        made(file(tmp_path, nodes, [1, 3, 6, 8], held, opset=13), Precision.INT8, tmp_path)
