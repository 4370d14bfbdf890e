from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artifact]:
    """The TorchScript artifact of a tiny model by its name."""
    folder = tmp_path_factory.mktemp("script")
    made: dict[str, Artifact] = {}

    def export(name: str) -> Artifact:
        if name not in made:
            request = ConversionRequest(MODELS[name].source(folder), folder / f"{name}.pt", Precision.FP32)
            made[name] = job.convert("torchscript_from_torch", request)
        return made[name]

    return export


@pytest.fixture
def mobile(script: Callable[[str], Artifact], tmp_path: Path) -> Callable[..., Artifact]:
    """The .ptl artifact of a tiny model by its name, with a recipe's options."""

    def export(name: str, **options: Any) -> Artifact:
        target = tmp_path / f"{name}.ptl"
        return job.convert(
            "ptl_from_torchscript", ConversionRequest(script(name), target, Precision.FP32, None, options)
        )

    return export
