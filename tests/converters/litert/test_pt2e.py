from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import ConversionRequest, Format, Precision

pytestmark = pytest.mark.torch


def test_a_file_quantized_in_pytorch_has_integer_ends_and_stays_near_the_model(tmp_path: Path) -> None:
    model = MODELS["torch_conv"]
    np.savez(tmp_path / "calibration.npz", **model.inputs(32, seed=1))
    request = ConversionRequest(
        model.source(tmp_path), tmp_path / "m.tflite", Precision.INT8_IO, tmp_path / "calibration.npz"
    )
    made = job.convert("litert_pt2e_from_torch", request)
    (image,), (logits,) = made.signature.inputs, made.signature.outputs
    assert (image.name, image.dtype, image.layout, image.quantized) == ("image", "int8", "NHWC", True)
    assert (logits.name, logits.dtype) == ("logits", "int8")
    found = job.inspect(made.path, Format.TFLITE)
    kernel = next(t for t in found.tensors if t.constant and len(t.shape) == 4)
    assert (kernel.dtype, kernel.scales) == ("int8", 8)
    np.savez(tmp_path / "samples.npz", **model.inputs(8))
    wanted = job.run_samples("torch-eager", model.source(tmp_path), tmp_path / "samples.npz")["logits"]
    got = job.run_samples("litert-xnnpack", made, tmp_path / "samples.npz")["logits"]
    assert 0 < np.abs(got - wanted).max() <= 0.15 * np.ptp(wanted)
