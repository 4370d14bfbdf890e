"""The reference network in PyTorch; mobilenet_keras.py is the same, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.models.mobilenet import EPSILON, MOMENTUM, layers, normalization

if TYPE_CHECKING:
    from torch import Tensor, nn


def build(
    height: int,
    width: int,
    channels: int,
    classes: int,
    width_multiplier: float = 1.0,
    mean: Sequence[float] = (0.5,),
    std: Sequence[float] = (0.25,),
) -> nn.Module:
    """A module from `image (N, C, H, W) float32`, pixels 0..255, to `logits (N, classes)`.

    Raises:
        ValueError: a size, channel count or normalization that the network cannot have.
    """
    import torch
    from torch import nn

    stem, *blocks = layers(height, width, width_multiplier)
    scale, offset = (torch.tensor(v).view(1, channels, 1, 1) for v in normalization(channels, mean, std))

    def convolution(inputs: int, filters: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
        padding = kernel // 2 if stride == 1 else 0
        return [
            nn.Conv2d(inputs, filters, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(filters, eps=EPSILON, momentum=1 - MOMENTUM),
            nn.ReLU6(),
        ]

    class MobileNet(nn.Module):
        scale: Tensor
        offset: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", scale, persistent=False)
            self.register_buffer("offset", offset, persistent=False)
            modules = convolution(channels, stem.filters, 3, stem.stride)
            filters = stem.filters
            for block in blocks:
                modules += convolution(filters, filters, 3, block.stride, groups=filters)
                modules += convolution(filters, block.filters, 1)
                filters = block.filters
            self.features = nn.Sequential(*modules)
            self.logits = nn.Linear(filters, classes)

        def forward(self, image: Tensor) -> Tensor:
            return self.logits(self.features(image * self.scale + self.offset).mean((2, 3)))

    return MobileNet()
