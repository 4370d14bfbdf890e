"""A small net of depthwise convolutions that 8 bits do not bear: some channels are 40 times as large as the others.

It is trained as any other. Then two channels of four batch norms are made 40 times as large, and what reads them as
much smaller, so that its answers stay the same. `bent` uses SiLU, through which no channel can be scaled back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Artifact, Format, Framework, Precision, Signature, TensorSpec
from pipeline import datasets

GAIN, LARGE = 40.0, (1, 3)
WIDTH, BLOCKS = 16, 4
SEED, EPOCHS, BATCH = 0, 2, 64
CLASSES = 10


def build(bent: bool = False) -> Any:
    """(1, 1, 28, 28) raw pixels in, 10 logits out."""
    import torch
    from torch import nn

    def norm(channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels), nn.SiLU() if bent else nn.ReLU(), Gain(channels)]

    class Gain(nn.Module):
        """Multiplies channels; ones until the net is trained."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            self.register_buffer("by", torch.ones(channels))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.by[:, None, None] if bent else x

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = [nn.Conv2d(1, WIDTH, 3, 2, 1), *norm(WIDTH)]
            for stride in (2, 1, 1, 1)[:BLOCKS]:
                layers += [nn.Conv2d(WIDTH, WIDTH, 3, stride, 1, groups=WIDTH), *norm(WIDTH)]
                layers += [nn.Conv2d(WIDTH, WIDTH, 1), *norm(WIDTH)]
            self.layers = nn.Sequential(*layers)
            self.head = nn.Linear(WIDTH, CLASSES)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.head(self.layers(image / 255.0).mean((2, 3)))

    return Net()


def train(weights: Path, bent: bool = False) -> Artifact:
    """The trained net with its large channels, its weights at `weights`; runs where torch is installed."""
    import torch
    from safetensors.torch import save_file
    from torch.nn import functional

    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the layers are small: more threads wait for each other
    split = datasets.load("fashion-mnist").train
    assert split is not None
    assert split.targets is not None
    images = torch.from_numpy(np.moveaxis(np.asarray(split.inputs["image"]), 3, 1).astype(np.float32))
    targets = torch.from_numpy(np.asarray(split.targets))
    net = build(bent)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images))
        for rows in order.split(BATCH)[: len(images) // BATCH]:
            optimizer.zero_grad()
            functional.cross_entropy(net(images[rows]), targets[rows]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    _enlarge(net, bent)
    save_file(net.state_dict(), weights)
    signature = Signature(
        (TensorSpec("image", (1, 1, 28, 28), "float32", "NCHW", meaning="image"),),
        (TensorSpec("logits", (1, CLASSES), "float32", "NC", meaning="logits"),),
    )
    return Artifact(
        weights,
        Format.TORCH,
        Precision.FP32,
        signature,
        signature,
        model="outliers",
        framework=Framework.TORCH.value,
        builder=f"{Path(__file__).resolve()}:build",
        builder_args=json.loads(json.dumps({"bent": bent})),
    )


def _enlarge(net: Any, bent: bool) -> None:
    """Two channels of four norms `GAIN` times as large, the weights that read them as much smaller."""
    import torch

    layers = list(net.layers)
    norms = [place for place, layer in enumerate(layers) if isinstance(layer, torch.nn.BatchNorm2d)][:4]
    with torch.no_grad():
        for place in norms:
            reader = layers[place + 3]
            for channel in LARGE:
                if bent:
                    layers[place + 2].by[channel] *= GAIN
                else:
                    layers[place].weight[channel] *= GAIN
                    layers[place].bias[channel] *= GAIN
                if reader.groups > 1:
                    reader.weight[channel] /= GAIN
                else:
                    reader.weight[:, channel] /= GAIN
