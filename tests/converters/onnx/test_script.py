from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.onnx.script import onnx_from_torchscript

pytestmark = pytest.mark.torch


def request(folder: Path, module: object) -> ConversionRequest:
    import torch

    torch.jit.save(module, str(folder / "m.pt"))
    told = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 4), "float32"),))
    source = Artifact(folder / "m.pt", Format.TORCHSCRIPT, Precision.FP32, told, told)
    return ConversionRequest(source, folder / "made.onnx", Precision.FP32)


def test_branches_stay_branches(tmp_path: Path) -> None:
    import torch

    class Branch(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if bool(x.sum() > 0):
                return x * 2
            return x - 1

    onnx_from_torchscript(request(tmp_path, torch.jit.script(Branch())))
    session = onnxruntime.InferenceSession(str(tmp_path / "made.onnx"))
    one = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": one})[0], 2 * one)
    np.testing.assert_array_equal(session.run(None, {"x": -one})[0], -2 * one)


def test_what_the_exporter_does_not_know_is_unsupported(tmp_path: Path) -> None:
    import torch

    class Named(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"y": x + 1}

    with pytest.raises(UnsupportedError, match=r"torch.onnx.export: .*DictConstruct"):
        onnx_from_torchscript(request(tmp_path, torch.jit.script(Named())))
