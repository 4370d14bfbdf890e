from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Arrays, Artifact, Format, Precision
from converters.inspection import TensorInfo

QUANTIZED = [Precision.FP16, Precision.DYNAMIC, Precision.INT8, Precision.INT8_IO]
BOUNDS = {Precision.FP16: 2e-3, Precision.DYNAMIC: 2e-2, Precision.INT8: 0.15, Precision.INT8_IO: 0.15}
Converted = Callable[..., Artifact]


def outputs(artifact: Artifact, inputs: Arrays) -> Arrays:
    return job.open_session("litert-xnnpack", artifact).run_many(inputs)


def weights(artifact: Artifact) -> list[TensorInfo]:
    """The constants with two axes or more that are no shapes."""
    tensors = job.inspect(artifact.path, Format.TFLITE).tensors
    return [t for t in tensors if t.constant and len(t.shape) >= 2 and t.dtype != "int32"]


@pytest.mark.parametrize("precision", QUANTIZED)
def test_quantized_files_stay_near_their_float_file(tiny: str, precision: Precision, converted: Converted) -> None:
    model, quantized = MODELS[tiny], converted(tiny, precision, quantizer=True)
    inputs = model.inputs(8)
    expected, found = outputs(converted(tiny), inputs), outputs(quantized, inputs)
    model.check(found, 8)
    for name, value in expected.items():
        assert np.abs(found[name] - value).max() <= BOUNDS[precision] * np.ptp(value), name
    assert quantized.precision is precision
    assert quantized.producer == "quantize_litert"
    assert "ai-edge-quantizer" in quantized.versions


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
