"""A small torch net whose faults drawn inputs do not show, and the two ways to choose golden inputs for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from converters import source
from converters.contract import Arrays, Artifact, Format, Signature, TensorSpec
from converters.eager import explore
from converters.reach import Reach

SIGNATURE = Signature(
    (TensorSpec("image", (None, 3, 12, 16), "float32", "NCHW", meaning="image"),),
    (TensorSpec("logits", (None, 4), "float32", "NC", meaning="logits"),),
)


def build(fault: str = "") -> Any:
    """Pixels -> edges -> a clipped activation -> a range -> a branch for bright pictures -> logits."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, bias=False)
            self.clip = nn.ReLU6()
            self.second = nn.Conv2d(8, 8, 3, stride=2)
            self.head = nn.Linear(8, 4)
            with torch.no_grad():
                edges = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
                angles = torch.linspace(0, 3, 8)
                for channel, angle in enumerate(angles):
                    kernel = torch.cos(angle) * edges + torch.sin(angle) * edges.T
                    self.first.weight[channel] = kernel / 3 * torch.tensor([1.0, 1.2, 0.8])[:, None, None]
                self.second.weight.copy_(torch.sin(torch.arange(576.0)).reshape(8, 8, 3, 3) / 9)
                self.second.bias.copy_(torch.linspace(-0.2, 0.3, 8))
                self.head.weight.copy_(torch.cos(torch.arange(32.0)).reshape(4, 8))
                self.head.bias.copy_(torch.linspace(-0.5, 0.5, 4))

        def forward(self, image: Any) -> Any:
            x = self.first(image / 127.5 - 1)
            x = F.relu(x) if fault == "relu6 became relu" else self.clip(x)
            x = self.second(x)
            x = x.clamp(-0.6, 0.6) if fault == "a range was clipped" else x.clamp(-1.0, 1.0)
            bright = image.mean((1, 2, 3), keepdim=True) > 235
            x = torch.where(bright, x if fault == "a branch was dropped" else 0.2 - x, x).mean((2, 3))
            logits = self.head(x)
            if fault == "a class died":
                logits = torch.cat([logits[:, :3], torch.full_like(logits[:, 3:], 0.0)], 1)
            return logits

    return Net()


def artifact(folder: Path, fault: str = "") -> Artifact:
    """The net as a source model."""
    path = folder / f"{fault or 'honest'}{Format.TORCH.suffix}"
    builder, arguments = f"{Path(__file__)}:build", {"fault": fault}
    source.save_weights(source.build(builder, arguments, "torch"), path)
    return dataclasses.replace(
        source.artifact(path, builder, arguments, "torch", SIGNATURE, model="net"), source=SIGNATURE
    )


def photos(count: int = 200, seed: int = 0) -> np.ndarray:
    """Smooth pictures of middling light, (n, 1, 3, 12, 16) float32: what a data set looks like."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((count, 1, 3, 3, 4)).repeat(4, axis=3).repeat(4, axis=4)
    smooth = (coarse + np.roll(coarse, 2, axis=3) + np.roll(coarse, 2, axis=4) + np.roll(coarse, 1, axis=4)) / 4
    return np.rint(60 + 120 * smooth + 6 * rng.random(smooth.shape)).astype(np.float32)


@dataclasses.dataclass
class Explorer:
    """A source model looked into in this process."""

    model: Artifact
    folder: Path

    def survey(self, inputs: Arrays, legal: Any, nudged: bool) -> Reach:
        return explore.survey(self.model, self._saved(inputs), "", legal, nudged)

    def climb(self, inputs: Arrays, legal: Any, steps: int, goals: np.ndarray) -> Arrays:
        return explore.climb(self.model, self._saved(inputs), "", legal, steps, goals)

    def _saved(self, inputs: Arrays) -> Path:
        number = len(list(self.folder.glob("candidates*")))
        path = self.folder / f"candidates{number}.safetensors"
        save_file({name: np.ascontiguousarray(values) for name, values in inputs.items()}, path)
        return path
