"""The plan of the reference network that both frameworks build: filters, strides and input scaling.

A MobileNet-style classifier (Howard et al. 2017, arXiv 1704.04861) for small images: a 3x3 convolution, blocks of a
depthwise 3x3 and a pointwise 1x1 convolution, each with batch normalization and ReLU6, global average, one dense
layer. Stride 1 pads with zeros to the same size, stride 2 pads nothing: so PyTorch and TensorFlow see the same
pixels at every size, and no runtime needs a PAD operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EPSILON = 1e-3  # of batch normalization
MOMENTUM = 0.9  # the share of its running statistics that batch normalization keeps at each step
LARGEST_PIXEL = 255.0

_STEM = 16
_BLOCKS = ((32, 2), (64, 1), (64, 2), (128, 1), (128, 1))
_SMALLEST_SIDE = 8
_FULL_RESOLUTION_BELOW = 64  # larger images are halved by the first convolution already
_HALVES_FROM = 6  # a block of stride 2 keeps the size of a map that is smaller
_SMALL_ENOUGH = 12  # blocks are added until the shorter side of the last map is below


@dataclass(frozen=True)
class Layer:
    """A convolution or block: its output channels and its stride."""

    filters: int
    stride: int


def layers(height: int, width: int, width_multiplier: float) -> tuple[Layer, ...]:
    """The first convolution and the blocks that follow it, for images of a size.

    Raises:
        ValueError: the image is smaller than 8x8, or the multiplier is not positive.
    """
    side = min(height, width)
    if side < _SMALLEST_SIDE:
        raise ValueError(f"images of {height}x{width} are too small; the network takes 8x8 and larger")
    if width_multiplier <= 0:
        raise ValueError(f"width_multiplier must be positive, got {width_multiplier}")
    plan = [Layer(_filters(_STEM, width_multiplier), 1 if side < _FULL_RESOLUTION_BELOW else 2)]
    side = _after(side, plan[0].stride)
    for filters, stride in _BLOCKS:
        stride = stride if side >= _HALVES_FROM else 1
        plan.append(Layer(_filters(filters, width_multiplier), stride))
        side = _after(side, stride)
    while side >= _SMALL_ENOUGH:
        plan.append(Layer(plan[-1].filters, 2))
        side = _after(side, 2)
    return tuple(plan)


def normalization(channels: int, mean: Sequence[float], std: Sequence[float]) -> tuple[list[float], list[float]]:
    """(scale, offset) a channel, so that pixel * scale + offset = (pixel / 255 - mean) / std.

    One mean or std serves every channel.

    Raises:
        ValueError: channels other than 1 or 3, or a mean or std that does not fit them.
    """
    if channels not in (1, 3):
        raise ValueError(f"images have 1 channel (grey) or 3 (RGB), got {channels}")
    means, stds = (list(v) * channels if len(v) == 1 else list(v) for v in (mean, std))
    if len(means) != channels or len(stds) != channels or min(stds) <= 0:
        raise ValueError(f"mean {mean} and std {std} must hold 1 or {channels} numbers, std above 0")
    scale = [1 / (LARGEST_PIXEL * s) for s in stds]
    return scale, [-m / s for m, s in zip(means, stds, strict=True)]


def _filters(count: int, multiplier: float) -> int:
    return max(8, round(count * multiplier / 8) * 8)


def _after(side: int, stride: int) -> int:
    return side if stride == 1 else (side - 3) // 2 + 1
