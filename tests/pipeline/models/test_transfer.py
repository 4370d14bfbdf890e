from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters.errors import ModelError
from pipeline import datasets

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

TOLERANCE = 1e-4


def pair(height: int, width: int, channels: int) -> tuple[Any, Any]:
    """The reference model in both frameworks, with batch statistics unlike those of a new model."""
    import torch

    from pipeline.models import mobilenet_keras, mobilenet_torch

    module = mobilenet_torch.build(height, width, channels, 10, mean=[0.286], std=[0.353]).eval()
    model = mobilenet_keras.build(height, width, channels, 10, mean=[0.286], std=[0.353])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(generator=generator)
                layer.running_var.uniform_(0.2, 3, generator=generator)
                layer.weight.uniform_(0.5, 2, generator=generator)
                layer.bias.normal_(generator=generator)
    random = np.random.default_rng(0)
    for variable in model.weights:
        value = (
            random.uniform(0.2, 1, variable.shape)
            if "variance" in variable.path
            else random.normal(size=variable.shape)
        )
        variable.assign(value * (0.3 if len(variable.shape) > 1 else 1))
    return module, model


def logits(module: Any, model: Any, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logits of both for (n, H, W, C) uint8."""
    import torch

    pixels = images.astype(np.float32)
    with torch.inference_mode():
        ours = module(torch.from_numpy(pixels.transpose(0, 3, 1, 2))).numpy()
    return ours, np.asarray(model(pixels, training=False))


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    return datasets.load("fashion-mnist").test.inputs["image"][::20][:100]


@pytest.mark.parametrize("to_keras", [True, False], ids=["torch_to_keras", "keras_to_torch"])
def test_both_give_the_same_logits_on_100_real_images(real: np.ndarray, to_keras: bool) -> None:
    from pipeline.models.transfer import keras_to_torch, torch_to_keras

    module, model = pair(28, 28, 1)
    before = logits(module, model, real)
    assert np.abs(before[0] - before[1]).max() > 0.1
    torch_to_keras(module, model) if to_keras else keras_to_torch(model, module)
    ours, theirs = logits(module, model, real)
    np.testing.assert_array_equal(*((ours, before[0]) if to_keras else (theirs, before[1])))
    assert np.abs(ours - theirs).max() <= TOLERANCE
    assert np.ptp(ours) > 0.5


@pytest.mark.parametrize("shape", [(20, 33, 3), (8, 8, 1), (97, 70, 3), (9, 40, 1)])
def test_every_size_agrees(shape: tuple[int, int, int]) -> None:
    from pipeline.models.transfer import torch_to_keras

    module, model = pair(*shape)
    torch_to_keras(module, model)
    images = np.random.default_rng(1).integers(0, 256, (10, *shape)).astype(np.uint8)
    ours, theirs = logits(module, model, images)
    assert np.abs(ours - theirs).max() <= TOLERANCE


def test_there_and_back_changes_no_bit() -> None:
    from pipeline.models.transfer import keras_to_torch, torch_to_keras

    module, model = pair(28, 28, 1)
    before = {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}
    torch_to_keras(module, model)
    other, _ = pair(28, 28, 1)
    for parameter in other.parameters():
        parameter.data.zero_()
    keras_to_torch(model, other)
    for name, tensor in other.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name], err_msg=name)


def test_other_architectures_are_refused() -> None:
    import torch

    from pipeline.models import mobilenet_keras, mobilenet_torch
    from pipeline.models.transfer import keras_to_torch, torch_to_keras

    model = mobilenet_keras.build(28, 28, 1, 10)
    with pytest.raises(ModelError, match=r"weights of \(7, 128\) do not fit|weights of \(128, 7\) do not fit"):
        torch_to_keras(mobilenet_torch.build(28, 28, 1, 7), model)
    with pytest.raises(ModelError, match="do not fit"):
        keras_to_torch(model, mobilenet_torch.build(28, 28, 3, 10))
    with pytest.raises(ModelError, match="the PyTorch module has 1 layers with weights, the Keras model 23"):
        torch_to_keras(torch.nn.Sequential(torch.nn.Linear(3, 4)), model)
    with pytest.raises(ModelError, match="weights of a GRU cannot be moved"):
        torch_to_keras(torch.nn.Sequential(torch.nn.GRU(3, 4)), model)
