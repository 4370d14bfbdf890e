"""TorchScript that somebody saved: checked before PyTorch reads it, described by a call, opened as an nn.Module."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.builder import last_line
from converters.calling import flatten
from converters.contract import Artifact, Format, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError
from converters.model_files.pt2 import flat_module
from converters.names import kept_names, unknown_input
from converters.sniff import sniff
from converters.weights import fixed

_NUMBERS = ("int", "float", "bool", "number")
"""Types of arguments that are given once, by value."""


def load(path: Path) -> Any:
    """The script module on the CPU, in inference mode.

    A torch.save archive is a pickle and may run code: it is refused before torch sees it. TorchScript's own unpickler
    makes tensors and plain values only.

    Raises:
        ModelError: another format, or damaged.
    """
    import torch

    if (found := sniff(path)) is not Format.TORCHSCRIPT:
        raise ModelError(f"{path} holds {found}, not TorchScript")
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{path} is no TorchScript that PyTorch {torch.__version__} reads: {last_line(error)}"
        ) from error


def described(path: Path, inputs: tuple[TensorSpec, ...]) -> Signature:
    """What an archive that says nothing of its tensors takes and gives, by one call with `inputs`.

    Those may carry the names of the arguments, in any order, or others in the order of the call.

    Raises:
        ModelError: it does not take them, or returns no tensors.
        UnsupportedError: an argument is no tensor.
    """
    import torch

    module = load(path)
    arguments = [argument.name for argument in module.forward.schema.arguments[1:]]
    for argument in module.forward.schema.arguments[1:]:
        if str(argument.type) in _NUMBERS:
            raise UnsupportedError(
                f"its argument `{argument.name}` is {argument.type}, and no tensor: say which value it has, as in "
                f"--input {argument.name}=1"
            )
        if str(argument.type) != "Tensor" and len(inputs) == len(arguments):
            raise UnsupportedError(
                f"its argument `{argument.name}` is {argument.type}, and no tensor: wrap the module in one whose "
                "forward takes tensors only, and save that"
            )
    if {spec.name for spec in inputs} <= set(arguments):
        inputs = tuple(sorted(inputs, key=lambda spec: arguments.index(spec.name)))
    random = np.random.default_rng(0)
    values = [torch.from_numpy(_sample(spec, random)) for spec in inputs]
    try:
        with torch.no_grad():
            outputs = flatten(module(*values))
    except Exception as error:
        took = ", ".join(f"{spec.name} {spec.shape} {spec.dtype}" for spec in inputs)
        raise ModelError(f"{path} does not take {took}: {_said(error)}") from error
    tensors = {name: value for name, value in outputs.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise ModelError(f"{path} returns no tensor")
    pairs = zip(kept_names(tensors), tensors.values(), strict=True)
    return Signature(
        inputs, tuple(TensorSpec(n, tuple(v.shape), str(v.dtype).removeprefix("torch.")) for n, v in pairs)
    )


def bind(path: Path, copy: Path, values: Mapping[str, float]) -> None:
    """Writes the archive with arguments that always have one value: `forward` takes the others.

    Raises:
        ModelError: as `load`, or a value that an argument does not take.
    """
    import torch

    module = load(path)
    arguments = module.forward.schema.arguments[1:]
    names = [argument.name for argument in arguments]
    for name in values:
        if name not in names:
            raise unknown_input(path.name, name, names)
    open_ = [argument for argument in arguments if argument.name not in values and not argument.has_default_value()]
    said = {a.name: _literal(values[a.name], str(a.type)) for a in arguments if a.name in values}
    given = ", ".join(f"{name}={value}" for name, value in ({a.name: a.name for a in open_} | said).items())
    holder = torch.nn.Module()
    holder.inner = module
    bound = torch.jit.script(holder)
    takes = "".join(f", {argument.name}: {argument.type}" for argument in open_)
    try:
        bound.define(f"def forward(self{takes}):\n    return self.inner({given})\n")
    except RuntimeError as error:
        raise ModelError(f"{path} does not take {given}: {_said(error)}") from error
    with torch.no_grad(), contextlib.suppress(RuntimeError):  # what the values decide against leaves, with its weights
        bound = torch.jit.freeze(bound.eval())
    torch.jit.save(bound.eval(), str(copy))


def _literal(value: float, kind: str) -> str:
    """A value in the words of TorchScript, as an argument of this type is given."""
    if "bool" in kind:
        return str(bool(value))
    number = repr(float(value)) if "float" in kind or value != int(value) else repr(int(value))
    return f"torch.tensor({number})" if kind == "Tensor" else number


def keeps_state(module: Any) -> str:
    """The name of an attribute that a call changes, and the next call sees; empty where there is none."""
    graph = module.inlined_graph  # its nodes live as long as it does
    nodes = graph.findAllNodes("prim::SetAttr")
    return str(nodes[0].s("name")) if nodes else ""


def opened(artifact: Artifact) -> Any:
    """The archive as a module of plain operators, which torch.export makes of it.

    Raises:
        ModelError: as `load`.
        UnsupportedError: torch.export does not read it, or it keeps values from one call to the next.
    """
    import torch
    from torch._export.converter import TS2EPConverter

    module = load(artifact.path)
    require_stateless(module, "torch.export")
    example = tuple(torch.zeros(fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in artifact.source.inputs)
    try:
        return flat_module(TS2EPConverter(module, example).convert())
    except Exception as error:
        raise UnsupportedError(f"torch.export does not read this TorchScript: {last_line(error)}") from error


def require_stateless(module: Any, whose: str) -> None:
    """Raises UnsupportedError for a module that changes its own attributes, where a graph keeps no values."""
    if changed := keeps_state(module):
        raise UnsupportedError(
            f"the model keeps values from one call to the next (`{changed}`), and the graphs of {whose} do not: take "
            "them in and give them out as tensors"
        )


def _sample(spec: TensorSpec, random: np.random.Generator) -> np.ndarray:
    if np.dtype(spec.dtype).kind != "f":
        return np.zeros(fixed(spec), spec.dtype) + (np.dtype(spec.dtype).type(spec.limits[1]) if spec.limits else 0)
    return random.uniform(0, 1, fixed(spec)).astype(spec.dtype)


def _said(error: Exception) -> str:
    """The last line that TorchScript's interpreter adds none of its own to."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1] if lines else type(error).__name__)
