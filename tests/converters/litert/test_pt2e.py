from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Framework, Precision, TensorSpec
from converters.errors import UnsupportedError
from converters.source import capture

pytestmark = pytest.mark.torch


NET = """
import torch


def build():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 6 * 10, 5)
    return torch.nn.Sequential(*layers)
"""


def converted(source: Artifact, folder: Path, images: np.ndarray) -> Artifact:
    np.savez(folder / "calibration.npz", image=images)
    request = ConversionRequest(source, folder / "m.tflite", Precision.INT8_IO, folder / "calibration.npz")
    return job.convert("litert_pt2e_from_torch", request)


def test_a_file_quantized_in_pytorch_has_integer_ends_and_stays_near_the_model(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    spec = TensorSpec("image", (1, 3, 12, 20), "float32", "NCHW")
    source = capture(f"{tmp_path / 'net.py'}:build", {}, tmp_path / "w.safetensors", (spec,), Framework.TORCH)
    images = np.random.default_rng(1).normal(size=(32, 1, 3, 12, 20)).astype(np.float32)
    made = converted(source, tmp_path, images)
    (image,), (output,) = made.signature.inputs, made.signature.outputs
    assert (image.name, image.dtype, image.quantized, output.dtype) == ("image", "int8", True, "int8")
    found = job.inspect(made.path, Format.TFLITE)
    kernel = next(t for t in found.tensors if t.constant and len(t.shape) == 4)
    assert (kernel.dtype, kernel.scales) == ("int8", 8)
    wanted = job.run_samples("torch-eager", source, tmp_path / "calibration.npz")[output.name]
    got = job.run_samples("litert-xnnpack", made, tmp_path / "calibration.npz")[output.name]
    assert 0 < np.abs(got - wanted).max() <= 0.15 * np.ptp(wanted)


def test_pixels_are_scaled_exactly_and_not_by_a_factor_of_16_steps(tmp_path: Path) -> None:
    """The model begins with a division by a constant, which the quantizer would leave in float."""
    model = MODELS["torch_conv"]
    source = model.source(tmp_path)
    made = converted(source, tmp_path, model.inputs(16, seed=1)["image"])
    assert (made.signature.inputs[0].dtype, made.signature.outputs[0].dtype) == ("int8", "int8")
    wanted = job.run_samples("torch-eager", source, tmp_path / "calibration.npz", "")["logits"]
    found = job.run_samples("litert-reference", made, tmp_path / "calibration.npz", "")["logits"]
    assert 0 < np.abs(found - wanted).max() <= 0.06 * np.ptp(wanted)


def test_ends_that_the_quantizer_leaves_in_float_are_refused(tmp_path: Path) -> None:
    """Nothing of an embedding is quantized."""
    (tmp_path / "net.py").write_text("import torch\n\n\ndef build():\n    return torch.nn.Softsign()\n")
    spec = TensorSpec("image", (1, 3, 12, 20), "float32", "NCHW")
    source = capture(f"{tmp_path / 'net.py'}:build", {}, tmp_path / "w.safetensors", (spec,), Framework.TORCH)
    images = np.random.default_rng(1).normal(size=(4, 1, 3, 12, 20)).astype(np.float32)
    with pytest.raises(UnsupportedError, match="PT2E's quantizer leaves image, .* in float"):
        converted(source, tmp_path, images)
    assert not (tmp_path / "m.tflite").exists()


GRU = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = torch.nn.GRU(4, 4, batch_first=True, bidirectional=True)

    def forward(self, sound):
        return self.gru(sound)[0]


def build():
    return Net()
"""


def test_an_operator_of_a_form_that_the_quantizer_does_not_know_is_refused_by_its_name(tmp_path: Path) -> None:
    """Its pattern of a GRU takes for granted that the first state comes from outside."""
    (tmp_path / "net.py").write_text(GRU)
    spec = TensorSpec("sound", (1, 6, 4), "float32")
    source = capture(f"{tmp_path / 'net.py'}:build", {}, tmp_path / "w.safetensors", (spec,), Framework.TORCH)
    np.savez(tmp_path / "calibration.npz", sound=np.zeros((2, 1, 6, 4), np.float32))
    request = ConversionRequest(source, tmp_path / "m.tflite", Precision.INT8_IO, tmp_path / "calibration.npz")
    with pytest.raises(UnsupportedError, match=r"no such form of an operator: .*gru"):
        job.convert("litert_pt2e_from_torch", request)
