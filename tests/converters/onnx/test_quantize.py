from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.errors import UnsupportedError
from converters.inspection import Inspection

Exported = Callable[[str], Artifact]


def make(source: Artifact, precision: Precision, folder: Path, samples: int = 8, **options: str) -> Artifact:
    np.savez(folder / "samples.npz", **MODELS[source.model].inputs(samples))
    request = ConversionRequest(
        source, folder / f"{precision}.onnx", precision, calibration=folder / "samples.npz", options=options
    )
    return job.convert("quantize_onnx", request)


def errors(source: Artifact, made: Artifact, folder: Path) -> dict[str, float]:
    """Mean absolute error of each output relative to its range, on the calibration samples."""
    wanted, found = (job.run_samples("onnxruntime", one, folder / "samples.npz") for one in (source, made))
    return {name: float(np.abs(found[name] - value).mean() / np.ptp(value)) for name, value in wanted.items()}


def weights(found: Inspection) -> dict[str, int]:
    """Numbers of weights (tensors of two axes or more) by type."""
    counts: dict[str, int] = {}
    for tensor in found.tensors:
        if tensor.constant and len(tensor.shape) > 1:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + int(np.prod(tensor.shape))
    return counts


def test_int8_weights_per_channel_and_int8_activations(tiny: str, exported: Exported, tmp_path: Path) -> None:
    source = exported(tiny)
    made = make(source, Precision.INT8, tmp_path)
    assert made.signature == source.signature, "names, layouts, and float inputs and outputs"
    found = job.inspect(made.path, Format.ONNX)
    assert set(weights(found)) == {"int8"}
    assert weights(found)["int8"] == weights(job.inspect(source.path, Format.ONNX))["float32"]
    for op in found.ops:
        if op.type == "Conv":
            dequantize = next(other for other in found.ops if other.outputs[0] == op.inputs[1])
            weight = found.tensors[dequantize.inputs[0]]
            assert weight.scales == weight.shape[0], weight.name
    activations = [t for t in found.tensors if not t.constant and t.scales]
    assert activations
    assert {(t.dtype, t.scales) for t in activations} == {("int8", 1)}
    assert max(errors(source, made, tmp_path).values()) < 0.02


def test_int16x8_has_activations_of_16_bits(tiny: str, exported: Exported, tmp_path: Path) -> None:
    source = exported(tiny)
    made, narrow = (make(source, precision, tmp_path) for precision in (Precision.INT16X8, Precision.INT8))
    assert made.signature == source.signature
    found = job.inspect(made.path, Format.ONNX)
    assert set(weights(found)) == {"int8"}
    assert {tensor.dtype for tensor in found.tensors if not tensor.constant and tensor.scales} == {"uint16"}
    wide, rough = (errors(source, one, tmp_path) for one in (made, narrow))
    assert all(wide[name] < rough[name] for name in wide), (wide, rough)


def test_int16x8_has_room_beyond_what_calibration_saw_and_none_in_the_place_of_a_clip(tmp_path: Path) -> None:
    kernel = numpy_helper.from_array(np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32), "kernel")
    ends = [numpy_helper.from_array(np.float32(value), name) for name, value in (("low", 0), ("high", 0.5))]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "kernel"], ["free"]),
            helper.make_node("Clip", ["free", "low", "high"], ["held"]),
            helper.make_node("Conv", ["held", "kernel2"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 6, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 10])],
        [kernel, numpy_helper.from_array(np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1), "kernel2"), *ends],
    )
    path = tmp_path / "clip.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    signature = job.inspect(path, Format.ONNX).signature
    source = Artifact(
        path=path, format=Format.ONNX, precision=Precision.FP32, signature=signature, source=signature, model="clip"
    )
    images = np.random.default_rng(1).uniform(-1, 1, (8, 1, 3, 6, 10)).astype(np.float32)
    np.savez(tmp_path / "samples.npz", image=images)
    request = ConversionRequest(source, tmp_path / "wide.onnx", Precision.INT16X8, tmp_path / "samples.npz")
    model = onnx.load(job.convert("quantize_onnx", request).path)
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    rounded = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    widths = {node.input[0]: 65535 * float(held[node.input[1]]) for node in rounded}
    session = job.open_session("onnxruntime", source)
    greatest = np.ptp(session.run_many({"image": images})["y"].clip(0))
    assert widths["held"] == pytest.approx(0.5, rel=1e-3)
    assert max(w for name, w in widths.items() if name.startswith("y")) == pytest.approx(2 * greatest, rel=0.01)


