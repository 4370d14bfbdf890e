from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import source
from converters.contract import Format, Signature, TensorSpec
from converters.errors import ContractError, ModelError

TORCH = [pytest.param(name, marks=pytest.mark.torch) for name, model in MODELS.items() if model.framework == "torch"]
KERAS = [pytest.param(n, marks=pytest.mark.tensorflow) for n, model in MODELS.items() if model.framework != "torch"]


@pytest.mark.parametrize("name", TORCH + KERAS)
def test_a_model_is_loaded_once_with_its_weights(name: str, tmp_path: Path) -> None:
    tiny = MODELS[name]
    artifact = tiny.source(tmp_path)
    model = source.load(artifact)
    assert source.load(artifact) is model
    assert source.load(dataclasses.replace(artifact, sha256="")) is not model
    inputs = {key: value[0] for key, value in tiny.inputs(1).items()}
    fresh = source.call(source.build(tiny.builder, {}, tiny.framework), inputs, tiny.signature)
    for key, value in source.call(model, inputs, tiny.signature).items():
        np.testing.assert_allclose(value, fresh[key], rtol=1e-5)


@pytest.mark.torch
def test_missing_weights_are_said(tmp_path: Path) -> None:
    artifact = MODELS["torch_conv"].source(tmp_path)
    with pytest.raises(ModelError, match="are missing"):
        source.load(dataclasses.replace(artifact, path=tmp_path / "no.safetensors", sha256="another"))


def test_only_source_formats_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    artifact = source.artifact(tmp_path / "x", "a:b", {}, "torch", Signature((), ()))
    with pytest.raises(ContractError, match="a tflite file is not a source model"):
        source.load(dataclasses.replace(artifact, format=Format.TFLITE))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("torch_conv", 216 + 16 + 80 + 45, marks=pytest.mark.torch),
        pytest.param("keras_conv", 216 + 16 + 80 + 45, marks=pytest.mark.tensorflow),
    ],
)
def test_parameters_are_counted_without_statistics(name: str, count: int, tmp_path: Path) -> None:
    assert source.parameter_count(MODELS[name].source(tmp_path)) == count


@pytest.mark.parametrize("name", TORCH)
def test_the_torch_wrapper_is_the_model(name: str, tmp_path: Path) -> None:
    import torch

    tiny = MODELS[name]
    artifact = tiny.source(tmp_path)
    arrays = {key: value[0] for key, value in tiny.inputs(1).items()}
    expected = source.call(source.load(artifact), arrays, tiny.signature)
    tensors = {key: torch.from_numpy(value) for key, value in arrays.items()}
    by_name = source.torch_wrapper(artifact)(**dict(reversed(tensors.items())))
    in_order = source.torch_wrapper(artifact, as_tuple=True)(*tensors.values())
    assert list(by_name) == [spec.name for spec in tiny.signature.outputs]
    for key, value in zip(by_name, in_order, strict=True):
        np.testing.assert_array_equal(by_name[key].detach().numpy(), expected[key])
        np.testing.assert_array_equal(value.detach().numpy(), expected[key])


@pytest.mark.parametrize("name", KERAS)
def test_the_keras_wrapper_is_the_model_and_holds_its_variables(name: str, tmp_path: Path) -> None:
    tiny = MODELS[name]
    artifact = tiny.source(tmp_path)
    arrays = {key: value[0] for key, value in tiny.inputs(1).items()}
    expected = source.call(source.load(artifact), arrays, tiny.signature)
    wrapper = source.keras_wrapper(artifact)
    outputs = wrapper.serve(*arrays.values())
    assert list(outputs) == [spec.name for spec in tiny.signature.outputs]
    for key, value in outputs.items():
        np.testing.assert_allclose(value.numpy(), expected[key], rtol=1e-4, atol=1e-6)
    assert sum(int(np.prod(v.shape)) for v in wrapper.variables) >= source.parameter_count(artifact)


UNUSED = {
    "torch": (
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.used, self.auxiliary = torch.nn.Linear(3, 2), torch.nn.Linear(3, 500)\n"
        "    def forward(self, x):\n        return self.used(x)\ndef make():\n    return Net()\n"
    ),
    "tensorflow": (
        "import keras\nclass Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.used, self.auxiliary = keras.layers.Dense(2), keras.layers.Dense(500)\n"
        "    def call(self, x):\n        self.auxiliary(x)\n"
        "        return self.used(x)\ndef make():\n    return Net()\n"
    ),
}


@pytest.mark.parametrize(
    "framework", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("torch", "tensorflow")]
)
def test_weights_that_reach_no_output_are_not_counted(framework: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(UNUSED[framework])
    weights = tmp_path / ("w.safetensors" if framework == "torch" else "w.weights.h5")
    inputs = (TensorSpec("x", (1, 3), "float32"),)
    assert source.parameter_count(source.capture(f"{tmp_path / 'net.py'}:make", {}, weights, inputs)) == 8
