from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError

pytestmark = pytest.mark.torch

IMAGE = TensorSpec("image", (1, 3, 12, 20), "float32", "NCHW")


def source(folder: Path, module: Any, output: TensorSpec) -> Artifact:
    import torch

    torch.jit.save(module, str(folder / "m.pt"))
    told = Signature((IMAGE,), (output,))
    return Artifact(folder / "m.pt", Format.TORCHSCRIPT, Precision.FP32, told, told, framework="torch")


@pytest.mark.parametrize(("precision", "near"), [(Precision.FP32, 1e-5), (Precision.FP16, 5e-3)])
def test_an_archive_is_converted_as_it_stands(tmp_path: Path, precision: Precision, near: float) -> None:
    import torch

    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 6 * 10, 5)
    module = torch.jit.script(torch.nn.Sequential(*layers).eval())
    request = ConversionRequest(
        source(tmp_path, module, TensorSpec("logits", (1, 5), "float32")), tmp_path / "m.mlpackage", precision
    )
    made = job.convert("coreml_from_torchscript", request)
    assert [spec.name for spec in (*made.signature.inputs, *made.signature.outputs)] == ["image", "logits"]
    images = np.random.default_rng(1).normal(size=(4, 1, 3, 12, 20)).astype(np.float32)
    np.savez(tmp_path / "samples.npz", image=images)
    found = job.run_samples("coreml-mil", made, tmp_path / "samples.npz")["logits"]
    wanted = np.stack([module(torch.tensor(image)).detach().numpy() for image in images])
    assert np.abs(found - wanted).max() <= near * np.ptp(wanted)


def test_what_coremltools_does_not_know_is_unsupported(tmp_path: Path) -> None:
    import torch

    class Named(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.linalg.svd(image[0, 0])[1]

    artifact = source(tmp_path, torch.jit.script(Named()), TensorSpec("values", (12,), "float32"))
    with pytest.raises(UnsupportedError, match="coremltools: .*svd"):
        job.convert("coreml_from_torchscript", ConversionRequest(artifact, tmp_path / "m.mlpackage", Precision.FP32))
    assert not (tmp_path / "m.mlpackage").exists()