def test_what_cannot_be_computed_dynamically_is_stored_as_int8(tmp_path: Path) -> None:
    """ONNX Runtime has no integer ConvTranspose: its weights were left in float."""
    made = numpy_helper.from_array(np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32), "first")
    up = numpy_helper.from_array(np.random.default_rng(1).normal(size=(4, 6, 2, 2)).astype(np.float32), "second")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "first"], ["features"], pads=[1, 1, 1, 1]),
            helper.make_node("ConvTranspose", ["features", "second"], ["y"], strides=[2, 2]),
        ],
        "up",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 6, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6, 12, 20])],
        [made, up],
    )
    path = tmp_path / "up.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    signature = job.inspect(path, Format.ONNX).signature
    source = Artifact(
        path=path, format=Format.ONNX, precision=Precision.FP32, signature=signature, source=signature, model="up"
    )
    request = ConversionRequest(source, tmp_path / "dynamic.onnx", Precision.DYNAMIC)
    found = job.inspect(job.convert("quantize_onnx", request).path, Format.ONNX)
    assert set(weights(found)) == {"int8"}
    assert {op.type for op in found.ops} >= {"ConvInteger", "ConvTranspose"}


def test_fp16_weights_with_float_inputs_and_outputs(tiny: str, exported: Exported, tmp_path: Path) -> None:
    source = exported(tiny)
    made = make(source, Precision.FP16, tmp_path)
    assert made.signature == source.signature
    assert set(weights(job.inspect(made.path, Format.ONNX))) == {"float16"}
    assert 0 < max(errors(source, made, tmp_path).values()) < 1e-3


@pytest.mark.torch
def test_every_computing_operator_is_between_quantized_tensors(exported: Exported, tmp_path: Path) -> None:
    found = job.inspect(make(exported("torch_conv"), Precision.INT8, tmp_path).path, Format.ONNX)
    producers = {output: op.type for op in found.ops for output in op.outputs}
    for op in found.ops:
        if op.type not in ("QuantizeLinear", "DequantizeLinear"):
            read = [producers[i] for i in op.inputs if i in producers]
            assert read, op.type
            assert set(read) <= {"DequantizeLinear", "Conv"}, f"{op.type} reads {read}"


@pytest.mark.torch
def test_calibration_decides_the_scales(exported: Exported, tmp_path: Path) -> None:
    """Images ten times darker make the first scale ten times smaller."""
    source = exported("torch_conv")
    images = MODELS["torch_conv"].inputs(8)["image"]
    scales = []
    for gain in (1.0, 0.1):
        np.savez(tmp_path / "calibration.npz", image=(images * gain).astype(np.float32))
        target = tmp_path / f"{gain}.onnx"
        job.convert("quantize_onnx", ConversionRequest(source, target, Precision.INT8, tmp_path / "calibration.npz"))
        weights = {tensor.name: tensor for tensor in onnx.load(target).graph.initializer}
        scales.append(float(numpy_helper.to_array(weights["image_scale"])))
    assert scales[0] == pytest.approx(images.max() / 255)
    assert scales[1] == pytest.approx(scales[0] / 10, rel=1e-3)


