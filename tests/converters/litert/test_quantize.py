from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import outlier_nets
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Arrays, Artifact, ConversionRequest, Format, Precision
from converters.errors import UnsupportedError
from converters.inspection import TensorInfo
from converters.litert.edit import with_constants
from converters.litert.flatbuffer import opened
from converters.litert.graph import read_graph
from converters.litert.pack import packed
from converters.litert.quantize import _must_open, _require_open

BOUNDS = {
    Precision.FP16: 2e-3,
    Precision.INT8_WEIGHTS: 2e-2,
    Precision.INT4_WEIGHTS: 0.4,
    Precision.DYNAMIC: 2e-2,
    Precision.INT8: 0.15,
    Precision.INT8_IO: 0.15,
    Precision.INT16X8: 6e-2,  # what 64 calibration samples cut off, not the steps
}
QUANTIZED = [*BOUNDS]
WITHOUT_KERNEL = ("torch_conv", "keras_conv")
"""Their int16x8 files have a SUB whose scales lie apart: LiteRT's kernel refuses it."""
Converted = Callable[..., Artifact]


def outputs(artifact: Artifact, inputs: Arrays) -> Arrays:
    return job.open_session("litert-xnnpack", artifact).run_many(inputs)


def weights(artifact: Artifact) -> list[TensorInfo]:
    """The constants with two axes or more that are no shapes."""
    tensors = job.inspect(artifact.path, Format.TFLITE).tensors
    return [t for t in tensors if t.constant and len(t.shape) >= 2 and t.dtype != "int32"]


@pytest.mark.parametrize("precision", QUANTIZED)
def test_quantized_files_stay_near_their_float_file(tiny: str, precision: Precision, converted: Converted) -> None:
    model = MODELS[tiny]
    if precision is Precision.INT16X8 and tiny in WITHOUT_KERNEL:
        with pytest.raises(UnsupportedError, match="does not open what ai-edge-quantizer made: .*failed to prepare"):
            converted(tiny, precision, quantizer=True)
        return
    quantized, inputs = converted(tiny, precision, quantizer=True), model.inputs(8)
    expected, found = outputs(converted(tiny), inputs), outputs(quantized, inputs)
    model.check(found, 8)
    for name, value in expected.items():
        assert np.abs(found[name] - value).max() <= BOUNDS[precision] * np.ptp(value), name
    assert quantized.precision is precision
    assert quantized.producer == "quantize_litert"
    assert "ai-edge-quantizer" in quantized.versions


def test_a_file_that_no_kernels_take_is_refused_when_it_is_made(converted: Converted, tmp_path: Path) -> None:
    """As the quantizer makes of a constant that has one value for all channels: a scale for each."""
    made, plain = converted("torch_conv", Precision.INT8, quantizer=True).path, converted("torch_conv").path
    with opened(made) as model:
        whole = model.schema.ModelT.InitFromObj(model.root)
        grids = [t.quantization for t in whole.subgraphs[0].tensors if t.quantization is not None]
        grid = next(g for g in grids if g.scale is not None and len(g.scale) > 1)
        grid.scale, grid.zeroPoint = np.append(grid.scale, grid.scale[0]), np.append(grid.zeroPoint, 0)
        (tmp_path / "broken.tflite").write_bytes(packed(whole))
    _must_open(made, plain)
    with pytest.raises(UnsupportedError, match=r"ai-edge-quantizer made: .*num_scales.*; --keep leaves a layer"):
        _must_open(tmp_path / "broken.tflite", plain)
    _must_open(tmp_path / "broken.tflite", tmp_path / "broken.tflite")  # nor was the float file taken: not its fault


def test_masks_without_an_end_are_refused_where_integers_are_asked_for(tmp_path: Path) -> None:
    """Of -inf, as attention masks hold, the quantizer makes a scale that ends LiteRT's process."""
    net = outlier_nets.tflite(tmp_path / "net.tflite")
    index = read_graph(net.path).ops[0].inputs[2]
    path = tmp_path / "masked.tflite"
    path.write_bytes(with_constants(net.path, {index: np.float32([0, 1, -np.inf, 2])}))
    np.savez(tmp_path / "c.npz", image=outlier_nets.images())
    source = dataclasses.replace(net, path=path)
    request = ConversionRequest(source, tmp_path / "int8.tflite", Precision.INT8, tmp_path / "c.npz")
    with pytest.raises(UnsupportedError, match=r"holds Inf or NaN and leads to no Softmax.*-100"):
        job.convert("quantize_litert", request)


