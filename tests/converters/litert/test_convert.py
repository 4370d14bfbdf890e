from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS, TinyModel

from converters import job, source
from converters.contract import Arrays, Artifact, ConversionRequest, Format, Precision
from converters.errors import EdgeExportError

KERAS = [name for name, model in MODELS.items() if model.framework == "tensorflow"]
Converted = Callable[..., Artifact]


def reference(tiny: TinyModel, inputs: Arrays, folder: Path) -> Arrays:
    """The framework's own eager outputs."""
    model, n = source.load(tiny.source(folder)), len(next(iter(inputs.values())))
    rows = [source.call(model, {name: value[i] for name, value in inputs.items()}, tiny.signature) for i in range(n)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def error(outputs: Arrays, expected: Arrays) -> float:
    """The largest difference of any output, as a share of its range."""
    return max(float(np.abs(outputs[name] - value).max() / np.ptp(value)) for name, value in expected.items())


@pytest.mark.parametrize("runtime", ["litert-xnnpack", "litert-reference"])
def test_fp32_is_the_model_on_both_kernel_paths(tiny: str, runtime: str, converted: Converted, tmp_path: Path) -> None:
    model, artifact = MODELS[tiny], converted(tiny)
    inputs = model.inputs(8)
    outputs = job.open_session(runtime, artifact).run_many(inputs)
    model.check(outputs, 8)
    assert error(outputs, reference(model, inputs, tmp_path)) <= 1e-5


def test_names_survive_in_the_source_s_order(tiny: str, converted: Converted) -> None:
    artifact, tiny_signature = converted(tiny), MODELS[tiny].signature
    for found, wanted in (
        (artifact.signature.inputs, tiny_signature.inputs),
        (artifact.signature.outputs, tiny_signature.outputs),
    ):
        assert [spec.name for spec in found] == [spec.name for spec in wanted]
        assert [spec.meaning for spec in found] == [spec.meaning for spec in wanted]
    by_file = job.inspect(artifact.path, Format.TFLITE).signature
    assert {spec.name for spec in by_file.inputs} == {spec.name for spec in tiny_signature.inputs}


@pytest.mark.torch
def test_torch_files_are_channels_last_outside_and_inside(converted: Converted) -> None:
    signature = converted("torch_two_in_two_out").signature
    shapes = {spec.name: (spec.layout, spec.shape) for spec in (*signature.inputs, *signature.outputs)}
    assert shapes == {
        "vector": ("NC", (1, 7)),
        "image": ("NHWC", (1, 12, 20, 3)),
        "scores": ("NC", (1, 4)),
        "mask": ("NHWC", (1, 6, 10, 2)),
    }
    ops = [op.type for op in job.inspect(converted("torch_conv").path, Format.TFLITE).ops]
    assert ops.index("CONV_2D") < ops.index("TRANSPOSE", ops.index("CONV_2D"))  # none before the first convolution
    assert "TRANSPOSE" not in ops[: ops.index("CONV_2D")]


@pytest.mark.torch
def test_torch_s_int64_tokens_become_int32(converted: Converted) -> None:
    artifact = converted("torch_mixed")
    assert [spec.dtype for spec in artifact.signature.inputs] == ["int32", "float32"]
    assert [spec.dtype for spec in artifact.source.inputs] == ["int64", "float32"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize(
    ("precision", "bound"),
    [(Precision.FP16, 2e-3), (Precision.INT8, 0.15), (Precision.INT8_IO, 0.15)],
)
def test_keras_precisions(name: str, precision: Precision, bound: float, converted: Converted, tmp_path: Path) -> None:
    tiny, artifact = MODELS[name], converted(name, precision)
    inputs = tiny.inputs(8)
    outputs = job.open_session("litert-xnnpack", artifact).run_many(inputs)
    tiny.check(outputs, 8)
    assert error(outputs, reference(tiny, inputs, tmp_path)) <= bound


@pytest.mark.tensorflow
def test_keras_precisions_are_in_the_file(converted: Converted) -> None:
    def weights(precision: Precision) -> set[str]:
        tensors = job.inspect(converted("keras_conv", precision).path, Format.TFLITE).tensors
        return {tensor.dtype for tensor in tensors if tensor.constant and len(tensor.shape) >= 2}

    assert weights(Precision.FP32) - {"int32"} == {"float32"}
    assert weights(Precision.FP16) - {"int32"} == {"float16"}
    assert weights(Precision.INT8) - {"int32"} == {"int8"}

    io = converted("keras_conv", Precision.INT8_IO).signature
    assert [spec.dtype for spec in (*io.inputs, *io.outputs)] == ["int8", "int8"]
    assert io.inputs[0].scale == pytest.approx(1.0)  # raw pixels are exact
    assert {spec.dtype for spec in converted("keras_conv", Precision.INT8).signature.inputs} == {"float32"}


@pytest.mark.torch
def test_what_litert_torch_cannot_lower_is_said(tmp_path: Path) -> None:
    net = tmp_path / "hard.py"
    net.write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n"
        "        return torch.linalg.svd(x)[1] if x.sum() > 0 else x[0]\ndef make():\n    return Net()\n"
        "def example_inputs():\n    return torch.rand(3, 3),\n"
    )
    captured = source.capture(f"{net}:make", {}, tmp_path / "w.safetensors")
    with pytest.raises(EdgeExportError, match="^litert_from_torch: ") as raised:
        job.convert("litert_from_torch", ConversionRequest(captured, tmp_path / "h.tflite", Precision.FP32))
    assert raised.value.exit_code == 6
    assert len(str(raised.value)) < 700
    assert not list(tmp_path.glob("*.tflite"))
    assert not list(tmp_path.glob(".*.tflite"))
