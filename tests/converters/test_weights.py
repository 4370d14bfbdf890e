from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import weights
from converters.builder import build
from converters.contract import Format, Framework, TensorSpec
from converters.errors import ContractError, ModelError

FRAMEWORKS = [
    pytest.param("torch_conv", Framework.TORCH, marks=pytest.mark.torch),
    pytest.param("keras_conv", Framework.TENSORFLOW, marks=pytest.mark.tensorflow),
]


@pytest.mark.parametrize(("name", "framework"), FRAMEWORKS)
def test_weights_come_back(name: str, framework: Framework, tmp_path: Path) -> None:
    tiny = MODELS[name]
    path = tmp_path / "deep" / f"x{weights.FORMATS[framework].suffix}"
    model = build(tiny.builder, {}, framework)
    before = _values(model)
    weights.save_weights(model, path)
    _fill(model, 7.0)
    weights.load_weights(model, path, framework, tiny.builder)
    for left, right in zip(_values(model), before, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(("name", "framework"), FRAMEWORKS)
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "garbage", "another model"])
def test_unfit_weights_are_named(name: str, framework: Framework, damage: str, tmp_path: Path) -> None:
    tiny, suffix = MODELS[name], weights.FORMATS[framework].suffix
    path = tmp_path / f"x{suffix}"
    model = build(tiny.builder, {}, framework)
    if damage != "missing":
        weights.save_weights(model, path)
        data = path.read_bytes()
        path.write_bytes(
            {"empty": b"", "truncated": data[: len(data) // 2], "garbage": b"garbage" * 99}.get(damage, data)
        )
    if damage == "another model":
        other = MODELS[name.replace("conv", "two_in_two_out")]
        model = build(other.builder, {}, framework)
    message = "are missing" if damage == "missing" else "do not fit .* or are damaged: "
    with pytest.raises(ModelError, match=message):
        weights.load_weights(model, path, framework, tiny.builder)


@pytest.mark.tensorflow
def test_layers_that_the_file_does_not_hold_are_not_left_as_they_were(tmp_path: Path) -> None:
    import keras

    def net(*layers: int) -> keras.Model:
        x = inputs = keras.Input((4,))
        for units in layers:
            x = keras.Sequential([keras.layers.Dense(units)])(x)
        return keras.Model(inputs, x)

    path = tmp_path / "x.weights.h5"
    weights.save_weights(net(4), path)
    with pytest.raises(ModelError, match="do not fit"):
        weights.load_weights(net(4, 4), path, Framework.TENSORFLOW, "net")


@pytest.mark.torch
def test_shared_weights_are_saved_once(tmp_path: Path) -> None:
    import torch

    def tied() -> torch.nn.Module:
        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
        model[1].weight = model[0].weight
        return model

    path, model, again = tmp_path / "x.safetensors", tied(), tied()
    weights.save_weights(model, path)
    weights.load_weights(again, path, Framework.TORCH, "tied")
    assert torch.equal(again[1].weight, model[0].weight)


def test_an_artifact_is_told_by_builder_arguments_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"some weights")
    signature = MODELS["torch_conv"].signature
    one = weights.artifact(path, "a/net.py:make", {"n": 1}, "torch", signature)
    assert (one.format, one.model, one.size_bytes, one.source) == (Format.TORCH, "make", 12, signature)
    assert one.graph_hash == weights.artifact(path, "b/net.py:make", {"n": 1}, "torch", signature).graph_hash
    assert one.graph_hash != weights.artifact(path, "a/net.py:make", {"n": 2}, "torch", signature).graph_hash
    path.write_bytes(b"other weights")
    assert one.graph_hash != weights.artifact(path, "a/net.py:make", {"n": 1}, "torch", signature).graph_hash


def test_only_a_leading_axis_may_be_dynamic() -> None:
    assert weights.fixed(TensorSpec("x", (None, 3), "float32")) == (1, 3)
    with pytest.raises(ContractError, match=r"input 'x' has the dynamic shape \(1, None\)"):
        weights.fixed(TensorSpec("x", (1, None), "float32"))


def _values(model: object) -> list[np.ndarray]:
    if hasattr(model, "get_weights"):
        return model.get_weights()
    return [value.detach().numpy().copy() for value in model.state_dict().values()]  # type: ignore[attr-defined]


def _fill(model: object, value: float) -> None:
    if hasattr(model, "set_weights"):
        model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])  # type: ignore[attr-defined]
    else:
        for tensor in model.state_dict().values():  # type: ignore[attr-defined]
            tensor.fill_(value)
