"""Weights from one framework to the other, layer by layer in the order of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from converters.errors import ModelError

if TYPE_CHECKING:
    import keras
    from torch import Tensor, nn

_DEPTHWISE = ((2, 3, 0, 1), (2, 3, 0, 1))  # (C, 1, h, w) <-> (h, w, C, 1)
_CONVOLUTION = ((2, 3, 1, 0), (3, 2, 0, 1))  # (out, in, h, w) <-> (h, w, in, out)
_DENSE = ((1, 0), (1, 0))  # (out, in) <-> (in, out)

Axes = tuple[tuple[int, ...], tuple[int, ...]] | None  # (torch to keras, keras to torch), None: the same order
Move = Callable[[str, "Tensor", "keras.Variable", Axes], None]


def torch_to_keras(module: nn.Module, model: keras.Model) -> None:
    """Gives a Keras model the weights of a PyTorch module of the same architecture, batch statistics included.

    Raises:
        ModelError: the layers do not match one to one.
    """

    def move(name: str, tensor: Tensor, variable: keras.Variable, axes: Axes) -> None:
        value = tensor.detach().cpu().numpy()
        value = value.transpose(axes[0]) if axes else value
        _fit(name, value, tuple(variable.shape))
        variable.assign(value)

    _each(module, model, move)


def keras_to_torch(model: keras.Model, module: nn.Module) -> None:
    """Gives a PyTorch module the weights of a Keras model of the same architecture, batch statistics included.

    Raises:
        ModelError: the layers do not match one to one.
    """
    import torch

    def move(name: str, tensor: Tensor, variable: keras.Variable, axes: Axes) -> None:
        value = variable.value.numpy()
        value = np.ascontiguousarray(value.transpose(axes[1]) if axes else value)
        _fit(name, value, tuple(tensor.shape))
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(value))

    _each(module, model, move)


def _each(module: nn.Module, model: keras.Model, move: Move) -> None:
    """Calls `move(name, tensor, variable, axes)` for every pair of weights that belong together."""
    theirs = [(name, item) for name, item in module.named_modules() if _weights(item)]
    ours = [layer for layer in model.layers if layer.weights]
    if len(theirs) != len(ours):
        raise ModelError(
            f"the PyTorch module has {len(theirs)} layers with weights, the Keras model {len(ours)}; "
            "weights move between the same architecture only"
        )
    for (name, item), layer in zip(theirs, ours, strict=True):
        tensors, variables = _weights(item), list(layer.weights)
        if len(tensors) != len(variables):
            raise ModelError(
                f"{name} ({type(item).__name__}) has {len(tensors)} weights and {layer.name} "
                f"({type(layer).__name__}) has {len(variables)}; weights move between the same architecture only"
            )
        for number, (tensor, variable) in enumerate(zip(tensors, variables, strict=True)):
            axes = _axes(tensor, variable) if number == 0 else None
            move(f"{name} -> {layer.name}", tensor, variable, axes)


def _weights(item: nn.Module) -> list[Tensor]:
    """A layer's weights in the order in which Keras keeps them."""
    from torch import nn

    if isinstance(item, nn.Conv2d | nn.Linear):
        return [item.weight] if item.bias is None else [item.weight, item.bias]
    if isinstance(item, nn.BatchNorm2d) and item.running_mean is not None and item.running_var is not None:
        return [item.weight, item.bias, item.running_mean, item.running_var]
    if any(True for _ in item.parameters(recurse=False)):
        raise ModelError(f"weights of a {type(item).__name__} cannot be moved; known are Conv2d, Linear, BatchNorm2d")
    return []


def _axes(tensor: Tensor, variable: keras.Variable) -> Axes:
    if tensor.ndim == 2:
        return _DENSE
    if tensor.ndim == 4:
        depthwise = tensor.shape[1] == 1 and tuple(variable.shape[2:]) == (tensor.shape[0], 1)
        return _DEPTHWISE if depthwise else _CONVOLUTION
    return None


def _fit(name: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    if value.shape != shape:
        raise ModelError(
            f"{name}: weights of {value.shape} do not fit {shape}; weights move between the same architecture only"
        )
