"""A small network with what networks are made of: branches, two outputs, pooling, a resize; for files to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tiny_models import HEIGHT, WIDTH, TinyModel

from converters.contract import ConversionRequest, Precision, Signature, TensorSpec


def build() -> Any:
    """(1, 12, 20, 3) pixels in; scores (1, 5) and mask (1, 6, 10, 4) out."""
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
    model = keras.Model(image, {"scores": scores, "mask": mask})
    random = np.random.default_rng(5)
    model.set_weights([_shaken(values, random) for values in model.get_weights()])
    low, high = np.array([[0.5, -0.5, -0.3, 0.5]]), np.array([[1.5, 0.5, 0.3, 1.5]])
    norm.set_weights(list(random.uniform(low, high, (8, 4)).T.astype("float32")))
    return model


def _shaken(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Weights of some size everywhere, biases too: one that is lost can be seen."""
    if values.ndim > 1:
        return (random.normal(size=values.shape) * 1.4 / np.sqrt(np.prod(values.shape[:-1]))).astype("float32")
    return (random.normal(size=values.shape) * 0.3).astype("float32")


MODEL = TinyModel(
    "build",
    "tensorflow",
    Signature(
        (TensorSpec("image", (1, HEIGHT, WIDTH, 3), "float32", "NHWC", meaning="image"),),
        (
            TensorSpec("scores", (1, 5), "float32", "NC"),
            TensorSpec("mask", (1, 6, 10, 4), "float32", "NHWC"),
        ),
    ),
)


def convert(folder: Path, edge: str, precision: str) -> Path:
    """The file that a converter makes of it."""
    from converters import job, registry, source

    path = folder / "drift_net.weights.h5"
    builder = f"{Path(__file__)}:build"
    if not path.exists():
        source.save_weights(source.build(builder, {}, "tensorflow"), path)
    artifact = source.artifact(path, builder, {}, "tensorflow", MODEL.signature, model="drift-net")
    calibration = folder / "calibration.npz"
    np.savez(calibration, **MODEL.inputs(64))
    target = folder / f"{edge}_{precision}{registry.edge(edge).target.suffix}"
    return job.convert(edge, ConversionRequest(artifact, target, Precision(precision), calibration)).path
