from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters.eager.watch import watch_keras, watch_torch

Told = list[tuple[str, str, tuple[int, ...], int, tuple[float, ...]]]


def listening(told: Told, values: list[np.ndarray] | None = None) -> Any:
    def seen(layer: str, op: str, value: Any, axis: int, at: tuple[float, ...]) -> None:
        told.append((layer, op, tuple(int(size) for size in value.shape), axis, at))
        if values is not None:
            values.append(value.detach().numpy().copy())

    return seen


@pytest.mark.torch
def test_torch_tells_layers_operators_and_what_activations_are_given() -> None:
    import torch
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6(inplace=True), nn.Flatten(), nn.Linear(16, 2)).eval()
    told: Told = []
    values: list[np.ndarray] = []
    image = 100 * torch.randn(5, 3, 2, 2)
    with torch.no_grad(), watch_torch(model, [image], listening(told, values)):
        model(image)
    layers = [(layer, shape, axis) for layer, _, shape, axis, _ in told]
    assert layers == [("0", (5, 4, 2, 2), 1), ("1", (5, 4, 2, 2), 1), ("3", (5, 2), -1)]
    assert told[1][4] == (0.0, 6.0)
    assert values[1].max() > 6  # what it is given, though it works in place


@pytest.mark.torch
def test_torch_tells_nothing_of_weights_and_after_the_end() -> None:
    import torch

    model, told = torch.nn.Linear(3, 2), []
    image = torch.ones(1, 3)
    with watch_torch(model, [image], listening(told)):
        model.weight * 2
        assert told == []
        torch.where(image > 0.5, image, -image)
    assert [(op, at) for _, op, _, _, at in told] == [("gt", (0.5,)), ("neg", ()), ("where", ())]
    model(image)
    assert len(told) == 3


@pytest.mark.torch
def test_torch_clamps_bring_their_bounds() -> None:
    import torch

    told: Told = []
    image = torch.ones(1, 3)
    with watch_torch(torch.nn.Identity(), [image], listening(told)):
        image.clamp(-2, max=3)
        torch.nn.functional.hardtanh(image, 0, 6)
        torch.maximum(image, torch.tensor(0.25))
    assert [at for *_, at in told if at] == [(-2.0, 3.0), (0.0, 6.0), (0.25,)]


@pytest.mark.tensorflow
def test_keras_tells_layers_operators_and_what_activations_are_given() -> None:
    import keras
    import tensorflow as tf

    layers = [keras.layers.Conv2D(4, 1, name="mix"), keras.layers.ReLU(6.0, name="clip"), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((2, 2, 3)), *layers, keras.layers.Dense(2, name="head")], name="net")
    told: Told = []
    image = tf.constant(np.random.default_rng(0).normal(size=(5, 2, 2, 3)).astype(np.float32))
    with watch_keras([image], listening(told)):
        model(image, training=False)
        tf.clip_by_value(image, -1.0, 2.0)
    clip = next(entry for entry in told if entry[4])
    assert (clip[1], clip[2], clip[3], clip[4]) == ("Relu6", (5, 2, 2, 4), -1, (0.0, 6.0))
    assert clip[0].endswith("clip")
    assert "ReadVariableOp" not in {op for _, op, *_ in told}
    assert {(-1.0,), (2.0,)} <= {at for *_, at in told} or (-1.0, 2.0) in {at for *_, at in told}
    before = len(told)
    model(image)
    assert len(told) == before


@pytest.mark.torch
def test_torch_tells_the_sizes_of_what_operators_read_and_of_their_weights() -> None:
    import torch
    from torch import nn

    ran: list[tuple] = []
    sound = torch.randn(1, 20, 16)
    model = nn.LSTM(16, 32, batch_first=True).eval()
    with torch.no_grad(), watch_torch(model, [sound], listening([]), lambda *told: ran.append(told)):
        model(sound)
    _, made, given, fixed = next(told for told in ran if told[0] == "lstm")
    assert (made, given) == ((1, 20, 32), [(1, 20, 16)])
    assert {(128, 16), (128, 32)} <= set(fixed)


@pytest.mark.tensorflow
def test_keras_tells_the_sizes_of_what_operators_read_and_of_their_weights() -> None:
    import keras
    import tensorflow as tf

    ran: list[tuple] = []
    layer = keras.layers.Conv2D(4, 3)
    image = tf.ones((2, 5, 7, 3))
    layer(image)
    with watch_keras([image], listening([]), lambda *told: ran.append(told)):
        layer(image)
    assert [told[1:] for told in ran if told[0] == "Conv2D"] == [
        ((2, 3, 5, 4), [(2, 5, 7, 3), (3, 3, 3, 4)], [(3, 3, 3, 4)])
    ]
