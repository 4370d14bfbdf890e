from __future__ import annotations

import dataclasses

import pytest
from loose_files import spec

from converters.contract import Format, Precision, Signature
from converters.inspection import Inspection, OpInfo, TensorInfo
from pipeline.looks import guess_precision


def inspection(weights, activation="float32", io="float32"):
    quantized = {"scale": 0.1, "zero_point": 0} if io == "int8" else {}
    signature = Signature((spec("x", 1, 4, dtype=io, **quantized),), (spec("y", 1, 4, dtype=io, **quantized),))
    tensors = [TensorInfo(f"w{i}", shape, dtype, True) for i, (dtype, shape) in enumerate(weights)]
    tensors.append(TensorInfo("hidden", (1, 4), activation, False))
    return Inspection(Format.TFLITE, signature, tuple(tensors), (OpInfo("FC", (0,), (len(weights),)),), "")


@pytest.mark.parametrize(
    ("indices", "format", "precision"),
    [
        ("uint6", Format.COREML, Precision.PALETTIZED),
        ("uint4", Format.COREML, Precision.PALETTIZED),
        ("uint4", Format.ONNX, Precision.INT4_WEIGHTS),
    ],
)
def test_indices_of_few_bits_are_those_of_a_palette_or_weights(indices, format, precision):
    found = dataclasses.replace(inspection([(indices, (4, 4)), ("float16", (4, 2))]), format=format)
    assert guess_precision(found) is precision


@pytest.mark.parametrize(
    ("found", "precision"),
    [
        (inspection([("float32", (4, 4))]), Precision.FP32),
        (inspection([("float16", (4, 4)), ("float32", (100,))]), Precision.FP16),
        (inspection([("int8", (4, 4)), ("float32", (2, 2))]), Precision.DYNAMIC),
        (inspection([("int8", (4, 4))], "int8"), Precision.INT8),
        (inspection([("int8", (4, 4))], "int8", "int8"), Precision.INT8_IO),
        (inspection([("int8", (2, 2)), ("float32", (400, 400))]), Precision.DYNAMIC),
        (inspection([("float16", (2, 2)), ("float32", (400, 400))]), Precision.FP16),
        (inspection([("int8", (1, 1)), ("float32", (4, 4))]), Precision.FP32),
        (inspection([]), Precision.FP32),
    ],
)
def test_the_precision_is_guessed_from_the_coarsest_of_the_weights(found, precision):
    assert guess_precision(found) is precision


def test_weights_that_are_rounded_when_they_are_read_are_no_floats() -> None:
    found = inspection([("float32", (4, 4))])
    rounded = dataclasses.replace(found, ops=(OpInfo("DynamicQuantizeLinear", (0,), (1,)), *found.ops))
    assert guess_precision(rounded) is Precision.DYNAMIC
    ahead = inspection([("float32", (4, 4))], "int8")
    assert guess_precision(ahead) is Precision.FP32
    assert guess_precision(dataclasses.replace(ahead, ops=(OpInfo("QUANTIZE", (0,), (1,)),))) is Precision.INT8
