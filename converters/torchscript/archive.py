"""A TorchScript archive and the signature inside it: TorchScript itself keeps no names of outputs and no shapes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from converters.contract import Format, Signature, signature_from_json
from converters.errors import ContractError, ModelError
from converters.sniff import sniff

SIGNATURE_FILE = "edge_export.signature.json"
"""An extra file of the archive (`torch.jit.load(path, _extra_files={...})` reads it): the signature as JSON."""


def save(module: Any, path: Path, signature: Signature) -> None:
    """Writes a script module with its signature."""
    torch.jit.save(module, str(path), _extra_files={SIGNATURE_FILE: json.dumps(dataclasses.asdict(signature))})


def load(path: Path, format: Format = Format.TORCHSCRIPT) -> tuple[Any, Signature | None]:
    """A script module on the CPU, and its signature where the file holds one.

    A torch.save archive is a pickle and may run code: it is refused before torch sees it. TorchScript's own
    unpickler makes tensors and plain values only.

    Raises:
        ModelError: another format, damaged, or a signature that is no signature.
    """
    found = sniff(path)
    if found is not format:
        raise ModelError(f"{path} holds {found}, not {format}")
    extra = {SIGNATURE_FILE: ""}
    try:
        module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra).eval()
    except (RuntimeError, ValueError) as e:
        raise ModelError(f"{path} is no TorchScript that PyTorch {torch.__version__} reads: {_last_line(e)}") from e
    if not hasattr(module, "forward"):
        raise ModelError(f"{path} holds a module without `forward`: there is nothing to call")
    text = extra[SIGNATURE_FILE]
    if not text:
        return module, None
    try:
        return module, signature_from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, ContractError) as e:
        raise ModelError(f"{path}: the signature in {SIGNATURE_FILE} is damaged: {e}") from e


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
