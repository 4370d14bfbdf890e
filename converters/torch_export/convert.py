"""Exported programs (.pt2) from PyTorch: `torch.export`, with the names of inputs and outputs kept."""

from __future__ import annotations

import inspect
import keyword
from typing import Any

import torch

from converters import source
from converters.contract import ConversionRequest, Signature
from converters.model_files import pt2
from converters.names import described


def pt2_from_torch(request: ConversionRequest) -> Signature:
    """Writes the program; its inputs have the source's names where Python allows them, its outputs come by name."""
    specs = request.source.source.inputs
    model = _named(source.torch_wrapper(request.source), [spec.name for spec in specs])
    example = tuple(torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in specs)
    with torch.no_grad():
        program = torch.export.export(model, example)
    torch.export.save(program, str(request.target))
    return described(pt2.signature(program), request.source.source)


def _named(wrapper: Any, names: list[str]) -> torch.nn.Module:
    """The wrapper with the parameters that the program shall have."""

    class Positional(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = wrapper

        def forward(self, *inputs: torch.Tensor) -> Any:
            return self.model(*inputs)

    legal = [
        name if name.isidentifier() and not keyword.iskeyword(name) else f"input_{i}" for i, name in enumerate(names)
    ]
    Positional.forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *legal)]
    )
    return Positional().eval()
