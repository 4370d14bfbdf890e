"""Tiny models of awkward shapes, each in both frameworks, with its inputs and its own check.

Shapes are non-square and all distinct, names sort differently from their order, batch statistics are not trivial:
what a converter may swap, it can be seen to swap. Builders work as `tests/tiny_models.py:torch_conv` and, with
`tests` on the path, as `tiny_models:torch_conv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact, Format, Signature, TensorSpec

CHANNELS, HEIGHT, WIDTH = 3, 12, 20


def torch_conv() -> Any:
    """(1, 3, 12, 20) pixels in, 5 logits out: convolution, batch norm, depthwise convolution, linear."""
    import torch
    from torch import nn

    class Conv(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(CHANNELS, 8, 3, 2, 1, bias=False)
            self.norm = nn.BatchNorm2d(8)
            self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
            self.head = nn.Linear(8, 5)
            _shake(self.norm)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            x = torch.nn.functional.relu6(self.norm(self.stem(image / 127.5 - 1.0)))
            x = torch.nn.functional.relu6(self.depthwise(x))
            return self.head(x.mean((2, 3)))

    return Conv()


def torch_two_in_two_out() -> Any:
    """vector (1, 7) and image (1, 3, 12, 20) in; scores (1, 4) and mask (1, 2, 6, 10) out."""
    import torch
    from torch import nn

    class TwoInTwoOut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(CHANNELS, 6, 3, 2, 1)
            self.mask = nn.Conv2d(6, 2, 1)
            self.mix = nn.Linear(7, 6)
            self.scores = nn.Linear(6, 4)

        def forward(self, vector: torch.Tensor, image: torch.Tensor) -> dict[str, torch.Tensor]:
            x = torch.relu(self.stem(image / 255.0))
            pooled = x.mean((2, 3)) + torch.tanh(self.mix(vector))
            return {"scores": self.scores(pooled), "mask": self.mask(x)}

    return TwoInTwoOut()


def torch_mixed() -> Any:
    """token int64 (1, 6) and weight float32 (1, 6) in, embedding float32 (1, 8) out."""
    import torch
    from torch import nn

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(11, 8)
            self.project = nn.Linear(8, 8)

        def forward(self, token: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
            return self.project((self.table(token) * weight.unsqueeze(-1)).sum(1))

    return Mixed()


def keras_conv() -> Any:
    """The Keras counterpart of `torch_conv`, (1, 12, 20, 3)."""
    import keras

    image = keras.Input((HEIGHT, WIDTH, CHANNELS), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    x = keras.layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(x)
    norm = keras.layers.BatchNormalization()
    x = keras.layers.ReLU(6.0)(norm(x))
    x = keras.layers.ReLU(6.0)(keras.layers.DepthwiseConv2D(3, padding="same")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(5, name="logits")(x))
    random = np.random.default_rng(3)
    low, high = np.array([[0.5, -0.5, -0.3, 0.5]]), np.array([[1.5, 0.5, 0.3, 1.5]])
    norm.set_weights(list(random.uniform(low, high, (8, 4)).T.astype("float32")))
    return model


def keras_two_in_two_out() -> Any:
    """The Keras counterpart of `torch_two_in_two_out`; the mask is (1, 6, 10, 2)."""
    import keras

    vector = keras.Input((7,), name="vector")
    image = keras.Input((HEIGHT, WIDTH, CHANNELS), name="image")
    x = keras.layers.Rescaling(1 / 255.0)(image)
    x = keras.layers.Conv2D(6, 3, 2, padding="same", activation="relu")(x)
    pooled = keras.layers.GlobalAveragePooling2D()(x) + keras.layers.Dense(6, activation="tanh")(vector)
    scores = keras.layers.Dense(4, name="scores")(pooled)
    mask = keras.layers.Conv2D(2, 1, name="mask")(x)
    return keras.Model([vector, image], [scores, mask])


def keras_mixed() -> Any:
    """The Keras counterpart of `torch_mixed`; the token is int32."""
    import keras

    token = keras.Input((6,), dtype="int32", name="token")
    weight = keras.Input((6,), name="weight")
    table = keras.layers.Embedding(11, 8, name="table")(token)
    x = keras.ops.sum(table * keras.ops.expand_dims(weight, -1), axis=1)
    return keras.Model([token, weight], keras.layers.Dense(8, name="embedding")(x))


def _shake(norm: Any) -> None:
    """Gives a batch norm statistics that a converter cannot leave out unseen."""
    import torch

    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.uniform_(-0.5, 0.5)
        norm.running_mean.uniform_(-0.3, 0.3)
        norm.running_var.uniform_(0.5, 1.5)


@dataclass(frozen=True)
class TinyModel:
    """A tiny model: its builder here, its signature, its inputs and its check."""

    name: str
    framework: str
    signature: Signature

    @property
    def builder(self) -> str:
        return f"{Path(__file__)}:{self.name}"

    def inputs(self, n: int = 4, seed: int = 0) -> Arrays:
        """n different samples, stacked: pixels 0..255, tokens 0..10, the rest normal."""
        random = np.random.default_rng(seed)
        arrays: Arrays = {}
        for spec in self.signature.inputs:
            shape = (n, *(size or 1 for size in spec.shape))
            if spec.meaning == "image":
                arrays[spec.name] = random.integers(0, 256, shape).astype(spec.dtype)
            elif np.dtype(spec.dtype).kind == "i":
                arrays[spec.name] = random.integers(0, 11, shape).astype(spec.dtype)
            else:
                arrays[spec.name] = random.normal(size=shape).astype(spec.dtype)
        return arrays

    def check(self, outputs: Arrays, n: int = 4) -> None:
        """Each output is there, has its shape and dtype, is finite, and differs from sample to sample."""
        assert set(outputs) == {spec.name for spec in self.signature.outputs}
        for spec in self.signature.outputs:
            value = outputs[spec.name]
            assert value.shape == (n, *spec.shape), spec.name
            assert value.dtype == spec.dtype, spec.name
            assert np.isfinite(value).all(), spec.name
            assert (np.ptp(value, axis=0) > 0).any(), f"{spec.name} is constant"

    def source(self, folder: Path) -> Artifact:
        """The source artifact, its weights written into `folder`."""
        from converters import source

        format = Format.TORCH if self.framework == "torch" else Format.KERAS
        path = folder / f"{self.name}{format.suffix}"
        model = source.build(self.builder, {}, self.framework)
        source.save_weights(model, path)
        return source.artifact(path, self.builder, {}, self.framework, self.signature, model=self.name)


def _spec(name: str, shape: tuple[int, ...], layout: str = "", dtype: str = "float32", meaning: str = "") -> TensorSpec:
    return TensorSpec(name, shape, dtype, layout, meaning=meaning)


def _models() -> dict[str, TinyModel]:
    nchw = _spec("image", (1, CHANNELS, HEIGHT, WIDTH), "NCHW", meaning="image")
    nhwc = _spec("image", (1, HEIGHT, WIDTH, CHANNELS), "NHWC", meaning="image")
    vector, weight = _spec("vector", (1, 7), "NC"), _spec("weight", (1, 6), "NC")
    logits, scores = _spec("logits", (1, 5), "NC", meaning="logits"), _spec("scores", (1, 4), "NC")
    embedding = _spec("embedding", (1, 8), "NC")
    signatures = {
        "torch_conv": Signature((nchw,), (logits,)),
        "keras_conv": Signature((nhwc,), (logits,)),
        "torch_two_in_two_out": Signature((vector, nchw), (scores, _spec("mask", (1, 2, 6, 10), "NCHW"))),
        "keras_two_in_two_out": Signature((vector, nhwc), (scores, _spec("mask", (1, 6, 10, 2), "NHWC"))),
        "torch_mixed": Signature((_spec("token", (1, 6), "NC", "int64"), weight), (embedding,)),
        "keras_mixed": Signature((_spec("token", (1, 6), "NC", "int32"), weight), (embedding,)),
    }
    framework = {"torch": "torch", "keras": "tensorflow"}
    return {name: TinyModel(name, framework[name.split("_")[0]], sig) for name, sig in signatures.items()}


MODELS = _models()
