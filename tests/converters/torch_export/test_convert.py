from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision

pytestmark = pytest.mark.torch
TINY = [name for name, model in MODELS.items() if model.framework == "torch"]


def export(name: str, folder: Path) -> Artifact:
    request = ConversionRequest(MODELS[name].source(folder), folder / f"{name}.pt2", Precision.FP32)
    return job.convert("pt2_from_torch", request)


@pytest.mark.parametrize("name", TINY)
def test_the_program_has_the_names_and_computes_what_the_model_does(name: str, tmp_path: Path) -> None:
    made = export(name, tmp_path)
    assert made.signature == MODELS[name].signature
    np.savez(tmp_path / "samples.npz", **MODELS[name].inputs(4))
    wanted = job.run_samples("torch-eager", MODELS[name].source(tmp_path), tmp_path / "samples.npz")
    found = job.run_samples("torch-export", made, tmp_path / "samples.npz")
    for output, value in wanted.items():
        assert np.abs(found[output] - value).max() <= 1e-5 * np.ptp(value), output


def test_a_lone_file_tells_its_tensors(tmp_path: Path) -> None:
    found = job.inspect(export("torch_two_in_two_out", tmp_path).path, Format.PT2)
    assert [spec.name for spec in found.signature.inputs] == ["vector", "image"]
    assert {spec.name for spec in found.signature.outputs} == {"scores", "mask"}
