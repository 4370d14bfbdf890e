from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, Format
from converters.errors import ModelError

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", ["torch_conv", "torch_two_in_two_out", "torch_mixed"])
def test_the_lite_interpreter_gives_the_framework_s_outputs(
    name: str, mobile: Callable[..., Artifact], tmp_path: Path
) -> None:
    np.savez(tmp_path / "samples.npz", **MODELS[name].inputs(8))
    wanted = job.run_samples("torch-eager", MODELS[name].source(tmp_path), tmp_path / "samples.npz")
    found = job.run_samples("torch-mobile", mobile(name), tmp_path / "samples.npz")
    for output, value in wanted.items():
        assert np.abs(found[output] - value).max() <= 1e-5 * np.ptp(value), output


def test_torchscript_without_bytecode_is_refused(script: Callable[[str], Artifact]) -> None:
    plain = dataclasses.replace(script("torch_conv"), format=Format.PTL, route="")
    with pytest.raises(ModelError, match="holds torchscript"):
        job.open_session("torch-mobile", plain)