def test_a_layer_in_one_operator_is_refused_where_it_must_be_calibrated(tmp_path: Path) -> None:
    """Keras's LSTM: the quantizer's process died of a signal."""
    graph = read_graph(outlier_nets.tflite(tmp_path / "net.tflite").path)
    _require_open(graph)
    fused = dataclasses.replace(graph.ops[0], type="UNIDIRECTIONAL_SEQUENCE_LSTM")
    with pytest.raises(UnsupportedError, match=r"does not calibrate UNIDIRECTIONAL_SEQUENCE_LSTM.*unroll=True"):
        _require_open(dataclasses.replace(graph, ops=(fused, *graph.ops[1:])))


def test_names_layouts_and_order_survive(tiny: str, converted: Converted) -> None:
    before, after = converted(tiny).signature, converted(tiny, Precision.INT8_IO, quantizer=True).signature
    for old, new in ((before.inputs, after.inputs), (before.outputs, after.outputs)):
        assert [(s.name, s.shape, s.layout, s.meaning) for s in new] == [
            (s.name, s.shape, s.layout, s.meaning) for s in old
        ]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("precision", "dtype"),
    [
        (Precision.FP16, "float16"),
        (Precision.INT8_WEIGHTS, "int8"),
        (Precision.DYNAMIC, "int8"),
        (Precision.INT8, "int8"),
        (Precision.INT8_IO, "int8"),
    ],
)
def test_the_claimed_type_is_in_the_file(precision: Precision, dtype: str, converted: Converted) -> None:
    found = weights(converted("torch_conv", precision, quantizer=True))
    assert {tensor.dtype for tensor in found if tensor.shape != (1, 5)} == {dtype}
    assert len(found) >= 3
    if dtype == "int8":
        assert sorted(tensor.scales for tensor in found if len(tensor.shape) == 4)[-2:] == [8, 8]  # per channel


@pytest.mark.tensorflow
def test_sixteen_bit_activations_have_eight_bit_weights(converted: Converted) -> None:
    found = weights(converted("keras_two_in_two_out", Precision.INT16X8, quantizer=True))
    assert {tensor.dtype for tensor in found} == {"int8"}
    assert len(found) >= 3


@pytest.mark.torch
def test_edges_are_float_for_int8_and_int8_for_int8_io(converted: Converted) -> None:
    inner = converted("torch_conv", Precision.INT8, quantizer=True)
    assert {spec.dtype for spec in (*inner.signature.inputs, *inner.signature.outputs)} == {"float32"}
    ops = [op.type for op in job.inspect(inner.path, Format.TFLITE).ops]
    assert (ops[0], ops[-1]) == ("QUANTIZE", "DEQUANTIZE")

    outer = converted("torch_conv", Precision.INT8_IO, quantizer=True)
    assert {spec.dtype for spec in (*outer.signature.inputs, *outer.signature.outputs)} == {"int8"}
    image = outer.signature.inputs[0]
    assert (image.scale, image.zero_point) == (pytest.approx(1.0), -128)  # raw pixels are exact
    types = {op.type for op in job.inspect(outer.path, Format.TFLITE).ops}
    assert not types & {"QUANTIZE", "DEQUANTIZE"}


@pytest.mark.torch
def test_four_bits_are_taken_apart_as_the_kernels_take_them(converted: Converted) -> None:
    plain = read_graph(converted("torch_conv").path)
    small = read_graph(converted("torch_conv", Precision.INT4_WEIGHTS, quantizer=True).path)
    found = [tensor for tensor in small.tensors.values() if tensor.dtype == "int4"]
    assert found
    for tensor in found:
        assert tensor.data is not None
        assert -8 <= tensor.data.min() < 0 < tensor.data.max() <= 7
        like = [t for t in plain.tensors.values() if t.constant and t.shape == tensor.shape]
        step = np.abs(tensor.real()).max() / 7
        assert any(np.abs(tensor.real() - t.real()).max() <= 0.6 * step for t in like), tensor.name


@pytest.mark.tensorflow
def test_sixteen_bit_activations_have_float_ends(converted: Converted) -> None:
    made = converted("keras_two_in_two_out", Precision.INT16X8, quantizer=True)
    found = job.inspect(made.path, Format.TFLITE)
    assert {t.dtype for t in found.tensors if not t.constant and t.scales} == {"int16"}
    assert {spec.dtype for spec in (*made.signature.inputs, *made.signature.outputs)} == {"float32"}