@pytest.mark.torch
def test_percentiles_give_other_ranges(exported: Exported, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = exported("torch_conv")
    made = make(source, Precision.INT8, tmp_path, ranges="percentile-99.9")
    assert capfd.readouterr().out == "", "nothing is printed"
    assert made.graph_hash != make(source, Precision.INT8, tmp_path).graph_hash
    assert max(errors(source, made, tmp_path).values()) < 0.1


@pytest.mark.torch
def test_weights_beyond_float16_are_refused(exported: Exported, tmp_path: Path) -> None:
    source = exported("torch_conv")
    model = onnx.load(source.path)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("head.weight"))
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * 1e6, weight.name))
    onnx.save(model, tmp_path / "large.onnx")
    with pytest.raises(UnsupportedError, match=r"head\.weight' holds .* beyond float16's 65504"):
        make(dataclasses.replace(source, path=tmp_path / "large.onnx"), Precision.FP16, tmp_path)


def test_what_stays_float32_in_an_fp16_file_keeps_its_type(tmp_path: Path) -> None:
    """ONNX Runtime's converter leaves Resize in float32 and calls its output float16."""
    weight = numpy_helper.from_array(np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32), "weight")
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["features"], pads=[1, 1, 1, 1]),
            helper.make_node("Resize", ["features", "", "scales"], ["large"], mode="linear"),
            helper.make_node("Neg", ["large"], ["y"]),
        ],
        "resize",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 6, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 12, 20])],
        [weight, scales],
        value_info=[helper.make_tensor_value_info("large", TensorProto.FLOAT, [1, 4, 12, 20])],
    )
    path = tmp_path / "resize.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    signature = job.inspect(path, Format.ONNX).signature
    source = Artifact(
        path=path, format=Format.ONNX, precision=Precision.FP32, signature=signature, source=signature, model="resize"
    )
    request = ConversionRequest(source, tmp_path / "half.onnx", Precision.FP16)
    assert set(weights(job.inspect(job.convert("quantize_onnx", request).path, Format.ONNX))) == {"float16"}


@pytest.mark.torch
def test_hash_is_that_of_another_quantization(exported: Exported, tmp_path: Path) -> None:
    source = exported("torch_conv")
    for precision in (Precision.INT8, Precision.FP16):
        first, second = (make(source, precision, tmp_path) for _ in range(2))
        assert first.graph_hash == second.graph_hash != source.graph_hash


def test_neither_framework_is_imported() -> None:
    code = "import sys, converters.onnx.quantize, converters.onnx.runtime, converters.onnx.inspect; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "onnxruntime" in loaded
    assert not {"torch", "tensorflow", "keras"} & set(loaded)


def test_weights_in_branches_are_left_alone_and_that_is_unsupported(tmp_path: Path) -> None:
    """ONNX Runtime quantizes what stands outside of branches: the file would be called int8 and be float."""
    weight = numpy_helper.from_array(np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32), "w")
    result = helper.make_tensor_value_info("r", TensorProto.FLOAT, (1, 5))

    def branch(sign: str) -> onnx.GraphProto:
        nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node(sign, ["m"], ["r"])]
        return helper.make_graph(nodes, sign, [], [result], [weight])

    nodes = [
        helper.make_node("Greater", ["rate", "limit"], ["fast"]),
        helper.make_node("If", ["fast"], ["y"], then_branch=branch("Relu"), else_branch=branch("Neg")),
    ]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (1, 4)), ("rate", ()), ("y", (1, 5)))
    ]
    held = [numpy_helper.from_array(np.float32(0.5), "limit")]
    graph = helper.make_graph(nodes, "g", ends[:2], ends[2:], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "f.onnx")
    told = job.inspect(tmp_path / "f.onnx", Format.ONNX).signature
    source = Artifact(tmp_path / "f.onnx", Format.ONNX, Precision.FP32, told, told)
    np.savez(tmp_path / "s.npz", x=np.ones((8, 1, 4), np.float32), rate=np.linspace(0, 1, 8, dtype=np.float32))
    request = ConversionRequest(source, tmp_path / "q.onnx", Precision.INT8, calibration=tmp_path / "s.npz")
    with pytest.raises(UnsupportedError, match=r"weights lie in branches .* --input sr=16000"):
        job.convert("quantize_onnx", request)
