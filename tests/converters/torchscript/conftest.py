from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision

TINY = [name for name, model in MODELS.items() if model.framework == "torch"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with an argument `tiny` run for every tiny PyTorch model."""
    if "tiny" in metafunc.fixturenames:
        metafunc.parametrize("tiny", TINY)


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Artifact]:
    """The TorchScript artifact of a tiny model by its name; `again` makes another file."""

    def export(name: str, again: str = "") -> Artifact:
        request = ConversionRequest(MODELS[name].source(tmp_path), tmp_path / f"{name}{again}.pt", Precision.FP32)
        return job.convert("torchscript_from_torch", request)

    return export
