"""The tiny models converted once a session, and .tflite files edited table by table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision

TINY = [
    pytest.param(name, marks=pytest.mark.torch if model.framework == "torch" else pytest.mark.tensorflow)
    for name, model in MODELS.items()
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with an argument `tiny` run for every tiny model."""
    if "tiny" in metafunc.fixturenames:
        metafunc.parametrize("tiny", TINY)


Converted = Callable[..., Artifact]


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """The artifact of a tiny model in a precision, by its framework's converter or, `quantizer=True`, from fp32."""
    folder = tmp_path_factory.mktemp("litert")
    made: dict[tuple[str, Precision, bool], Artifact] = {}

    def convert(name: str, precision: Precision = Precision.FP32, *, quantizer: bool = False) -> Artifact:
        key = (name, precision, quantizer)
        if key not in made:
            tiny = MODELS[name]
            calibration = folder / f"{name}.npz"
            np.savez(calibration, **tiny.inputs(64, seed=1))
            edge = "litert_from_torch" if tiny.framework == "torch" else "litert_from_keras"
            edge = "quantize_litert" if quantizer else edge
            source = convert(name) if quantizer else tiny.source(folder)
            target = folder / f"{name}_{edge}_{precision}.tflite"
            made[key] = job.convert(edge, ConversionRequest(source, target, precision, calibration))
        return made[key]

    return convert


@pytest.fixture
def edited(converted: Converted, tmp_path: Path) -> Callable[..., Path]:
    """A copy of a tiny model's fp32 file after `change(model)`: the tables as objects of the generated schema."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def edit(change: Callable[[Any], None], name: str = "keras_conv") -> Path:
        data = converted(name).path.read_bytes()
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        change(model)
        builder = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), b"TFL3")
        path = tmp_path / "edited.tflite"
        path.write_bytes(builder.Output())
        return path

    return edit
