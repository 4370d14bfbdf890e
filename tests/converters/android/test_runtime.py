"""Files on the app's own engines: bound by name, in the source model's layout, equal to this side's kernels."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import app_bundle
import flat_models
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T

from converters import registry
from converters.android import jvm, runtime
from converters.contract import Artifact
from converters.errors import ModelError, UnsupportedError
from converters.litert import runtime as litert

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _program(app_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jvm.VARIABLE, str(app_program))


def both(artifact: Artifact, inputs: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The outputs of LiteRT here and of the app."""
    theirs = runtime.open(artifact, "android-jvm[JVM]", 1).run_many(inputs)
    return litert.open(artifact, "litert-xnnpack", 1).run_many(inputs), theirs


def test_tensors_are_bound_by_name(tmp_path: Path) -> None:
    artifact = flat_models.crossed(tmp_path / "m.tflite")
    inputs = {
        "a": RNG.normal(size=(5, 1, 2)).astype(np.float32),
        "b": RNG.normal(size=(5, 1, 2)).astype(np.float32),
        "n": RNG.integers(0, 9, (5, 1, 4)).astype(np.int32),
    }
    ours, theirs = both(artifact, inputs)
    assert np.array_equal(theirs["difference"], inputs["a"] - inputs["b"])
    assert np.array_equal(theirs["count"], inputs["n"] + 1)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_eight_bits_are_equal_to_the_bit(tmp_path: Path) -> None:
    artifact = flat_models.eight_bit(tmp_path / "m.tflite")
    artifact = dataclasses.replace(artifact, source=app_signature(artifact))
    inputs = {"x": (RNG.normal(size=(64, 1, 4)) * 40).astype(np.float32)}
    ours, theirs = both(artifact, inputs)
    assert theirs["y"].dtype == np.float32
    assert np.array_equal(ours["y"], theirs["y"])


def eight_bit_net(path: Path) -> Artifact:
    """A convolution with relu and a dense layer in integers."""
    convolution = schema.Conv2DOptionsT()
    convolution.strideH = convolution.strideW = convolution.dilationHFactor = convolution.dilationWFactor = 1
    convolution.fusedActivationFunction = schema.ActivationFunctionType.RELU
    dense = ("FullyConnectedOptions", schema.FullyConnectedOptionsT())
    tensors = [
        T("in", (1, 6, 7, 3), "int8", scale=0.5),
        T("filter", (8, 3, 3, 3), "int8", RNG.integers(-127, 128, (8, 3, 3, 3)), scale=0.02),
        T("shift", (8,), "int32", RNG.integers(-900, 900, 8), scale=0.01),
        T("inside", (1, 6, 7, 8), "int8", scale=0.6),
        T("sizes", (2,), "int32", [1, 336]),
        T("row", (1, 336), "int8", scale=0.6),
        T("weights", (5, 336), "int8", RNG.integers(-127, 128, (5, 336)), scale=0.01),
        T("bias", (5,), "int32", RNG.integers(-900, 900, 5), scale=0.006),
        T("out", (1, 5), "int8", scale=0.9),
    ]
    ops = [
        Op("CONV_2D", ("in", "filter", "shift"), ("inside",), ("Conv2DOptions", convolution)),
        Op("RESHAPE", ("inside", "sizes"), ("row",)),
        Op("FULLY_CONNECTED", ("row", "weights", "bias"), ("out",), dense),
    ]
    return flat_models.save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "x", "out": "y"}))


def test_integer_kernels_are_xnnpacks_to_the_bit(tmp_path: Path) -> None:
    artifact = eight_bit_net(tmp_path / "m.tflite")
    inputs = {"x": RNG.integers(-128, 128, (200, 1, 6, 7, 3)).astype(np.int8)}
    ours, theirs = both(artifact, inputs)
    assert len(np.unique(theirs["y"])) > 50
    assert np.array_equal(ours["y"], theirs["y"]), "XNNPACK's kernels, another build"


def app_signature(artifact: Artifact):
    """The same tensors as real numbers."""
    real = [
        tuple(dataclasses.replace(spec, dtype="float32", scale=None, zero_point=None) for spec in side)
        for side in (artifact.signature.inputs, artifact.signature.outputs)
    ]
    return dataclasses.replace(artifact.signature, inputs=real[0], outputs=real[1])


def test_layouts_are_the_sources(tmp_path: Path) -> None:
    weights = RNG.normal(size=(10, 64)).astype(np.float32)
    artifact = flat_models.classifier(tmp_path / "m.tflite", weights)
    artifact = dataclasses.replace(artifact, signature=app_bundle.OWN, source=app_bundle.SOURCE)
    images = RNG.integers(0, 256, (9, 1, 1, 8, 8)).astype(np.float32)
    ours, theirs = both(artifact, {"image": images})
    wanted = images.reshape(9, 64) @ weights.T
    assert np.abs(theirs["logits"][:, 0] - wanted).max() <= 1e-5 * np.ptp(wanted)
    assert np.abs(ours["logits"] - theirs["logits"]).max() <= 1e-5 * np.ptp(wanted)


def test_a_sequence_starts_from_a_fresh_state(tmp_path: Path) -> None:
    artifact = flat_models.running_sum(tmp_path / "m.tflite")
    inputs = {"x": np.ones((4, 1, 2), np.float32)}
    session = runtime.open(artifact, "android-jvm[JVM]", 1)
    assert session.stateful
    for _ in range(2):
        assert session.run_many(inputs)["y"][:, 0, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_custom_operator_is_named(tmp_path: Path) -> None:
    artifact = flat_models.custom(tmp_path / "m.tflite")
    with pytest.raises(UnsupportedError, match=r"needs the custom operator `FancyWarp`, for which this app has no ker"):
        runtime.open(artifact, "android-jvm[JVM]", 1).run_many({"x": np.zeros((2, 1, 4), np.float32)})


def test_a_damaged_file(tmp_path: Path) -> None:
    artifact = flat_models.affine(tmp_path / "m.tflite")
    whole = artifact.path.read_bytes()
    session = runtime.open(artifact, "android-jvm[JVM]", 1)
    artifact.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"`m.tflite`"):
        session.run_many({"x": np.zeros((2, 1, 2, 3), np.float32)})


def test_one_call_and_its_time(tmp_path: Path) -> None:
    artifact = flat_models.affine(tmp_path / "m.tflite")
    session = runtime.open(artifact, registry.select("android-jvm")[0].name, 1)
    values = RNG.normal(size=(1, 2, 3)).astype(np.float32)
    assert np.array_equal(session.run({"x": values})["y"], values * 2 + 1)
    assert (session.time({"x": values[None]}, 3) > 0).all()
