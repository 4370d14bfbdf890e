"""Small Keras networks, with weights of some size everywhere: files to plant faults in, and one of 60 layers."""

from __future__ import annotations

from typing import Any

import numpy as np

HEIGHT, WIDTH = 12, 20


def branches() -> Any:
    """(1, 12, 20, 3) pixels in; scores (1, 5) and mask (1, 6, 10, 4) out: branches, pooling, a resize."""
    import keras

    layers = keras.layers
    image = keras.Input((HEIGHT, WIDTH, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0)(image)
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(x)
    norm = layers.BatchNormalization()
    x = layers.ReLU(6.0)(norm(x))
    y = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(x))
    y = layers.Conv2D(8, 3, padding="same", activation="relu")(y)
    x = layers.Add()([x, y])
    z = layers.Conv2D(8, 3, padding="same")(layers.MaxPooling2D(2)(x))
    z = layers.LeakyReLU(0.2)(z)
    z = layers.AveragePooling2D(1)(layers.UpSampling2D(2, interpolation="bilinear")(z))
    x = layers.Concatenate()([x, layers.Subtract()([z, x])])
    mask = layers.Conv2D(4, 1, activation="sigmoid", name="mask")(x)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, padding="same", activation="relu")(x))
    scores = layers.Dense(5, activation="softmax", name="scores")(layers.Dense(16, activation="relu")(x))
    return _shaken(keras.Model(image, {"scores": scores, "mask": mask}), [norm], 5)


def deep(blocks: int = 20) -> Any:
    """(1, 48, 48, 3) pixels in, scores (1, 10) out: 20 blocks of three layers, 62 layers with weights in all."""
    import keras

    layers = keras.layers
    image = keras.Input((48, 48, 3), name="image")
    x = layers.ReLU(6.0)(layers.Conv2D(24, 3, 2, padding="same")(layers.Rescaling(1 / 127.5, -1.0)(image)))
    norms = []
    for number in range(blocks):
        y = layers.Conv2D(48, 1, use_bias=False)(x)
        norms.append(layers.BatchNormalization())
        y = layers.ReLU(6.0)(norms[-1](y))
        y = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(y))
        y = layers.Conv2D(24, 1)(y)
        x = layers.Add()([x, y])
        if number in (6, 13):
            x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(10, activation="softmax", name="scores")(layers.GlobalAveragePooling2D()(x))
    return _shaken(keras.Model(image, x), norms, 6)


def _shaken(model: Any, norms: list[Any], seed: int) -> Any:
    """Weights of some size everywhere, biases and batch statistics too: what is lost or exchanged can be seen."""
    random = np.random.default_rng(seed)
    model.set_weights([_drawn(values, random) for values in model.get_weights()])
    low, high = np.array([[0.5, -0.5, -0.3, 0.5]]), np.array([[1.5, 0.5, 0.3, 1.5]])
    for norm in norms:
        norm.set_weights(list(random.uniform(low, high, (norm.gamma.shape[0], 4)).T.astype("float32")))
    return model


def _drawn(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if values.ndim > 1:
        return (random.normal(size=values.shape) * 1.4 / np.sqrt(np.prod(values.shape[:-1]))).astype("float32")
    return (random.normal(size=values.shape) * 0.3).astype("float32")
