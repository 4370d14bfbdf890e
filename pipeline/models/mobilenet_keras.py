"""The reference network in Keras; mobilenet_torch.py is the same, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.models.mobilenet import EPSILON, MOMENTUM, layers, normalization

if TYPE_CHECKING:
    import keras


def build(
    height: int,
    width: int,
    channels: int,
    classes: int,
    width_multiplier: float = 1.0,
    mean: Sequence[float] = (0.5,),
    std: Sequence[float] = (0.25,),
) -> keras.Model:
    """A model from `image (N, H, W, C) float32`, pixels 0..255, to `logits (N, classes)`.

    Raises:
        ValueError: a size, channel count or normalization that the network cannot have.
    """
    import keras

    stem, *blocks = layers(height, width, width_multiplier)
    scale, offset = normalization(channels, mean, std)

    def convolution(x: Any, name: str, kernel: int, stride: int = 1, filters: int | None = None) -> Any:
        options = {
            "strides": stride,
            "padding": "same" if stride == 1 else "valid",
            "use_bias": False,
            "name": name,
        }
        if filters is None:
            x = keras.layers.DepthwiseConv2D(kernel, **options)(x)
        else:
            x = keras.layers.Conv2D(filters, kernel, **options)(x)
        x = keras.layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=f"{name}_norm")(x)
        return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)

    image = keras.Input((height, width, channels), name="image")
    x = keras.layers.Rescaling(scale, offset, name="normalize")(image)
    x = convolution(x, "stem", 3, stem.stride, stem.filters)
    for number, block in enumerate(blocks):
        x = convolution(x, f"block{number}_depthwise", 3, block.stride)
        x = convolution(x, f"block{number}_pointwise", 1, filters=block.filters)
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    logits = keras.layers.Dense(classes, name="logits")(x)
    return keras.Model(image, logits, name="mobilenet")  # a name of its own, or it is numbered and gets into the file
