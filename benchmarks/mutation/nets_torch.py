"""Small PyTorch networks of what networks are made of, with weights of some size everywhere: to plant faults in."""

from __future__ import annotations

from typing import Any

import numpy as np

SEED = 11


def faces() -> Any:
    """(1, 3, 32, 24) pixels in; two outputs (1, 4, 16, 12) of one shape and scores (1, 6): a detector in small."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.depth = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False)
            self.norm = nn.BatchNorm2d(channels)
            self.point = nn.Conv2d(channels, channels, 1)
            self.slope = nn.PReLU(channels)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.slope(x + self.point(F.relu6(self.norm(self.depth(x)))))

    class Faces(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.first = nn.Conv2d(3, 12, 3, 2, 1), Block(12)
            self.second, self.third = Block(12), Block(24)
            self.down = nn.Conv2d(12, 24, 3, 2, 1)
            self.side = nn.Conv2d(24, 12, 1)
            self.boxes, self.marks = nn.Conv2d(24, 4, 3, 1, 1), nn.Conv2d(24, 4, 3, 1, 1)
            self.scores = nn.Linear(24, 6)

        def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
            x = self.second(self.first(F.hardswish(self.stem((image - 127.5) / 127.5))))
            deep = self.third(F.leaky_relu(self.down(F.pad(x, (0, 0, 0, 0))), 0.1))
            wide = F.interpolate(self.side(deep), scale_factor=2, mode="bilinear", align_corners=False)
            both = torch.cat([x - wide, F.max_pool2d(x, 3, 1, 1) * torch.sigmoid(wide)], 1)
            pooled = F.avg_pool2d(deep, 2).mean((2, 3))
            return {
                "boxes": self.boxes(both),
                "marks": self.marks(both),
                "scores": torch.softmax(self.scores(pooled), 1),
            }

    return shaken(Faces())


def words() -> Any:
    """Tokens int64 (1, 10) below 40 in, scores (1, 7) out: two blocks of attention."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.later = nn.LayerNorm(24), nn.LayerNorm(24)
            self.query, self.key, self.value, self.out = (nn.Linear(24, 24) for _ in range(4))
            self.up, self.down = nn.Linear(24, 48), nn.Linear(48, 24)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.norm(x)
            q, k, v = (part(y).reshape(-1, 10, 3, 8).transpose(1, 2) for part in (self.query, self.key, self.value))
            weights = torch.softmax(q @ k.transpose(2, 3) / 8**0.5, -1)
            x = x + self.out((weights @ v).transpose(1, 2).reshape(-1, 10, 24))
            return x + self.down(F.gelu(self.up(self.later(x)), approximate="tanh"))

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.place = nn.Embedding(40, 24), nn.Parameter(torch.zeros(10, 24))
            self.first, self.second = Attention(), Attention()
            self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 7)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            x = self.second(self.first(self.table(tokens) + self.place))
            return self.head(self.norm(x).mean(1))

    return shaken(Words())


def sounds() -> Any:
    """Two inputs (1, 8, 50) of one shape in; event (1, 5) and level (1, 1) out: one-dimensional convolutions."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Sounds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Conv1d(8, 16, 5, padding=2), nn.Conv1d(8, 16, 5, padding=4, dilation=2)
            self.gate, self.deep = nn.Conv1d(16, 16, 1), nn.Conv1d(16, 16, 3, 2, 1)
            self.norm = nn.GroupNorm(4, 16)
            self.event, self.level = nn.Linear(16, 5), nn.Linear(16, 1)

        def forward(self, near: torch.Tensor, far: torch.Tensor) -> dict[str, torch.Tensor]:
            x = torch.tanh(self.near(near)) - F.elu(self.far(far))
            x = self.norm(self.deep(x * torch.sigmoid(self.gate(x))))
            top = torch.clamp(F.softplus(x), 0.1, 3.0).amax(2)
            return {"event": self.event(top), "level": torch.exp(-self.level(top).abs())}

    return shaken(Sounds())


def shaken(model: Any) -> Any:
    """Weights drawn from a seed, biases and batch statistics of some size: what is lost or exchanged can be seen."""
    import torch

    random = np.random.default_rng(SEED)
    for name, tensor in sorted(model.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        size = 1.2 / np.sqrt(max(np.prod(tensor.shape[1:]), 1)) if tensor.ndim > 1 else 0.3
        values = random.normal(size=tuple(tensor.shape)) * size
        if name.endswith(("running_var", "norm.weight", "later.weight")):
            values = random.uniform(0.5, 1.5, tuple(tensor.shape))
        if name.endswith("slope.weight"):
            values = random.uniform(0.05, 0.4, tuple(tensor.shape))
        tensor.copy_(torch.from_numpy(np.asarray(values, np.float32)))
    return model.eval()
