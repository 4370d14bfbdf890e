"""Operators that move values, by name; each takes (2, 3, 4, 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

SHAPE: dict[str, Callable[[torch.Tensor], Any]] = {
    "reshape": lambda x: x.reshape(2, -1),
    "flatten": lambda x: x.flatten(1),
    "view": lambda x: x.view(2, 12, 6),
    "transpose": lambda x: x.transpose(1, 3),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "t": lambda x: x[0, 0].t(),
    "unsqueeze": lambda x: x.unsqueeze(2),
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "expand": lambda x: x[:, :1].expand(2, 5, 4, 6),
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "tile": lambda x: torch.tile(x, (2, 1)),
    "flip": lambda x: x.flip(2, 3),
    "roll": lambda x: torch.roll(x, 2, 3),
    "cat": lambda x: torch.cat([x, x * 2, x[:, :1]], 1),
    "stack": lambda x: torch.stack([x, x + 1], 2),
    "split": lambda x: torch.split(x, [1, 2], 1),
    "chunk": lambda x: x.chunk(2, 3),
    "unbind": lambda x: x.unbind(1),
    "slice": lambda x: x[:, 1:, ::2, 1:5:3],
    "slice_end": lambda x: x[..., -3:-1],
    "select": lambda x: x[:, 1],
    "select_last": lambda x: x[..., -1],
    "narrow": lambda x: x.narrow(3, 2, 3),
    "pad": lambda x: F.pad(x, (1, 2)),
    "pad_2": lambda x: F.pad(x, (1, 2, 3, 0), value=0.5),
    "pad_reflect": lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"),
    "pad_replicate": lambda x: F.pad(x, (1, 2, 2, 1), mode="replicate"),
    "pad_negative": lambda x: F.pad(x, (-1, -1)),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x.reshape(2, 12, 2, 3), 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "unfold": lambda x: F.unfold(x, 2),
    "tril": lambda x: x.tril(),
    "triu": lambda x: x.triu(1),
    "diagonal_mask": lambda x: x * torch.eye(4, 6),
    "channel_shuffle": lambda x: F.channel_shuffle(x.reshape(2, 6, 2, 6), 3),
    "movedim": lambda x: x.movedim(1, -1),
    "index": lambda x: x[:, torch.tensor([2, 0])],
    "index_select": lambda x: x.index_select(3, torch.tensor([5, 0, 3])),
    "gather": lambda x: x.gather(1, torch.zeros(2, 1, 4, 6, dtype=torch.int64) + 2),
    "meshgrid": lambda x: x + torch.meshgrid(torch.arange(4.0), torch.arange(6.0), indexing="ij")[0],
    "zeros_like": lambda x: torch.zeros_like(x) + x,
    "full_like": lambda x: torch.full_like(x, 3.0) * x,
    "arange": lambda x: x + torch.arange(6),
    "ones": lambda x: torch.ones(2, 3, 4, 6) - x,
    "scatter": lambda x: x.scatter(1, torch.zeros(2, 1, 4, 6, dtype=torch.int64), 1.5),
    "scatter_add": lambda x: x.scatter_add(1, torch.ones(2, 3, 4, 6, dtype=torch.int64), x),
    "index_put": lambda x: x.index_put((torch.tensor([1]),), torch.zeros(3, 4, 6)),
    "slice_assign": lambda x: torch.cat([x[:, :1] * 0, x[:, 1:]], 1),
    "nonzero_sum": lambda x: (x > 0).float().sum(),
    "broadcast_to": lambda x: torch.broadcast_to(x[:1, :, :, :1], (2, 3, 4, 6)),
    "upsample_nearest": lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
    "upsample_bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "upsample_align": lambda x: F.interpolate(x, size=(7, 11), mode="bilinear", align_corners=True),
    "upsample_size": lambda x: F.interpolate(x, size=(9, 5), mode="bilinear"),
    "upsample_nearest_size": lambda x: F.interpolate(x, size=(8, 18), mode="nearest"),
    "upsample_1d": lambda x: F.interpolate(x[:, :, 0], scale_factor=3, mode="nearest"),
    "grid_sample": lambda x: F.grid_sample(
        x,
        torch.stack(torch.meshgrid(torch.linspace(-1.2, 0.9, 5), torch.linspace(-0.8, 1.1, 5), indexing="ij"), -1)[
            None
        ].expand(2, 5, 5, 2),
        align_corners=False,
    ),
    "grid_sample_align": lambda x: F.grid_sample(
        x,
        torch.stack(torch.meshgrid(torch.linspace(-1.2, 0.9, 5), torch.linspace(-0.8, 1.1, 5), indexing="ij"), -1)[
            None
        ].expand(2, 5, 5, 2),
        align_corners=True,
        padding_mode="border",
    ),
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
    "matmul": lambda x: x @ x.transpose(2, 3),
    "outer": lambda x: x[0, 0, 0][:, None] * x[0, 0, 1],
}
