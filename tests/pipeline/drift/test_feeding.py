from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.contract import Artifact, Format, Framework, Precision, Signature, TensorSpec
from converters.graph import Op
from pipeline.drift.feeding import in_range


def artifact(**spec: object) -> Artifact:
    signature = Signature((dataclasses.replace(TensorSpec("t0", (1, 4), "float32"), **spec),), ())
    return Artifact(
        path="x", format=Format.TFLITE, precision=Precision.FP32, signature=signature, source=signature, model="m",
        framework=Framework.TORCH, route="r", producer="", versions={}, sha256="", graph_hash="", size_bytes=0,
    )  # fmt: skip


PLAIN = graph([tensor(0), tensor(1)], [Op(0, "RELU", (0,), (1,))], (0,), (1,))


def quantized(dtype: str, scale: float, zero_point: int):
    tensors = [tensor(0), tensor(1, dtype=dtype, scale=(scale, zero_point))]
    return graph(tensors, [Op(0, "QUANTIZE", (0,), (1,))], (0,), (1,))


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "limits"),
    [("int8", 1.0, -128, (0.0, 255.0)), ("uint8", 0.5, 128, (-64.0, 63.5)), ("int16", 0.001, 0, (0.0, 32.767))],
)
def test_inputs_take_the_range_that_either_file_quantizes_first(dtype, scale, zero_point, limits):
    for graphs in ((PLAIN, quantized(dtype, scale, zero_point)), (quantized(dtype, scale, zero_point), PLAIN)):
        (spec,) = in_range(artifact(), graphs).source.inputs
        assert spec.limits == pytest.approx(limits)


def test_a_scale_of_onnx_is_read_from_its_constants():
    held = [tensor(2, data=np.float32([2.0])), tensor(3, data=np.uint8([10]), dtype="uint8")]
    one = graph([tensor(0), tensor(1, dtype="uint8"), *held], [Op(0, "QuantizeLinear", (0, 2, 3), (1,))], (0,), (1,))
    (spec,) = in_range(artifact(), (PLAIN, one)).source.inputs
    assert spec.limits == (-20.0, 490.0)


def test_what_is_said_of_an_input_stays():
    given = quantized("int8", 1.0, -128)
    assert in_range(artifact(limits=(0.0, 1.0)), (given,)).source.inputs[0].limits == (0.0, 1.0)
    assert in_range(artifact(meaning="image"), (given,)).source.inputs[0].limits is None
    assert in_range(artifact(), (PLAIN, PLAIN)).source.inputs[0].limits is None
