"""TorchScript from a PyTorch model: traced on one input, checked on others, frozen."""

from __future__ import annotations

import dataclasses
import inspect
import keyword
import warnings
from typing import Any

import numpy as np
import torch

from converters import source
from converters.contract import ConversionRequest, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.model_files import script
from converters.torchscript.archive import save

TOLERANCE = 1e-5
"""Largest difference of the trace from the model, relative to the output's range; both run the same kernels."""

CHECKS = 8
"""Inputs that the trace is compared on: one may take the same branch as the traced one by chance."""

Tensors = tuple[torch.Tensor, ...]


def torchscript_from_torch(request: ConversionRequest) -> Signature:
    """Writes the frozen trace; `forward` takes the source's names and returns a tensor, or a tuple of several.

    Raises:
        ContractError: a dynamic axis other than the batch.
        UnsupportedError: the trace computes something else on other inputs, as it does where Python code looks at
            values or draws random numbers.
    """
    signature = request.source.source
    wrapper = source.torch_wrapper(request.source, as_tuple=True)
    model = _positional(wrapper, [spec.name for spec in signature.inputs])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # `_check` answers by values what they suspect
        traced = torch.jit.trace(model, _example(signature, 0), check_trace=False)
        frozen = torch.jit.freeze(traced.eval())
        for seed in range(1, 1 + CHECKS):
            outputs = _check(model, frozen, _example(signature, seed), signature)
    own = Signature(
        tuple(dataclasses.replace(spec, shape=source.fixed(spec)) for spec in signature.inputs),
        tuple(
            dataclasses.replace(spec, shape=tuple(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."))
            for spec, tensor in zip(signature.outputs, outputs, strict=True)
        ),
    )
    save(frozen, request.target, own)
    return own


def torchscript_from_torchscript(request: ConversionRequest) -> Signature:
    """Writes the archive that was brought, frozen, with its signature inside."""
    module = script.load(request.source.path)
    with torch.no_grad():
        frozen = torch.jit.freeze(module)
    save(frozen, request.target, request.source.source)
    return request.source.source


def _positional(wrapper: Any, names: list[str]) -> torch.nn.Module:
    """The wrapper with the parameters that the trace shall have, and a lone output without its tuple."""

    class Positional(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = wrapper

        def forward(self, *inputs: torch.Tensor) -> Any:
            outputs = self.model(*inputs)
            return outputs[0] if len(outputs) == 1 else outputs

    legal = [name.isidentifier() and not keyword.iskeyword(name) for name in names]
    parameters = [
        "self",
        *(name if ok else f"input_{i}" for i, (name, ok) in enumerate(zip(names, legal, strict=True))),
    ]
    Positional.forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in parameters]
    )
    return Positional().eval()


def _example(signature: Signature, seed: int) -> Tensors:
    """Pixels 0..255 for images, 0 and 1 for integers, normal numbers for the rest."""
    random = np.random.default_rng(seed)

    def values(spec: TensorSpec) -> np.ndarray:
        shape = source.fixed(spec)
        if np.dtype(spec.dtype).kind == "f":
            return random.uniform(0, 255, shape) if spec.meaning == "image" else random.standard_normal(shape)
        return random.integers(0, 2, shape)

    return tuple(torch.from_numpy(values(spec).astype(spec.dtype)) for spec in signature.inputs)


def _check(model: torch.nn.Module, frozen: Any, inputs: Tensors, signature: Signature) -> Tensors:
    """The trace's outputs for inputs that it has not seen, when they are the model's own."""
    made, wanted = (value if isinstance(value, tuple) else (value,) for value in (frozen(*inputs), model(*inputs)))
    for spec, ours, theirs in zip(signature.outputs, made, wanted, strict=True):
        span = float(theirs.max() - theirs.min()) if theirs.numel() else 0.0
        if not torch.allclose(ours.double(), theirs.double(), rtol=TOLERANCE, atol=TOLERANCE * span, equal_nan=True):
            raise UnsupportedError(
                f"the trace gives another {spec.name!r} than the model on inputs it was not traced with: the model "
                "branches on values or is random, which a trace cannot hold"
            )
    return made
