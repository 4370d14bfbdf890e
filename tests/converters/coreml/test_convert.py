"""Packages from source models: names, types, values."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr
from tiny_models import MODELS

from converters import content, job, source
from converters.contract import ConversionRequest, Precision, Signature, TensorSpec
from converters.coreml.package import read_package
from converters.errors import UnsupportedError


def test_names_layouts_and_values_are_the_sources(tiny, made) -> None:
    artifact, model = made(tiny, "fp32"), MODELS[tiny]
    for ours, theirs in (
        (artifact.signature.inputs, model.signature.inputs),
        (artifact.signature.outputs, model.signature.outputs),
    ):
        assert [(spec.name, spec.layout, spec.meaning) for spec in ours] == [
            (spec.name, spec.layout, spec.meaning) for spec in theirs
        ]
    session = job.open_session("coreml-mil", artifact)
    model.check(session.run_many(model.inputs()))
    assert artifact.sha256 == content.sha256(artifact.path)
    assert artifact.size_bytes == content.size_bytes(artifact.path)
    assert {path.name for path in artifact.path.iterdir()} == {"Manifest.json", "Data"}


def test_float16_within_and_float32_at_the_ends(tiny, made) -> None:
    artifact = made(tiny, "fp16")
    found = job.inspect(artifact.path, artifact.format)
    ends = (*artifact.signature.inputs, *artifact.signature.outputs)
    assert {spec.dtype for spec in ends} <= {"float32", "int32"}
    wide = [op.type for op in found.ops for index in op.outputs if found.tensors[index].dtype == "float32"]
    assert set(wide) <= {"cast"}
    single, half = (
        job.open_session("coreml-mil", one).run_many(MODELS[tiny].inputs()) for one in (made(tiny, "fp32"), artifact)
    )
    for name, values in single.items():
        assert 0 < np.abs(half[name] - values).max() < 2e-2 * np.abs(values).max()


@pytest.mark.torch
def test_the_features_have_names_that_swift_takes(made) -> None:
    package = read_package(made("torch_mixed", "fp32").path)
    assert [feature["name"] for feature in package.model["description"]["input"]] == ["token", "weight"]
    assert [feature["name"] for feature in package.model["description"]["output"]] == ["embedding"]


@pytest.mark.torch
def test_an_end_that_core_ml_does_not_have_is_refused(tmp_path: Path) -> None:
    source = MODELS["torch_mixed"].source(tmp_path)
    flags = Signature((TensorSpec("token", (1, 6), "bool"), source.source.inputs[1]), source.source.outputs)
    request = ConversionRequest(dataclasses.replace(source, source=flags), tmp_path / "m.mlpackage", Precision.FP32)
    with pytest.raises(UnsupportedError, match="'token' is bool; inputs and outputs of Core ML are float32"):
        job.convert("coreml_from_torch", request)
    assert not (tmp_path / "m.mlpackage").exists()


@pytest.mark.tensorflow
def test_the_exact_gelu_of_keras_is_converted_and_computes_the_same(tmp_path: Path) -> None:
    """Its Erfc, which coremltools does not know, was refused by the words "type: DT_FLOAT"."""
    builder = tmp_path / "net.py"
    builder.write_text(
        "import keras\n\n\ndef build():\n    x = keras.Input((7,), name='vector')\n"
        "    return keras.Model(x, keras.layers.Activation('gelu', name='scores')(x))\n"
    )
    ends = (TensorSpec("vector", (1, 7), "float32", "NC"),), (TensorSpec("scores", (1, 7), "float32", "NC"),)
    name, weights = f"{builder}:build", tmp_path / "net.weights.h5"
    source.save_weights(source.build(name, {}, "tensorflow"), weights)
    origin = source.artifact(weights, name, {}, "tensorflow", Signature(*ends))
    made = job.convert("coreml_from_keras", ConversionRequest(origin, tmp_path / "m.mlpackage", Precision.FP32))
    values = np.linspace(-6, 6, 7, dtype=np.float32)[None, None]
    got = job.open_session("coreml-mil", made).run_many({"vector": values})["scores"]
    assert np.abs(got - values * ndtr(values)).max() < 1e-6
