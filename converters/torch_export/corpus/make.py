"""How a small PyTorch module of one operator is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Case = tuple[nn.Module, tuple[torch.Tensor, ...]]


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: torch.Tensor) -> Any:
        """What the function returns."""
        return self.function(*tensors)


def floats(*shape: int, seed: int = 0, positive: bool = False) -> torch.Tensor:
    """Normal numbers, seeded by their shape; `positive` ones are from 0.1 up."""
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))
    return values.abs() + 0.1 if positive else values


def integers(high: int, *shape: int) -> torch.Tensor:
    """Integers from 0 up to, and without, `high`."""
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(sum(shape)))


def call(function: Callable[..., Any], *inputs: torch.Tensor) -> Case:
    """A function and what it is given."""
    return Call(function), inputs


def layer(module: nn.Module, *inputs: torch.Tensor) -> Case:
    """A module with weights away from 0 and 1, and what it is given."""
    for parameter in (*module.parameters(), *module.buffers()):
        if parameter.is_floating_point():
            torch.nn.init.uniform_(parameter, 0.1, 0.9)
            if parameter.ndim > 1:
                parameter.data.sub_(0.5)
    return module.eval(), inputs
