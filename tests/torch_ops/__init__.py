"""Small PyTorch modules, one operator or one form of it each, for holding files against the framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torch_ops.elementwise import BINARY, POSITIVE, REDUCE, SMALL, UNARY
from torch_ops.layers import LAYERS
from torch_ops.make import Case, call, floats
from torch_ops.shapes import SHAPE


def cases() -> dict[str, Callable[[], Case]]:
    """Every case by its name; a case is made when it is called."""

    def one(function: Callable[..., Any], *inputs: torch.Tensor) -> Callable[[], Case]:
        return lambda: call(function, *inputs)

    return {
        **{f"unary-{name}": one(function, floats(2, 3, 4, 6)) for name, function in UNARY.items()},
        **{f"positive-{name}": one(function, floats(2, 3, 4, positive=True)) for name, function in POSITIVE.items()},
        **{f"small-{name}": one(function, floats(2, 3, 4).tanh() * 0.9) for name, function in SMALL.items()},
        **{
            f"binary-{name}": one(function, floats(2, 3, 4), floats(2, 3, 4, seed=1))
            for name, function in BINARY.items()
        },
        **{
            f"broadcast-{name}": one(BINARY[name], floats(2, 3, 4), floats(3, 1, seed=1))
            for name in ("add", "mul", "div", "where", "gt")
        },
        **{f"reduce-{name}": one(function, floats(2, 3, 4, 6)) for name, function in REDUCE.items()},
        **{f"shape-{name}": one(function, floats(2, 3, 4, 6)) for name, function in SHAPE.items()},
        **{f"layer-{name}": case for name, case in LAYERS.items()},
    }
