"""The tiny models as Core ML packages, each made once a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision

TINY = [
    pytest.param(name, marks=pytest.mark.torch if model.framework == "torch" else pytest.mark.tensorflow)
    for name, model in MODELS.items()
]
Made = Callable[[str, str], Artifact]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with an argument `tiny` run for every tiny model."""
    if "tiny" in metafunc.fixturenames:
        metafunc.parametrize("tiny", TINY)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The artifact of a tiny model in a precision, by their names."""
    folder = tmp_path_factory.mktemp("coreml")
    done: dict[tuple[str, str], Artifact] = {}

    def make(name: str, precision: str) -> Artifact:
        if (name, precision) not in done:
            target = folder / f"{name}_{precision}.mlpackage"
            if precision in ("fp32", "fp16"):
                edge = f"coreml_from_{name.partition('_')[0]}"
                request = ConversionRequest(MODELS[name].source(folder), target, Precision(precision))
            else:
                edge = "quantize_coreml"
                request = ConversionRequest(make(name, "fp32"), target, Precision(precision))
            done[name, precision] = job.convert(edge, request)
        return done[name, precision]

    return make
