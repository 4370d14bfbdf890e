from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision

pytestmark = pytest.mark.torch


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artifact]:
    """The fp32 ONNX artifact of a tiny PyTorch model by its name."""
    folder = tmp_path_factory.mktemp("onnx")
    made: dict[str, Artifact] = {}

    def export(name: str) -> Artifact:
        if name not in made:
            request = ConversionRequest(MODELS[name].source(folder), folder / f"{name}.onnx", Precision.FP32)
            made[name] = job.convert("onnx_from_torch", request)
        return made[name]

    return export


@pytest.fixture(scope="session")
def ort_file(onnx_file: Callable[[str], Artifact], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Artifact]:
    """The ORT artifact of a tiny PyTorch model by its name and precision."""
    folder = tmp_path_factory.mktemp("ort")
    made: dict[tuple[str, Precision], Artifact] = {}

    def export(name: str, precision: Precision = Precision.FP32) -> Artifact:
        if (name, precision) not in made:
            np.savez(folder / f"{name}.npz", **MODELS[name].inputs(8))
            target = folder / f"{name}_{precision}.ort"
            request = ConversionRequest(onnx_file(name), target, precision, folder / f"{name}.npz")
            made[name, precision] = job.convert("ort_from_onnx", request)
        return made[name, precision]

    return export
