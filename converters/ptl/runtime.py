"""A .ptl file run by the lite interpreter, as an app with PyTorch Mobile runs it."""

from __future__ import annotations

import warnings
from typing import Any

from torch.jit.mobile import _load_for_lite_interpreter

from converters.contract import Artifact, Format
from converters.errors import ModelError
from converters.model_files.script import keeps_state
from converters.sniff import sniff
from converters.torchscript.archive import load
from converters.torchscript.runtime import TorchScriptSession


def open(artifact: Artifact, runtime: str, threads: int) -> TorchScriptSession:
    """A session of the file's bytecode.

    Raises:
        ModelError: another format, damaged, or with other inputs or outputs than its signature.
    """
    found = sniff(artifact.path)
    if found is not Format.PTL:
        raise ModelError(f"{runtime} opens .ptl files; {artifact.path} holds {found}")
    code, recorded = load(artifact.path, Format.PTL)
    fresh = (lambda: _loaded(artifact)) if keeps_state(code) else None
    return TorchScriptSession(artifact, _loaded(artifact), recorded, threads, fresh)


def _loaded(artifact: Artifact) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it is retired, as this target's title says
            return _load_for_lite_interpreter(str(artifact.path))
    except RuntimeError as error:
        said = str(error).splitlines()[0]
        raise ModelError(f"{artifact.path} is no file for the lite interpreter: {said}") from error
