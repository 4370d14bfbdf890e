from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from converters import job
from converters.contract import Artifact, Format
from converters.errors import ModelError

pytestmark = pytest.mark.torch


def test_it_tells_what_torchscript_tells_and_the_operators_of_the_bytecode(
    mobile: Callable[..., Artifact], script: Callable[[str], Artifact]
) -> None:
    found = job.inspect(mobile("torch_conv").path, Format.PTL)
    beside = job.inspect(script("torch_conv").path, Format.TORCHSCRIPT)
    assert found.format is Format.PTL
    assert found.graph_hash == beside.graph_hash
    assert found.signature == beside.signature
    assert "aten::conv2d" in found.metadata["operators"] or "aten::_convolution" in found.metadata["operators"]
    assert int(found.metadata["bytecode_version"]) > 4


def test_bytecode_of_another_model_is_found(mobile: Callable[..., Artifact], tmp_path: Path) -> None:
    """What runs is the bytecode, what is read is the code: they must be of one model."""
    one, other = mobile("torch_conv").path, mobile("torch_mixed").path
    with zipfile.ZipFile(other) as archive:
        bytecode = next(archive.read(name) for name in archive.namelist() if name.endswith("/bytecode.pkl"))
    swapped = tmp_path / "swapped.ptl"
    with zipfile.ZipFile(one) as before, zipfile.ZipFile(swapped, "w") as after:
        for name in before.namelist():
            after.writestr(name, bytecode if name.endswith("/bytecode.pkl") else before.read(name))
    with pytest.raises(ModelError, match=r"bytecode and code differ|bytecode cannot be read"):
        job.inspect(swapped, Format.PTL)


def test_operators_that_bytecode_has_in_itself_are_not_missed(tmp_path: Path) -> None:
    import torch

    class Guards(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not bool(x.sum() > 0):
                raise ValueError(f"{x.dim()} axes, and nothing in them")
            return x * 2

    torch.jit.script(Guards())._save_for_lite_interpreter(str(tmp_path / "m.ptl"))
    found = job.inspect(tmp_path / "m.ptl", Format.PTL)
    assert "aten::mul" in found.metadata["operators"]
