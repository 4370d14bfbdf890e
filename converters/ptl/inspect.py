"""What a .ptl file says of itself, read without running it: TorchScript's code, and the operators of the bytecode."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from torch.jit.mobile import _get_model_bytecode_version, _get_model_ops_and_info

from converters.contract import Format
from converters.errors import ModelError
from converters.inspection import Inspection
from converters.torchscript import inspect as torchscript

_INSTRUCTIONS = frozenset(
    f"aten::{name}" for name in ("Bool", "format", "device", "dim", "__not__", "__is__", "__isnot__", "__getitem__")
)
"""Operators that bytecode has in itself, and lists nowhere (torch/csrc/jit/mobile/promoted_prim_ops.cpp)."""


def inspect(path: Path) -> Inspection:
    """As of a TorchScript archive; `operators` and `bytecode_version` are those of what the lite interpreter runs.

    Raises:
        ModelError: another format, damaged, or bytecode that calls operators which the code does not.
    """
    found = torchscript.inspect(path, Format.PTL)
    try:
        operators, version = sorted(_get_model_ops_and_info(str(path))), _get_model_bytecode_version(str(path))
    except RuntimeError as error:
        raise ModelError(f"{path}: its bytecode cannot be read: {str(error).splitlines()[0]}") from error
    runs = {name.partition(".")[0] for name in operators if name.startswith("aten::")}
    told = {op.type for op in found.ops if op.type.startswith("aten::")}
    if differ := (runs - told) | (told - runs - _INSTRUCTIONS):
        other = ", ".join(sorted(differ))
        raise ModelError(f"{path}: bytecode and code differ, in {other}; the lite interpreter runs the bytecode")
    extra = {"operators": ", ".join(operators), "bytecode_version": str(version)}
    return dataclasses.replace(found, metadata={**found.metadata, **extra})
