from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.drift_job import graph

pytestmark = pytest.mark.tensorflow
TINY = [name for name, model in MODELS.items() if model.framework == "tensorflow"]


def export(name: str, folder: Path) -> Artifact:
    request = ConversionRequest(MODELS[name].source(folder), folder / f"{name}.savedmodel", Precision.FP32)
    return job.convert("savedmodel_from_keras", request)


@pytest.mark.parametrize("name", TINY)
def test_the_folder_serves_the_names_and_computes_what_the_model_does(name: str, tmp_path: Path) -> None:
    made = export(name, tmp_path)
    wanted_specs = {spec.name: spec for spec in MODELS[name].signature.inputs}
    assert {spec.name: spec for spec in made.signature.inputs} == wanted_specs
    np.savez(tmp_path / "samples.npz", **MODELS[name].inputs(4))
    wanted = job.run_samples("keras-eager", MODELS[name].source(tmp_path), tmp_path / "samples.npz")
    found = job.run_samples("tensorflow", made, tmp_path / "samples.npz")
    assert set(found) == set(wanted)
    for output, value in wanted.items():
        assert np.abs(found[output] - value).max() <= 1e-5 * np.ptp(value), output


def test_it_is_looked_into_though_its_signature_calls_a_function(tmp_path: Path) -> None:
    """What is put in line waits for its arguments, constants too."""
    made = export("keras_conv", tmp_path)
    assert {"Conv2D", "DepthwiseConv2dNative", "MatMul"} <= {op.type for op in graph(made).ops}
    assert job.inspect(made.path, Format.SAVEDMODEL).format is Format.SAVEDMODEL
