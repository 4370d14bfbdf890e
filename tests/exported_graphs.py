"""PyTorch's exported graphs of small functions, for tests of what rewrites them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def exported(function: Callable[..., Any], *examples: Any, **tensors: Any) -> Any:
    """The ATen graph of a function of tensors; `tensors` are buffers of the model, handed in by name."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, value in tensors.items():
                self.register_buffer(name, value)

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            return function(*inputs, **{name: getattr(self, name) for name in tensors})

    return torch.export.export(Model(), examples).module()


def kinds(model: Any) -> list[str]:
    """The ATen operators that a graph calls, in order."""
    return [str(node.target).removeprefix("aten.") for node in model.graph.nodes if node.op == "call_function"]
