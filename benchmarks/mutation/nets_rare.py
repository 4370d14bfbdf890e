"""PyTorch networks of what few networks have: mirrored edges, transposed convolutions, splits, recurrences, choices."""

from __future__ import annotations

from typing import Any

from benchmarks.mutation.nets_torch import shaken


def odds() -> Any:
    """(1, 4, 10, 12) values in; a picture (1, 3, 20, 24) and places int64 (1, 10) out: edges, splits, choices, sums."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Odds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.mixed = nn.Conv2d(4, 16, 3), nn.Conv2d(8, 16, 3, padding=1, groups=2)
            self.norm, self.slope = nn.BatchNorm2d(16), nn.PReLU(16)
            self.wide = nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1)
            self.fine, self.picture = nn.Conv2d(8, 12, 1), nn.Conv2d(3, 3, 3, padding=1)
            self.place = nn.Linear(12, 9)

        def forward(self, field: torch.Tensor) -> dict[str, torch.Tensor]:
            x = self.first(F.pad(field, (1, 1, 1, 1), mode="reflect"))
            left, right = torch.chunk(self.slope(self.norm(x)), 2, 1)
            x = self.mixed(left * torch.sigmoid(right)) - x.flip(3)
            x = torch.where(x > 0.2, x, F.elu(x) * 0.5)
            wide = self.wide(x)
            fine = F.pixel_shuffle(self.fine(F.avg_pool2d(F.leaky_relu(wide, 0.1), 2, 2)), 2)
            sums = torch.cumsum(x.mean(1), 2)
            places = torch.softmax(self.place(sums), 2).argmax(2)
            picture = self.picture(fine) + wide[:, 2:5] * 0.3
            return {"picture": picture.clamp(-2.0, 3.0), "places": places}

    return shaken(Odds())


def turns() -> Any:
    """(1, 12, 6) steps in, scores (1, 5) out: an LSTM, a GRU in both directions, a table of places."""
    import torch
    from torch import nn

    class Turns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.LSTM(6, 10, batch_first=True)
            self.second = nn.GRU(10, 8, batch_first=True, bidirectional=True)
            self.place, self.norm = nn.Parameter(torch.zeros(12, 10)), nn.LayerNorm(16)
            self.head = nn.Linear(32, 5)

        def forward(self, steps: torch.Tensor) -> torch.Tensor:
            x, _ = self.first(steps)
            y, _ = self.second(x + self.place)
            y = self.norm(y)
            return self.head(torch.cat([y[:, -1], y.amax(1)], 1))

    return shaken(Turns())
