"""PyTorch Mobile files from TorchScript: the same archive with bytecode for the lite interpreter."""

from __future__ import annotations

import dataclasses
import json
import warnings

import torch

from converters.contract import ConversionRequest, Signature
from converters.errors import UnsupportedError
from converters.torchscript.archive import SIGNATURE_FILE, load


def ptl_from_torchscript(request: ConversionRequest) -> Signature:
    """Writes the frozen module with bytecode; returns its signature, which is kept in an extra file.

    The recipe's `optimize` asks for `torch.utils.mobile_optimizer.optimize_for_mobile`.

    Raises:
        UnsupportedError: this build of PyTorch does not optimise for mobile.
    """
    module, signature = load(request.source.path)
    signature = signature or request.source.signature
    if request.options.get("optimize", False):
        module = _optimized(module)
    notes = {SIGNATURE_FILE: json.dumps(dataclasses.asdict(signature))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is retired, as this target's title says
        module._save_for_lite_interpreter(str(request.target), _extra_files=notes)
    return signature


def _optimized(module: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    """PyPI's builds of PyTorch lack XNNPACK, which the optimisation packs weights for, and say so by an assertion."""
    from torch.utils.mobile_optimizer import optimize_for_mobile

    try:
        return optimize_for_mobile(module)
    except RuntimeError as error:
        said = next((line for line in reversed(str(error).splitlines()) if line.strip()), "RuntimeError")
        raise UnsupportedError(f"optimize_for_mobile: {said.rpartition('a bug to PyTorch. ')[2].strip()}") from error
